//! Questions to name servers: one UDP exchange, or one over TCP when the answer does not fit.
//!
//! Sockets are the call's own, so that dropping it leaves nothing behind. Name servers come from the operator (the
//! system's, or the configuration's), never from a guest, and are therefore not subject to the egress policy.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Instant;

use hickory_proto::op::{Message, MessageType, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout_at;

use super::looks::Looks;
use super::net::{io_error, timeout};
use super::{CallError, ErrorKind};

/// Records handed to a guest.
const ANSWERS_MAX: usize = 100;

/// Name servers of the system that are asked; as many as its own resolver asks.
const SERVERS_MAX: usize = 3;

/// Times that each server is asked while it is silent: a datagram may get lost.
const ROUNDS: usize = 2;

/// Bytes of a datagram: more than an answer without EDNS has.
const DATAGRAM_BYTES_MAX: usize = 4096;

/// Where the system says which name servers it asks.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Bytes read of it.
const RESOLV_CONF_BYTES_MAX: u64 = 64 << 10;

/// The port of name servers.
const DNS_PORT: u16 = 53;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// In presentation format.
    pub data: String,
    /// Seconds.
    pub ttl: u32,
}

/// The types that may be asked for.
const TYPES: [(&str, RecordType); 10] = [
    ("A", RecordType::A),
    ("AAAA", RecordType::AAAA),
    ("CNAME", RecordType::CNAME),
    ("MX", RecordType::MX),
    ("NS", RecordType::NS),
    ("TXT", RecordType::TXT),
    ("SRV", RecordType::SRV),
    ("CAA", RecordType::CAA),
    ("SOA", RecordType::SOA),
    ("PTR", RecordType::PTR),
];

/// A question, ready to be asked.
#[derive(Clone, Debug)]
pub struct Question {
    shown: String,
    name: Name,
    record_type: RecordType,
}

impl Question {
    /// For the records of `record_type` of `name`, which is in canonical form. It is taken for whole: no search list.
    ///
    /// # Errors
    /// `invalid-argument` for another type or what is no name.
    pub fn new(name: &str, record_type: &str) -> Result<Self, CallError> {
        let invalid = |why: String| CallError::new(ErrorKind::InvalidArgument, why);
        let wanted = record_type.to_ascii_uppercase();
        let known = TYPES.iter().find(|(word, _)| *word == wanted);
        let (word, record_type) = *known.ok_or_else(|| {
            let types: Vec<&str> = TYPES.iter().map(|(word, _)| *word).collect();
            invalid(format!("records of type {record_type:?} cannot be asked for; these can: {}", types.join(", ")))
        })?;
        let parsed = Name::from_ascii(format!("{name}."));
        let whole = parsed.map_err(|error| invalid(format!("{name} is no name: {error}")))?;
        Ok(Self { shown: format!("{word} {name}"), name: whole, record_type })
    }

    /// Asks `servers` in turn until one answers.
    ///
    /// # Errors
    /// `dns` with the response's code, `timeout` when none answers, `refused` and `unreachable` when none is there.
    pub async fn ask(&self, servers: &[SocketAddr], deadline: Instant) -> Result<Vec<Answer>, CallError> {
        let mut last = CallError::new(ErrorKind::Dns, "the system names no server to ask; declare [resolvers.NAME]");
        let mut left = servers.len() * ROUNDS;
        for _ in 0..ROUNDS {
            let mut silent = false;
            for &server in servers {
                let now = Instant::now();
                let share = deadline.saturating_duration_since(now) / u32::try_from(left).unwrap_or(1);
                left -= 1;
                match self.ask_one(server, now + share).await {
                    Ok(answers) => return Ok(answers),
                    // Whoever knows that there is no such name is right; what fails may work elsewhere.
                    Err(error) if error.code.as_deref() == Some("NXDOMAIN") => return Err(error),
                    Err(error) => {
                        silent |= error.kind == ErrorKind::Timeout;
                        last = error;
                    }
                }
            }
            if !silent {
                break;
            }
        }
        Err(last)
    }

    async fn ask_one(&self, server: SocketAddr, deadline: Instant) -> Result<Vec<Answer>, CallError> {
        let silent = |_elapsed| timeout(format!("{server} did not answer {} in the time given", self.shown));
        timeout_at(deadline.into(), self.exchange(server)).await.map_err(silent)?
    }

