//! A TCP connection as line protocols and banner checks use it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use probity_config::Grants;
use probity_config::grants::Host;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout_at;

use super::authorities::Authorities;
use super::net::{Net, io_error, timeout};
use super::server::Stream;
use super::tls::TlsInfo;
use super::tls_inspect::Inspector;
use super::tls_words::session_error;
use super::{CallError, ErrorKind};

/// An open connection. Dropping it closes it.
#[derive(Debug)]
pub struct Socket {
    /// None after a handshake that failed.
    stream: Option<Stream>,
    /// As asked for, which is who a certificate must name.
    host: Host,
    remote: SocketAddr,
    connect: Duration,
    /// Read from the peer, not yet asked for.
    unread: Vec<u8>,
}

impl Socket {
    /// Bytes one read returns at most, whatever the guest asks for.
    pub const READ_BYTES_MAX: usize = 1 << 20;

    /// Bytes taken from the peer at once.
    const CHUNK_BYTES: usize = 16 << 10;

    /// Connects to `host`, as typed by the guest, if `grants` allow it.
    ///
    /// # Errors
    /// `invalid-argument` for what is no host or port, `denied` with the line to add, and those of [`Net::connect`].
    pub async fn connect(
        net: &Net,
        grants: &Grants,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> Result<Self, CallError> {
        let host = Host::parse(host).map_err(|error| CallError::new(ErrorKind::InvalidArgument, error))?;
        if port == 0 {
            return Err(CallError::new(ErrorKind::InvalidArgument, "port 0 cannot be connected to"));
        }
        let line = Grants::line_for_tcp(&host, port);
        let Some(grant) = grants.allows_tcp(&host, port) else {
            let message = format!("{host}:{port} is not granted to this check; to allow it, add: {line}");
            return Err(CallError::new(ErrorKind::Denied, message));
        };
        let connected = net.connect(&host, port, &grant.host, &line, deadline).await?;
        let stream = Some(Stream::Plain(connected.stream));
        let (remote, connect) = (connected.address, connected.connect);
        Ok(Self { stream, host, remote, connect, unread: Vec::new() })
    }

    /// Time to connect, without the look-up.
    #[must_use]
    pub const fn connect_time(&self) -> Duration {
        self.connect
    }

    /// The address it leads to.
    #[must_use]
    pub const fn remote_address(&self) -> SocketAddr {
        self.remote
    }

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// `refused` when the peer has gone, `timeout` when it does not take the bytes.
    pub async fn write(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), CallError> {
        let remote = self.remote;
        let stream = self.stream.as_mut().ok_or_else(|| gone(remote))?;
        let written = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        };
        timeout_at(deadline.into(), written)
            .await
            .map_err(|_elapsed| timeout(format!("{remote} did not take {} bytes in the time given", bytes.len())))?
            .map_err(|error| stream_error(&error, &format!("write to {remote}")))
    }

    /// Turns the connection into TLS with `name`, or with the host that was connected to. The certificate is judged by
    /// `authorities`, or the system's; that it is not trusted is in the answer.
    ///
    /// # Errors
    /// `invalid-argument` for what is no name and when this is TLS already, `protocol` when something was said that
    /// nobody has read, and those of the handshake, after which nothing can be said any more.
    pub async fn start_tls(
        &mut self,
        inspector: &Inspector,
        name: Option<&str>,
        authorities: Option<Authorities>,
        deadline: Instant,
    ) -> Result<TlsInfo, CallError> {
        let invalid = |why: String| CallError::new(ErrorKind::InvalidArgument, why);
        let name = name.map(Host::parse).transpose().map_err(invalid)?;
        // Whoever sits in between could have put it there, to be taken for something said inside (CVE-2011-0411).
        if !self.unread.is_empty() {
            let message = format!("{} said {} bytes more before TLS began", self.remote, self.unread.len());
            return Err(CallError::new(ErrorKind::Protocol, message));
        }
        let stream = match self.stream.take() {
            Some(Stream::Plain(stream)) => stream,
            Some(tls) => {
                self.stream = Some(tls);
                return Err(invalid("the connection is TLS already".to_owned()));
            }
            None => return Err(gone(self.remote)),
        };
        let name = name.as_ref().unwrap_or(&self.host);
        let (stream, info) = inspector.shake(stream, name, authorities, deadline).await?;
        self.stream = Some(Stream::Tls(Box::new(stream)));
        Ok(info)
    }

    /// Reads at least one byte and at most `max`; nothing at the end of the stream.
    ///
    /// # Errors
    /// `refused` when the peer reset, `timeout` when nothing came.
    pub async fn read(&mut self, max: usize, deadline: Instant) -> Result<Vec<u8>, CallError> {
        let max = max.min(Self::READ_BYTES_MAX);
        if max == 0 {
            return Err(CallError::new(
                ErrorKind::InvalidArgument,
                "reading 0 bytes tells nothing: ask for at least 1",
            ));
        }
        if self.unread.is_empty() && self.fill(deadline).await? == 0 {
            return Ok(Vec::new());
        }
        Ok(self.take(max))
    }

