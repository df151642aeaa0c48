//! What checks reach, driven: the network under an egress policy, protocols over it, databases, queues, the machine, and
//! what is kept between runs. A program can use it without the sandbox; nothing here knows of WebAssembly.
//!
//! # Codemap
//!
//! - [`Services`]: everything of one configuration, made once, shared by all checks.
//! - [`net`]: names looked up and addresses judged; every connection starts here.
//! - [`client`] and [`request`]: HTTP, one fresh connection a request; [`content`] decodes, [`cookies`] are of one run.
//! - [`tls`], [`tls_inspect`], [`authorities`], [`certificates`]: handshakes, and what they show.
//! - [`sql`], [`redis`], [`queue`]: servers with protocols of their own.
//! - [`socket`], [`datagram`], [`resolve`]: bytes and names.
//! - [`machine`]: memory, disks, processes.
//! - [`StateStore`], [`HeartbeatStore`]: what outlives a run.
//!
//! # Invariants
//!
//! - Whoever calls has found the target granted; this crate judges the addresses behind it.
//! - Every call has a deadline, every reply a bound. No error holds a credential.
//! - What hangs holds a place of its own kind and nothing else.
//! - No wasmtime, no type of the contract.

pub mod authorities;
pub mod budget;
pub mod certificates;
pub mod client;
pub mod content;
pub mod cookies;
pub mod datagram;
mod endpoint;
mod error;
mod exchange;
mod heartbeat_store;
mod looks;
pub mod machine;
pub mod net;
mod oauth;
pub mod peers;
mod proxy;
pub mod queue;
mod race;
pub mod redis;
pub mod request;
pub mod resolve;
mod server;
mod services;
pub mod socket;
pub mod sql;
mod state_file;
mod state_store;
mod tasks;
pub mod tls;
pub mod tls_inspect;
mod tls_words;

pub use content::decoded_now;
pub use error::{CallError, ErrorKind};
pub use heartbeat_store::{
    Beat, HEARTBEAT_MESSAGE_BYTES_MAX, HeartbeatStore, OpenRun, Pulse, Push, RUN_ID_BYTES_MAX, Report,
};
pub use peers::Peers;
pub use services::Services;
pub use state_file::StateError;
pub use state_store::{StateStore, check_key};
