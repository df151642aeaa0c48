//! One datagram and its answer, for protocols such as NTP.
//!
//! The socket is connected: the system hands over only what comes from the asked address and port.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant, SystemTime};

use probity_config::Grants;
use probity_config::grants::Host;
use probity_core::check::Capability;
use tokio::net::UdpSocket;
use tokio::time::timeout_at;

use super::net::{Net, io_error, timeout};
use super::{CallError, ErrorKind};

/// What to ask whom, as the guest typed it.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Name or address.
    pub host: &'a str,
    /// Port.
    pub port: u16,
    /// The datagram.
    pub payload: &'a [u8],
    /// Bytes of the answer that are accepted, at most `REPLY_BYTES_MAX`.
    pub reply_max: u32,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The datagram.
    pub payload: Vec<u8>,
    /// Who sent it.
    pub remote: SocketAddr,
    /// From sending to receiving.
    pub elapsed: Duration,
    /// When it came, by the host's clock.
    pub received: SystemTime,
}

/// Bytes of a datagram to send: what passes an Ethernet in one piece.
const PAYLOAD_BYTES_MAX: usize = 1472;

/// Bytes of an answer: no datagram is longer.
const REPLY_BYTES_MAX: usize = 64 << 10;

/// Sends `question` if `grants` allow it, and waits for one answer. Where a name has several addresses, each gets its
/// share of the time, until one answers.
///
/// # Errors
/// `invalid-argument` for what is no host or port, is too long or accepts nothing, `denied` with the line to add, those
/// of [`Net::resolve`], `refused`, `unreachable`, `timeout`, and `too-large`.
pub async fn exchange(
    net: &Net,
    grants: &Grants,
    question: Question<'_>,
    deadline: Instant,
) -> Result<Reply, CallError> {
    let invalid = |why: String| CallError::new(ErrorKind::InvalidArgument, why);
    let host = Host::parse(question.host).map_err(invalid)?;
    let port = question.port;
    if port == 0 {
        return Err(invalid("port 0 cannot be sent to".to_owned()));
    }
    if question.payload.len() > PAYLOAD_BYTES_MAX {
        return Err(invalid(format!("a datagram of {} bytes: at most {PAYLOAD_BYTES_MAX}", question.payload.len())));
    }
    if question.reply_max == 0 {
        return Err(invalid("an answer of 0 bytes tells nothing: accept at least 1".to_owned()));
    }
    let line = Grants::line_for(Capability::Udp, &format!("{host}:{port}"));
    let Some(grant) = grants.allows_udp(&host, port) else {
        let message = format!("{host}:{port} is not granted to this check; to allow it, add: {line}");
        return Err(CallError::new(ErrorKind::Denied, message));
    };
    let (addresses, _) = net.resolve(&host, &grant.host, &line, deadline).await?;
    let mut last = CallError::new(ErrorKind::Dns, format!("{host} has no address"));
    for (index, &address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - index).unwrap_or(1);
        match ask(SocketAddr::new(address, port), question, Instant::now() + share).await {
            Err(error) if error.kind != ErrorKind::TooLarge => last = error,
            answer => return answer,
        }
    }
    Err(last)
}