    /// Reads through `delimiter`, which is part of the answer. What came after it stays for the next read.
    ///
    /// # Errors
    /// `too-large` when `max` bytes (at most [`Self::READ_BYTES_MAX`]) hold no delimiter, `protocol` when the stream
    /// ends before it, and those of [`Self::read`]. What was read stays readable.
    pub async fn read_until(&mut self, delimiter: &[u8], max: usize, deadline: Instant) -> Result<Vec<u8>, CallError> {
        if delimiter.is_empty() {
            return Err(CallError::new(ErrorKind::InvalidArgument, "the delimiter is empty"));
        }
        let max = max.min(Self::READ_BYTES_MAX);
        let mut searched = 0;
        loop {
            if let Some(at) = find(&self.unread[searched..], delimiter) {
                let end = searched + at + delimiter.len();
                if end <= max {
                    return Ok(self.take(end));
                }
            }
            if self.unread.len() >= max {
                let message = format!("no delimiter within {max} bytes from {}", self.remote);
                return Err(CallError::new(ErrorKind::TooLarge, message));
            }
            // The delimiter may begin in what is here and end in what comes.
            searched = self.unread.len().saturating_sub(delimiter.len() - 1);
            if self.fill(deadline).await? == 0 {
                let message = format!("{} closed after {} bytes without a delimiter", self.remote, self.unread.len());
                return Err(CallError::new(ErrorKind::Protocol, message));
            }
        }
    }

    fn take(&mut self, max: usize) -> Vec<u8> {
        let rest = self.unread.split_off(max.min(self.unread.len()));
        std::mem::replace(&mut self.unread, rest)
    }

    /// Adds what the peer sent to `unread`; 0 at the end of the stream.
    async fn fill(&mut self, deadline: Instant) -> Result<usize, CallError> {
        self.unread.reserve(Self::CHUNK_BYTES);
        let stream = self.stream.as_mut().ok_or_else(|| gone(self.remote))?;
        let mut room = stream.take(Self::CHUNK_BYTES as u64);
        timeout_at(deadline.into(), room.read_buf(&mut self.unread))
            .await
            .map_err(|_elapsed| timeout(format!("{} sent nothing in the time given", self.remote)))?
            .map_err(|error| stream_error(&error, &format!("read from {}", self.remote)))
    }
}

fn gone(remote: SocketAddr) -> CallError {
    CallError::new(ErrorKind::Refused, format!("the connection to {remote} ended with a failed TLS handshake"))
}

