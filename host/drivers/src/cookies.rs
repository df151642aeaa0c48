//! The cookies of one run: what servers set on the way, sent back to the host that set them and to no other.
//!
//! A run logs in, is redirected, and goes on: the jar lives as long as that. Cookies belong to one host, whatever their
//! `Domain` says, so that no server plants one for another; `Path` and `Secure` are kept.

use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, HeaderValue, header};
use jiff::fmt::rfc2822;
use url::Url;

/// Cookies of one run; the oldest gives way.
const COOKIES_MAX: usize = 50;

/// Bytes of one cookie's name and value; a longer one is not kept.
const COOKIE_BYTES_MAX: usize = 4 << 10;

/// Bytes of the names and values of all of them; the oldest give way.
const JAR_BYTES_MAX: usize = 16 << 10;

/// Cheap to clone: all clones are one jar.
#[derive(Clone, Default)]
pub struct Jar(Arc<Mutex<Vec<Cookie>>>);

/// One cookie. Its value is a credential more often than not.
struct Cookie {
    host: String,
    path: String,
    is_secure: bool,
    name: String,
    value: String,
}

impl std::fmt::Debug for Jar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jar").finish_non_exhaustive()
    }
}

impl Jar {
    /// Keeps what the answer of `url` sets, and drops what it takes back.
    pub fn store(&self, url: &Url, headers: &HeaderMap) {
        let Some(host) = url.host_str() else { return };
        let mut cookies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for value in headers.get_all(header::SET_COOKIE) {
            let Some((cookie, is_alive)) = std::str::from_utf8(value.as_bytes()).ok().and_then(|text| parse(text, url))
            else {
                continue;
            };
            cookies.retain(|kept| !(kept.host == host && kept.path == cookie.path && kept.name == cookie.name));
            if is_alive {
                cookies.push(cookie);
            }
            while cookies.len() > COOKIES_MAX || cookies.iter().map(Cookie::len).sum::<usize>() > JAR_BYTES_MAX {
                cookies.remove(0);
            }
        }
    }

    /// The header `cookie` of a request to `url`: the request's `own` cookies, then those of the jar that it does not
    /// name.
    pub(super) fn header(&self, url: &Url, own: Option<&HeaderValue>) -> Option<HeaderValue> {
        let cookies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = own.map_or_else(Vec::new, |own| own.as_bytes().to_vec());
        let named: Vec<&[u8]> = own.iter().flat_map(|own| names(own.as_bytes())).collect();
        let mut fitting: Vec<&Cookie> =
            cookies.iter().filter(|cookie| cookie.goes_to(url) && !named.contains(&cookie.name.as_bytes())).collect();
        // The longest path first, as servers expect it (RFC 6265, 5.4).
        fitting.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        for cookie in fitting {
            if !line.is_empty() {
                line.extend_from_slice(b"; ");
            }
            line.extend_from_slice(cookie.name.as_bytes());
            line.push(b'=');
            line.extend_from_slice(cookie.value.as_bytes());
        }
        let mut value = HeaderValue::from_bytes(&line).ok().filter(|_| !line.is_empty())?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// The names in a header `cookie`.
fn names(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b';')
        .map(|pair| pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii())
}

impl Cookie {
    const fn len(&self) -> usize {
        self.name.len() + self.value.len()
    }

    fn goes_to(&self, url: &Url) -> bool {
        let below = url.path().strip_prefix(self.path.as_str());
        let is_below = below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/'));
        url.host_str() == Some(self.host.as_str()) && is_below && (!self.is_secure || url.scheme() == "https")
    }
}

/// One `set-cookie` of `url`, and whether it sets rather than takes back; none for what may not be kept.
fn parse(text: &str, url: &Url) -> Option<(Cookie, bool)> {
    let mut parts = text.split(';').map(str::trim);
    let (name, value) = parts.next()?.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let is_plain = !name.is_empty() && !text.chars().any(char::is_control);
    if !is_plain || name.len() + value.len() > COOKIE_BYTES_MAX {
        return None;
    }
    let mut cookie = Cookie {
        host: url.host_str()?.to_owned(),
        path: default_path(url.path()).to_owned(),
        is_secure: false,
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let (mut max_age, mut expires, mut has_domain) = (None, None, false);
    for part in parts {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        match key.trim().to_ascii_lowercase().as_str() {
            "path" if value.trim().starts_with('/') => value.trim().clone_into(&mut cookie.path),
            "secure" => cookie.is_secure = true,
            "domain" => has_domain = true,
            "max-age" => max_age = value.trim().parse::<i64>().ok(),
            "expires" => expires = date(value.trim()),
            _ => {}
        }
    }
    // Whoever listens on the plain line must not set what counts on the encrypted one; the prefixes promise more.
    let lower = name.to_ascii_lowercase();
    let wants_secure = lower.starts_with("__secure-") || lower.starts_with("__host-");
    let is_host_bound = !lower.starts_with("__host-") || (cookie.path == "/" && !has_domain);
    if (cookie.is_secure && url.scheme() != "https") || (wants_secure && !cookie.is_secure) || !is_host_bound {
        return None;
    }
    let is_alive = match (max_age, expires) {
        (Some(seconds), _) => seconds > 0,
        (None, Some(end)) => end > jiff::Timestamp::now(),
        (None, None) => true,
    };
    Some((cookie, is_alive))
}

/// Where a cookie without a path goes: the folder of what set it (RFC 6265, 5.1.4).
fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(end) => &path[..end],
    }
}

