//! From a granted host to an open connection: resolve, filter every address, connect to one of those that are left.
//!
//! Names are resolved once; the connection goes to a filtered address and never to the name again, so that a name that
//! changes its mind in between (DNS rebinding) gains nothing.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use probity_config::Egress;
use probity_config::Refusal;
use probity_config::grants::{Host, HostPattern};
use tokio::net::TcpStream;
use tokio::time::timeout_at;

use super::looks::Looks;
use super::race::{self, Race};
use super::tls_words::session_error;
use super::{CallError, ErrorKind};

/// Name look-ups under way in the whole host, those that hang aside. The system's resolver cannot be cancelled: one that
/// was given up on keeps its thread until it returns, and its name's next look-up.
const LOOKUPS_MAX: usize = 16;

/// Names whose look-up hangs, each with a thread.
const LOOKUPS_HANGING_MAX: usize = 512;

static LOOKUPS: Looks<Vec<IpAddr>> = Looks::new("look-ups", LOOKUPS_MAX, LOOKUPS_HANGING_MAX);

/// Addresses tried for one name.
const ADDRESSES_MAX: usize = 8;

/// Opens connections under the operator's egress policy. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Net {
    egress: Arc<Egress>,
    resolver: Resolver,
}

/// Where addresses come from.
#[derive(Clone, Debug, Default)]
pub enum Resolver {
    /// The operating system, at most 16 look-ups at once beside those that hang.
    #[default]
    System,
    /// For tests: the n-th look-up, of whatever name, gets the n-th answer; the last one repeats.
    #[cfg(test)]
    Script(Arc<std::sync::Mutex<std::collections::VecDeque<Vec<IpAddr>>>>),
}

/// An open connection, and how it came about.
#[derive(Debug)]
pub struct Connected {
    /// The connection.
    pub stream: TcpStream,
    /// The address it leads to.
    pub address: SocketAddr,
    /// Time for the look-up; none when the host was an address.
    pub dns: Option<Duration>,
    /// Time to connect, attempts at other addresses included.
    pub connect: Duration,
}

impl Net {
    /// Under `egress`.
    #[must_use]
    pub fn new(egress: Egress, resolver: Resolver) -> Self {
        Self { egress: Arc::new(egress), resolver }
    }

    /// Connects to `host`, which the caller found granted by `pattern`.
    ///
    /// `line` says how the operator would allow exactly this target; it goes into the message of a refusal.
    ///
    /// # Errors
    /// `denied` when no address is left, `dns`, `refused`, `unreachable`, `timeout`.
    pub async fn connect(
        &self,
        host: &Host,
        port: u16,
        pattern: &HostPattern,
        line: &str,
        deadline: Instant,
    ) -> Result<Connected, CallError> {
        let (allowed, dns) = self.resolve(host, pattern, line, deadline).await?;
        let start = Instant::now();
        let (stream, address) = connect_any(host, port, &allowed, deadline).await?;
        // A check sends one small request: waiting to fill a segment would only distort its timing.
        let _ = stream.set_nodelay(true);
        Ok(Connected { stream, address, dns, connect: start.elapsed() })
    }

    /// The addresses of `host` that may be connected to, and how long the look-up took: for drivers that open their
    /// sockets themselves. They must get these addresses and never the name.
    ///
    /// # Errors
    /// `denied` when no address is left, `dns`, `timeout`.
    pub async fn resolve(
        &self,
        host: &Host,
        pattern: &HostPattern,
        line: &str,
        deadline: Instant,
    ) -> Result<(Vec<IpAddr>, Option<Duration>), CallError> {
        let start = Instant::now();
        let (addresses, dns) = match host {
            Host::Address(address) => (vec![*address], None),
            Host::Name(name) => {
                let patience = deadline.saturating_duration_since(start);
                let addresses = self.resolver.lookup(name, patience).await?;
                (addresses, Some(start.elapsed()))
            }
        };
        Ok((self.filter(host, &addresses, pattern, line)?, dns))
    }