fn stream_error(error: &std::io::Error, doing: &str) -> CallError {
    session_error(error, doing).unwrap_or_else(|| io_error(error, doing))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use probity_config::Egress;
    use probity_config::grants::TcpGrant;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::net::Resolver;
    use crate::net::tests::within;

    fn grants(text: &str) -> Grants {
        Grants { tcp: vec![TcpGrant::parse(text).unwrap()], ..Grants::default() }
    }

    /// A connection to a peer that the test plays.
    async fn pair() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let net = Net::new(Egress::default(), Resolver::default());
        let grants = grants("127.0.0.1:*");
        let socket = Socket::connect(&net, &grants, "127.0.0.1", port, within(2_000)).await.unwrap();
        (socket, listener.accept().await.unwrap().0)
    }

    // What is not granted is denied before any socket opens, and the message is the line to add.
    #[tokio::test]
    async fn denial_names_the_grant() {
        let net = Net::new(Egress::default(), Resolver::default());
        let error = Socket::connect(&net, &grants("127.0.0.1:1"), "127.0.0.1", 2, within(100)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied);
        assert!(error.message.ends_with("grants = { tcp = [\"127.0.0.1:2\"] }"), "{}", error.message);
    }

    // Lines come one by one, however the peer cut them, and what follows stays for the next read.
    #[tokio::test]
    async fn lines_survive_any_cut() {
        let (mut socket, mut peer) = pair().await;
        peer.write_all(b"+OK\r").await.unwrap();
        let read = socket.read_until(b"\r\n", 64, within(2_000));
        let (line, written) = tokio::join!(read, peer.write_all(b"\n+PONG\r\nrest"));
        written.unwrap();
        assert_eq!(line.unwrap(), b"+OK\r\n");
        assert_eq!(socket.read_until(b"\r\n", 64, within(2_000)).await.unwrap(), b"+PONG\r\n");
        drop(peer);
        let mut rest = socket.read(2, within(2_000)).await.unwrap();
        rest.extend(socket.read(64, within(2_000)).await.unwrap());
        assert_eq!(rest, b"rest");
        assert_eq!(socket.read(64, within(2_000)).await.unwrap(), b"");
    }

    // A peer that sends without end and without a delimiter is cut at the maximum.
    #[tokio::test]
    async fn endless_line_is_too_large() {
        let (mut socket, mut peer) = pair().await;
        peer.write_all(&[b'x'; 100]).await.unwrap();
        let error = socket.read_until(b"\n", 64, within(2_000)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooLarge);
    }

    // A peer that closes in the middle of a line is told apart from one that is silent.
    #[tokio::test]
    async fn closing_and_silence_differ() {
        let (mut socket, mut peer) = pair().await;
        let error = socket.read(1, within(50)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Timeout);
        peer.write_all(b"half").await.unwrap();
        peer.shutdown().await.unwrap();
        let error = socket.read_until(b"\n", 64, within(2_000)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Protocol);
        // Half-closed: the other direction still works.
        socket.write(b"still here", within(2_000)).await.unwrap();
        let mut heard = [0; 10];
        peer.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"still here");
    }

    // A peer that resets is `refused` with the errno's name.
    #[tokio::test]
    async fn reset_is_refused() {
        let (mut socket, peer) = pair().await;
        socket.write(b"unread by the peer", within(2_000)).await.unwrap();
        peer.readable().await.unwrap();
        // Closing with unread bytes sends a reset.
        drop(peer);
        let error = socket.read(1, within(2_000)).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Refused, Some("ECONNRESET")));
    }

    // A peer that never reads does not hold a write beyond its time.
    #[tokio::test]
    async fn full_pipe_times_out() {
        let (mut socket, _peer) = pair().await;
        let error = socket.write(&vec![0; 64 << 20], within(200)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Timeout);
    }

    // Dropping the socket closes it: the peer sees the end.
    #[tokio::test]
    async fn dropping_closes() {
        let (socket, mut peer) = pair().await;
        drop(socket);
        assert_eq!(tokio::time::timeout(Duration::from_secs(2), peer.read(&mut [0; 1])).await.unwrap().unwrap(), 0);
    }

    /// Agrees on TLS in the clear, shakes hands with a certificate for `mail.test`, and says one more line inside.
    async fn play_starttls(mut peer: TcpStream, more: &[u8]) -> String {
        let mut leaf = rcgen::CertificateParams::new(vec!["mail.test".to_owned()]).unwrap();
        leaf.distinguished_name.push(rcgen::DnType::CommonName, "mail.test");
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = leaf.self_signed(&key).unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.into())
            .unwrap();
        peer.write_all(&[b"220 go ahead\r\n", more].concat()).await.unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
        let Ok(mut inside) = acceptor.accept(peer).await else { return String::new() };
        inside.write_all(b"250 inside\r\n").await.unwrap();
        let mut heard = vec![0; 6];
        inside.read_exact(&mut heard).await.unwrap();
        String::from_utf8(heard).unwrap()
    }

    // After TLS began both sides speak inside, and what is wrong with the certificate is known before.
    #[tokio::test]
    async fn tls_begins_on_the_way() {
        let (mut socket, peer) = pair().await;
        let peer = tokio::spawn(play_starttls(peer, b""));
        assert_eq!(socket.read_until(b"\n", 64, within(2_000)).await.unwrap(), b"220 go ahead\r\n");
        let inspector = Inspector::default();
        let info = socket.start_tls(&inspector, Some("mail.test"), None, within(5_000)).await.unwrap();
        assert!(
            info.verified.unwrap_err().contains("no trusted authority") && info.chain[0].dns_names == ["mail.test"]
        );
        let again = socket.start_tls(&inspector, None, None, within(1_000)).await.unwrap_err();
        assert_eq!(again.kind, ErrorKind::InvalidArgument);
        assert_eq!(socket.read_until(b"\n", 64, within(2_000)).await.unwrap(), b"250 inside\r\n");
        socket.write(b"QUIT\r\n", within(2_000)).await.unwrap();
        assert_eq!(peer.await.unwrap(), "QUIT\r\n");
    }

    // Words smuggled in before the handshake never pass for words from inside.
    #[tokio::test]
    async fn words_before_tls_are_refused() {
        let (mut socket, peer) = pair().await;
        let peer = tokio::spawn(play_starttls(peer, b"250 injected\r\n"));
        socket.read_until(b"\n", 64, within(2_000)).await.unwrap();
        let error = socket.start_tls(&Inspector::default(), None, None, within(5_000)).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Protocol | ErrorKind::Tls), "{}", error.message);
        drop(socket);
        assert_eq!(peer.await.unwrap(), "");
    }

    // A peer that speaks no TLS fails the handshake, and the connection with it.
    #[tokio::test]
    async fn failed_handshake_ends_the_connection() {
        let (mut socket, mut peer) = pair().await;
        peer.write_all(b"500 what is this?\r\n").await.unwrap();
        peer.shutdown().await.unwrap();
        let error = socket.start_tls(&Inspector::default(), None, None, within(5_000)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Tls, "{}", error.message);
        assert_eq!(socket.read(1, within(100)).await.unwrap_err().kind, ErrorKind::Refused);
        assert_eq!(socket.write(b"x", within(100)).await.unwrap_err().kind, ErrorKind::Refused);
    }
}
