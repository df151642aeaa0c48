//! Connections to Redis: made, shared among checks, and thrown away as soon as anything about them is in doubt.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use probity_config::Connection;
use tokio::io::{AsyncWriteExt, BufStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout_at;

use super::resp::{self, Caps, Token};
use super::sentinel::{self, Sentinels};
use crate::net::{Net, io_error, timeout};
use crate::server::{self, Server, Stream};
use crate::tls::Trust;
use crate::{CallError, ErrorKind};

/// The protocol's port.
pub(crate) const PORT: u16 = 6379;

/// Connections open at once to one server, idle ones included.
const OPEN_MAX: usize = 4;

/// How long a connection is kept that nobody uses.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// Looks at idle connections in the time that one is kept.
const SWEEPS: u32 = 4;

/// What a reply to the host's own commands may be.
pub(crate) const CAPS_SETUP: Caps = Caps { bytes: 64 << 10, tokens: 1_000 };

/// Characters shown of a server's error.
const ERROR_CHARS_MAX: usize = 300;

/// Every Redis connection of one configuration. Cheap to clone.
#[derive(Clone, Default)]
pub struct RedisClient {
    pools: Arc<BTreeMap<String, Result<Arc<Pool>, String>>>,
}

impl fmt::Debug for RedisClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.pools.keys()).finish()
    }
}

impl RedisClient {
    /// For the `connections` of one configuration. One that cannot be used fails only the checks that use it.
    #[must_use]
    pub fn new(net: &Net, connections: &BTreeMap<String, Connection>) -> Self {
        Self::keeping(IDLE_MAX, net, connections)
    }

    /// The same with another time for idle connections.
    fn keeping(idle_max: Duration, net: &Net, connections: &BTreeMap<String, Connection>) -> Self {
        let trust = Trust::default();
        let pools = connections.iter().filter_map(|(name, connection)| match connection {
            Connection::Redis(connection) => {
                let server = Server::new(name, connection, (PORT, PORT), net, &trust);
                Some((name.clone(), server.and_then(|server| Pool::new(server, None, idle_max)).map(Arc::new)))
            }
            Connection::Sentinel(connection) => {
                let known = Sentinels::new(name, connection, net, &trust);
                let pool = known.and_then(|(sentinels, server)| Pool::new(server, Some(sentinels), idle_max));
                Some((name.clone(), pool.map(Arc::new)))
            }
            _ => None,
        });
        Self { pools: Arc::new(pools.collect()) }
    }

    /// The connections that cannot be used, and why.
    pub fn unusable(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pools.iter().filter_map(|(name, pool)| Some((name.as_str(), pool.as_ref().err()?.as_str())))
    }

    /// Takes a connection to the server called `name`, which the caller found granted.
    ///
    /// # Errors
    /// `not-found`, `other` for one that cannot be used, `timeout` when all of them are taken, and what connecting says.
    pub async fn lease(&self, name: &str, deadline: Instant) -> Result<Lease, CallError> {
        let pool = match self.pools.get(name) {
            Some(Ok(pool)) => Arc::clone(pool),
            Some(Err(why)) => return Err(server::unusable(name, Some(why))),
            None => return Err(server::unusable(name, None)),
        };
        let waiting = timeout_at(deadline.into(), Arc::clone(&pool.places).acquire_owned()).await;
        let place = match waiting {
            Ok(Ok(place)) => place,
            Ok(Err(_)) => return Err(CallError::new(ErrorKind::Other, "the pool is closed")),
            Err(_elapsed) => {
                let message = format!("all {OPEN_MAX} connections of `{name}` are in use by other runs");
                return Err(CallError::new(ErrorKind::Timeout, message));
            }
        };
        let link = match pool.idle() {
            Some(link) => link,
            None => pool.dial(deadline).await?,
        };
        Ok(Lease { link: Some(link), pool, _place: place })
    }
}

/// The connections to one server, or to whichever is the primary.
struct Pool {
    /// With a host that is not used where there are sentinels.
    server: Server,
    sentinels: Option<Sentinels>,
    database: u32,
    places: Arc<Semaphore>,
    /// The one used last is last.
    idle: Mutex<Vec<(Link, Instant)>>,
    idle_max: Duration,
    /// Whether a task closes idle connections; it ends with the last of them.
    sweeping: AtomicBool,
}

impl Pool {
    fn new(server: Server, sentinels: Option<Sentinels>, idle_max: Duration) -> Result<Self, String> {
        let database = match server.path.as_str() {
            "" => 0,
            path => path.parse().map_err(|_| "the path of its URL is no database number: write `/0`".to_owned())?,
        };
        let places = Arc::new(Semaphore::new(OPEN_MAX));
        let (idle, sweeping) = (Mutex::default(), AtomicBool::new(false));
        Ok(Self { server, sentinels, database, places, idle, idle_max, sweeping })
    }

