//! One session of a PostgreSQL server, over a stream that [`Net`] opened.
//!
//! Every statement runs in a transaction, of its own unless the guest began one, and what the session needs is set there:
//! behind a pooler such as pgbouncer the next transaction is another server's, with settings that are somebody else's, and
//! start parameters are refused.
//!
//! In a read-only session the server made the transaction read-only before the statement came: nothing that a statement
//! sets outlives it, and within it PostgreSQL refuses to become writable. Such a session is not given to users whom the
//! server lets do more than change data, and statements that act outside of a transaction are not sent.

use std::error::Error as _;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use probity_config::grants::HostPattern;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::timeout_at;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{CancelToken, Client, NoTls, SimpleQueryMessage, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::metered::{Allowance, Metered};
use super::pg_value::Param;
use super::reading;
use super::target::{Target, Tls};
use super::value::{Caps, Column, Gather, RowSet, Value};
use crate::net::{Net, io_error, timeout};
use crate::tasks::Spawner;
use crate::tls_words::tls_error;
use crate::{CallError, ErrorKind};

/// How long a cancel request may take, after the run that it belongs to is over.
const CANCEL_TIME: Duration = Duration::from_secs(2);

/// What a user may do on the server that no read-only transaction hinders, in words. Roles that it may become count: the
/// names that a server does not know are in no row of its own. Every name is looked up where nobody else can put one.
const POWERS: &str = "SELECT pg_catalog.string_agg(\
     CASE WHEN rolsuper THEN 'it is or may become a superuser' \
     WHEN rolreplication THEN 'it may make and drop replication slots' \
     ELSE 'it is a member of ' || rolname END, ', ' ORDER BY rolname) \
     FROM pg_catalog.pg_roles WHERE (rolsuper OR rolreplication OR rolname IN ('pg_execute_server_program', \
     'pg_write_server_files', 'pg_read_server_files', 'pg_signal_backend')) \
     AND pg_catalog.pg_has_role(session_user, oid, 'MEMBER')";

/// A session. Dropped in the middle of a statement it cancels the statement on the server.
pub(super) struct Session {
    client: Client,
    /// Ends the task that drives the connection, and with it the connection.
    driver: Option<AbortHandle>,
    allowance: Allowance,
    /// A statement is on its way.
    busy: bool,
    in_transaction: bool,
    read_only: bool,
    door: Arc<Door>,
}

/// What it takes to reach the server: shared by the sessions and their cancel requests.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) net: Net,
    pub(super) target: Target,
    /// The line that allows the connection's use, for refusals of the egress policy.
    pub(super) line: String,
    pub(super) spawner: Spawner,
}

impl Door {
    async fn stream(&self, deadline: Instant) -> Result<TcpStream, CallError> {
        let Target { host, port, .. } = &self.target;
        Ok(self.net.connect(host, *port, &HostPattern::exactly(host), &self.line, deadline).await?.stream)
    }

    /// The TLS configuration, or none where the line is plain.
    async fn tls(&self, deadline: Instant) -> Result<Option<MakeRustlsConnect>, CallError> {
        let Tls::Verified { trust, .. } = &self.target.tls else { return Ok(None) };
        let mut config = ClientConfig::clone(&*trust.config(deadline).await?);
        config.alpn_protocols.clear();
        Ok(Some(MakeRustlsConnect::new(config)))
    }
}

impl Session {
    /// Connects and logs in.
    ///
    /// # Errors
    /// Those of [`Net::connect`], `tls`, `auth`, `remote`.
    pub(super) async fn open(door: &Arc<Door>, read_only: bool, deadline: Instant) -> Result<Self, CallError> {
        let shown = format!("{}:{}", door.target.host, door.target.port);
        let late = |_elapsed| timeout(format!("{shown} accepted the connection and did not finish the login"));
        let stream = door.stream(deadline).await?;
        let tls = door.tls(deadline).await?;
        let mut config = tokio_postgres::Config::new();
        config.user(&door.target.user).password(&door.target.password).application_name("probity");
        if let Some(database) = &door.target.database {
            config.dbname(database);
        }
        let allowance = Allowance::default();
        let stream = Metered::new(stream, allowance.clone());
        let failed = |error: tokio_postgres::Error| map_error(&error, door);
        let host = door.target.host.to_string();
        let (client, driver) = match tls {
            None => {
                config.ssl_mode(SslMode::Disable);
                let login = config.connect_raw(stream, NoTls);
                let (client, driver) = timeout_at(deadline.into(), login).await.map_err(late)?.map_err(failed)?;
                (client, door.spawner.spawn(async move { drop(driver.await) }))
            }
            Some(mut tls) => {
                config.ssl_mode(SslMode::Require);
                let Ok(tls) = MakeTlsConnect::<Metered>::make_tls_connect(&mut tls, host.trim_matches(['[', ']']));
                let login = config.connect_raw(stream, tls);
                let (client, driver) = timeout_at(deadline.into(), login).await.map_err(late)?.map_err(failed)?;
                (client, door.spawner.spawn(async move { drop(driver.await) }))
            }
        };
        let door = Arc::clone(door);
        let mut session = Self { client, driver, allowance, busy: false, in_transaction: false, read_only, door };
        if read_only {
            timeout_at(deadline.into(), session.refuse_power()).await.map_err(late)??;
        }
        Ok(session)
    }

