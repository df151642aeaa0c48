//! The HTTP side: routes over the board, read-only but for two. Never waits for a check, except `POST …/run`.

mod state;

pub use state::{Control, Lifecycle, ReloadReport, RunRefusal, State};
