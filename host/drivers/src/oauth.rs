//! OAuth 2.0 client credentials (RFC 6749, 4.4): the token of an endpoint, fetched once, kept, and renewed in time.
//!
//! Neither the secret nor the token gets to a guest or into a message. The operator named the token endpoint in the
//! configuration, so that no grant adds to it; the egress policy judges its address. It is always verified in full, as
//! the secret goes there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::{BoxFuture, Shared};
use futures_util::{FutureExt as _, TryFutureExt as _};
use http::{HeaderMap, HeaderValue, Method, header};
use probity_config::grants::{Host, HostPattern};
use probity_config::{OAuth2, SecretPlace, Secrets};
use serde::Deserialize;
use tokio::time::timeout_at;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::budget::Budget;
use super::content::{self, Room};
use super::endpoint::sensitive;
use super::exchange::{Exchange, Hop};
use super::net::{Net, timeout};
use super::proxy::Proxy;
use super::tls::Trust;
use super::{CallError, ErrorKind};

/// For one answer of the token endpoint, whoever waits.
const FETCH_TIME_MAX: Duration = Duration::from_secs(10);

/// Bytes of its answer.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// How long a token is good for when the endpoint does not say.
const LIFETIME_DEFAULT: Duration = Duration::from_secs(300);

/// A token is fetched anew after this long at the latest.
const LIFETIME_MAX: Duration = Duration::from_secs(86_400);

/// A token is renewed so long before its end, or a tenth of its life before when that is less: requests take time, and
/// clocks differ.
const MARGIN_MAX: Duration = Duration::from_secs(30);

/// Characters of an error code that are shown (RFC 6749, 5.2).
const ERROR_CODE_MAX: usize = 64;

/// Tokens for one endpoint. Cheap to clone: all clones share the token.
#[derive(Clone)]
pub(super) struct OAuth {
    settings: Arc<Settings>,
    state: Arc<Mutex<State>>,
}

struct Settings {
    url: Url,
    host: Host,
    headers: HeaderMap,
    body: Bytes,
    trust: Option<Trust>,
    proxy: Option<Proxy>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    flight: Option<Flight>,
    /// Tokens so far.
    count: u64,
}

/// A request under way, for whoever wants a token meanwhile.
#[derive(Clone)]
struct Flight {
    started: Instant,
    answer: Shared<BoxFuture<'static, Result<Fresh, CallError>>>,
}

/// What the endpoint gave.
#[derive(Clone)]
struct Fresh {
    token: Arc<str>,
    header: HeaderValue,
    /// When to ask for the next one.
    until: Instant,
}

#[derive(Clone)]
struct Token {
    fresh: Fresh,
    number: u64,
}

/// A token for one request.
pub(super) struct Lease {
    pub(super) header: HeaderValue,
    /// It was fetched for this request: another one would be no better.
    pub(super) is_new: bool,
    number: u64,
}

/// The secret is inside.
impl std::fmt::Debug for OAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OAuth").field("host", &self.settings.host).finish_non_exhaustive()
    }
}

