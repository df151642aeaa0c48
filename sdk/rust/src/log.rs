//! Log records, kept with the check's result. Needs no grant; the host caps
//! number and length.
//!
//! [`info!`](crate::info) and its siblings format like `println!`.

use crate::host;

/// How important a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Step by step.
    Trace,
    /// For whoever debugs the check.
    Debug,
    /// Worth knowing.
    Info,
    /// Something is off.
    Warn,
    /// Something failed.
    Error,
}

/// Writes a record with fields.
pub fn write(level: Level, message: &str, fields: &[(&str, &str)]) {
    let fields: Vec<(String, String)> = fields.iter().map(|&(name, value)| (name.into(), value.into())).collect();
    host::log(level, message, &fields);
}

/// Writes a record at [`Level::Debug`].
pub fn debug(message: &str) {
    write(Level::Debug, message, &[]);
}

/// Writes a record at [`Level::Info`].
pub fn info(message: &str) {
    write(Level::Info, message, &[]);
}

/// Writes a record at [`Level::Warn`].
pub fn warn(message: &str) {
    write(Level::Warn, message, &[]);
}

/// Writes a record at [`Level::Error`].
pub fn error(message: &str) {
    write(Level::Error, message, &[]);
}

/// Logs at debug level, formatted like `println!`.
#[macro_export]
macro_rules! debug {
    ($($arg:tt)*) => { $crate::log::debug(&::std::format!($($arg)*)) };
}

/// Logs at info level, formatted like `println!`.
#[macro_export]
macro_rules! info {
    ($($arg:tt)*) => { $crate::log::info(&::std::format!($($arg)*)) };
}

/// Logs at warn level, formatted like `println!`.
#[macro_export]
macro_rules! warn {
    ($($arg:tt)*) => { $crate::log::warn(&::std::format!($($arg)*)) };
}

/// Logs at error level, formatted like `println!`.
#[macro_export]
macro_rules! error {
    ($($arg:tt)*) => { $crate::log::error(&::std::format!($($arg)*)) };
}
