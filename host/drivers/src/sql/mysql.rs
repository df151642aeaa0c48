//! One session of a MySQL or MariaDB server.
//!
//! The driver opens its own socket and takes no stream of ours, so it gets the addresses that [`Net`] resolved and
//! allowed, and never the name to resolve.
//!
//! A read-only session begins every statement's transaction as one that the server keeps read-only. It is not given to
//! users who may write files on the server, and statements that could end the transaction are not sent.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use mysql_async::prelude::Queryable;
use mysql_async::{ClientIdentity, Conn, DriverError, Error, IoError, Opts, OptsBuilder, SslOpts, TlsError};
use probity_config::grants::HostPattern;
use tokio::time::timeout_at;

use super::metered::REPLY_BYTES_MAX;
use super::mysql_value;
use super::postgres::{Door, lost};
use super::reading;
use super::target::Tls;
use super::value::{Caps, Gather, RowSet, Value};
use crate::authorities::READING;
use crate::looks::Looks;
use crate::net::timeout;
use crate::race::{self, Race};
use crate::tls_words::{self, tls_error};
use crate::{CallError, ErrorKind};

/// How long killing a statement may take, after the run that it belongs to is over.
const KILL_TIME: Duration = Duration::from_secs(2);

/// Seconds until the server closes a session that we forgot; ours are closed long before.
const WAIT_TIMEOUT_SECONDS: usize = 3_600;

/// A session. Dropped in the middle of a statement it has the server kill it.
pub(super) struct Session {
    /// Away only while it is dropped.
    conn: Option<Conn>,
    is_mariadb: bool,
    busy: bool,
    /// The connection broke: there is nothing to kill, and its number may be another session's by now.
    broken: bool,
    in_transaction: bool,
    read_only: bool,
    door: Arc<Door>,
}

impl Session {
    /// Connects and logs in.
    ///
    /// # Errors
    /// `denied`, `dns`, `refused`, `unreachable`, `timeout`, `tls`, `auth`, `remote`.
    pub(super) async fn open(door: &Arc<Door>, read_only: bool, deadline: Instant) -> Result<Self, CallError> {
        let mut conn = Guarded(Some(connect(door, deadline).await?));
        let late = |_elapsed| timeout("the server did not tell its version in time".to_owned());
        let version = conn.get()?.query_first::<String, _>("SELECT VERSION()");
        let version = timeout_at(deadline.into(), version).await.map_err(late)?;
        let version = version.map_err(|error| map_error(error, door))?.unwrap_or_default();
        if read_only {
            let late = |_elapsed| timeout("the server did not tell what its user may do in time".to_owned());
            let grants = conn.get()?.query::<String, _>("SHOW GRANTS");
            let grants = timeout_at(deadline.into(), grants).await.map_err(late)?;
            let grants = grants.map_err(|error| map_error(error, door))?;
            if grants.iter().any(|grant| writes_files(grant)) {
                let powers = "it may read and write files on the server (privilege FILE)";
                let remedy = "Give it a user of its own that may only look: CREATE USER probity IDENTIFIED BY '…'; GRANT \
                              SELECT ON shop.* TO probity";
                return Err(reading::too_powerful(&door.target.user, powers, remedy, &door.line));
            }
        }
        Ok(Self {
            conn: conn.0.take(),
            is_mariadb: version.contains("MariaDB"),
            busy: false,
            broken: false,
            in_transaction: false,
            read_only,
            door: Arc::clone(door),
        })
    }

    /// Whether it can take a statement.
    pub(super) const fn is_usable(&self) -> bool {
        !self.busy
    }

    /// One round trip.
    pub(super) async fn ping(&mut self) -> Result<(), CallError> {
        self.busy = true;
        let answer = conn(&mut self.conn)?.ping().await;
        self.end_work(answer)
    }

    /// Runs one statement and reads its rows.
    pub(super) async fn query(
        &mut self,
        statement: &str,
        params: &[Value],
        caps: Caps,
        budget: Duration,
    ) -> Result<RowSet, CallError> {
        if self.read_only {
            reading::check(statement, &self.door.line)?;
        }
        self.prepare_session(budget).await?;
        let answer = self.rows(statement, params, caps).await;
        // What is left of a cut reply is still on its way: the session stays busy and is given up.
        let finished = self.finish_session().await;
        answer.and_then(|reply| finished.map(|()| reply))
    }