    /// Judges a target that somebody else connects to. An address is judged as if it were ours to reach; a name is not
    /// looked up, since what it means here and there may differ.
    ///
    /// # Errors
    /// `denied`.
    pub(super) fn judge_literal(&self, host: &Host, pattern: &HostPattern, line: &str) -> Result<(), CallError> {
        match host {
            Host::Address(address) => self.filter(host, &[*address], pattern, line).map(drop),
            Host::Name(_) => Ok(()),
        }
    }

    /// The addresses that `pattern` reaches.
    fn filter(
        &self,
        host: &Host,
        addresses: &[IpAddr],
        pattern: &HostPattern,
        line: &str,
    ) -> Result<Vec<IpAddr>, CallError> {
        let mut refused = None;
        let mut allowed = Vec::with_capacity(addresses.len().min(ADDRESSES_MAX));
        for &address in addresses.iter().take(ADDRESSES_MAX) {
            match self.egress.judge(address, pattern) {
                Ok(()) => allowed.push(address),
                Err(refusal) => refused = Some((address, refusal)),
            }
        }
        match refused {
            Some((address, refusal)) if allowed.is_empty() => Err(denied(host, address, refusal, line)),
            _ if allowed.is_empty() => Err(CallError::new(ErrorKind::Dns, format!("{host} has no address"))),
            _ => Ok(allowed),
        }
    }
}

fn denied(host: &Host, address: IpAddr, refusal: Refusal, line: &str) -> CallError {
    let what = match host {
        Host::Name(name) => format!("{name} leads to {address}, which {refusal}"),
        Host::Address(_) => format!("{address} {refusal}"),
    };
    let network = ipnet::IpNet::from(address);
    let how = match refusal {
        Refusal::Forbidden => String::new(),
        Refusal::Denied => "; only taking it out of `[egress] deny` allows it".to_owned(),
        Refusal::Private => format!("; to allow it, name the host: {line}, or add: [egress] allow = [\"{network}\"]"),
        Refusal::Loopback if matches!(host, Host::Name(name) if name != "localhost") => {
            format!("; to allow it, add: [egress] allow = [\"{network}\"], or use `localhost` or the address itself")
        }
        Refusal::Loopback => format!("; to allow it, add: {line}, or [egress] allow = [\"{network}\"]"),
    };
    CallError::new(ErrorKind::Denied, what + &how)
}

impl Resolver {
    async fn lookup(&self, name: &str, patience: Duration) -> Result<Vec<IpAddr>, CallError> {
        match self {
            Self::System => lookup_system(name, patience).await,
            #[cfg(test)]
            Self::Script(answers) => {
                let mut answers = answers.lock().unwrap();
                let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
                Ok(answer.unwrap_or_default())
            }
        }
    }
}

async fn lookup_system(name: &str, patience: Duration) -> Result<Vec<IpAddr>, CallError> {
    let query = name.to_owned();
    let work = move || match std::net::ToSocketAddrs::to_socket_addrs(&(query.as_str(), 0)) {
        Ok(found) => {
            let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).take(ADDRESSES_MAX * 2).collect();
            addresses.dedup();
            Ok(addresses)
        }
        Err(error) => Err(CallError::new(ErrorKind::Dns, format!("cannot resolve {query}: {error}"))),
    };
    LOOKUPS.look((name, &format!("the look-up of {name}")), patience, work).await
}

/// Connects to whichever address answers first, as [`race`] has it.
async fn connect_any(
    host: &Host,
    port: u16,
    addresses: &[IpAddr],
    deadline: Instant,
) -> Result<(TcpStream, SocketAddr), CallError> {
    let start = Instant::now();
    let addresses: Vec<SocketAddr> =
        race::order(addresses).into_iter().map(|address| SocketAddr::new(address, port)).collect();
    let mut race = Race::new(&addresses, TcpStream::connect);
    match timeout_at(deadline.into(), race.run()).await {
        Ok(Some(won)) => return Ok(won),
        Ok(None) => {}
        Err(_elapsed) => {
            let silent = race.silent().map(|address| shown(host, address)).collect::<Vec<_>>().join(" and ");
            return Err(timeout(format!("{silent} did not answer within {} ms", start.elapsed().as_millis())));
        }
    }
    // What the preferred address said tells most.
    let first = race.failed().next();
    Err(first.map_or_else(
        || CallError::new(ErrorKind::Dns, format!("{host} has no address")),
        |(address, error)| io_error(error, &format!("connect to {}", shown(host, address))),
    ))
}

