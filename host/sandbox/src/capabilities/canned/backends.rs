//! `sql`, `redis`, `queue` and `secrets` from a script.

use base64::prelude::{BASE64_STANDARD, Engine};
use hmac::{Hmac, KeyInit, Mac};
use probity_core::check::Capability;
use probity_drivers::{CallError, ErrorKind};
use sha2::Sha256;
use wasmtime::component::Resource;

use super::super::HostError;
use super::super::bindings::probity::check::{queue, redis, secrets, sql};
use super::super::redis::RedisConnection;
use super::super::sql::{SqlConnection, SqlTransaction};
use super::{Actor, Answer, disguise, misfit, peek};

/// A connection or transaction of a script: all there is to it is its name.
struct Named(String);

/// Statements compare by their words, so that a case may break lines as it likes.
pub fn words(statement: &str) -> String {
    statement.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Actor<'_> {
    /// A call that works unless the case says otherwise, on a connection that the case speaks of.
    fn quiet(
        &mut self,
        (capability, operation): (Capability, &'static str),
        name: &str,
    ) -> Result<Option<Answer>, HostError> {
        let kind = capability.as_str();
        let asked = format!("{kind} {name} {operation}");
        let script = self.script()?;
        if script.knows(&asked) || !script.knows(&format!("{kind} {name} ")) {
            let hint = || {
                let what = if kind == "sql" {
                    "query = \"SELECT 1\"\nrows = [[1]]"
                } else {
                    "command = \"PING\"\nreply = \"PONG\""
                };
                format!("[[case.{kind}]]\nconnection = {name:?}\n{what}")
            };
            return self.play((capability, operation), name, &asked, hint).map(|(_, answer)| Some(answer));
        }
        self.0.call_now(capability, operation, name, |_| Ok(None))
    }

    fn statement(
        &mut self,
        operation: &'static str,
        name: &str,
        statement: &str,
        params: &[sql::Value],
    ) -> Result<Answer, HostError> {
        let statement = words(statement);
        let with: Vec<String> = params.iter().map(shown).collect();
        let plain = format!("sql {name} {operation} {statement}");
        let exact = format!("{plain} [{}]", with.join(", "));
        let script = self.script()?;
        let has = |asked: &str| script.entries.iter().any(|entry| entry.asked == asked);
        // An entry that names parameters goes before one that does not; where all name others, these are shown.
        let names_others = || !has(&plain) && script.knows(&format!("{plain} ["));
        let asked = if has(&exact) || names_others() { exact } else { plain };
        let hint = || {
            let answer = if operation == "query" { "columns = [\"…\"]\nrows = [[1]]" } else { "affected = 1" };
            format!("[[case.sql]]\nconnection = {name:?}\n{operation} = {statement:?}\n{answer}")
        };
        self.play((Capability::Sql, operation), name, &asked, hint).map(|(_, answer)| answer)
    }

    fn name(&self, rep: u32) -> wasmtime::Result<String> {
        Ok(self.0.table.get(&Resource::<Named>::new_borrow(rep))?.0.clone())
    }
}

/// A parameter as a case writes it.
pub fn shown(value: &sql::Value) -> String {
    match value {
        sql::Value::Null => "null".to_owned(),
        sql::Value::Boolean(value) => value.to_string(),
        sql::Value::Integer(value) => value.to_string(),
        sql::Value::Float(value) => value.to_string(),
        sql::Value::Text(text) => format!("{text:?}"),
        sql::Value::Bytes(bytes) => format!("{{ base64 = {:?} }}", BASE64_STANDARD.encode(bytes)),
    }
}

impl sql::Host for Actor<'_> {}

impl sql::HostConnection for Actor<'_> {
    async fn open(&mut self, name: String) -> Result<Resource<SqlConnection>, HostError> {
        self.quiet((Capability::Sql, "open"), &name)?;
        let resource = self.0.table.push(Named(name))?;
        Ok(disguise(&resource))
    }

    async fn engine(&mut self, connection: Resource<SqlConnection>) -> wasmtime::Result<String> {
        let name = self.name(connection.rep())?;
        let engine = self.0.env.script.as_ref().and_then(|script| script.engines.get(&name).cloned());
        Ok(engine.unwrap_or_else(|| "postgres".to_owned()))
    }

    async fn ping(&mut self, connection: Resource<SqlConnection>) -> Result<f64, HostError> {
        let name = self.name(connection.rep()).map_err(HostError::Trap)?;
        Ok(match self.quiet((Capability::Sql, "ping"), &name)? {
            Some(Answer::Ms(ms)) => ms,
            _ => 1.0,
        })
    }

    async fn query(
        &mut self,
        connection: Resource<SqlConnection>,
        statement: String,
        params: Vec<sql::Value>,
    ) -> Result<sql::RowSet, HostError> {
        let name = self.name(connection.rep()).map_err(HostError::Trap)?;
        rows(self.statement("query", &name, &statement, &params)?)
    }

    async fn execute(
        &mut self,
        connection: Resource<SqlConnection>,
        statement: String,
        params: Vec<sql::Value>,
    ) -> Result<u64, HostError> {
        let name = self.name(connection.rep()).map_err(HostError::Trap)?;
        affected(&self.statement("execute", &name, &statement, &params)?)
    }

    async fn begin(&mut self, connection: Resource<SqlConnection>) -> Result<Resource<SqlTransaction>, HostError> {
        let name = self.name(connection.rep()).map_err(HostError::Trap)?;
        self.quiet((Capability::Sql, "begin"), &name)?;
        let resource = self.0.table.push(Named(name))?;
        Ok(disguise(&resource))
    }

    async fn drop(&mut self, connection: Resource<SqlConnection>) -> wasmtime::Result<()> {
        self.0.table.delete::<Named>(disguise(&connection))?;
        Ok(())
    }
}