/// `Wed, 21 Oct 2026 07:28:00 GMT`, also with dashes.
fn date(text: &str) -> Option<jiff::Timestamp> {
    let zoned = rfc2822::DateTimeParser::new().parse_zoned(text.replace('-', " ")).ok()?;
    Some(zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    /// A jar with what `from` set.
    fn jar(from: &str, lines: &[&str]) -> Jar {
        let jar = Jar::default();
        set(&jar, from, lines);
        jar
    }

    fn set(jar: &Jar, from: &str, lines: &[&str]) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::SET_COOKIE, HeaderValue::from_str(line).unwrap());
        }
        jar.store(&url(from), &headers);
    }

    fn sent(jar: &Jar, to: &str) -> String {
        jar.header(&url(to), None).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    // A cookie goes back to its host, whatever the port, and to no other, whatever its domain says.
    #[test]
    fn cookies_stay_at_their_host() {
        let jar = jar("http://login.shop.test/", &["a=1", "b=2; Domain=shop.test", "c=3; Domain=other.test"]);
        assert_eq!(sent(&jar, "http://login.shop.test:8080/x"), "a=1; b=2; c=3");
        for other in ["http://shop.test/", "http://www.shop.test/", "http://other.test/", "http://xlogin.shop.test/"] {
            assert_eq!(sent(&jar, other), "", "{other}");
        }
    }

    // The path bounds where a cookie goes; without one it is the folder of what set it.
    #[test]
    fn paths_are_kept() {
        let jar =
            jar("http://h.test/app/login", &["own=1", "all=2; Path=/", "deep=3; path=/app/orders", "odd=4; Path=x"]);
        assert_eq!(sent(&jar, "http://h.test/app/orders/7"), "deep=3; own=1; odd=4; all=2");
        assert_eq!(sent(&jar, "http://h.test/app"), "own=1; odd=4; all=2");
        assert_eq!(sent(&jar, "http://h.test/application"), "all=2");
    }

    // A secure cookie is neither set nor sent in the clear, and prefixes keep their promise.
    #[test]
    fn secure_cookies_stay_inside() {
        let jar = jar(
            "https://h.test/",
            &["s=1; Secure", "__Host-a=2; Secure; Path=/", "__Secure-b=3", "__Host-c=4; Secure; Path=/; Domain=h.test"],
        );
        assert_eq!(sent(&jar, "https://h.test/"), "s=1; __Host-a=2");
        assert_eq!(sent(&jar, "http://h.test/"), "");
        set(&jar, "http://h.test/", &["t=1; Secure", "s=forged; Secure"]);
        assert_eq!(sent(&jar, "https://h.test/"), "s=1; __Host-a=2");
    }

    // A cookie is replaced by its name, and taken back by an age or a date that is over.
    #[test]
    fn cookies_are_replaced_and_taken_back() {
        let jar = jar("http://h.test/", &["a=1", "b=2", "c=3"]);
        set(&jar, "http://h.test/", &["a=9; Max-Age=60", "b=; Max-Age=0", "c=; Expires=Thu, 01-Jan-1970 00:00:00 GMT"]);
        assert_eq!(sent(&jar, "http://h.test/"), "a=9");
        set(&jar, "http://h.test/", &["a=8; Expires=Fri, 31 Dec 2100 00:00:00 GMT; Max-Age=-1"]);
        assert_eq!(sent(&jar, "http://h.test/"), "");
    }

    // What a request says itself comes first and wins.
    #[test]
    fn own_cookies_win() {
        let jar = jar("http://h.test/", &["a=1", "b=2"]);
        let own = HeaderValue::from_static("b=own; c=3");
        assert_eq!(jar.header(&url("http://h.test/"), Some(&own)).unwrap(), "b=own; c=3; a=1");
    }

    // A server cannot fill the run's memory: number and bytes are bounded, nonsense is not kept.
    #[test]
    fn the_jar_is_bounded() {
        let many: Vec<String> = (0..200).map(|index| format!("n{index}=v")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let crowded = jar("http://h.test/", &many);
        let all = sent(&crowded, "http://h.test/");
        assert_eq!(all.split("; ").count(), COOKIES_MAX);
        assert!(all.starts_with("n150=v") && all.ends_with("n199=v"), "{all}");
        let long = "x".repeat(COOKIE_BYTES_MAX - 1);
        let long = jar(
            "http://h.test/",
            &[
                &format!("a={long}"),
                &format!("b={long}"),
                &format!("c={long}"),
                &format!("d={long}"),
                &format!("e={long}"),
                &format!("toolong={long}"),
            ],
        );
        let line = sent(&long, "http://h.test/");
        assert!(line.starts_with("b=") && line.len() <= JAR_BYTES_MAX + 10, "{}", line.len());
        assert_eq!(sent(&jar("http://h.test/", &["", "=x", "novalue", "; Path=/"]), "http://h.test/"), "");
    }
}
