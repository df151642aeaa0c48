//! The HTTP proxy of an endpoint: how to reach it, and how to get through it.
//!
//! The egress policy judges the address of the proxy, which the operator named. Where the name of the endpoint leads is
//! for the proxy to find out; which names are asked for is for the grants.

use std::time::Instant;

use http::HeaderValue;
use probity_config::grants::{Host, HostPattern};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout_at;
use url::Url;

use super::endpoint::basic;
use super::net::{Connected, Net, io_error, timeout};
use super::{CallError, ErrorKind};

/// Bytes of a proxy's answer to CONNECT.
const ANSWER_BYTES_MAX: usize = 8 << 10;

/// A proxy, ready for use.
#[derive(Clone, Debug)]
pub(super) struct Proxy {
    host: Host,
    port: u16,
    /// Marked as sensitive, which keeps it out of debug output.
    authorization: Option<HeaderValue>,
}

impl Proxy {
    /// From the URL of the configuration.
    ///
    /// # Errors
    /// What of it cannot be used.
    pub(super) fn new(url: &Url) -> Result<Self, String> {
        let host = Host::of_url(url).filter(|_| url.scheme() == "http").ok_or("not `http://host:port`")?;
        let port = url.port_or_known_default().ok_or("no port")?;
        let has_user = !url.username().is_empty() || url.password().is_some();
        let authorization = has_user.then(|| basic(url)).transpose()?;
        Ok(Self { host, port, authorization })
    }

    /// For requests that the proxy reads; inside a tunnel it would go to the server.
    pub(super) const fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// Connects to the proxy, and through it to `tunnel` if there is one. The connection's address is the proxy's.
    ///
    /// # Errors
    /// Those of [`Net::connect`], about the proxy; `auth` when it wants other credentials, `refused` when it does not
    /// let the request through, `unreachable` and `timeout` when it says so of the target, `protocol`.
    pub(super) async fn connect(
        &self,
        net: &Net,
        tunnel: Option<(&Host, u16)>,
        deadline: Instant,
    ) -> Result<Connected, CallError> {
        let start = Instant::now();
        // The operator named it in the configuration: no grant adds to that.
        let pattern = HostPattern::exactly(&self.host);
        let line = "it is named as the connection's `proxy`";
        let mut connected =
            net.connect(&self.host, self.port, &pattern, line, deadline).await.map_err(|error| self.about(error))?;
        if let Some((host, port)) = tunnel {
            let late = |_elapsed| timeout(format!("the proxy did not open a tunnel to {host} in the time given"));
            let opened = timeout_at(deadline.into(), self.open_tunnel(&mut connected.stream, host, port)).await;
            opened.map_err(late)?.map_err(|error| self.about(error))?;
            connected.connect = start.elapsed().saturating_sub(connected.dns.unwrap_or_default());
        }
        Ok(connected)
    }

    fn about(&self, error: CallError) -> CallError {
        CallError { message: format!("proxy {}:{}: {}", self.host, self.port, error.message), ..error }
    }

    async fn open_tunnel(&self, stream: &mut TcpStream, host: &Host, port: u16) -> Result<(), CallError> {
        let target = format!("{host}:{port}");
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
        if let Some(value) = &self.authorization {
            request.extend_from_slice(b"Proxy-Authorization: ");
            request.extend_from_slice(value.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        stream.write_all(&request).await.map_err(|error| io_error(&error, "CONNECT"))?;
        let answer = read_head(stream).await?;
        judge(&answer, &target)
    }
}

/// Byte by byte: what follows the head belongs to the tunnel.
async fn read_head(stream: &mut TcpStream) -> Result<String, CallError> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= ANSWER_BYTES_MAX {
            let message = format!("the answer to CONNECT is longer than {ANSWER_BYTES_MAX} bytes");
            return Err(CallError::new(ErrorKind::Protocol, message));
        }
        head.push(stream.read_u8().await.map_err(|error| io_error(&error, "CONNECT"))?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// Only the status counts; what else a proxy says may quote what it was sent.
fn judge(head: &str, target: &str) -> Result<(), CallError> {
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    let is_http = words.next().is_some_and(|version| version.starts_with("HTTP/1."));
    let status = words.next().and_then(|code| code.parse::<u16>().ok()).filter(|_| is_http);
    let Some(status) = status else {
        return Err(CallError::new(ErrorKind::Protocol, "the answer to CONNECT is not HTTP"));
    };
    let (kind, what) = match status {
        200..=299 => return Ok(()),
        407 => (ErrorKind::Auth, "wants other credentials"),
        502 | 503 => (ErrorKind::Unreachable, "could not reach it"),
        504 => (ErrorKind::Timeout, "got no answer from it"),
        _ => (ErrorKind::Refused, "does not let it through"),
    };
    let error = CallError::new(kind, format!("CONNECT {target}: status {status}, the proxy {what}"));
    Err(error.with_code(status.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    // What a proxy answers becomes the kind of error that it means.
    #[test]
    fn answers_are_judged() {
        let kind = |head: &str| judge(head, "h:443").map_err(|error| error.kind);
        assert_eq!(kind("HTTP/1.1 200 Connection established\r\n\r\n"), Ok(()));
        for (head, expected) in [
            ("HTTP/1.0 407 Proxy Authentication Required", ErrorKind::Auth),
            ("HTTP/1.1 403 Forbidden", ErrorKind::Refused),
            ("HTTP/1.1 503 x", ErrorKind::Unreachable),
            ("HTTP/1.1 504", ErrorKind::Timeout),
            ("HTTP/1.1 abc", ErrorKind::Protocol),
            ("SSH-2.0-x", ErrorKind::Protocol),
            ("", ErrorKind::Protocol),
        ] {
            assert_eq!(kind(head), Err(expected), "{head}");
        }
    }

    // The password of a proxy shows nowhere.
    #[test]
    fn credentials_do_not_show() {
        let proxy = Proxy::new(&"http://me:swordfish@proxy.internal:3128".parse().unwrap()).unwrap();
        assert!(proxy.authorization().is_some());
        let shown = format!("{proxy:?}");
        assert!(!shown.contains("swordfish") && !shown.contains("Basic"), "{shown}");
        assert_eq!((proxy.host.to_string(), proxy.port), ("proxy.internal".to_owned(), 3128));
    }
}