impl sql::HostTransaction for Actor<'_> {
    async fn query(
        &mut self,
        transaction: Resource<SqlTransaction>,
        statement: String,
        params: Vec<sql::Value>,
    ) -> Result<sql::RowSet, HostError> {
        let name = self.name(transaction.rep()).map_err(HostError::Trap)?;
        rows(self.statement("query", &name, &statement, &params)?)
    }

    async fn execute(
        &mut self,
        transaction: Resource<SqlTransaction>,
        statement: String,
        params: Vec<sql::Value>,
    ) -> Result<u64, HostError> {
        let name = self.name(transaction.rep()).map_err(HostError::Trap)?;
        affected(&self.statement("execute", &name, &statement, &params)?)
    }

    async fn commit(&mut self, transaction: Resource<SqlTransaction>) -> Result<(), HostError> {
        let name = self.name(transaction.rep()).map_err(HostError::Trap)?;
        self.quiet((Capability::Sql, "commit"), &name).map(drop)
    }

    async fn rollback(&mut self, transaction: Resource<SqlTransaction>) -> Result<(), HostError> {
        let name = self.name(transaction.rep()).map_err(HostError::Trap)?;
        self.quiet((Capability::Sql, "rollback"), &name).map(drop)
    }

    async fn drop(&mut self, transaction: Resource<SqlTransaction>) -> wasmtime::Result<()> {
        self.0.table.delete::<Named>(disguise(&transaction))?;
        Ok(())
    }
}

fn rows(answer: Answer) -> Result<sql::RowSet, HostError> {
    match answer {
        Answer::Rows(rows) => Ok(rows),
        _ => Err(misfit()),
    }
}

fn affected(answer: &Answer) -> Result<u64, HostError> {
    match answer {
        Answer::Affected(count) => Ok(*count),
        _ => Err(misfit()),
    }
}

impl redis::Host for Actor<'_> {}