    /// Refuses a user who may do more than a read-only transaction hinders.
    async fn refuse_power(&mut self) -> Result<(), CallError> {
        self.begin_work();
        let answer = self.client.simple_query(POWERS).await;
        let rows = self.end_work(answer)?;
        let powers = rows.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        let Some(powers) = powers else { return Ok(()) };
        let remedy = "Give it a role of its own that may only look: CREATE ROLE probity LOGIN PASSWORD '…'; GRANT SELECT \
                      ON ALL TABLES IN SCHEMA public TO probity";
        Err(reading::too_powerful(&self.door.target.user, powers, remedy, &self.door.line))
    }

    /// Whether it can take a statement.
    pub(super) fn is_usable(&self) -> bool {
        !self.busy && !self.client.is_closed()
    }

    /// One round trip.
    pub(super) async fn ping(&mut self) -> Result<(), CallError> {
        self.begin_work();
        let answer = self.client.check_connection().await;
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
        let finished = self.finish_session(answer.is_ok()).await;
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
        let answer = self.affected(statement, params).await;
        let finished = self.finish_session(answer.is_ok()).await;
        answer.and_then(|count| finished.map(|()| count))
    }

    /// Starts a transaction.
    pub(super) async fn begin(&mut self, budget: Duration) -> Result<(), CallError> {
        self.prepare_session(budget).await?;
        self.in_transaction = true;
        Ok(())
    }

    /// Ends a transaction.
    pub(super) async fn end(&mut self, commit: bool) -> Result<(), CallError> {
        self.batch(if commit { "COMMIT" } else { "ROLLBACK" }).await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Makes it as new: no transaction, no setting, no lock, nothing prepared.
    pub(super) async fn reset(&mut self) -> Result<(), CallError> {
        if self.in_transaction {
            self.end(false).await?;
        }
        self.batch("DISCARD ALL").await
    }

    /// The transaction, and the statement's time on the server. The empty query fixes the transaction's mode: PostgreSQL
    /// lets it be changed only before the first one.
    async fn prepare_session(&mut self, budget: Duration) -> Result<(), CallError> {
        let time = format!("SET LOCAL statement_timeout = {}", budget.as_millis().max(1));
        match (self.in_transaction, self.read_only) {
            (true, _) => self.batch(&time).await,
            (false, true) => self.batch(&format!("BEGIN READ ONLY; {time}; SELECT 1")).await,
            (false, false) => self.batch(&format!("BEGIN; {time}")).await,
        }
    }

    /// Ends the statement's own transaction; one that the guest began goes on.
    async fn finish_session(&mut self, succeeded: bool) -> Result<(), CallError> {
        if self.in_transaction || self.busy {
            return Ok(());
        }
        self.batch(if succeeded && !self.read_only { "COMMIT" } else { "ROLLBACK" }).await
    }

    async fn batch(&mut self, statements: &str) -> Result<(), CallError> {
        self.begin_work();
        let answer = self.client.batch_execute(statements).await;
        self.end_work(answer)
    }

    async fn rows(&mut self, statement: &str, params: &[Value], caps: Caps) -> Result<RowSet, CallError> {
        self.begin_work();
        let mut gather = Gather::new(caps);
        let prepared = self.client.prepare(statement).await;
        let prepared = self.check(prepared)?;
        gather.columns(columns(&prepared));
        let stream = self.client.query_raw(&prepared, params.iter().map(Param)).await;
        let mut stream = pin!(self.check(stream)?);
        while let Some(row) = stream.next().await {
            let row = self.check(row)?;
            let fields: Result<Vec<Value>, _> = (0..row.len()).map(|at| row.try_get(at)).collect();
            let fields = fields.map_err(|error| unreadable(&error))?;
            if !gather.push(fields) {
                return gather.finish();
            }
        }
        self.busy = false;
        gather.finish()
    }

    async fn affected(&mut self, statement: &str, params: &[Value]) -> Result<u64, CallError> {
        self.begin_work();
        let prepared = self.client.prepare(statement).await;
        let prepared = self.check(prepared)?;
        let answer = self.client.execute_raw(&prepared, params.iter().map(Param)).await;
        let count = self.check(answer)?;
        self.busy = false;
        Ok(count)
    }

    fn begin_work(&mut self) {
        self.allowance.renew();
        self.busy = true;
    }

    fn end_work<T>(&mut self, answer: Result<T, tokio_postgres::Error>) -> Result<T, CallError> {
        let answer = self.check(answer)?;
        self.busy = false;
        Ok(answer)
    }

    /// An error that the server answered with ends the statement; any other one leaves the session busy, so that it is
    /// given up.
    fn check<T>(&mut self, answer: Result<T, tokio_postgres::Error>) -> Result<T, CallError> {
        answer.map_err(|error| {
            self.busy = error.as_db_error().is_none();
            if self.allowance.is_used_up() {
                return CallError::new(ErrorKind::TooLarge, "the reply is larger than the host takes: select less");
            }
            map_error(&error, &self.door)
        })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // One that is idle says goodbye; the task ends with it.
        if self.busy && !self.client.is_closed() {
            if let Some(driver) = &self.driver {
                driver.abort();
            }
            let (door, token) = (Arc::clone(&self.door), self.client.cancel_token());
            self.door.spawner.spawn(async move {
                // Where it cannot be sent the server's own statement timeout ends the statement.
                let _ = cancel(&door, &token).await;
            });
        }
    }
}

/// Asks the server, over a connection of its own, to end the statement.
async fn cancel(door: &Door, token: &CancelToken) -> Result<(), CallError> {
    let deadline = Instant::now() + CANCEL_TIME;
    let stream = door.stream(deadline).await?;
    let late = |_elapsed| timeout("the cancel request took too long".to_owned());
    let request = async {
        let sent = match door.tls(deadline).await? {
            None => token.cancel_query_raw(stream, NoTls).await,
            Some(mut tls) => {
                let host = door.target.host.to_string();
                let Ok(tls) = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, host.trim_matches(['[', ']']));
                token.cancel_query_raw(stream, tls).await
            }
        };
        sent.map_err(|error| map_error(&error, door))
    };
    timeout_at(deadline.into(), request).await.map_err(late)?
}

