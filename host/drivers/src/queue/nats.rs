//! NATS JetStream: its text protocol as far as requests and replies go, one connection per look.

use std::time::Instant;

use probity_core::clock::unix_ms;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, BufStream};

use super::Stats;
use crate::net::io_error;
use crate::server::{Server, Stream};
use crate::{CallError, ErrorKind};

/// The protocol's port; TLS is turned on within it.
pub(super) const PORTS: (u16, u16) = (4222, 4222);

/// Bytes of a line of the protocol.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// Bytes of a reply to a publication.
const ACK_BYTES_MAX: u64 = 64 << 10;

pub(super) async fn inspect(
    server: &Server,
    stream: &str,
    consumer: Option<&str>,
    bytes_max: u64,
    deadline: Instant,
) -> Result<Stats, CallError> {
    let mut nats = Nats::connect(server, deadline).await?;
    let info = nats.api(&format!("$JS.API.STREAM.INFO.{stream}"), "", bytes_max).await?;
    let Some(consumer) = consumer else { return Ok(of_stream(&info["state"], unix_ms())) };
    let info = nats.api(&format!("$JS.API.CONSUMER.INFO.{stream}.{consumer}"), "", bytes_max).await?;
    let mut stats = of_consumer(&info);
    if stats.depth.is_some_and(|depth| depth > 0) {
        let next = info["delivered"]["stream_seq"].as_u64().unwrap_or_default() + 1;
        let filter = info["config"]["filter_subject"].as_str().filter(|filter| !filter.is_empty()).unwrap_or(">");
        let ask = json!({ "seq": next, "next_by_subj": filter }).to_string();
        // The message itself comes along: one that is too large, or gone meanwhile, has no age that could be told.
        let found = nats.api(&format!("$JS.API.STREAM.MSG.GET.{stream}"), &ask, bytes_max).await.ok();
        stats.oldest_age_ms = found.and_then(|found| age(&found["message"]["time"], unix_ms()));
    }
    Ok(stats)
}

pub(super) async fn publish(
    server: &Server,
    subject: &str,
    payload: &[u8],
    deadline: Instant,
) -> Result<(), CallError> {
    let mut nats = Nats::connect(server, deadline).await?;
    let reply = nats.request(subject, payload, ACK_BYTES_MAX).await?;
    checked(&reply, subject).map(|_| ())
}

fn of_stream(state: &Value, now_ms: u64) -> Stats {
    let depth = state["messages"].as_u64();
    Stats {
        depth,
        consumers: state["consumer_count"].as_u64().and_then(|count| u32::try_from(count).ok()),
        oldest_age_ms: depth.filter(|depth| *depth > 0).and_then(|_| age(&state["first_ts"], now_ms)),
        ..Stats::default()
    }
}

fn of_consumer(info: &Value) -> Stats {
    let pending = info["num_pending"].as_u64();
    Stats { depth: pending, in_flight: info["num_ack_pending"].as_u64(), lag: pending, ..Stats::default() }
}

/// From a time as JSON to now, in milliseconds; the clocks may differ.
fn age(time: &Value, now_ms: u64) -> Option<u64> {
    let time: jiff::Timestamp = time.as_str()?.parse().ok()?;
    Some(now_ms.saturating_sub(u64::try_from(time.as_millisecond()).ok()?))
}

/// A connection that is logged in and listens on its own inbox.
struct Nats<'a> {
    server: &'a Server,
    stream: BufStream<Stream>,
    inbox: String,
}