impl redis::HostConnection for Actor<'_> {
    async fn open(&mut self, name: String) -> Result<Resource<RedisConnection>, HostError> {
        self.quiet((Capability::Redis, "open"), &name)?;
        let resource = self.0.table.push(Named(name))?;
        Ok(disguise(&resource))
    }

    async fn ping(&mut self, connection: Resource<RedisConnection>) -> Result<f64, HostError> {
        let name = self.name(connection.rep()).map_err(HostError::Trap)?;
        Ok(match self.quiet((Capability::Redis, "ping"), &name)? {
            Some(Answer::Ms(ms)) => ms,
            _ => 1.0,
        })
    }

    async fn command(
        &mut self,
        connection: Resource<RedisConnection>,
        name: String,
        args: Vec<Vec<u8>>,
    ) -> Result<Vec<redis::Token>, HostError> {
        let server = self.0.table.get::<Named>(&peek(&connection))?.0.clone();
        let mut command = name.to_uppercase();
        for arg in &args {
            command.push(' ');
            command.push_str(&String::from_utf8_lossy(arg));
        }
        let asked = format!("redis {server} command {command}");
        let hint = || format!("[[case.redis]]\nconnection = {server:?}\ncommand = {command:?}\nreply = 0");
        let target = format!("{server}:{}", name.to_uppercase());
        match self.play((Capability::Redis, "command"), &target, &asked, hint)?.1 {
            Answer::Tokens(tokens) => match tokens.as_slice() {
                // An error reply is an error of the call, as the real client has it.
                [redis::Token::Error(text)] => {
                    let code = text.split(' ').next().unwrap_or_default().to_owned();
                    Err(CallError::new(ErrorKind::Remote, text.clone()).with_code(code).into())
                }
                _ => Ok(tokens),
            },
            _ => Err(misfit()),
        }
    }

    async fn drop(&mut self, connection: Resource<RedisConnection>) -> wasmtime::Result<()> {
        self.0.table.delete::<Named>(disguise(&connection))?;
        Ok(())
    }
}

impl queue::Host for Actor<'_> {
    async fn inspect(&mut self, name: String) -> Result<queue::Stats, HostError> {
        let hint = || format!("[[case.queue]]\nname = {name:?}\ndepth = 0");
        match self.play((Capability::Queue, "inspect"), &name, &format!("queue {name}"), hint)?.1 {
            Answer::Stats(stats) => Ok(stats),
            _ => Err(misfit()),
        }
    }

    async fn publish(&mut self, name: String, payload: Vec<u8>) -> Result<(), HostError> {
        let payload = String::from_utf8_lossy(&payload).into_owned();
        let hint = || format!("[[case.queue]]\nname = {name:?}\npublish = {payload:?}");
        let asked = format!("queue {name} publish {payload}");
        self.play((Capability::Queue, "publish"), &name, &asked, hint).map(drop)
    }
}

impl Actor<'_> {
    fn secret<T>(
        &mut self,
        operation: &'static str,
        name: &str,
        work: impl FnOnce(&str, bool) -> Result<T, CallError>,
    ) -> Result<T, HostError> {
        let script = self.script()?;
        match script.secrets.get(name) {
            Some((value, reveal)) => self.0.call_now(Capability::Secrets, operation, name, |_| work(value, *reveal)),
            None => {
                let hint = || format!("[case.secrets]\n{name} = \"…\"");
                self.play((Capability::Secrets, operation), name, &format!("secret {name}"), hint)?;
                Err(misfit())
            }
        }
    }
}

impl secrets::Host for Actor<'_> {
    async fn hmac_sha256(&mut self, name: String, data: Vec<u8>) -> Result<Vec<u8>, HostError> {
        self.secret("hmac-sha256", &name, |value, _| {
            let mut mac = Hmac::<Sha256>::new_from_slice(value.as_bytes()).expect("a key may have any length");
            mac.update(&data);
            Ok(mac.finalize().into_bytes().to_vec())
        })
    }

    async fn matches(&mut self, name: String, candidate: Vec<u8>) -> Result<bool, HostError> {
        self.secret("matches", &name, |value, _| Ok(value.as_bytes() == candidate))
    }

    async fn reveal(&mut self, name: String) -> Result<String, HostError> {
        self.secret("reveal", &name, |value, reveal| match reveal {
            true => Ok(value.to_owned()),
            false => Err(CallError::new(
                ErrorKind::Denied,
                "the secret is granted for use by the host, not to be handed out; in a case: { value = \"…\", reveal = true }",
            )),
        })
    }
}