fn shown(host: &Host, address: SocketAddr) -> String {
    match host {
        Host::Name(name) => format!("{name} ({address})"),
        Host::Address(_) => address.to_string(),
    }
}

/// A `timeout` of ours.
pub(super) fn timeout(message: String) -> CallError {
    CallError::new(ErrorKind::Timeout, message)
}

/// What went wrong with a connection during `doing`: an operating system's error with its kind and errno name, or what
/// TLS found, at whatever moment.
pub(super) fn io_error(error: &io::Error, doing: &str) -> CallError {
    use io::ErrorKind as Io;
    if let Some(error) = session_error(error, doing) {
        return error;
    }
    let (kind, code) = match error.kind() {
        Io::ConnectionRefused => (ErrorKind::Refused, Some("ECONNREFUSED")),
        Io::ConnectionReset => (ErrorKind::Refused, Some("ECONNRESET")),
        Io::ConnectionAborted => (ErrorKind::Refused, Some("ECONNABORTED")),
        Io::BrokenPipe => (ErrorKind::Refused, Some("EPIPE")),
        Io::HostUnreachable => (ErrorKind::Unreachable, Some("EHOSTUNREACH")),
        Io::NetworkUnreachable => (ErrorKind::Unreachable, Some("ENETUNREACH")),
        Io::NetworkDown => (ErrorKind::Unreachable, Some("ENETDOWN")),
        Io::AddrNotAvailable => (ErrorKind::Unreachable, Some("EADDRNOTAVAIL")),
        Io::TimedOut => (ErrorKind::Timeout, Some("ETIMEDOUT")),
        Io::UnexpectedEof | Io::InvalidData | Io::InvalidInput => (ErrorKind::Protocol, None),
        Io::NotFound => (ErrorKind::NotFound, Some("ENOENT")),
        Io::PermissionDenied => (ErrorKind::Other, Some("EACCES")),
        Io::Unsupported => (ErrorKind::Unsupported, Some("ENOTSUP")),
        _ => (ErrorKind::Other, None),
    };
    let error = CallError { kind, message: format!("{doing}: {error}"), code: None };
    match code {
        Some(code) => error.with_code(code),
        None => error,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use tokio::net::TcpListener;

    use super::*;

    /// A resolver that answers what it is told.
    pub(crate) fn script(answers: &[&[&str]]) -> Resolver {
        let answers: VecDeque<Vec<IpAddr>> =
            answers.iter().map(|answer| answer.iter().map(|ip| ip.parse().unwrap()).collect()).collect();
        Resolver::Script(Arc::new(Mutex::new(answers)))
    }

    /// A deadline `ms` from now.
    pub(crate) fn within(ms: u64) -> Instant {
        Instant::now() + Duration::from_millis(ms)
    }

    fn open(network: &str) -> Egress {
        Egress { allow: vec![network.parse().unwrap()], deny: vec![] }
    }

    async fn connect(net: &Net, host: &str, port: u16, pattern: &str) -> Result<Connected, CallError> {
        let host = Host::parse(host).unwrap();
        let line = probity_config::Grants::line_for_tcp(&host, port);
        net.connect(&host, port, &HostPattern::parse(pattern).unwrap(), &line, within(2_000)).await
    }

    // A name that leads to this machine is not reached by granting the name; the message says what would do it.
    #[tokio::test]
    async fn name_on_loopback_is_denied() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let net = Net::new(Egress::default(), script(&[&["127.0.0.1"]]));
        let error = connect(&net, "db.example", port, "db.example").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied);
        assert!(error.message.contains("[egress] allow = [\"127.0.0.1/32\"]"), "{}", error.message);
        assert!(connect(&net, "localhost", port, "localhost").await.is_ok());
    }

    // Of several addresses, only those that are allowed are connected to.
    #[tokio::test]
    async fn only_filtered_addresses_are_tried() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let net =
            Net::new(open("127.0.0.1/32"), script(&[&["169.254.169.254", "::ffff:169.254.169.254", "127.0.0.1"]]));
        let connected = connect(&net, "db.example", port, "db.example").await.unwrap();
        assert_eq!(connected.address.ip(), "127.0.0.1".parse::<IpAddr>().unwrap());
        assert!(connected.dns.is_some());
    }

    // A name that answers differently the second time (rebinding) is connected to at the address that was judged.
    #[tokio::test]
    async fn rebinding_gains_nothing() {
        let judged = TcpListener::bind("127.0.0.2:0").await.unwrap();
        let port = judged.local_addr().unwrap().port();
        let _hidden = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let net = Net::new(open("127.0.0.2/32"), script(&[&["127.0.0.2"], &["127.0.0.1"]]));
        let connected = connect(&net, "rebind.example", port, "rebind.example").await.unwrap();
        assert_eq!(connected.address.ip(), "127.0.0.2".parse::<IpAddr>().unwrap());
        assert_eq!(connect(&net, "rebind.example", port, "rebind.example").await.unwrap_err().kind, ErrorKind::Denied);
    }

    // The mapped form of the metadata address is refused even where the operator granted that literal.
    #[tokio::test]
    async fn mapped_metadata_is_denied() {
        let net = Net::new(open("0.0.0.0/0"), Resolver::default());
        for literal in ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"] {
            let error = connect(&net, literal, 80, "*").await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Denied, "{literal}");
            assert!(error.message.contains("no grant reaches"), "{}", error.message);
        }
    }

    // A closed port is `refused`, with the errno's name.
    #[tokio::test]
    async fn closed_port_is_refused() {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let net = Net::new(Egress::default(), Resolver::default());
        let error = connect(&net, "127.0.0.1", port, "127.0.0.1").await.unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Refused, Some("ECONNREFUSED")));
    }

    // When the first address refuses, the next one is tried.
    #[tokio::test]
    async fn next_address_is_tried() {
        let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let net = Net::new(open("127.0.0.0/8"), script(&[&["127.0.0.1", "127.0.0.2"]]));
        let connected = connect(&net, "db.example", port, "db.example").await.unwrap();
        assert_eq!(connected.address, listener.local_addr().unwrap());
    }

    // A first address that is silent costs its head start, not a share of the run's time; what lost is closed.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_silent_address_is_raced() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.3:0".parse().unwrap()).unwrap();
        let silent = socket.listen(0).unwrap();
        let port = silent.local_addr().unwrap().port();
        // Its queue is full: further attempts are not even refused.
        let mut held = Vec::new();
        while let Ok(stream) = timeout_at(within(100).into(), TcpStream::connect(("127.0.0.3", port))).await {
            held.push(stream.unwrap());
            assert!(held.len() < 100, "its queue is never full");
        }
        let listener = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
        let net = Net::new(open("127.0.0.0/8"), script(&[&["127.0.0.3", "127.0.0.2"]]));
        let connected = connect(&net, "db.example", port, "db.example").await.unwrap();
        assert_eq!(connected.address, listener.local_addr().unwrap());
        assert!(connected.connect < Duration::from_millis(800), "{:?}", connected.connect);
        // Alone it is told by name.
        let net = Net::new(open("127.0.0.0/8"), script(&[&["127.0.0.3"]]));
        let error = connect(&net, "db.example", port, "db.example").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Timeout);
        assert!(error.message.starts_with(&format!("db.example (127.0.0.3:{port}) did not answer within ")), "{error}");
    }
}