impl<'a> Nats<'a> {
    async fn connect(server: &'a Server, deadline: Instant) -> Result<Self, CallError> {
        let mut tcp = server.connect_plain(deadline).await?;
        let mut reader = BufReader::with_capacity(4 << 10, &mut tcp);
        let greeting = line(&mut reader).await?;
        let info = greeting.strip_prefix("INFO ").and_then(|json| serde_json::from_str::<Value>(json).ok());
        let info = info.ok_or_else(|| protocol("it does not greet as NATS does"))?;
        let offers = |key: &str| info[key].as_bool().unwrap_or_default();
        let stream = if server.tls || offers("tls_required") {
            if !offers("tls_required") && !offers("tls_available") {
                return Err(CallError::new(ErrorKind::Tls, "the server does not offer TLS"));
            }
            if !reader.buffer().is_empty() {
                // Whoever is in between could have put it there.
                return Err(protocol("it goes on talking before TLS is on"));
            }
            server.secure(tcp, deadline).await?
        } else {
            Stream::Plain(tcp)
        };
        let stream = BufStream::with_capacity(8 << 10, 4 << 10, stream);
        let mut nats = Self { server, stream, inbox: format!("_INBOX.{}", uuid::Uuid::now_v7().simple()) };
        nats.log_in().await?;
        Ok(nats)
    }

