//! From the contract's entry points to a [`Check`].

use crate::{Check, Failure, Metadata, Outcome, config};

/// [`Check::describe`], with the panic hook in place.
pub fn describe<C: Check>() -> Metadata {
    log_panics();
    C::describe()
}

/// Parses `document` and runs the check.
///
/// # Errors
/// [`Failure::InvalidConfig`] with the path of the value that does not fit;
/// otherwise what the check returned.
pub fn run<C: Check>(document: &str) -> Result<Outcome, Failure> {
    log_panics();
    C::run(&config::parse(document)?)
}

/// Logs a panic's message before it ends the run: on a target without standard
/// error the host would see a trap and no reason.
#[cfg(target_arch = "wasm32")]
fn log_panics() {
    std::panic::set_hook(Box::new(|info| {
        // What it says first: the host shows the first line.
        let message = info.payload_as_str().unwrap_or("a payload that is no text");
        let place = info.location().map_or(String::new(), |place| format!("\n    at {place}"));
        crate::log::error(&format!("uncaught panic: {message}{place}"));
    }));
}

/// Natively the test runner shows panics.
#[cfg(not(target_arch = "wasm32"))]
fn log_panics() {}
