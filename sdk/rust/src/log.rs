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

/// What [`println!`](crate::println) and its like do: in a component a record, natively what the standard library does.
#[doc(hidden)]
pub fn __print(level: Level, text: &str) {
    #[cfg(target_arch = "wasm32")]
    write(level, text, &[]);
    #[cfg(not(target_arch = "wasm32"))]
    #[allow(clippy::print_stdout, clippy::print_stderr, reason = "natively this is what the author asked for")]
    match level {
        Level::Warn => ::std::eprintln!("{text}"),
        _ => ::std::println!("{text}"),
    }
}

/// Logs at info level. The standard library's is silent in a component, which has no standard output:
/// `use probity_check::println;` puts this one in its place. (The prelude cannot: a name of both would be ambiguous.)
#[macro_export]
macro_rules! println {
    () => { $crate::log::__print($crate::log::Level::Info, "") };
    ($($arg:tt)*) => { $crate::log::__print($crate::log::Level::Info, &::std::format!($($arg)*)) };
}

/// Logs at warn level; as [`println!`](crate::println).
#[macro_export]
macro_rules! eprintln {
    () => { $crate::log::__print($crate::log::Level::Warn, "") };
    ($($arg:tt)*) => { $crate::log::__print($crate::log::Level::Warn, &::std::format!($($arg)*)) };
}

/// Logs the expression and its value at warn level, and returns it; as [`println!`](crate::println).
#[macro_export]
macro_rules! dbg {
    ($value:expr $(,)?) => {
        match $value {
            value => {
                $crate::log::__print(
                    $crate::log::Level::Warn,
                    &::std::format!(
                        "[{}:{}] {} = {:#?}",
                        ::std::file!(),
                        ::std::line!(),
                        ::std::stringify!($value),
                        &value
                    ),
                );
                value
            }
        }
    };
}