async fn ask(address: SocketAddr, question: Question<'_>, deadline: Instant) -> Result<Reply, CallError> {
    let here = match address.ip() {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let failed = |error: std::io::Error| io_error(&error, &format!("ask {address}"));
    let socket = UdpSocket::bind(SocketAddr::new(here, 0)).await.map_err(failed)?;
    socket.connect(address).await.map_err(failed)?;
    // Larger than any datagram: none is cut without a word.
    let mut buffer = vec![0; REPLY_BYTES_MAX];
    let start = Instant::now();
    let answered = timeout_at(deadline.into(), async {
        socket.send(question.payload).await?;
        socket.recv(&mut buffer).await
    });
    let length = answered
        .await
        .map_err(|_elapsed| timeout(format!("{address} did not answer within {} ms", start.elapsed().as_millis())))?
        .map_err(failed)?;
    let (elapsed, received) = (start.elapsed(), SystemTime::now());
    if length > question.reply_max as usize {
        let message = format!("{address} answered {length} bytes, at most {} are accepted", question.reply_max);
        return Err(CallError::new(ErrorKind::TooLarge, message));
    }
    buffer.truncate(length);
    buffer.shrink_to_fit();
    Ok(Reply { payload: buffer, remote: address, elapsed, received })
}

#[cfg(test)]
mod tests {
    use probity_config::Egress;
    use probity_config::grants::TcpGrant;

    use super::*;
    use crate::net::Resolver;
    use crate::net::tests::{script, within};

    fn grants(text: &str) -> Grants {
        Grants { udp: vec![TcpGrant::parse(text).unwrap()], ..Grants::default() }
    }

    async fn send(net: &Net, host: &str, port: u16, reply_max: u32) -> Result<Reply, CallError> {
        let question = Question { host, port, payload: b"ping", reply_max };
        exchange(net, &grants("*:*"), question, within(2_000)).await
    }

    fn open() -> Egress {
        Egress { allow: vec!["127.0.0.0/8".parse().unwrap()], deny: vec![] }
    }

    fn net() -> Net {
        Net::new(open(), Resolver::default())
    }

    /// A socket that the test answers with.
    async fn peer() -> (UdpSocket, u16) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        (socket, port)
    }

    // The asked address's answer counts; what another socket sends before is not taken for it.
    #[tokio::test]
    async fn only_the_asked_address_answers() {
        let (peer, port) = peer().await;
        let other = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let answer = async {
            let mut heard = [0; 16];
            let (length, from) = peer.recv_from(&mut heard).await.unwrap();
            assert_eq!(&heard[..length], b"ping");
            other.send_to(b"forged", from).await.unwrap();
            peer.send_to(b"pong", from).await.unwrap();
        };
        let net = net();
        let (reply, ()) = tokio::join!(send(&net, "127.0.0.1", port, 16), answer);
        let reply = reply.unwrap();
        assert_eq!((reply.payload.as_slice(), reply.remote), (&b"pong"[..], peer.local_addr().unwrap()));
    }

    // An answer larger than what is accepted is told as such, and so is a datagram that may not be sent.
    #[tokio::test]
    async fn sizes_are_bounded() {
        let (peer, port) = peer().await;
        let answer = async {
            let (_, from) = peer.recv_from(&mut [0; 16]).await.unwrap();
            peer.send_to(&[7; 1000], from).await.unwrap();
        };
        let net = net();
        let (reply, ()) = tokio::join!(send(&net, "127.0.0.1", port, 999), answer);
        assert_eq!(reply.unwrap_err().kind, ErrorKind::TooLarge);
        let long = Question { host: "127.0.0.1", port, payload: &[0; 1473], reply_max: 1 };
        let error = exchange(&net, &grants("*:*"), long, within(100)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidArgument);
        for (port, reply_max) in [(0, 1), (port, 0)] {
            assert_eq!(send(&net, "127.0.0.1", port, reply_max).await.unwrap_err().kind, ErrorKind::InvalidArgument);
        }
    }

    // Silence is a timeout, a closed port refuses, and the next address of a name is asked then.
    #[cfg(unix)]
    #[tokio::test]
    async fn silence_refusal_and_the_next_address() {
        let (peer, port) = peer().await;
        let quiet = Question { host: "127.0.0.1", port, payload: b"ping", reply_max: 16 };
        let error = exchange(&net(), &grants("127.0.0.1:*"), quiet, within(50)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Timeout, "{}", error.message);
        peer.recv_from(&mut [0; 16]).await.unwrap();
        assert_eq!(send(&net(), "127.0.0.2", port, 16).await.unwrap_err().kind, ErrorKind::Refused);
        let net = Net::new(open(), script(&[&["127.0.0.2", "127.0.0.1"]]));
        let answer = async {
            let (_, from) = peer.recv_from(&mut [0; 16]).await.unwrap();
            peer.send_to(b"pong", from).await.unwrap();
        };
        let (reply, ()) = tokio::join!(send(&net, "time.example", port, 16), answer);
        assert_eq!(reply.unwrap().remote.ip(), "127.0.0.1".parse::<IpAddr>().unwrap());
    }

    // What is not granted is denied with the line to add, and loopback is as closed as it is for TCP.
    #[tokio::test]
    async fn grants_and_egress_hold() {
        let (_peer, port) = peer().await;
        let question = Question { host: "127.0.0.1", port, payload: b"ping", reply_max: 16 };
        let error = exchange(&net(), &grants("127.0.0.2:*"), question, within(100)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied);
        let line = format!("grants = {{ udp = [\"127.0.0.1:{port}\"] }}");
        assert!(error.message.ends_with(&line), "{}", error.message);
        let closed = Net::new(Egress::default(), script(&[&["127.0.0.1"]]));
        for host in ["time.example", "169.254.169.254", "255.255.255.255", "224.0.1.1"] {
            assert_eq!(send(&closed, host, port, 16).await.unwrap_err().kind, ErrorKind::Denied, "{host}");
        }
    }
}
