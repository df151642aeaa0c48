//! SQL databases: sessions that the host lends, read-only unless more is granted.

mod database;
mod metered;
mod mysql;
mod mysql_value;
mod pg_value;
mod pool;
mod postgres;
mod reading;
mod sqlite;
mod target;
mod value;

pub use database::{Access, Database, Databases, Session};
pub use value::{Caps, Column, RowSet, Value};