    /// Runs one statement, and tells how many rows it touched.
    pub(super) async fn execute(
        &mut self,
        statement: &str,
        params: &[Value],
        budget: Duration,
    ) -> Result<u64, CallError> {
        self.prepare_session(budget).await?;
        self.busy = true;
        let answer = conn(&mut self.conn)?.exec_drop(statement, mysql_value::params(params)).await;
        self.end_work(answer)?;
        Ok(conn(&mut self.conn)?.affected_rows())
    }

    /// Starts a transaction.
    pub(super) async fn begin(&mut self, budget: Duration) -> Result<(), CallError> {
        self.prepare_session(budget).await?;
        self.batch("START TRANSACTION").await?;
        self.in_transaction = true;
        Ok(())
    }

    /// Ends a transaction.
    pub(super) async fn end(&mut self, commit: bool) -> Result<(), CallError> {
        self.batch(if commit { "COMMIT" } else { "ROLLBACK" }).await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Makes it as new: `COM_RESET_CONNECTION`.
    pub(super) async fn reset(&mut self) -> Result<(), CallError> {
        self.busy = true;
        let answer = conn(&mut self.conn)?.reset().await;
        // Servers too old for it get a new session each time.
        self.busy = !self.end_work(answer)?;
        self.in_transaction = false;
        Ok(())
    }

    /// The statement's time on the server, and the read-only transaction. The session's default is set as well, and
    /// again each time: a procedure may end the transaction that it was called in.
    async fn prepare_session(&mut self, budget: Duration) -> Result<(), CallError> {
        let budget = budget.max(Duration::from_millis(1));
        let limit = if self.is_mariadb {
            format!("SET SESSION max_statement_time = {:.3}", budget.as_secs_f64())
        } else {
            format!("SET SESSION max_execution_time = {}", budget.as_millis())
        };
        if self.read_only {
            self.batch(&format!("{limit}; SET SESSION TRANSACTION READ ONLY; START TRANSACTION READ ONLY")).await
        } else {
            self.batch(&limit).await
        }
    }

    async fn finish_session(&mut self) -> Result<(), CallError> {
        if self.read_only && !self.busy { self.batch("ROLLBACK").await } else { Ok(()) }
    }

    async fn batch(&mut self, statements: &str) -> Result<(), CallError> {
        self.busy = true;
        let answer = conn(&mut self.conn)?.query_drop(statements).await;
        self.end_work(answer)
    }

    async fn rows(&mut self, statement: &str, params: &[Value], caps: Caps) -> Result<RowSet, CallError> {
        self.busy = true;
        let answer = gather(conn(&mut self.conn)?, statement, params, caps).await;
        match answer {
            Ok(gather) => {
                let reply = gather.finish()?;
                self.busy = reply.truncated;
                Ok(reply)
            }
            Err(error) => self.end_work(Err(error)),
        }
    }

    /// An error that the server answered with ends the statement; any other one leaves the session busy, so that it is
    /// given up.
    fn end_work<T>(&mut self, answer: Result<T, Error>) -> Result<T, CallError> {
        self.busy =
            !matches!(answer, Ok(_) | Err(Error::Server(_) | Error::Driver(DriverError::StmtParamsMismatch { .. })));
        self.broken = matches!(answer, Err(Error::Io(_) | Error::Driver(DriverError::ConnectionClosed)));
        answer.map_err(|error| map_error(error, &self.door))
    }
}

/// Whether a line of `SHOW GRANTS` gives `FILE`, which there is only for everything: `*.*`.
fn writes_files(grant: &str) -> bool {
    let Some((privileges, _)) = grant.strip_prefix("GRANT ").and_then(|rest| rest.split_once(" ON *.* TO ")) else {
        return false;
    };
    let mut each = privileges.split(',').map(str::trim);
    each.any(|privilege| matches!(privilege, "FILE" | "ALL PRIVILEGES" | "ALL"))
}

fn conn(conn: &mut Option<Conn>) -> Result<&mut Conn, CallError> {
    conn.as_mut().ok_or_else(|| CallError::new(ErrorKind::Other, "the session was given up"))
}

async fn gather(conn: &mut Conn, statement: &str, params: &[Value], caps: Caps) -> Result<Gather, Error> {
    let mut gather = Gather::new(caps);
    let mut result = conn.exec_iter(statement, mysql_value::params(params)).await?;
    let columns = result.columns().unwrap_or_default();
    gather.columns(columns.iter().map(mysql_value::column).collect());
    while let Some(row) = result.next().await? {
        let fields = row.unwrap().into_iter().zip(columns.iter());
        if !gather.push(fields.map(|(field, column)| mysql_value::value(field, column)).collect()) {
            return Ok(gather);
        }
    }
    // A procedure has further results.
    result.drop_result().await?;
    Ok(gather)
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(conn) = self.conn.take() else { return };
        let id = conn.id();
        close(conn);
        if self.busy && !self.broken {
            let door = Arc::clone(&self.door);
            self.door.spawner.spawn(async move {
                // Where it cannot be sent the server's own limit ends the statement.
                let _ = kill(&door, id).await;
            });
        }
    }
}

