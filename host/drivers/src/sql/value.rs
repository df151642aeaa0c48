//! What goes into statements and comes out of them, the same for every engine.

use crate::{CallError, ErrorKind};

/// A parameter or a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// A truth value.
    Boolean(bool),
    /// Integers of every width.
    Integer(i64),
    /// Floating-point numbers of both widths.
    Float(f64),
    /// Text, and whatever has no case of its own, as the engine writes it.
    Text(String),
    /// Binary data.
    Bytes(Vec<u8>),
}

impl Value {
    /// What a field costs in memory beside its own bytes.
    const OVERHEAD_BYTES: u64 = 16;

    /// Bytes counted towards a reply's maximum.
    fn cost(&self) -> u64 {
        let own = match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        own as u64 + Self::OVERHEAD_BYTES
    }
}

/// A column of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// As the statement names it.
    pub name: String,
    /// As the engine calls it: `int8`, `varchar`, `INTEGER`.
    pub type_name: String,
}

/// A reply.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowSet {
    /// In order.
    pub columns: Vec<Column>,
    /// Each as long as `columns`.
    pub rows: Vec<Vec<Value>>,
    /// Whether there were more rows.
    pub truncated: bool,
}

/// How much of a reply is kept.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// Rows.
    pub rows: usize,
    /// Bytes of all fields, with a little for each.
    pub bytes: u64,
}

/// A reply in the making.
#[derive(Debug)]
pub(super) struct Gather {
    caps: Caps,
    bytes: u64,
    reply: RowSet,
}

impl Gather {
    pub(super) fn new(caps: Caps) -> Self {
        Self { caps, bytes: 0, reply: RowSet::default() }
    }

    /// Keeps what the columns are called, which counts like fields.
    pub(super) fn columns(&mut self, columns: Vec<Column>) {
        let bytes: usize = columns.iter().map(|column| column.name.len() + column.type_name.len()).sum();
        self.bytes += bytes as u64;
        if self.bytes <= self.caps.bytes {
            self.reply.columns = columns;
        }
    }

    /// Keeps a row, or says that there is no room for it and no point in reading on.
    pub(super) fn push(&mut self, row: Vec<Value>) -> bool {
        self.bytes += row.iter().map(Value::cost).sum::<u64>();
        if self.reply.rows.len() >= self.caps.rows || self.bytes > self.caps.bytes {
            self.reply.truncated = true;
            return false;
        }
        self.reply.rows.push(row);
        true
    }

    /// The reply.
    ///
    /// # Errors
    /// `too-large` when not even the first row found room, or the columns' names did not.
    pub(super) fn finish(self) -> Result<RowSet, CallError> {
        if self.bytes > self.caps.bytes && self.reply.rows.is_empty() && self.caps.rows > 0 {
            let message = format!(
                "one row is larger than {} bytes (key `response-bytes`): select fewer columns",
                self.caps.bytes
            );
            return Err(CallError::new(ErrorKind::TooLarge, message));
        }
        Ok(self.reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(rows: usize, bytes: u64) -> Gather {
        Gather::new(Caps { rows, bytes })
    }

    // Reading ends at the row that no longer fits, and the reply says that there was more.
    #[test]
    fn rows_and_bytes_are_capped() {
        let mut by_rows = gather(2, 1 << 20);
        let kept = [1, 2, 3].map(|n| by_rows.push(vec![Value::Integer(n)]));
        assert_eq!(kept, [true, true, false]);
        let reply = by_rows.finish().unwrap();
        assert!(reply.truncated && reply.rows.len() == 2);
        let mut by_bytes = gather(100, 100);
        assert!(by_bytes.push(vec![Value::Text("x".repeat(60))]) && !by_bytes.push(vec![Value::Bytes(vec![0; 60])]));
        assert!(by_bytes.finish().unwrap().truncated);
    }

    // A first row that does not fit is an error, not an empty reply.
    #[test]
    fn one_huge_row_is_too_large() {
        let mut huge = gather(100, 100);
        assert!(!huge.push(vec![Value::Text("x".repeat(100))]));
        assert_eq!(huge.finish().unwrap_err().kind, ErrorKind::TooLarge);
        let mut wide = gather(100, 100);
        wide.columns(vec![Column { name: "x".repeat(101), type_name: String::new() }]);
        assert_eq!(wide.finish().unwrap_err().kind, ErrorKind::TooLarge);
    }
}
