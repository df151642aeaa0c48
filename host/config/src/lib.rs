//! From files as typed to a [`Config`] that nothing can be wrong with.
//!
//! ```text
//! files ── load ──▶ sources ── tree ──▶ nodes with places ── decode ──▶ raw ── resolve ──▶ Config
//!                              interpolate, merge            unknown keys      values, cross checks
//! ```
//! Every step notes what is wrong and goes on, so that an operator sees all of it at once, with file, line and column.
//!
//! # Codemap
//!
//! - `load`, `source`, `tree`, `interpolate`: files, fragments, `${…}`; what was typed keeps its place.
//! - `decode`, `raw`, `leaf`, `units`: unknown keys, tables, values.
//! - `resolve`, `cx`: what refers to what, bounds that depend on each other.
//! - `valid`: the [`Config`] that comes of it. `limits`: what a run may spend.
//! - [`grants`]: what a check may reach. `egress`: which addresses a granted name may lead to.
//! - `secrets`: values taken out of whatever is said.
//! - `reference`: the documentation of every key, generated. `errors`: words with their place.
//! - [`files`]: files that others wrote, read within bounds; directories that are ours alone.
//!
//! # Invariants
//!
//! - A [`Config`] is valid: nobody checks it again.
//! - Every error says where it was typed, what is allowed, and what to do.
//! - No secret is in an error, a fingerprint or a `Debug`.
//! - No socket, no WebAssembly, no HTTP server.

mod cx;
mod decode;
mod egress;
mod errors;
pub mod files;
pub mod grants;
mod headers;
mod interpolate;
mod leaf;
mod limits;
mod load;
mod raw;
mod reference;
mod resolve;
mod secrets;
mod source;
#[cfg(test)]
mod tests;
mod tree;
mod units;
mod valid;

pub use egress::{Refusal, Zone, zone};
pub use errors::{Error, Errors, nearest};
pub use grants::Grants;
pub use headers::is_reserved_header;
pub use limits::{
    EPOCH_TICK, FIBER_STACK_BYTES, Limits, STACK_BYTES, TABLE_ELEMENTS_MAX, suggested_interval, suggested_timeout,
};
pub use load::{FILE_NAME, fingerprint, fragments, load, parse};
pub use reference::{reference, schema};
pub use secrets::Secrets;
pub use source::{SOURCE_BYTES_MAX, Source};
pub use units::{format_duration, format_size, parse_duration, parse_size};
pub use valid::{
    AsWritten, Check, Config, Connection, Cron, Defaults, Details, Egress, Group, Heartbeat, HttpConnection, Identity,
    NamedSecret, OAuth2, Places, Plugins, Queue, QueueSource, Schedule, SecretPlace, SentinelConnection, Server,
    ServerConnection, SqlBounds, StateDir, Timing, Token, Tracing, Verify,
};

/// Characters of a name of a check, group, connection, queue or secret.
pub const NAME_CHARS_MAX: usize = 63;

/// Whether `text` can name a check, group, connection, queue or secret: lower-case letters, digits, `-`, `_` and `.`, starting with a
/// letter or digit, at most [`NAME_CHARS_MAX`].
#[must_use]
pub fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= NAME_CHARS_MAX
        && text.bytes().next().is_some_and(plain)
        && text.bytes().all(|byte| plain(byte) || matches!(byte, b'-' | b'_' | b'.'))
}
