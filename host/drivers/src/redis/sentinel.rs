//! Which server is the primary now, by the word of its sentinels.
//!
//! Asked anew for every connection that is made, as the guidelines for clients of Sentinel want it: the sentinels in
//! turn, then the server they name, which has to say itself that it is the primary. A failover cuts the connections to
//! the old one, so that the next run finds the new.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use probity_config::SentinelConnection;
use probity_config::grants::Host;
use tokio::io::BufStream;
use tokio::time::timeout_at;

use super::client::{CAPS_SETUP, Link, PORT, reply_error};
use super::resp::{self, Token};
use crate::net::{Net, timeout};
use crate::server::Server;
use crate::tls::Trust;
use crate::{CallError, ErrorKind};

/// The protocol's port.
const SENTINEL_PORT: u16 = 26379;

/// What one sentinel may take of the time that is left, so that the next one can be asked as well.
const ASK_MAX: Duration = Duration::from_secs(1);

/// Those who know.
pub(super) struct Sentinels {
    all: Vec<Server>,
    /// What they call the primary.
    primary: String,
    /// The one that answered last, which is asked first.
    first: AtomicUsize,
}

impl Sentinels {
    /// From the configuration, with the server whose host they say.
    ///
    /// # Errors
    /// What of it cannot be used.
    pub(super) fn new(
        name: &str,
        connection: &SentinelConnection,
        net: &Net,
        trust: &Trust,
    ) -> Result<(Self, Server), String> {
        let ports = (SENTINEL_PORT, SENTINEL_PORT);
        let all = connection.sentinels.iter().map(|one| Server::new(name, one, ports, net, trust));
        let all = all.collect::<Result<_, _>>()?;
        let server = Server::new(name, &connection.server, (PORT, PORT), net, trust)?;
        Ok((Self { all, primary: connection.primary.clone(), first: AtomicUsize::new(0) }, server))
    }

    /// Places of the sentinels in the order in which to ask them.
    pub(super) fn in_turn(&self) -> impl Iterator<Item = usize> + use<> {
        let (first, count) = (self.first.load(Ordering::Relaxed), self.all.len());
        (0..count).map(move |step| (first + step) % count)
    }

    /// The one at this place led to the primary.
    pub(super) fn led(&self, at: usize) {
        self.first.store(at, Ordering::Relaxed);
    }

    /// Where the sentinel at this place says that the primary is.
    ///
    /// # Errors
    /// Those of reaching it, `auth`, `not-found`, `remote`, `protocol`, `timeout`.
    pub(super) async fn ask(&self, at: usize, deadline: Instant) -> Result<(Host, u16), CallError> {
        let sentinel = &self.all[at];
        let left = deadline.saturating_duration_since(Instant::now());
        let until = Instant::now() + ASK_MAX.min(left / 2);
        let stream = sentinel.connect(until).await?;
        let mut link = Link { stream: BufStream::with_capacity(1 << 10, 256, stream), proven: true };
        let answer = timeout_at(until.into(), self.answer(sentinel, &mut link)).await;
        answer.map_err(|_elapsed| timeout("no answer in the time given".to_owned())).flatten().map_err(|error| {
            let message = format!("the sentinel {}:{}: {}", sentinel.host, sentinel.port, error.message);
            CallError { message, ..error }
        })
    }

    async fn answer(&self, sentinel: &Server, link: &mut Link) -> Result<(Host, u16), CallError> {
        if let Some(password) = &sentinel.password {
            let mut words: Vec<&[u8]> = vec![b"AUTH", password.as_bytes()];
            if let Some(user) = &sentinel.user {
                words.insert(1, user.as_bytes());
            }
            if let Some(Token::Error(text)) = link.exchange(&resp::encode(&words), CAPS_SETUP).await?.first() {
                let error = reply_error("AUTH", sentinel.quoted(text));
                return Err(CallError { kind: ErrorKind::Auth, ..error });
            }
        }
        let words: [&[u8]; 3] = [b"SENTINEL", b"get-master-addr-by-name", self.primary.as_bytes()];
        let reply = link.exchange(&resp::encode(&words), CAPS_SETUP).await?;
        self.address(&reply)
    }

    fn address(&self, reply: &[Token]) -> Result<(Host, u16), CallError> {
        match reply {
            [Token::Error(text)] => Err(reply_error("SENTINEL", text)),
            [Token::Nil | Token::Array(0)] => {
                let message = format!("it knows no primary called `{}`", self.primary);
                Err(CallError::new(ErrorKind::NotFound, message))
            }
            [Token::Array(2), Token::Bulk(host), Token::Bulk(port)] => {
                let (host, port) = (String::from_utf8_lossy(host), String::from_utf8_lossy(port));
                match (Host::parse(&host), port.parse()) {
                    (Ok(host), Ok(port)) => Ok((host, port)),
                    _ => Err(unreadable()),
                }
            }
            _ => Err(unreadable()),
        }
    }
}

fn unreadable() -> CallError {
    CallError::new(ErrorKind::Protocol, "it answered no address")
}

/// The server says itself that it is the primary: sentinels may not have heard of a failover yet.
///
/// # Errors
/// `remote` for a replica; what the connection says.
pub(super) async fn verify(link: &mut Link, server: &Server) -> Result<(), CallError> {
    let reply = link.exchange(&resp::encode(&[b"ROLE"]), CAPS_SETUP).await?;
    let role = match reply.as_slice() {
        [Token::Error(text), ..] => return Err(reply_error("ROLE", server.quoted(text))),
        [Token::Array(_), Token::Bulk(role), ..] => String::from_utf8_lossy(role),
        _ => return Err(CallError::new(ErrorKind::Protocol, "ROLE: no role in the reply")),
    };
    if role == "master" {
        return Ok(());
    }
    let message =
        format!("the sentinels name {}:{} as the primary, which says that it is a replica", server.host, server.port);
    Err(CallError::new(ErrorKind::Remote, message))
}
