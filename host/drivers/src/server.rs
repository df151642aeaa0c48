//! One server of `[connections]` with a protocol of its own: where it is, as whom, and under whose authorities.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::FutureExt as _;
use percent_encoding::percent_decode_str;
use probity_config::ServerConnection;
use probity_config::grants::{Host, HostPattern};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::net::Net;
use super::tls::{self, Offer, Trust};
use super::{CallError, ErrorKind};

/// Address, credentials and authorities. Printed without the credentials.
#[derive(Clone)]
pub(super) struct Server {
    /// The connection's name, for messages.
    pub(super) name: String,
    pub(super) host: Host,
    pub(super) port: u16,
    /// Whether the URL asks for TLS.
    pub(super) tls: bool,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    /// The URL's path without its first slash.
    pub(super) path: String,
    trust: Trust,
    net: Net,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("name", &self.name).field("host", &self.host).finish_non_exhaustive()
    }
}

impl Server {
    /// From the configuration; `ports` are the protocol's own, without and with TLS.
    ///
    /// # Errors
    /// What of it cannot be used. No part of the credentials is in it.
    pub(super) fn new(
        name: &str,
        connection: &ServerConnection,
        ports: (u16, u16),
        net: &Net,
        system: &Trust,
    ) -> Result<Self, String> {
        let url = &connection.url;
        let tls = connection.tls;
        let host = Host::parse(url.host_str().unwrap_or_default())?;
        let (ca, identity) = (connection.ca.as_deref(), connection.identity.as_ref());
        let is_own = ca.is_some() || identity.is_some();
        let trust = is_own.then(|| Trust::new(ca, identity)).transpose().map_err(|error| format!("TLS: {error}"))?;
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        Ok(Self {
            name: name.to_owned(),
            host,
            port: url.port().unwrap_or(if tls { ports.1 } else { ports.0 }),
            tls,
            user: Some(decoded(url.username())).filter(|user| !user.is_empty()),
            password: url.password().map(decoded),
            path: decoded(url.path().strip_prefix('/').unwrap_or_default()),
            trust: trust.unwrap_or_else(|| system.clone()),
            net: net.clone(),
        })
    }

    /// The same elsewhere: what is true of it but its place.
    pub(super) fn at(&self, host: Host, port: u16) -> Self {
        Self { host, port, ..self.clone() }
    }

    /// Opens a connection, with TLS where the scheme asks for it.
    ///
    /// # Errors
    /// Those of [`Net::connect`] and `tls`.
    pub(super) async fn connect(&self, deadline: Instant) -> Result<Stream, CallError> {
        let stream = self.connect_plain(deadline).await?;
        if self.tls { self.secure(stream, deadline).await } else { Ok(Stream::Plain(stream)) }
    }

    /// Opens a connection without TLS, for protocols that turn it on later.
    ///
    /// # Errors
    /// Those of [`Net::connect`].
    pub(super) async fn connect_plain(&self, deadline: Instant) -> Result<TcpStream, CallError> {
        let pattern = HostPattern::exactly(&self.host);
        let line = format!("[connections.{}] with an address in `url`", self.name);
        let connected = self.net.connect(&self.host, self.port, &pattern, &line, deadline).await;
        Ok(connected.map_err(|error| self.named(error))?.stream)
    }

    /// Turns TLS on.
    ///
    /// # Errors
    /// `tls`, `timeout`.
    pub(super) async fn secure(&self, stream: TcpStream, deadline: Instant) -> Result<Stream, CallError> {
        let secured = tls::handshake(stream, &self.host, &self.trust, Offer::Nothing, deadline).await;
        Ok(Stream::Tls(Box::new(secured.map_err(|error| self.named(error))?.0)))
    }

    /// `error` with the connection's name before it, once.
    pub(super) fn named(&self, error: CallError) -> CallError {
        let name = format!("connection `{}`: ", self.name);
        if error.message.starts_with(&name) {
            return error;
        }
        CallError { message: name + &error.message, ..error }
    }

    /// What the server said, unless the password is in it: some quote what they did not understand.
    pub(super) fn quoted<'a>(&self, said: &'a str) -> &'a str {
        match &self.password {
            Some(password) if !password.is_empty() && said.contains(password.as_str()) => "(not shown)",
            _ => said,
        }
    }
}

/// The error of a connection that the configuration has, but that cannot be used, or that it does not have.
pub(super) fn unusable(name: &str, why: Option<&str>) -> CallError {
    match why {
        Some(why) => CallError::new(ErrorKind::Other, format!("connection `{name}` cannot be used: {why}")),
        None => {
            let message = format!("no connection `{name}`; to declare it, add: [connections.{name}]");
            CallError::new(ErrorKind::NotFound, message)
        }
    }
}

/// An open connection.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Whether the server has closed it, or said something that nobody asked for, while it was idle.
    pub(super) fn is_stale(&self) -> bool {
        let (tcp, tls) = match self {
            Self::Plain(tcp) => (tcp, false),
            Self::Tls(tls) => (tls.get_ref().0, true),
        };
        match tcp.peek(&mut [0; 1]).now_or_never() {
            None => false,
            // Under TLS this may be a session ticket.
            Some(Ok(1..)) => !tls,
            Some(Ok(0) | Err(_)) => true,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
