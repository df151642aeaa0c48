//! `sql`, `redis`, `queue` and `secrets`.

use probity_check::prelude::*;
use probity_check::redis::Reply;
use probity_check::sql::Value;
use probity_check::{queue as queues, redis as servers, secrets as keys, sql as databases};

use crate::show::{Show, hex};

pub(crate) fn sql(outcome: Outcome) -> Result<Outcome, Error> {
    let orders = databases::Connection::open("orders")?;
    let ping_ms = orders.ping()?;
    let params = [Value::Null, true.into(), 7_i64.into(), 1.5.into(), "seven".into(), Value::Bytes(vec![0x00, 0xff])];
    let found = orders.query("SELECT $1, $2, $3, $4, $5, $6", &params)?;
    let columns: Vec<String> =
        found.columns.iter().map(|column| format!("{} {}", column.name, column.type_name)).collect();
    let outcome = outcome
        .detail("engine", orders.engine())
        .measure("ping-ms", ping_ms, "")
        .detail("columns", columns.join(", "))
        .measure("truncated", found.truncated, "")
        .measure("rows", found.rows.len(), "");
    Ok(found.rows.iter().enumerate().fold(outcome, |outcome, (at, row)| {
        let fields: Vec<String> = row.iter().map(field).collect();
        outcome.detail(format!("row-{}", at + 1), fields.join(", "))
    }))
}

fn field(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Boolean(value) => format!("boolean {value}"),
        Value::Integer(value) => format!("integer {value}"),
        Value::Float(value) => format!("float {value}"),
        Value::Text(text) => format!("text {text}"),
        Value::Bytes(bytes) => format!("bytes {}", hex(bytes)),
    }
}

pub(crate) fn sql_write(outcome: Outcome) -> Result<Outcome, Error> {
    let orders = databases::Connection::open("orders")?;
    let updated = orders.execute("UPDATE orders SET state = $1", &["paid".into()])?;
    let transaction = orders.begin()?;
    let inserted = transaction.execute("INSERT INTO probes VALUES ($1)", &[1_i64.into()])?;
    let probes = transaction.query("SELECT count(*) FROM probes", &[])?;
    transaction.commit()?;
    orders.begin()?.rollback()?;
    let counted: i64 = probes.first().map_or(Ok(0), |row| row.at(0))?;
    Ok(outcome.measure("updated", updated, "").measure("inserted", inserted, "").measure("counted", counted, ""))
}

pub(crate) fn redis(outcome: Outcome) -> Result<Outcome, Error> {
    let cache = servers::Connection::open("cache")?;
    let ping_ms = cache.ping()?;
    let mut tokens = Vec::new();
    flatten(&cache.command("HGETALL", &["orders"])?, &mut tokens);
    Ok(outcome.measure("ping-ms", ping_ms, "").detail("reply", tokens.join(", ")))
}

fn flatten(reply: &Reply, tokens: &mut Vec<String>) {
    match reply {
        Reply::Nil => tokens.push("nil".into()),
        Reply::Integer(value) => tokens.push(format!("integer {value}")),
        Reply::Double(value) => tokens.push(format!("double {value}")),
        Reply::Boolean(value) => tokens.push(format!("boolean {value}")),
        Reply::Simple(text) => tokens.push(format!("simple {text}")),
        Reply::Bulk(bytes) => tokens.push(format!("bulk {}", hex(bytes))),
        Reply::Error(text) => tokens.push(format!("error {text}")),
        Reply::Array(items) => {
            tokens.push(format!("array {}", items.len()));
            items.iter().for_each(|item| flatten(item, tokens));
        }
        Reply::Map(pairs) => {
            tokens.push(format!("map {}", pairs.len()));
            pairs.iter().flat_map(|(key, value)| [key, value]).for_each(|item| flatten(item, tokens));
        }
    }
}

pub(crate) fn queue(outcome: Outcome) -> Result<Outcome, Error> {
    let stats = queues::inspect("jobs")?;
    Ok(outcome
        .optional("depth", stats.depth)
        .optional("in-flight", stats.in_flight)
        .optional("consumers", stats.consumers)
        .optional("oldest-age-ms", stats.oldest_age_ms)
        .optional("lag", stats.lag))
}

pub(crate) fn queue_publish(outcome: Outcome) -> Result<Outcome, Error> {
    queues::publish("jobs", b"probe")?;
    Ok(outcome)
}

pub(crate) fn secrets(outcome: Outcome) -> Result<Outcome, Error> {
    Ok(outcome
        .bytes("hmac", &keys::hmac_sha256("webhook", b"payload")?)
        .measure("same", keys::matches("webhook", b"s3cret")?, "")
        .measure("other", keys::matches("webhook", b"secret")?, ""))
}

pub(crate) fn reveal(outcome: Outcome) -> Result<Outcome, Error> {
    let value = keys::reveal("webhook")?;
    Ok(outcome.measure("length", value.len(), "").detail("value", value))
}
