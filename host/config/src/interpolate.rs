//! `${NAME}`, `${NAME:-default}`, `${file:PATH}` and `$$` in string values.
//!
//! What a placeholder brings in is not looked at again: a password may contain `${`. In the user information of a URL it is
//! percent-encoded, since a password may contain `@` and `/` as well.

use std::borrow::Cow;
use std::io;
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Schemes of URLs whose query holds credentials as well.
const QUERY_CREDENTIALS: [&str; 2] = ["redis+sentinel", "rediss+sentinel"];

/// `text` as it is written in the user information of a URL.
pub(super) fn encode(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, RESERVED).into()
}

/// Where values come from.
pub(super) struct Lookup<'a> {
    /// The value of an environment variable.
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
    /// The text of a file.
    pub(super) read_file: &'a dyn Fn(&Path) -> io::Result<String>,
    /// What relative paths are relative to.
    pub(super) base_dir: &'a Path,
}

/// A value with its placeholders replaced.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filled {
    /// The text.
    pub(super) text: String,
    /// What came from the environment and from files.
    pub(super) secrets: Vec<String>,
    /// The files read.
    pub(super) files: Vec<std::path::PathBuf>,
}

/// What is wrong with a placeholder, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// What is wrong.
    pub(super) message: String,
    /// What to do.
    pub(super) help: String,
}

/// A part of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// As typed.
    Typed(String),
    /// What stands in a placeholder's place.
    Brought(String),
}

impl Filled {
    fn typed(&mut self, pieces: &mut Vec<Piece>, text: &str) {
        match pieces.last_mut() {
            Some(Piece::Typed(so_far)) => so_far.push_str(text),
            _ => pieces.push(Piece::Typed(text.to_owned())),
        }
        self.text.push_str(text);
    }
}

/// Replaces the placeholders of `typed`.
pub(super) fn fill(typed: &str, lookup: &Lookup<'_>) -> Result<Filled, Wrong> {
    let mut filled = Filled::default();
    let mut pieces = Vec::new();
    let mut rest = typed;
    while let Some(at) = rest.find('$') {
        filled.typed(&mut pieces, &rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            filled.typed(&mut pieces, "$");
            rest = after;
        } else if let Some(inside) = rest.strip_prefix('{') {
            let (placeholder, after) = inside.split_once('}').ok_or_else(|| Wrong {
                message: "`${` without its `}`".to_owned(),
                help: "write `${NAME}`, `${NAME:-default}` or `${file:PATH}`; a literal `$` is `$$`".to_owned(),
            })?;
            let before = filled.text.len();
            fill_one(placeholder, lookup, &mut filled)?;
            pieces.push(Piece::Brought(filled.text[before..].to_owned()));
            rest = after;
        } else {
            filled.typed(&mut pieces, "$");
        }
    }
    filled.typed(&mut pieces, rest);
    if let Some(encoded) = encode_credentials(&pieces) {
        // Either form is the secret.
        filled.secrets.extend(pieces.iter().filter_map(|piece| match piece {
            Piece::Brought(value) => Some(encode(value).into_owned()).filter(|encoded| encoded != value),
            Piece::Typed(_) => None,
        }));
        filled.text = encoded;
    }
    Ok(filled)
}

/// The text in which what placeholders brought into the credentials of a URL is encoded; none where there is nothing of
/// that kind. A URL whose `SCHEME://` or whose `@` was brought itself is taken as it is.
fn encode_credentials(pieces: &[Piece]) -> Option<String> {
    let [Piece::Typed(first), ..] = pieces else { return None };
    let (scheme, _) = first.split_once("://")?;
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if scheme.is_empty() || !scheme.bytes().all(is_scheme) {
        return None;
    }
    let authority = Place { piece: 0, byte: scheme.len() + "://".len() };
    let end = typed_places(pieces, authority).find(|(_, c)| matches!(c, '/' | '?' | '#')).map(|(place, _)| place);
    let before_end = typed_places(pieces, authority).take_while(|(place, _)| Some(*place) != end);
    let at = before_end.filter(|(_, c)| *c == '@').last().map(|(place, _)| place);
    let query = end.and_then(|end| typed_places(pieces, end).find(|(_, c)| *c == '?')).map(|(place, _)| place);
    let is_pair =
        |index: usize| at == Some(Place { piece: index + 1, byte: 0 }) && index == 1 && first.len() == authority.byte;
    let mut changed = false;
    let text = pieces.iter().enumerate().map(|(index, piece)| match piece {
        Piece::Typed(text) => text.clone(),
        Piece::Brought(value) => {
            let here = Place { piece: index, byte: 0 };
            let in_query = QUERY_CREDENTIALS.contains(&scheme)
                && query.is_some_and(|query| query < here)
                && matches!(&pieces[index - 1], Piece::Typed(before) if before.ends_with('='));
            if !(at.is_some_and(|at| here < at) || in_query) {
                return value.clone();
            }
            changed = true;
            match value.split_once(':').filter(|_| is_pair(index)) {
                // `USER:PASSWORD` in one.
                Some((user, password)) => format!("{}:{}", encode(user), encode(password)),
                None => encode(value).into_owned(),
            }
        }
    });
    let text = text.collect();
    changed.then_some(text)
}

/// Where a character is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    piece: usize,
    byte: usize,
}

/// The characters that were typed, from `start` on.
fn typed_places(pieces: &[Piece], start: Place) -> impl Iterator<Item = (Place, char)> {
    pieces.iter().enumerate().flat_map(move |(piece, text)| {
        let text = match text {
            Piece::Typed(text) => text.as_str(),
            Piece::Brought(_) => "",
        };
        text.char_indices().map(move |(byte, c)| (Place { piece, byte }, c)).filter(move |(place, _)| *place >= start)
    })
}