/// Closes at once. The driver's own way reads what is left of a reply first, in a task that nobody waits for.
fn close(conn: Conn) {
    let _ = conn.disconnect().now_or_never();
}

/// A connection that is closed at once when it is dropped.
struct Guarded(Option<Conn>);

impl Guarded {
    fn get(&mut self) -> Result<&mut Conn, CallError> {
        conn(&mut self.0)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if let Some(conn) = self.0.take() {
            close(conn);
        }
    }
}

async fn connect(door: &Door, deadline: Instant) -> Result<Conn, CallError> {
    let target = &door.target;
    let addresses = door.net.resolve(&target.host, &HostPattern::exactly(&target.host), &door.line, deadline).await?.0;
    let addresses: Vec<SocketAddr> =
        race::order(&addresses).into_iter().map(|address| SocketAddr::new(address, target.port)).collect();
    let options = OptsBuilder::default()
        .ip_or_hostname(target.host.to_string().trim_matches(['[', ']']))
        .tcp_port(target.port)
        .user(Some(target.user.clone()))
        .pass(Some(target.password.clone()))
        .db_name(target.database.clone())
        // A socket file would go past the egress policy.
        .prefer_socket(false)
        .stmt_cache_size(0)
        .max_allowed_packet(Some(usize::try_from(REPLY_BYTES_MAX).unwrap_or(usize::MAX)))
        .wait_timeout(Some(WAIT_TIMEOUT_SECONDS))
        .ssl_opts(ssl(&target.tls, deadline).await?);
    let late =
        |_elapsed| timeout(format!("{}:{} did not finish the login in the time given", target.host, target.port));
    // The driver would wait for a silent address before it tries the next.
    let at = |address: SocketAddr| options.clone().resolved_ips(Some(vec![address.ip()]));
    let mut race = Race::new(&addresses, |address| Conn::new(Opts::from(at(address))));
    if let Some((conn, _)) = timeout_at(deadline.into(), race.run()).await.map_err(late)? {
        return Ok(conn);
    }
    let first = race.into_failed().into_iter().next();
    Err(first.map_or_else(
        || CallError::new(ErrorKind::Dns, format!("{} has no address", target.host)),
        |error| map_error(error, door),
    ))
}

async fn ssl(tls: &Tls, deadline: Instant) -> Result<Option<SslOpts>, CallError> {
    let Tls::Verified { ca, identity, .. } = tls else { return Ok(None) };
    let roots = match ca {
        Some(pem) => vec![pem.clone()],
        None => {
            let patience = deadline.saturating_duration_since(Instant::now());
            READS.look(("", READING), patience, || Ok(system_roots())).await?.to_vec()
        }
    };
    let identity = identity.clone().map(|own| ClientIdentity::new(own.certificate.into(), own.key.into()));
    // Mozilla's authorities stand in where the system has none.
    let options = SslOpts::default().with_disable_built_in_roots(!roots.is_empty());
    let options = options.with_client_identity(identity);
    Ok(Some(options.with_root_certs(roots.into_iter().map(Into::into).collect())))
}

/// Reads of the system's authorities as this driver wants them: one, which everybody shares.
static READS: Looks<&'static [Vec<u8>]> = Looks::new("reads of the system's authorities", 1, 1);

/// Read once, tens of milliseconds.
fn system_roots() -> &'static [Vec<u8>] {
    static ROOTS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs().certs;
        // One that cannot be used would spoil the rest.
        let usable = found.into_iter().filter(|der| rustls::RootCertStore::empty().add(der.clone()).is_ok());
        usable.map(|der| der.to_vec()).collect()
    })
}