    /// A kept connection that looks alive.
    fn idle(&self) -> Option<Link> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((mut link, since)) = idle.pop() {
            if since.elapsed() < self.idle_max && !link.stream.get_ref().is_stale() {
                link.proven = false;
                return Some(link);
            }
        }
        None
    }

    fn keep(&self, link: Link) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((link, Instant::now()));
    }

    /// Opens a connection and logs in.
    async fn dial(self: &Arc<Self>, deadline: Instant) -> Result<Link, CallError> {
        let link = match &self.sentinels {
            None => self.log_in_at(&self.server, deadline).await?,
            Some(sentinels) => self.dial_primary(sentinels, deadline).await?,
        };
        self.sweep();
        Ok(link)
    }

    /// Goes from sentinel to sentinel until one leads to a primary.
    async fn dial_primary(&self, sentinels: &Sentinels, deadline: Instant) -> Result<Link, CallError> {
        let mut last = None;
        for at in sentinels.in_turn() {
            let found = async {
                let (host, port) = sentinels.ask(at, deadline).await?;
                let server = self.server.at(host, port);
                let mut link = self.log_in_at(&server, deadline).await?;
                let role = timeout_at(deadline.into(), sentinel::verify(&mut link, &server)).await;
                role.map_err(|_elapsed| timeout("ROLE: no reply in the time given".to_owned())).flatten()?;
                Ok(link)
            };
            match found.await {
                Ok(link) => {
                    sentinels.led(at);
                    return Ok(link);
                }
                Err(error) => last = Some(error),
            }
        }
        let none = || CallError::new(ErrorKind::Other, "no sentinel is declared");
        Err(self.server.named(last.unwrap_or_else(none)))
    }

    async fn log_in_at(&self, server: &Server, deadline: Instant) -> Result<Link, CallError> {
        let stream = server.connect(deadline).await?;
        let mut link = Link { stream: BufStream::with_capacity(4 << 10, 1 << 10, stream), proven: true };
        timeout_at(deadline.into(), self.log_in(&mut link))
            .await
            .map_err(|_elapsed| timeout("the server accepted the connection and did not answer".to_owned()))
            .flatten()
            .map_err(|error| self.server.named(error))?;
        Ok(link)
    }

    async fn log_in(&self, link: &mut Link) -> Result<(), CallError> {
        let user = self.server.user.as_deref().unwrap_or("default").as_bytes();
        let password = self.server.password.as_deref().map(str::as_bytes);
        let mut hello: Vec<&[u8]> = vec![b"HELLO", b"3"];
        if let Some(password) = password {
            hello.extend([&b"AUTH"[..], user, password]);
        }
        hello.extend([&b"SETNAME"[..], b"probity"]);
        match link.exchange(&resp::encode(&hello), CAPS_SETUP).await?.first() {
            // Servers before Redis 6 do not know it.
            Some(Token::Error(text)) if text.starts_with("ERR unknown command") || text.starts_with("NOPROTO") => {
                if let Some(password) = password {
                    let mut auth: Vec<&[u8]> = vec![b"AUTH", password];
                    if self.server.user.is_some() {
                        auth.insert(1, user);
                    }
                    self.set_up(link, &auth).await?;
                }
            }
            Some(Token::Error(text)) => return Err(self.refused("HELLO", text)),
            _ => {}
        }
        if self.database > 0 {
            self.set_up(link, &[b"SELECT", self.database.to_string().as_bytes()]).await?;
        }
        Ok(())
    }

    async fn set_up(&self, link: &mut Link, words: &[&[u8]]) -> Result<(), CallError> {
        match link.exchange(&resp::encode(words), CAPS_SETUP).await?.first() {
            Some(Token::Error(text)) => Err(self.refused(&String::from_utf8_lossy(words[0]), text)),
            _ => Ok(()),
        }
    }

    /// A server's error while logging in. Only failures of the credentials themselves are `auth`.
    fn refused(&self, command: &str, text: &str) -> CallError {
        let error = reply_error(command, self.server.quoted(text));
        if command == "AUTH" { CallError { kind: ErrorKind::Auth, ..error } } else { error }
    }

    /// Starts the task that closes idle connections, unless it runs.
    fn sweep(self: &Arc<Self>) {
        if self.sweeping.swap(true, Ordering::AcqRel) {
            return;
        }
        let (pool, pause) = (Arc::downgrade(self), self.idle_max / SWEEPS);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                let Some(pool) = pool.upgrade() else { return };
                let mut idle = pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
                idle.retain(|(link, since)| since.elapsed() < pool.idle_max && !link.stream.get_ref().is_stale());
                if idle.is_empty() && pool.places.available_permits() == OPEN_MAX {
                    // Under the lock, and whoever dials later starts another.
                    pool.sweeping.store(false, Ordering::Release);
                    return;
                }
            }
        });
    }
}

