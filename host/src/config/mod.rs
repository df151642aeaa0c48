//! From files as typed to a [`Config`] that nothing can be wrong with.
//!
//! ```text
//! files ── load ──▶ sources ── tree ──▶ nodes with places ── decode ──▶ raw ── resolve ──▶ Config
//!                              interpolate, merge            unknown keys      values, cross checks
//! ```
//! Every step notes what is wrong and goes on, so that an operator sees all of it at once, with file, line and column.

mod cx;
mod decode;
mod errors;
pub mod grants;
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

pub(crate) use errors::nearest;
pub use errors::{Error, Errors};
pub use grants::Grants;
pub use limits::{
    EPOCH_TICK, FIBER_STACK_BYTES, Limits, STACK_BYTES, TABLE_ELEMENTS_MAX, suggested_interval, suggested_timeout,
};
pub use load::{FILE_NAME, load, parse};
pub(crate) use load::{fingerprint, fragments};
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