async fn kill(door: &Door, id: u32) -> Result<(), CallError> {
    let deadline = Instant::now() + KILL_TIME;
    let mut conn = Guarded(Some(connect(door, deadline).await?));
    // A server counts its sessions up. One that has restarted since begins anew, and the number is somebody else's.
    if conn.get()?.id() <= id {
        return Ok(());
    }
    let request = conn.get()?.query_drop(format!("KILL {id}"));
    let late = |_elapsed| timeout("killing the statement took too long".to_owned());
    timeout_at(deadline.into(), request).await.map_err(late)?.map_err(|error| map_error(error, door))
}

#[allow(clippy::needless_pass_by_value, reason = "used as a function of `map_err`")]
fn map_error(error: Error, door: &Door) -> CallError {
    let shown = format!("{}:{}", door.target.host, door.target.port);
    match &error {
        Error::Server(server) => {
            let kind = match server.code {
                // Access denied, in its three forms.
                1044 | 1045 | 1698 => ErrorKind::Auth,
                1792 => ErrorKind::Denied,
                // Interrupted, and out of time: MariaDB, MySQL.
                1317 | 1969 | 3024 => ErrorKind::Timeout,
                // Shutting down, killed.
                1053 | 1927 => ErrorKind::Refused,
                _ => ErrorKind::Remote,
            };
            let mut message = server.message.clone();
            if kind == ErrorKind::Denied {
                message = format!("{message}; to allow it, add: {}", reading::writing(&door.line));
            }
            CallError::new(kind, message).with_code(server.state.clone())
        }
        Error::Io(IoError::Io(io)) if io.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => {
            tls_error(io, &door.target.host)
        }
        Error::Io(IoError::Io(io)) => lost(io, &shown),
        Error::Io(IoError::Tls(error)) => tls_failure(error, &shown),
        Error::Driver(DriverError::ConnectionClosed) => {
            CallError::new(ErrorKind::Refused, format!("{shown} closed the connection"))
        }
        Error::Driver(DriverError::NoClientSslFlagFromServer) => {
            let message = format!("{shown} does not offer TLS; `sslmode=disable` in the URL goes without");
            CallError::new(ErrorKind::Tls, message)
        }
        Error::Driver(error @ DriverError::StmtParamsMismatch { .. }) => {
            CallError::new(ErrorKind::InvalidArgument, error.to_string())
        }
        Error::Driver(DriverError::PacketTooLarge) => {
            CallError::new(ErrorKind::TooLarge, "the reply is larger than the host takes: select less")
        }
        // The rest may quote packets.
        Error::Driver(_) | Error::Other(_) | Error::Url(_) => {
            CallError::new(ErrorKind::Protocol, format!("{shown} does not speak the protocol as the host knows it"))
        }
    }
}

/// The library's own words are not for people.
fn tls_failure(error: &TlsError, shown: &str) -> CallError {
    let TlsError::Tls(error) = error else {
        return CallError::new(
            ErrorKind::Tls,
            format!("TLS with {shown}: its certificates or its name cannot be used"),
        );
    };
    let told = CallError::new(ErrorKind::Tls, format!("TLS with {shown}: {}", tls_words::sentence(error)));
    match tls_words::code(error) {
        Some(code) => told.with_code(code),
        None => told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Files are written by whom a line for everything lets, and nobody else.
    #[test]
    fn files_are_a_privilege() {
        for grant in [
            "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION",
            "GRANT SELECT, FILE, PROCESS ON *.* TO `probe`@`%` IDENTIFIED BY PASSWORD '*00'",
        ] {
            assert!(writes_files(grant), "{grant}");
        }
        for grant in [
            "GRANT USAGE ON *.* TO `probe`@`%`",
            "GRANT ALL PRIVILEGES ON `shop`.* TO `probe`@`%`",
            "GRANT PROCESS, REPLICATION CLIENT ON *.* TO `probe`@`%`",
            "GRANT PROXY ON ''@'%' TO 'root'@'localhost' WITH GRANT OPTION",
            "GRANT `FILE` TO `probe`@`%`",
        ] {
            assert!(!writes_files(grant), "{grant}");
        }
    }
}
