//! Values of TOML as those of databases, Redis and JSON.

use base64::prelude::{BASE64_STANDARD, Engine};
use probity_sandbox::capabilities::bindings::probity::check::{redis, sql};
use serde_json::Value as Json;
use toml::{Spanned, Value};

use crate::testing::raw;
use crate::testing::reader::{Cases, Wrong};

pub(super) fn rows(cases: &Cases, at: &Spanned<raw::Sql>) -> Result<sql::RowSet, Wrong> {
    let raw = at.get_ref();
    let width = raw.rows.first().map_or(raw.columns.len(), Vec::len);
    let names: Vec<String> = if raw.columns.is_empty() {
        (1..=width).map(|number| format!("column{number}")).collect()
    } else {
        raw.columns.clone()
    };
    if let Some(row) = raw.rows.iter().find(|row| row.len() != names.len()) {
        let message = format!("a row has {} values, there are {} columns", row.len(), names.len());
        return Err(cases.wrong(at.span(), message, "give each row a value for each column"));
    }
    let mut types = raw.types.iter().cloned();
    let mut type_name = || types.next().unwrap_or_else(|| "text".into());
    let columns = names.into_iter().map(|name| sql::Column { name, type_name: type_name() }).collect();
    let rows = raw.rows.iter().map(|row| row.iter().map(sql_value).collect()).collect();
    Ok(sql::RowSet { columns, rows, truncated: raw.truncated })
}

/// TOML has neither null nor bytes: `{ null = true }`, `{ base64 = "AP8=" }`.
pub(super) fn sql_value(value: &Value) -> sql::Value {
    match value {
        Value::Boolean(value) => sql::Value::Boolean(*value),
        Value::Integer(value) => sql::Value::Integer(*value),
        Value::Float(value) => sql::Value::Float(*value),
        Value::String(text) => sql::Value::Text(text.clone()),
        Value::Table(table) if table.contains_key("null") => sql::Value::Null,
        Value::Table(table) if bytes_of(table).is_some() => sql::Value::Bytes(bytes_of(table).unwrap_or_default()),
        other => sql::Value::Text(json_of(other).to_string()),
    }
}

/// The bytes of `{ base64 = "AP8=" }`.
fn bytes_of(table: &toml::Table) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(table.get("base64")?.as_str()?).ok()
}

/// A reply in RESP order: text is a bulk string, `{ base64 = "…" }` one of other bytes, `{ nil = true }`,
/// `{ simple = "OK" }`, `{ error = "…" }`, and any other table a map.
pub(super) fn flatten(value: &Value, tokens: &mut Vec<redis::Token>) {
    let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
    match value {
        Value::Integer(value) => tokens.push(redis::Token::Integer(*value)),
        Value::Float(value) => tokens.push(redis::Token::Double(*value)),
        Value::Boolean(value) => tokens.push(redis::Token::Boolean(*value)),
        Value::Array(values) => {
            tokens.push(redis::Token::Array(count(values.len())));
            values.iter().for_each(|value| flatten(value, tokens));
        }
        Value::Table(table) => match table.iter().next().map(|(key, value)| (key.as_str(), value)) {
            Some(("nil", _)) => tokens.push(redis::Token::Nil),
            Some(("base64", _)) if bytes_of(table).is_some() => {
                tokens.push(redis::Token::Bulk(bytes_of(table).unwrap_or_default()));
            }
            Some(("simple", Value::String(text))) => tokens.push(redis::Token::Simple(text.clone())),
            Some(("error", Value::String(text))) => tokens.push(redis::Token::Error(text.clone())),
            _ => {
                tokens.push(redis::Token::Map(count(table.len())));
                for (key, value) in table {
                    tokens.push(redis::Token::Bulk(key.clone().into_bytes()));
                    flatten(value, tokens);
                }
            }
        },
        Value::String(text) => tokens.push(redis::Token::Bulk(text.clone().into_bytes())),
        Value::Datetime(time) => tokens.push(redis::Token::Bulk(time.to_string().into_bytes())),
    }
}

/// TOML as JSON. `{ null = true }` is null; a time is its text.
pub(in crate::testing) fn json_of(value: &Value) -> Json {
    match value {
        Value::String(text) => Json::String(text.clone()),
        Value::Integer(value) => Json::from(*value),
        Value::Float(value) => Json::from(*value),
        Value::Boolean(value) => Json::Bool(*value),
        Value::Datetime(time) => Json::String(time.to_string()),
        Value::Array(values) => Json::Array(values.iter().map(json_of).collect()),
        Value::Table(table) if table.len() == 1 && table.contains_key("null") => Json::Null,
        Value::Table(table) => Json::Object(table.iter().map(|(key, value)| (key.clone(), json_of(value))).collect()),
    }
}