    async fn log_in(&mut self) -> Result<(), CallError> {
        let mut hello = json!({
            "verbose": false, "pedantic": false, "protocol": 1, "headers": true, "no_responders": true,
            "tls_required": matches!(self.stream.get_ref(), Stream::Tls(_)),
            "name": "probity", "lang": "rust", "version": env!("CARGO_PKG_VERSION"),
        });
        match (&self.server.user, &self.server.password) {
            (Some(user), Some(password)) => {
                hello["user"] = user.as_str().into();
                hello["pass"] = password.as_str().into();
            }
            // `nats://token@host`
            (Some(token), None) => hello["auth_token"] = token.as_str().into(),
            _ => {}
        }
        let lines = format!("CONNECT {hello}\r\nSUB {} 1\r\nPING\r\n", self.inbox);
        self.send(lines.as_bytes()).await?;
        loop {
            match line(&mut self.stream).await?.as_str() {
                "PONG" => return Ok(()),
                "PING" => self.send(b"PONG\r\n").await?,
                other => self.complaint(other)?,
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), CallError> {
        let written = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        written.await.map_err(|error| io_error(&error, "send to the broker"))
    }

    /// A request to the API of JetStream, and its answer.
    async fn api(&mut self, subject: &str, payload: &str, bytes_max: u64) -> Result<Value, CallError> {
        let reply = self.request(subject, payload.as_bytes(), bytes_max).await?;
        checked(&reply, subject)
    }

    async fn request(&mut self, subject: &str, payload: &[u8], bytes_max: u64) -> Result<Vec<u8>, CallError> {
        let mut bytes = format!("PUB {subject} {} {}\r\n", self.inbox, payload.len()).into_bytes();
        bytes.extend_from_slice(payload);
        bytes.extend_from_slice(b"\r\n");
        self.send(&bytes).await?;
        loop {
            let line = line(&mut self.stream).await?;
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            match words.as_slice() {
                ["MSG", .., size] => return self.payload(size, bytes_max).await,
                ["HMSG", .., head, size] => {
                    let message = self.payload(size, bytes_max).await?;
                    let head: usize = head.parse().map_err(|_| protocol("a message without its size"))?;
                    let (head, body) = message.split_at_checked(head).ok_or_else(|| protocol("a cut message"))?;
                    return if head.starts_with(b"NATS/1.0 503") { Err(nobody(subject)) } else { Ok(body.to_vec()) };
                }
                ["PING"] => self.send(b"PONG\r\n").await?,
                _ => self.complaint(&line)?,
            }
        }
    }

    async fn payload(&mut self, size: &str, bytes_max: u64) -> Result<Vec<u8>, CallError> {
        let size: u64 = size.parse().map_err(|_| protocol("a message without its size"))?;
        if size > bytes_max {
            let message = format!("the reply is larger than {bytes_max} bytes (key `response-bytes`)");
            return Err(CallError::new(ErrorKind::TooLarge, message));
        }
        let mut bytes = Vec::new();
        let read = (&mut self.stream).take(size + 2).read_to_end(&mut bytes).await;
        let read = read.map_err(|error| io_error(&error, "read from the broker"))?;
        if (read as u64) < size + 2 {
            return Err(ended());
        }
        bytes.truncate(bytes.len() - 2);
        Ok(bytes)
    }

    /// What else a server says: news of its cluster, or that it is not content.
    fn complaint(&self, line: &str) -> Result<(), CallError> {
        if line == "+OK" || line.starts_with("INFO ") {
            return Ok(());
        }
        let Some(said) = line.strip_prefix("-ERR ") else { return Err(protocol("it says what is no word of NATS")) };
        let said = self.server.quoted(said.trim_matches('\''));
        let is_login = said.starts_with("Authorization") || said.contains("Authentication");
        let kind = if is_login { ErrorKind::Auth } else { ErrorKind::Remote };
        let code: Vec<&str> = said.split_ascii_whitespace().take(2).collect();
        Err(CallError::new(kind, said.to_owned()).with_code(code.join(" ")))
    }
}

/// A line without its end.
async fn line<R: tokio::io::AsyncBufRead + Unpin>(reader: &mut R) -> Result<String, CallError> {
    let mut line = Vec::new();
    let read = reader.take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await;
    let read = read.map_err(|error| io_error(&error, "read from the broker"))?;
    if !line.ends_with(b"\n") {
        return Err(if (read as u64) < LINE_BYTES_MAX { ended() } else { protocol("a line without end") });
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// The reply as JSON, unless it is an error of JetStream.
fn checked(reply: &[u8], subject: &str) -> Result<Value, CallError> {
    let reply: Value = serde_json::from_slice(reply).map_err(|_| protocol("a reply of JetStream that is no JSON"))?;
    let error = &reply["error"];
    if error.is_null() {
        return Ok(reply);
    }
    let code = error["err_code"].as_u64().or_else(|| error["code"].as_u64()).unwrap_or_default();
    let said: String = error["description"].as_str().unwrap_or("an error").chars().take(300).collect();
    Err(CallError::new(ErrorKind::Remote, format!("{subject}: {said}")).with_code(code.to_string()))
}

fn nobody(subject: &str) -> CallError {
    let message = format!("nobody answers {subject}: JetStream is off, or no stream has that subject");
    CallError::new(ErrorKind::Remote, message).with_code("503")
}

fn protocol(what: &str) -> CallError {
    CallError::new(ErrorKind::Protocol, format!("not the protocol of NATS: {what}"))
}

fn ended() -> CallError {
    CallError::new(ErrorKind::Refused, "the server closed the connection")
}

#[cfg(test)]
mod tests {
    use super::*;

    // A stream tells what it keeps; the first message of an empty one is no age.
    #[test]
    fn streams_tell_their_state() {
        let now: jiff::Timestamp = "2026-01-01T00:01:00Z".parse().unwrap();
        let now = u64::try_from(now.as_millisecond()).unwrap();
        let state = json!({"messages": 3, "consumer_count": 2, "first_ts": "2026-01-01T00:00:30.5Z"});
        let expected = Stats { depth: Some(3), consumers: Some(2), oldest_age_ms: Some(29_500), ..Stats::default() };
        assert_eq!(of_stream(&state, now), expected);
        let empty = json!({"messages": 0, "consumer_count": 0, "first_ts": "0001-01-01T00:00:00Z"});
        assert_eq!(of_stream(&empty, now).oldest_age_ms, None);
    }

    // An error of JetStream keeps its number.
    #[test]
    fn errors_keep_their_number() {
        let reply = br#"{"error": {"code": 404, "err_code": 10059, "description": "stream not found"}}"#;
        let error = checked(reply, "$JS.API.STREAM.INFO.X").unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Remote, Some("10059")));
        assert_eq!(checked(b"no json", "x").unwrap_err().kind, ErrorKind::Protocol);
    }
}