/// One connection, logged in, with no reply outstanding.
pub(crate) struct Link {
    pub stream: BufStream<Stream>,
    /// Whether it has answered since it was taken out of the pool, or was just made.
    pub proven: bool,
}

impl Link {
    /// Sends a command and reads its reply. Whoever drops this half-way must drop the connection, too.
    pub(super) async fn exchange(&mut self, command: &[u8], caps: Caps) -> Result<Vec<Token>, CallError> {
        let written = async {
            self.stream.write_all(command).await?;
            self.stream.flush().await
        };
        written.await.map_err(|error| io_error(&error, "send the command"))?;
        let reply = resp::read(&mut self.stream, caps).await?;
        self.proven = true;
        Ok(reply)
    }
}

/// A connection in use. It goes back when this is dropped, but for one with which something went wrong.
pub struct Lease {
    /// Away while a command is under way, so that a command that is cut off takes the connection with it.
    link: Option<Link>,
    pool: Arc<Pool>,
    _place: OwnedSemaphorePermit,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("server", &self.pool.server).finish_non_exhaustive()
    }
}

impl Lease {
    /// Sends a command and gives its reply, which is never a lone error.
    ///
    /// With `again`, a kept connection that turns out to be dead is replaced once and the command sent anew: only for
    /// commands that change nothing.
    ///
    /// # Errors
    /// `remote` or `auth` with the prefix of an error reply; `refused`, `protocol`, `too-large`, `timeout`.
    pub async fn run(
        &mut self,
        words: &[&[u8]],
        again: bool,
        caps: Caps,
        deadline: Instant,
    ) -> Result<Vec<Token>, CallError> {
        let reply = match timeout_at(deadline.into(), self.exchange(words, again, caps, deadline)).await {
            Ok(reply) => reply?,
            Err(_elapsed) => {
                return Err(self.pool.server.named(timeout("no reply in the time given".to_owned())));
            }
        };
        match reply.first() {
            Some(Token::Error(text)) => {
                if self.pool.sentinels.is_some() && text.starts_with("READONLY") {
                    // No longer the primary: the next one asks who is.
                    self.link = None;
                }
                let command = String::from_utf8_lossy(words[0]).to_ascii_uppercase();
                Err(self.pool.server.named(reply_error(&command, self.pool.server.quoted(text))))
            }
            _ => Ok(reply),
        }
    }

    async fn exchange(
        &mut self,
        words: &[&[u8]],
        again: bool,
        caps: Caps,
        deadline: Instant,
    ) -> Result<Vec<Token>, CallError> {
        let command = resp::encode(words);
        if let Some(mut link) = self.link.take() {
            match link.exchange(&command, caps).await {
                Ok(reply) => {
                    self.link = Some(link);
                    return Ok(reply);
                }
                Err(error) if !link.proven && again && error.kind == ErrorKind::Refused => {}
                Err(error) => return Err(self.pool.server.named(error)),
            }
        }
        let mut link = self.pool.dial(deadline).await?;
        let reply = link.exchange(&command, caps).await.map_err(|error| self.pool.server.named(error))?;
        self.link = Some(link);
        Ok(reply)
    }

    /// Round trip of a `PING`.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn ping(&mut self, deadline: Instant) -> Result<Duration, CallError> {
        // Dialling is not part of the time.
        let kept = match &self.link {
            Some(link) => !link.proven,
            None => {
                self.link = Some(self.pool.dial(deadline).await?);
                false
            }
        };
        let start = Instant::now();
        match self.run(&[b"PING"], false, CAPS_SETUP, deadline).await {
            // It died in the pool, which is nobody's business.
            Err(error) if kept && error.kind == ErrorKind::Refused => {}
            answer => return answer.map(|_| start.elapsed()),
        }
        self.link = Some(self.pool.dial(deadline).await?);
        let start = Instant::now();
        self.run(&[b"PING"], false, CAPS_SETUP, deadline).await?;
        Ok(start.elapsed())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(link) = self.link.take() {
            self.pool.keep(link);
        }
    }
}

/// A server's error, with the first word as code.
pub(crate) fn reply_error(command: &str, text: &str) -> CallError {
    let first = text.split(' ').next().unwrap_or_default();
    let is_prefix = first.len() > 1 && first.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let prefix = if is_prefix { first } else { "ERR" };
    let kind = match prefix {
        "NOAUTH" | "WRONGPASS" => ErrorKind::Auth,
        _ => ErrorKind::Remote,
    };
    let shown: String = text.chars().take(ERROR_CHARS_MAX).collect();
    CallError::new(kind, format!("{command}: {shown}")).with_code(prefix)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