fn columns(statement: &Statement) -> Vec<Column> {
    let columns = statement.columns().iter();
    columns
        .map(|column| Column { name: column.name().to_owned(), type_name: column.type_().name().to_owned() })
        .collect()
}

fn unreadable(error: &tokio_postgres::Error) -> CallError {
    let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    CallError::new(ErrorKind::Unsupported, why)
}

fn map_error(error: &tokio_postgres::Error, door: &Door) -> CallError {
    if let Some(error) = error.as_db_error() {
        return server_error(error, door);
    }
    let shown = format!("{}:{}", door.target.host, door.target.port);
    if error.is_closed() {
        return CallError::new(ErrorKind::Refused, format!("{shown} closed the connection"));
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(cause) = cause.downcast_ref::<io::Error>() {
            let is_tls = cause.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
            return if is_tls { tls_error(cause, &door.target.host) } else { lost(cause, &shown) };
        }
        source = cause.source();
    }
    let text = error.to_string();
    let kind = match &text {
        text if text.contains("TLS handshake") => ErrorKind::Tls,
        text if text.contains("authentication") || text.contains("password") => ErrorKind::Auth,
        text if text.contains("parameters") => ErrorKind::InvalidArgument,
        _ => ErrorKind::Protocol,
    };
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    CallError::new(kind, format!("{shown}: {text}{cause}"))
}

/// A connection that ended: a server that stops does so in the middle of whatever there is. An error that the operating
/// system knows nothing of is the driver's own, about the half of a message that came.
pub(super) fn lost(error: &io::Error, shown: &str) -> CallError {
    let is_cut = error.kind() == io::ErrorKind::UnexpectedEof
        || (error.kind() == io::ErrorKind::Other && error.raw_os_error().is_none());
    let told = io_error(error, &format!("talk to {shown}"));
    if is_cut { CallError { kind: ErrorKind::Refused, ..told } } else { told }
}

/// Only the message: details may quote rows.
fn server_error(error: &DbError, door: &Door) -> CallError {
    let code = error.code();
    let kind = match code {
        &SqlState::QUERY_CANCELED => ErrorKind::Timeout,
        &SqlState::READ_ONLY_SQL_TRANSACTION => ErrorKind::Denied,
        &SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN | &SqlState::CANNOT_CONNECT_NOW => ErrorKind::Refused,
        code if code.code().starts_with("28") => ErrorKind::Auth,
        code if code.code() == "08P01" && error.message().contains("parameter") => ErrorKind::InvalidArgument,
        _ => ErrorKind::Remote,
    };
    let mut message = error.message().to_owned();
    if kind == ErrorKind::Denied {
        message = format!("{message}; to allow it, add: {}", reading::writing(&door.line));
    }
    CallError::new(kind, message).with_code(code.code())
}