/// Text that [`fill`] turns into `text`.
#[cfg(test)]
pub(super) fn escape(text: &str) -> String {
    text.replace('$', "$$")
}

fn fill_one(placeholder: &str, lookup: &Lookup<'_>, filled: &mut Filled) -> Result<(), Wrong> {
    if let Some(path) = placeholder.strip_prefix("file:") {
        return fill_file(path, lookup, filled);
    }
    let (name, default) = match placeholder.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (placeholder, None),
    };
    if !is_variable(name) {
        return Err(Wrong {
            message: "not the name of an environment variable in `${…}`".to_owned(),
            help: "names are letters, digits and `_`; write `${NAME}`, `${NAME:-default}` or `${file:PATH}`; \
                   a literal `$` is `$$`"
                .to_owned(),
        });
    }
    // As in a shell, `:-` also replaces an empty value.
    let value = (lookup.env)(name).filter(|value| default.is_none() || !value.is_empty());
    match (value, default) {
        (Some(value), _) => {
            filled.text.push_str(&value);
            filled.secrets.push(value);
        }
        (None, Some(default)) => filled.text.push_str(default),
        (None, None) => {
            return Err(Wrong {
                message: format!("environment variable `{name}` is not set"),
                help: format!("set it, or give a default: `${{{name}:-default}}`"),
            });
        }
    }
    Ok(())
}

fn fill_file(path: &str, lookup: &Lookup<'_>, filled: &mut Filled) -> Result<(), Wrong> {
    let full = lookup.base_dir.join(path);
    let text = (lookup.read_file)(&full).map_err(|error| Wrong {
        message: format!("cannot read `{}`: {error}", full.display()),
        help: "name a readable text file; relative paths start at the configuration file".to_owned(),
    })?;
    let value = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    filled.text.push_str(value);
    filled.secrets.push(value.to_owned());
    filled.files.push(full);
    Ok(())
}

fn is_variable(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ODD: &str = "p@ss/w:rd%#?";
    const ODD_ENCODED: &str = "p%40ss%2Fw%3Ard%25%23%3F";

    fn filled(typed: &str) -> Filled {
        let env = |name: &str| match name {
            "PW" => Some(ODD.to_owned()),
            "ENCODED" => Some("p%40ss".to_owned()),
            "PAIR" => Some("me:p@ss:word".to_owned()),
            "URL" => Some("postgres://me:p%40ss@db/shop".to_owned()),
            "REST" => Some("me:p%40ss@db".to_owned()),
            "HOST" => Some("db.internal:5432".to_owned()),
            _ => None,
        };
        let read_file = |_: &Path| Ok(format!("{ODD}\n"));
        fill(typed, &Lookup { env: &env, read_file: &read_file, base_dir: Path::new("/conf") }).unwrap()
    }

    // What is brought into the user information of a URL is encoded, whatever the scheme, from the environment, a file or
    // a default; and what is there already encoded is a password with percent signs.
    #[test]
    fn credentials_in_urls_are_encoded() {
        for scheme in ["postgres", "mysql", "redis", "rediss", "amqp", "nats", "http", "https", "tls", "redis+sentinel"]
        {
            let text = filled(&format!("{scheme}://me:${{PW}}@db:1/x")).text;
            assert_eq!(text, format!("{scheme}://me:{ODD_ENCODED}@db:1/x"));
        }
        assert_eq!(filled("amqp://me:${file:secrets/pw}@db/").text, format!("amqp://me:{ODD_ENCODED}@db/"));
        assert_eq!(filled("redis://:${NONE:-a/b}@db").text, "redis://:a%2Fb@db");
        assert_eq!(filled("redis://me:${ENCODED}@db").text, "redis://me:p%2540ss@db");
        assert_eq!(filled("nats://${PW}x@db").text, format!("nats://{ODD_ENCODED}x@db"));
        assert_eq!(filled("http://${PAIR}@proxy:3128").text, "http://me:p%40ss%3Aword@proxy:3128");
        assert_eq!(
            filled("mysql://a${PW}:${PW}@${HOST}/x").text,
            format!("mysql://a{ODD_ENCODED}:{ODD_ENCODED}@db.internal:5432/x")
        );
        let both = filled("postgres://me:${PW}@db").secrets;
        assert!(both.contains(&ODD.to_owned()) && both.contains(&ODD_ENCODED.to_owned()), "{both:?}");
    }

    // Sentinels have a password of their own, in the query.
    #[test]
    fn credentials_in_queries_are_encoded() {
        let text = filled("redis+sentinel://h1,h2/main?sentinel-user=me&sentinel-password=${PW}").text;
        assert_eq!(text, format!("redis+sentinel://h1,h2/main?sentinel-user=me&sentinel-password={ODD_ENCODED}"));
    }

    // A URL that comes whole, or with its `@`, is taken as it is; so is what stands elsewhere.
    #[test]
    fn other_text_is_taken_as_it_is() {
        assert_eq!(filled("${URL}").text, "postgres://me:p%40ss@db/shop");
        assert_eq!(filled("${URL}?sslmode=disable").text, "postgres://me:p%40ss@db/shop?sslmode=disable");
        assert_eq!(filled("postgres://${REST}/shop").text, "postgres://me:p%40ss@db/shop");
        assert_eq!(filled("http://${HOST}/a@b?c=${PW}").text, format!("http://db.internal:5432/a@b?c={ODD}"));
        assert_eq!(filled("Bearer ${PW}").text, format!("Bearer {ODD}"));
        assert_eq!(filled("mail me@${HOST}: ${PW}").text, format!("mail me@db.internal:5432: {ODD}"));
        assert_eq!(filled("$$x ${PW} $").text, format!("$x {ODD} $"));
    }
}
