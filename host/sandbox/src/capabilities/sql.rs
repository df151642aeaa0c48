//! `sql`: the contract's connections and transactions, over sessions that the host lends.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use probity_config::Grants;
use probity_core::check::Capability;
use probity_drivers::sql::{Access, Database, RowSet, Session, Value};
use probity_drivers::{CallError, ErrorKind};
use wasmtime::component::Resource;

use super::bindings::probity::check::sql::{self as raw, Host, HostConnection, HostTransaction};
use super::{HostError, HostState, small};

/// A guest's connection: the right to use a database, with a session while there is one.
#[derive(Debug)]
pub struct SqlConnection {
    database: Arc<Database>,
    access: Access,
    /// None while a call or a transaction has it, and after one that was cut off; the next call borrows another one.
    session: Option<Session>,
}

/// A guest's transaction.
#[derive(Debug)]
pub struct SqlTransaction {
    database: Arc<Database>,
    /// None once the transaction is over.
    session: Option<Session>,
}

impl Host for HostState {}

impl HostConnection for HostState {
    async fn open(&mut self, name: String) -> Result<Resource<SqlConnection>, HostError> {
        let (env, deadline, target) = (Arc::clone(&self.env), self.calls_end(), name.clone());
        let work = async move {
            let (database, access) = env.services.databases.granted(&name, &env.grants)?;
            let session = database.session(access, deadline).boxed().await?;
            Ok(SqlConnection { database, access, session: Some(session) })
        };
        let connection = self.call(Capability::Sql, "open", &target, small(work)).await?;
        Ok(self.table.push(connection)?)
    }

    async fn engine(&mut self, connection: Resource<SqlConnection>) -> wasmtime::Result<String> {
        Ok(self.table.get(&connection)?.database.engine().to_owned())
    }

    async fn ping(&mut self, connection: Resource<SqlConnection>) -> Result<f64, HostError> {
        let deadline = self.calls_end();
        let took = self.on_session(&connection, "ping", move |session| session.ping(deadline).boxed()).await?;
        Ok(took.as_secs_f64() * 1e3)
    }

    async fn query(
        &mut self,
        connection: Resource<SqlConnection>,
        statement: String,
        params: Vec<raw::Value>,
    ) -> Result<raw::RowSet, HostError> {
        let (deadline, bytes) = (self.calls_end(), self.env.limits.response_bytes);
        let params: Vec<Value> = params.into_iter().map(Into::into).collect();
        let reply = self.on_session(&connection, "query", move |session| {
            async move { session.query(&statement, &params, bytes, deadline).await }.boxed()
        });
        Ok(reply.await?.into())
    }

    async fn execute(
        &mut self,
        connection: Resource<SqlConnection>,
        statement: String,
        params: Vec<raw::Value>,
    ) -> Result<u64, HostError> {
        self.writable(&connection, "execute").await?;
        let deadline = self.calls_end();
        let params: Vec<Value> = params.into_iter().map(Into::into).collect();
        self.on_session(&connection, "execute", move |session| {
            async move { session.execute(&statement, &params, deadline).await }.boxed()
        })
        .await
    }

    async fn begin(&mut self, connection: Resource<SqlConnection>) -> Result<Resource<SqlTransaction>, HostError> {
        self.writable(&connection, "begin").await?;
        let deadline = self.calls_end();
        self.on_session(&connection, "begin", move |session| session.begin(deadline).boxed()).await?;
        let entry = self.table.get_mut(&connection)?;
        let transaction = SqlTransaction { database: Arc::clone(&entry.database), session: entry.session.take() };
        Ok(self.table.push(transaction)?)
    }

