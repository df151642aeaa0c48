//! The HTTP side: routes over the board. Never waits for a check, except `POST …/run`.
//!
//! [`router`] is the table of routes; [`serve`] puts it behind sockets with every limit set. Whatever a request asks,
//! it is answered from what the board published last; answers of probes are constants.

mod activity;
mod answer;
mod app;
mod auth;
mod authority;
mod checks;
mod dialect;
mod events;
mod front;
mod gate;
mod health;
mod heartbeats;
mod manage;
mod metrics;
mod observe;
mod places;
mod plugins;
mod probes;
mod query;
mod server;
mod state;
#[cfg(test)]
mod tests;
mod time;
mod unsent;

pub use app::{EVENT_LISTENERS_MAX, router};
pub use observe::BODY_BYTES_MAX;
pub use server::{CONNECTIONS_BESIDE, HEADER_BYTES_MAX, STREAMS_MAX, listen, serve};
pub use state::{Control, Lifecycle, ReloadReport, RunRefusal, State};
