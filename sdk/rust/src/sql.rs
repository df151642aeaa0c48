//! SQL through a connection that the operator declared: `sql = ["NAME"]` among the grants, `"NAME:write"` for changes.
//!
//! ```
//! # use probity_check::prelude::*;
//! # fn pending() -> Result<i64, Error> {
//! let db = sql::Connection::open("orders-db")?;
//! let pending: i64 = db.scalar("SELECT count(*) FROM orders WHERE state = $1", &["pending".into()])?;
//! # Ok(pending)
//! # }
//! ```
//!
//! Parameters are written as the engine does: `$1` for PostgreSQL, `?` for MySQL, MariaDB and SQLite.

use crate::units::Number;
use crate::{Error, ErrorKind, host};

/// A parameter or a field. What has no case of its own (numeric, dates, uuid, json) travels as text.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// A truth value.
    Boolean(bool),
    /// Integers of every width.
    Integer(i64),
    /// Floating-point numbers.
    Float(f64),
    /// Text.
    Text(String),
    /// Binary data.
    Bytes(Vec<u8>),
}

/// A column of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// As the statement names it.
    pub name: String,
    /// As the engine calls it: `int8`, `varchar`.
    pub type_name: String,
}

/// What a query gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowSet {
    /// In the order of the statement.
    pub columns: Vec<Column>,
    /// Each as long as `columns`.
    pub rows: Vec<Vec<Value>>,
    /// Whether there were more rows than the host returns (`rows-max` of the connection, `response-bytes` of the check).
    pub truncated: bool,
}

impl RowSet {
    /// The rows, to be asked by column name.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|values| Row { columns: &self.columns, values })
    }

    /// The first row.
    pub fn first(&self) -> Option<Row<'_>> {
        self.iter().next()
    }
}

/// One row of a [`RowSet`].
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    columns: &'a [Column],
    values: &'a [Value],
}

impl Row<'_> {
    /// The field of the column `name`.
    ///
    /// # Errors
    /// `invalid-argument` when there is no such column, or its value is no `T`.
    pub fn get<T: FromValue>(&self, name: &str) -> Result<T, Error> {
        let at = self.columns.iter().position(|column| column.name == name);
        let at =
            at.ok_or_else(|| Error::new(ErrorKind::InvalidArgument, format!("the reply has no column {name:?}")))?;
        self.at(at)
    }

    /// The field at this place, from 0.
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn at<T: FromValue>(&self, at: usize) -> Result<T, Error> {
        let missing = || Error::new(ErrorKind::InvalidArgument, format!("the reply has no column {at}"));
        let value = self.values.get(at).ok_or_else(missing)?;
        let name = self.columns.get(at).map_or("?", |column| column.name.as_str());
        let wrong = || Error::new(ErrorKind::InvalidArgument, format!("column {name:?} is {value:?}, not {}", T::WHAT));
        T::from_value(value).ok_or_else(wrong)
    }
}

/// A type that a [`Value`] can be read as.
pub trait FromValue: Sized {
    /// What it is, for messages: "an integer".
    const WHAT: &'static str;

    /// The value, if it is one of this type. Text that reads as a number counts as one, since exact numbers travel so.
    fn from_value(value: &Value) -> Option<Self>;
}

impl FromValue for i64 {
    const WHAT: &'static str = "an integer";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(value) => Some(*value),
            Value::Boolean(value) => Some((*value).into()),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }
}

impl FromValue for f64 {
    const WHAT: &'static str = "a number";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Float(value) => Some(*value),
            #[expect(clippy::cast_precision_loss, reason = "a measured value; beyond 2^53 the digits do not matter")]
            Value::Integer(value) => Some(*value as f64),
            Value::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        }
    }
}

/// With all its digits.
impl FromValue for Number {
    const WHAT: &'static str = "a number";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Float(value) => Some((*value).into()),
            Value::Integer(value) => Some((*value).into()),
            Value::Text(text) => Self::parse(text),
            _ => None,
        }
    }
}

impl FromValue for bool {
    const WHAT: &'static str = "a truth value";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Boolean(value) => Some(*value),
            Value::Integer(0) => Some(false),
            Value::Integer(1) => Some(true),
            _ => None,
        }
    }
}

impl FromValue for String {
    const WHAT: &'static str = "text";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl FromValue for Value {
    const WHAT: &'static str = "a value";