impl OAuth {
    /// From the configuration; `proxy` is the connection's.
    ///
    /// # Errors
    /// What of it cannot be used. No part of the secret is in it.
    pub(super) fn new(oauth2: &OAuth2, proxy: Option<Proxy>) -> Result<Self, String> {
        let host = Host::of_url(&oauth2.token_url).ok_or("`token-url` has no host")?;
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(super::client::USER_AGENT));
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        for (name, value) in [("scope", &oauth2.scope), ("audience", &oauth2.audience)] {
            if let Some(value) = value {
                form.append_pair(name, value);
            }
        }
        match oauth2.secret_in {
            SecretPlace::Body => {
                form.append_pair("client_id", &oauth2.client_id).append_pair("client_secret", &oauth2.client_secret);
            }
            SecretPlace::Header => {
                let escaped = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let pair = format!("{}:{}", escaped(&oauth2.client_id), escaped(&oauth2.client_secret));
                let value = sensitive(&format!("Basic {}", STANDARD.encode(pair))).ok_or("unusable credentials")?;
                headers.insert(header::AUTHORIZATION, value);
            }
        }
        let trust = oauth2.ca.as_deref().map(Trust::only).transpose()?;
        let (url, body) = (oauth2.token_url.clone(), Bytes::from(form.finish()));
        let settings = Arc::new(Settings { url, host, headers, body, trust, proxy });
        Ok(Self { settings, state: Arc::default() })
    }

    /// A token that is good for a while: the one that is kept, or a new one. Whoever comes while one is fetched waits
    /// for that.
    ///
    /// # Errors
    /// Those of the token endpoint, which they name; `timeout`.
    pub(super) async fn token(
        &self,
        (net, system, secrets): (&Net, &Trust, &Secrets),
        deadline: Instant,
    ) -> Result<Lease, CallError> {
        let flight = {
            let mut state = self.state();
            let now = Instant::now();
            if let Some(Token { fresh, number }) = state.token.as_ref().filter(|token| token.fresh.until > now) {
                return Ok(Lease { header: fresh.header.clone(), is_new: false, number: *number });
            }
            // One that everybody gave up on says nothing about now.
            let under_way = state.flight.clone().filter(|flight| now < flight.started + FETCH_TIME_MAX);
            under_way.unwrap_or_else(|| {
                let fetch = fetch(Arc::clone(&self.settings), net.clone(), system.clone(), now + FETCH_TIME_MAX);
                let secrets = secrets.clone();
                // Before anybody has it.
                let fetch = fetch.inspect_ok(move |fresh| secrets.learn(&fresh.token));
                let flight = Flight { started: now, answer: fetch.boxed().shared() };
                state.flight = Some(flight.clone());
                flight
            })
        };
        let late = |_elapsed| timeout(format!("{}: no token in the time given", self.settings.named()));
        let answer = timeout_at(deadline.into(), flight.answer.clone()).await.map_err(late)?;
        let mut state = self.state();
        if state.flight.as_ref().is_some_and(|current| current.answer.ptr_eq(&flight.answer)) {
            state.flight = None;
            if let Ok(fresh) = &answer {
                state.count += 1;
                state.token = Some(Token { fresh: fresh.clone(), number: state.count });
            }
        }
        let number = state.count;
        Ok(Lease { header: answer?.header, is_new: true, number })
    }

    /// Drops the token that a server did not take, unless it was replaced since.
    pub(super) fn forget(&self, lease: &Lease) {
        let mut state = self.state();
        if state.token.as_ref().is_some_and(|token| token.number == lease.number) {
            state.token = None;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Settings {
    fn named(&self) -> String {
        format!("token endpoint {}", &self.url[..url::Position::AfterPath])
    }
}

async fn fetch(settings: Arc<Settings>, net: Net, system: Trust, deadline: Instant) -> Result<Fresh, CallError> {
    let named = |error: CallError| CallError { message: format!("{}: {}", settings.named(), error.message), ..error };
    let asked = Instant::now();
    let hop = Hop {
        method: Method::POST,
        url: settings.url.clone(),
        headers: settings.headers.clone(),
        body: settings.body.clone(),
        http2_only: false,
        pattern: HostPattern::exactly(&settings.host),
        line: "it is named as the connection's `oauth2.token-url`".to_owned(),
        trust: settings.trust.as_ref().unwrap_or(&system),
        proxy: settings.proxy.as_ref(),
        address: None,
    };
    let mut exchange = Exchange::open(&net, hop, deadline).await.map_err(named)?;
    let budget = Budget::default();
    let room = Room { max: ANSWER_BYTES_MAX, budget: &budget, deadline };
    let body = exchange.body(room.max, room.budget, deadline).await.map_err(named)?.map_err(named)?;
    let body = content::decoded(body, &exchange.headers, room).await.map_err(named)?;
    let answer = judge(exchange.status.as_u16(), &body).map_err(named)?;
    let header = sensitive(&format!("Bearer {}", answer.token)).ok_or_else(|| {
        named(CallError::new(ErrorKind::Protocol, "its token holds characters that headers cannot carry"))
    })?;
    Ok(Fresh {
        token: answer.token.into(),
        header,
        until: asked + answer.lifetime - (answer.lifetime / 10).min(MARGIN_MAX),
    })
}

/// A token as the endpoint tells it.
struct Answer {
    token: String,
    lifetime: Duration,
}

/// What an answer may hold.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    access_token: Option<String>,
    token_type: Option<String>,
    /// A number; some write it as a text.
    expires_in: serde_json::Value,
    error: Option<String>,
}

/// Only codes are quoted of an answer: the rest may hold what was sent.
fn judge(status: u16, body: &[u8]) -> Result<Answer, CallError> {
    let document: Option<Document> = serde_json::from_slice(body).ok();
    if !(200..300).contains(&status) {
        let is_code = |code: &String| {
            code.len() <= ERROR_CODE_MAX
                && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        };
        let code = document.and_then(|document| document.error).filter(is_code);
        let kind = if matches!(status, 400 | 401 | 403) { ErrorKind::Auth } else { ErrorKind::Remote };
        let said = code.as_ref().map(|code| format!(", {code}")).unwrap_or_default();
        let error = CallError::new(kind, format!("it gives no token: status {status}{said}"));
        return Err(error.with_code(code.unwrap_or_else(|| status.to_string())));
    }
    let protocol = |what: &str| CallError::new(ErrorKind::Protocol, what);
    let document = document.ok_or_else(|| protocol("its answer is no JSON object"))?;
    if document.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(protocol("it gives a token that is not of type `Bearer`"));
    }
    let token = document.access_token.filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| protocol("its answer has no `access_token`"))?;
    let seconds = match &document.expires_in {
        serde_json::Value::Number(number) => number.as_f64(),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let lifetime = seconds.and_then(|seconds: f64| Duration::try_from_secs_f64(seconds.min(1e9)).ok());
    Ok(Answer { token, lifetime: lifetime.unwrap_or(LIFETIME_DEFAULT).min(LIFETIME_MAX) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifetime(body: &str) -> u64 {
        judge(200, body.as_bytes()).map(|answer| answer.lifetime.as_secs()).unwrap()
    }

    // A token's life is what the endpoint says, in whatever way; without a word it is five minutes, and never more than
    // a day.
    #[test]
    fn answers_are_read() {
        let answer =
            judge(200, br#"{"access_token":"t-1","token_type":"bearer","expires_in":3600,"scope":"x"}"#).unwrap();
        assert_eq!((answer.token.as_str(), answer.lifetime.as_secs()), ("t-1", 3600));
        assert_eq!(lifetime(r#"{"access_token":"t","expires_in":"120"}"#), 120);
        assert_eq!(lifetime(r#"{"access_token":"t"}"#), 300);
        assert_eq!(lifetime(r#"{"access_token":"t","expires_in":-5}"#), 300);
        assert_eq!(lifetime(r#"{"access_token":"t","expires_in":1e300}"#), 86_400);
    }

    // What is no token is an error that says so, without a word of what the endpoint may have echoed.
    #[test]
    fn refusals_are_told() {
        for (status, body, kind, said) in [
            (
                401,
                r#"{"error":"invalid_client","error_description":"bad secret hunter2"}"#,
                ErrorKind::Auth,
                "status 401, invalid_client",
            ),
            (400, r#"{"error":"hunter2 is wrong"}"#, ErrorKind::Auth, "status 400"),
            (503, "<html>hunter2", ErrorKind::Remote, "status 503"),
            (302, "", ErrorKind::Remote, "status 302"),
            (200, "<html>hunter2", ErrorKind::Protocol, "no JSON"),
            (200, r#"{"token_type":"bearer"}"#, ErrorKind::Protocol, "no `access_token`"),
            (200, r#"{"access_token":""}"#, ErrorKind::Protocol, "no `access_token`"),
            (200, r#"{"access_token":"t","token_type":"mac"}"#, ErrorKind::Protocol, "`Bearer`"),
        ] {
            let error = judge(status, body.as_bytes()).err().unwrap();
            assert_eq!(error.kind, kind, "{body}");
            assert!(error.message.contains(said) && !error.message.contains("hunter2"), "{}", error.message);
        }
    }
}
