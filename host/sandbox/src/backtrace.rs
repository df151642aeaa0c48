//! The stack of a guest that trapped, as text.
//!
//! The names of functions are the guest's words: a name of four kilobytes can stand for one of ten billion characters once
//! it is demangled. So names are cut first; those of Rust, whose demangling stops where it is told to, are made readable,
//! and those of C++ are shown as they are.

use std::fmt::{self, Write};

use probity_core::text::clean;
use wasmtime::WasmBacktrace;

use super::failure::TRACE_BYTES_MAX;

/// Bytes of a function's or module's name, before and after it is demangled.
const NAME_BYTES_MAX: usize = 256;

/// One line for each frame, innermost first.
pub(super) fn render(trace: &WasmBacktrace) -> String {
    let frames = trace.frames().iter().map(|frame| Frame {
        module: frame.module().name(),
        function: frame.func_name(),
        index: frame.func_index(),
        offset: frame.module_offset(),
    });
    lines(frames)
}

/// What is shown of a frame.
#[derive(Clone)]
struct Frame<'a> {
    module: Option<&'a str>,
    function: Option<&'a str>,
    index: u32,
    /// In the module, bytes.
    offset: Option<usize>,
}

fn lines<'a>(frames: impl Iterator<Item = Frame<'a>>) -> String {
    let mut text = "error while executing at wasm backtrace:".to_owned();
    for (at, frame) in frames.enumerate() {
        let line = line(at, &frame);
        if text.len() + line.len() >= TRACE_BYTES_MAX {
            text.push_str("\n…");
            break;
        }
        text.push('\n');
        text.push_str(&line);
    }
    text
}

fn line(at: usize, frame: &Frame<'_>) -> String {
    let offset = frame.offset.map(|offset| format!("{offset:#8x} - ")).unwrap_or_default();
    // Most modules have no name.
    let module = frame.module.map(|name| clean(name, NAME_BYTES_MAX) + "!").unwrap_or_default();
    let function = frame.function.map_or_else(|| format!("<wasm function {}>", frame.index), readable);
    format!("  {at:>3}: {offset}{module}{function}")
}

/// A function's name as its author wrote it, where that is to be had for little.
fn readable(name: &str) -> String {
    let is_short = name.len() <= NAME_BYTES_MAX;
    let demangled = is_short.then(|| rustc_demangle::try_demangle(name).ok()).flatten();
    let Some(demangled) = demangled else { return clean(name, NAME_BYTES_MAX) };
    let mut bounded = Bounded(String::new());
    // It fails at the bound, and what is there by then is shown. `#` leaves the hash out.
    let whole = write!(bounded, "{demangled:#}").is_ok();
    clean(&(bounded.0 + if whole { "" } else { "…" }), NAME_BYTES_MAX)
}

/// Takes text up to [`NAME_BYTES_MAX`], then fails.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > NAME_BYTES_MAX {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str) -> Frame<'_> {
        Frame { module: None, function: Some(function), index: 7, offset: Some(0x2a) }
    }

    // A frame says where it is and what it is called, and a name of Rust is readable.
    #[test]
    fn frames_are_told() {
        let frames = [
            frame("_ZN5check3run17h0123456789abcdefE"),
            Frame { module: Some("adapter"), function: None, index: 7, offset: None },
        ];
        let said = lines(frames.into_iter());
        assert_eq!(
            said,
            "error while executing at wasm backtrace:\n    0:     0x2a - check::run\n    1: adapter!<wasm function 7>"
        );
    }

    // A name that stands for a far longer one costs what it has on disk: of C++, and of Rust with references back.
    #[test]
    fn names_do_not_unfold() {
        let plus = (0..10).fold("_Z1f1PIiiES_I".to_owned(), |name, level| {
            let part = if level == 0 { "S0_".to_owned() } else { format!("S{level}_") };
            name + &part.repeat(10) + "ES_I"
        });
        let rust = format!("_RNvC1a{}", "TB2_B2_B2_B2_E".repeat(17));
        for name in [&plus, &rust, &"x".repeat(1 << 20), &"é\n\u{1b}".repeat(500)] {
            let start = std::time::Instant::now();
            let said = lines(std::iter::repeat_n(frame(name), 32));
            assert!(said.len() <= TRACE_BYTES_MAX && !said.contains('\u{1b}'), "{said}");
            assert!(said.lines().all(|line| line.len() < NAME_BYTES_MAX + 40), "{said}");
            assert!(start.elapsed() < std::time::Duration::from_millis(500));
        }
    }
}