    async fn drop(&mut self, connection: Resource<SqlConnection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl HostTransaction for HostState {
    async fn query(
        &mut self,
        transaction: Resource<SqlTransaction>,
        statement: String,
        params: Vec<raw::Value>,
    ) -> Result<raw::RowSet, HostError> {
        let (deadline, bytes) = (self.calls_end(), self.env.limits.response_bytes);
        let params: Vec<Value> = params.into_iter().map(Into::into).collect();
        let reply = self.in_transaction(&transaction, "query", move |session| {
            async move { session.query(&statement, &params, bytes, deadline).await }.boxed()
        });
        Ok(reply.await?.into())
    }

    async fn execute(
        &mut self,
        transaction: Resource<SqlTransaction>,
        statement: String,
        params: Vec<raw::Value>,
    ) -> Result<u64, HostError> {
        let deadline = self.calls_end();
        let params: Vec<Value> = params.into_iter().map(Into::into).collect();
        self.in_transaction(&transaction, "execute", move |session| {
            async move { session.execute(&statement, &params, deadline).await }.boxed()
        })
        .await
    }

    async fn commit(&mut self, transaction: Resource<SqlTransaction>) -> Result<(), HostError> {
        self.end(&transaction, "commit", true).await
    }

    async fn rollback(&mut self, transaction: Resource<SqlTransaction>) -> Result<(), HostError> {
        self.end(&transaction, "rollback", false).await
    }

    async fn drop(&mut self, transaction: Resource<SqlTransaction>) -> wasmtime::Result<()> {
        self.table.delete(transaction)?;
        Ok(())
    }
}

impl HostState {
    /// Makes one call with the connection's session, or another one if it has none. A session that a call was cut off
    /// in does not come back.
    async fn on_session<T: Send + 'static>(
        &mut self,
        connection: &Resource<SqlConnection>,
        operation: &'static str,
        work: impl for<'a> FnOnce(&'a mut Session) -> BoxFuture<'a, Result<T, CallError>> + Send + 'static,
    ) -> Result<T, HostError> {
        let deadline = self.calls_end();
        let entry = self.table.get_mut(connection)?;
        let (database, access, held) = (Arc::clone(&entry.database), entry.access, entry.session.take());
        let target = Arc::clone(&database);
        let call = self.call_with(Capability::Sql, operation, target.name(), held, move |held| {
            async move {
                let session = match held {
                    Some(session) => session,
                    None => held.insert(database.session(access, deadline).await?),
                };
                work(session).await
            }
            .boxed()
        });
        let (held, answer) = call.await;
        self.table.get_mut(connection)?.session = held.flatten().filter(Session::is_usable);
        answer
    }

    async fn in_transaction<T: Send + 'static>(
        &mut self,
        transaction: &Resource<SqlTransaction>,
        operation: &'static str,
        work: impl for<'a> FnOnce(&'a mut Session) -> BoxFuture<'a, Result<T, CallError>> + Send + 'static,
    ) -> Result<T, HostError> {
        let entry = self.table.get_mut(transaction)?;
        let (database, held) = (Arc::clone(&entry.database), entry.session.take());
        let call = self.call_with(Capability::Sql, operation, database.name(), held, move |held| {
            async move { work(held.as_mut().ok_or_else(over)?).await }.boxed()
        });
        let (held, answer) = call.await;
        self.table.get_mut(transaction)?.session = held.flatten().filter(Session::is_usable);
        answer
    }

    async fn end(
        &mut self,
        transaction: &Resource<SqlTransaction>,
        operation: &'static str,
        commit: bool,
    ) -> Result<(), HostError> {
        let deadline = self.calls_end();
        self.in_transaction(transaction, operation, move |session| session.end(commit, deadline).boxed()).await?;
        // Back to the pool.
        self.table.get_mut(transaction)?.session = None;
        Ok(())
    }

    /// Whether the connection is granted for changes.
    async fn writable(
        &mut self,
        connection: &Resource<SqlConnection>,
        operation: &'static str,
    ) -> Result<(), HostError> {
        let entry = self.table.get(connection)?;
        if entry.access == Access::Write {
            return Ok(());
        }
        let name = entry.database.name().to_owned();
        let line = Grants::line_for(Capability::Sql, &format!("{name}:write"));
        let message = format!("connection `{name}` is granted for reading only; to allow changes, add: {line}");
        let denied = async move { Err(CallError::new(ErrorKind::Denied, message)) };
        self.call(Capability::Sql, operation, &name, small(denied)).await
    }
}

fn over() -> CallError {
    CallError::new(ErrorKind::Other, "the transaction is over: it ended, or an earlier call of it was cut off")
}

impl From<raw::Value> for Value {
    fn from(value: raw::Value) -> Self {
        match value {
            raw::Value::Null => Self::Null,
            raw::Value::Boolean(value) => Self::Boolean(value),
            raw::Value::Integer(value) => Self::Integer(value),
            raw::Value::Float(value) => Self::Float(value),
            raw::Value::Text(value) => Self::Text(value),
            raw::Value::Bytes(value) => Self::Bytes(value),
        }
    }
}

impl From<Value> for raw::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Boolean(value) => Self::Boolean(value),
            Value::Integer(value) => Self::Integer(value),
            Value::Float(value) => Self::Float(value),
            Value::Text(value) => Self::Text(value),
            Value::Bytes(value) => Self::Bytes(value),
        }
    }
}

impl From<RowSet> for raw::RowSet {
    fn from(reply: RowSet) -> Self {
        let columns = reply.columns.into_iter();
        Self {
            columns: columns.map(|column| raw::Column { name: column.name, type_name: column.type_name }).collect(),
            rows: reply.rows.into_iter().map(|row| row.into_iter().map(Into::into).collect()).collect(),
            truncated: reply.truncated,
        }
    }
}