    async fn exchange(&self, server: SocketAddr) -> Result<Vec<Answer>, CallError> {
        let failed = |error: &io::Error| io_error(error, &format!("ask {server} for {}", self.shown));
        let mut query = Message::query();
        query.metadata.recursion_desired = true;
        query.add_query(Query::query(self.name.clone(), self.record_type));
        let unusable = |error| CallError::new(ErrorKind::InvalidArgument, format!("{}: {error}", self.shown));
        let bytes = query.to_vec().map_err(unusable)?;
        let mut answer = self.over_udp(server, &query, &bytes).await.map_err(|error| failed(&error))?;
        if answer.metadata.truncation {
            answer = self.over_tcp(server, &query, &bytes).await.map_err(|error| failed(&error))?;
        }
        self.judge(&answer, server)
    }

    async fn over_udp(&self, server: SocketAddr, query: &Message, bytes: &[u8]) -> io::Result<Message> {
        let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        // A port of the system's choice; connected, so that only the server's datagrams come through.
        let socket = UdpSocket::bind((any, 0)).await?;
        socket.connect(server).await?;
        socket.send(bytes).await?;
        let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
        loop {
            let length = socket.recv(&mut buffer).await?;
            // What does not answer this question may be forged or late: wait on.
            if let Some(answer) = Message::from_vec(&buffer[..length]).ok().filter(|answer| self.fits(query, answer)) {
                return Ok(answer);
            }
        }
    }

    async fn over_tcp(&self, server: SocketAddr, query: &Message, bytes: &[u8]) -> io::Result<Message> {
        let mut stream = TcpStream::connect(server).await?;
        let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), bytes].concat()).await?;
        let mut answer = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut answer).await?;
        let answer = Message::from_vec(&answer).ok().filter(|answer| self.fits(query, answer));
        answer.ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "the answer is none to the question"))
    }

    fn fits(&self, query: &Message, answer: &Message) -> bool {
        let same = |asked: &Query| *asked.name() == self.name && asked.query_type() == self.record_type;
        answer.metadata.id == query.metadata.id
            && answer.metadata.message_type == MessageType::Response
            // A server that does not understand the question need not repeat it.
            && (answer.queries.iter().any(same) || answer.queries.is_empty() && !succeeded(answer))
    }

    fn judge(&self, answer: &Message, server: SocketAddr) -> Result<Vec<Answer>, CallError> {
        if !succeeded(answer) {
            let code = code(answer.metadata.response_code);
            let message = format!("{server} answers {} with {code}", self.shown);
            return Err(CallError::new(ErrorKind::Dns, message).with_code(code));
        }
        let records = answer.answers.iter().filter(|record| record.record_type() == self.record_type);
        Ok(records.take(ANSWERS_MAX).map(|record| Answer { data: record.data.to_string(), ttl: record.ttl }).collect())
    }
}

fn succeeded(answer: &Message) -> bool {
    answer.metadata.response_code == ResponseCode::NoError
}

/// The response code as everybody writes it.
fn code(code: ResponseCode) -> String {
    match code {
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        other => format!("RCODE{}", u16::from(other)),
    }
}

/// Reads of the system's list of name servers: one, which everybody shares.
static READS: Looks<Vec<SocketAddr>> = Looks::new("reads of the list of name servers", 1, 1);

/// The name servers that the system asks.
///
/// # Errors
/// `unsupported` where the system does not say, `timeout` where its file is not read before `deadline`.
pub async fn system_servers(deadline: Instant) -> Result<Vec<SocketAddr>, CallError> {
    let read = || {
        use std::io::Read;
        let mut text = String::new();
        probity_config::files::open_regular(Path::new(RESOLV_CONF))?
            .take(RESOLV_CONF_BYTES_MAX)
            .read_to_string(&mut text)?;
        Ok(servers_in(&text))
    };
    let unsupported = |error: io::Error| {
        let message =
            format!("the system's name servers are not known ({RESOLV_CONF}: {error}); declare [resolvers.NAME]");
        CallError::new(ErrorKind::Unsupported, message)
    };
    let patience = deadline.saturating_duration_since(Instant::now());
    READS.look(("", "reading the list of name servers"), patience, move || read().map_err(unsupported)).await
}

/// As resolv.conf(5) has it: without a server, the one on this machine.
fn servers_in(text: &str) -> Vec<SocketAddr> {
    let lines = text.lines().filter_map(|line| line.trim_start().strip_prefix("nameserver"));
    let address = |rest: &str| {
        let word = rest.starts_with(char::is_whitespace).then(|| rest.split_whitespace().next())??;
        // A zone (`fe80::1%eth0`) names an interface, which is asked by number only.
        word.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, DNS_PORT))
    };
    let servers: Vec<SocketAddr> = lines.filter_map(address).take(SERVERS_MAX).collect();
    if servers.is_empty() { vec![SocketAddr::new(Ipv4Addr::LOCALHOST.into(), DNS_PORT)] } else { servers }
}

#[cfg(test)]
mod tests;
