//! From the contract's entry points to a [`Check`].

use crate::{Check, Failure, Metadata, Outcome, config, outcome};

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
    outcome::sound(C::run(&config::parse(document)?)?)
}

/// Logs a panic's message before it ends the run: on a target without standard
/// error the host would see a trap and no reason.
#[cfg(target_arch = "wasm32")]
fn log_panics() {
    std::panic::set_hook(Box::new(|info| {
        // What it says first: the host shows the first line.
        let message = info.payload_as_str().unwrap_or("a payload that is no text");
        let place = info.location().map_or(String::new(), |place| format!("\n    at {place}"));
        let hint = hint(message).map_or(String::new(), |hint| format!(" ({hint})"));
        crate::log::error(&format!("uncaught panic: {message}{hint}{place}"));
    }));
}

/// What a panic of a library means in a component, which has neither clock nor threads of the standard library.
#[cfg(any(target_arch = "wasm32", test))]
fn hint(message: &str) -> Option<&'static str> {
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if has(&["time not implemented on this platform", "getting the current time in"]) {
        return Some("a component has no clock of its own: use probity_check::clock");
    }
    has(&["failed to spawn thread"])
        .then_some("a component has no threads: probity_check::http::send_all asks side by side")
}

/// Natively the test runner shows panics.
#[cfg(not(target_arch = "wasm32"))]
fn log_panics() {}

#[cfg(test)]
mod tests {
    use super::hint;
    use crate::{dbg, eprintln, println};

    // Imported by name the macros are the kit's, which take what the standard library's take.
    #[test]
    fn macros_that_print_take_the_place_of_the_standard_ones() {
        let value = 3;
        println!();
        println!("found {value} of {}", 4);
        eprintln!("found {value}");
        assert_eq!(dbg!(value + 1), 4);
    }

    // What libraries panic with for want of a system is told with what to use instead.
    #[test]
    fn panics_for_want_of_a_system_have_a_hint() {
        assert!(hint("time not implemented on this platform").unwrap().contains("probity_check::clock"));
        assert!(hint("failed to spawn thread: Os { code: 6 }").unwrap().contains("send_all"));
        assert_eq!(hint("boom"), None);
    }
}