    fn from_value(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

impl<T: FromValue> FromValue for Option<T> {
    const WHAT: &'static str = T::WHAT;

    fn from_value(value: &Value) -> Option<Self> {
        if *value == Value::Null { Some(None) } else { T::from_value(value).map(Some) }
    }
}

/// A database, with a session that the host keeps for this run.
#[derive(Debug)]
pub struct Connection(host::SqlConnection);

impl Connection {
    /// Takes a session from the host's pool, or connects.
    ///
    /// # Errors
    /// An [`Error`]: denied, not-found, refused, unreachable, dns, tls, auth, timeout.
    pub fn open(name: &str) -> Result<Self, Error> {
        host::SqlConnection::open(name).map(Self)
    }

    /// `postgres`, `mysql` (MariaDB as well) or `sqlite`.
    pub fn engine(&self) -> String {
        self.0.engine()
    }

    /// One round trip; how long it took, in milliseconds.
    ///
    /// # Errors
    /// An [`Error`] when the server does not answer.
    pub fn ping(&self) -> Result<f64, Error> {
        self.0.ping()
    }

    /// Runs one statement and reads its rows.
    ///
    /// # Errors
    /// `remote` with the SQLSTATE as code when the server refuses it, `denied` for a change without `:write`, `timeout`.
    pub fn query(&self, statement: &str, params: &[Value]) -> Result<RowSet, Error> {
        self.0.query(statement, params)
    }

    /// The first field of the first row.
    ///
    /// # Errors
    /// As [`Connection::query`]; `invalid-argument` when there is no row, or the field is no `T`.
    pub fn scalar<T: FromValue>(&self, statement: &str, params: &[Value]) -> Result<T, Error> {
        let reply = self.query(statement, params)?;
        let none = || Error::new(ErrorKind::InvalidArgument, "the query gave no row");
        reply.first().ok_or_else(none)?.at(0)
    }

    /// Runs one statement; the number of rows it changed. Needs `"NAME:write"`.
    ///
    /// # Errors
    /// As [`Connection::query`].
    pub fn execute(&self, statement: &str, params: &[Value]) -> Result<u64, Error> {
        self.0.execute(statement, params)
    }

    /// Starts a transaction. Needs `"NAME:write"`.
    ///
    /// # Errors
    /// As [`Connection::query`].
    pub fn begin(&self) -> Result<Transaction, Error> {
        self.0.begin().map(Transaction)
    }
}

/// A transaction, rolled back when it is dropped without [`Transaction::commit`], and when the run ends in whatever way:
/// the shape of a dummy payment.
#[derive(Debug)]
pub struct Transaction(host::SqlTransaction);

impl Transaction {
    /// As [`Connection::query`].
    ///
    /// # Errors
    /// Likewise.
    pub fn query(&self, statement: &str, params: &[Value]) -> Result<RowSet, Error> {
        self.0.query(statement, params)
    }

    /// As [`Connection::execute`].
    ///
    /// # Errors
    /// Likewise.
    pub fn execute(&self, statement: &str, params: &[Value]) -> Result<u64, Error> {
        self.0.execute(statement, params)
    }

    /// Keeps what was done.
    ///
    /// # Errors
    /// As [`Connection::query`].
    pub fn commit(self) -> Result<(), Error> {
        self.0.commit()
    }

    /// Undoes what was done, and tells whether that worked; dropping does the same in silence.
    ///
    /// # Errors
    /// As [`Connection::query`].
    pub fn rollback(self) -> Result<(), Error> {
        self.0.rollback()
    }
}

/// Values from Rust's own types.
macro_rules! into_value {
    ($($type:ty => |$value:ident| $make:expr;)*) => {
        $(impl From<$type> for Value {
            fn from($value: $type) -> Self { $make }
        })*
    };
}

into_value! {
    bool => |value| Self::Boolean(value);
    i32 => |value| Self::Integer(value.into());
    u32 => |value| Self::Integer(value.into());
    i64 => |value| Self::Integer(value);
    f64 => |value| Self::Float(value);
    &str => |value| Self::Text(value.to_owned());
    String => |value| Self::Text(value);
    Vec<u8> => |value| Self::Bytes(value);
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Exact numbers come as text and still read as numbers; what is none does not.
    #[test]
    fn fields_read_as_types() {
        assert_eq!(f64::from_value(&Value::Text("12.50".into())), Some(12.5));
        assert_eq!(i64::from_value(&Value::Text("412".into())), Some(412));
        assert_eq!(i64::from_value(&Value::Float(1.5)), None);
        assert_eq!(f64::from_value(&Value::Text("NaN".into())), None);
        assert_eq!(Option::<i64>::from_value(&Value::Null), Some(None));
        assert_eq!(String::from_value(&Value::Null), None);
        assert_eq!(bool::from_value(&Value::Integer(1)), Some(true));
    }

    // A wrong column, or a wrong type, is an error that names the column.
    #[test]
    fn rows_are_asked_by_name() {
        let columns = vec![Column { name: "n".into(), type_name: "int8".into() }];
        let set = RowSet { columns, rows: vec![vec![Value::Integer(3)]], truncated: false };
        let row = set.first().unwrap();
        assert_eq!(row.get::<i64>("n").unwrap(), 3);
        let wrong = row.get::<String>("n").unwrap_err();
        assert_eq!(wrong.message, "column \"n\" is Integer(3), not text");
        assert_eq!(row.get::<i64>("m").unwrap_err().kind, ErrorKind::InvalidArgument);
    }
}
