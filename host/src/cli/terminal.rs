//! What a person or the next program in a pipe reads: results on standard output, complaints on standard error.

use std::ffi::OsString;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;

use clap::ValueEnum;
use probity_core::check::Status;
use serde::Serialize;

/// When there are colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless NO_COLOR is set; CLICOLOR_FORCE forces them
    #[default]
    Auto,
    /// Also into a file or a pipe
    Always,
    /// Nowhere
    Never,
}

/// How much is said, and in what manner; the same for every command.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settings {
    pub(super) colour: Colour,
    /// Results and errors only.
    pub(super) quiet: bool,
    /// What else there is to know.
    pub(super) verbose: bool,
}

static SETTINGS: OnceLock<Settings> = OnceLock::new();

/// Takes over what was typed; the first time counts.
pub(super) fn set(settings: Settings) {
    let _ = SETTINGS.set(settings);
}

/// What was typed.
pub(super) fn settings() -> Settings {
    SETTINGS.get().copied().unwrap_or_default()
}

/// Writes to standard output. A reader that went away (`probity inspect x | head -1`) is no error.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes a JSON document, indented, to standard output.
pub(super) fn print_json(value: &impl Serialize) -> io::Result<()> {
    print(&format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// Writes a JSON document on one line, so that several make JSON Lines.
pub(super) fn print_json_line(value: &impl Serialize) -> io::Result<()> {
    print(&format!("{}\n", serde_json::to_string(value)?))
}

/// Tells the user, on standard error. Nobody may be left to read it: that changes nothing.
pub(super) fn complain(text: &str) {
    probity_server::log::say(text);
}

/// Tells what helps but is not needed: nothing with `--quiet`.
pub(super) fn note(text: &str) {
    if !settings().quiet {
        complain(text);
    }
}

/// Colours, or their absence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    on: bool,
}

impl Paint {
    /// For standard output.
    pub(super) fn for_stdout() -> Self {
        Self { on: wanted(settings().colour, io::stdout().is_terminal(), |name| std::env::var_os(name)) }
    }

    /// Without colours.
    #[cfg(test)]
    pub(super) const fn plain() -> Self {
        Self { on: false }
    }

    /// `status` in its colour, padded to `width` characters.
    pub(super) fn status(self, status: Status, width: usize) -> String {
        self.word(status, &format!("{:<width$}", status.as_str()))
    }

    /// Another word in the colour of `status`.
    pub(super) fn word(self, status: Status, word: &str) -> String {
        let code = match status {
            Status::Healthy => "32",
            Status::Degraded => "33",
            Status::Unhealthy => "31",
            Status::Unknown => "35",
        };
        self.paint(code, word)
    }

    /// Text that steps back.
    pub(super) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Whether what goes to standard error may have colours.
pub(super) fn stderr_has_colours() -> bool {
    wanted(settings().colour, io::stderr().is_terminal(), |name| std::env::var_os(name))
}

/// What was typed comes first, then `NO_COLOR` (no-color.org), then `CLICOLOR_FORCE` and `CLICOLOR` (bixense.com/clicolors),
/// then whether it is a terminal that knows colours.
fn wanted(colour: Colour, is_terminal: bool, variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    match colour {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto if is_set("NO_COLOR") => false,
        Colour::Auto if variable("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0") => true,
        Colour::Auto => {
            let is_off = variable("CLICOLOR").is_some_and(|value| value == "0");
            is_terminal && !is_off && variable("TERM").is_none_or(|term| term != "dumb")
        }
    }
}

/// `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes for people: `1.1 MiB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let text = format!("{value:.1}");
    format!("{} {}", text.strip_suffix(".0").unwrap_or(&text), UNITS[unit])
}

/// Milliseconds for people: `850 µs`, `1.9 ms`, `2.4 s`, `3m12s`.
pub(super) fn milliseconds(ms: f64) -> String {
    if !ms.is_finite() || ms < 0.0 {
        "?".to_owned()
    } else if ms < 0.9995 {
        format!("{:.0} µs", ms * 1e3)
    } else if ms < 999.95 {
        format!("{ms:.1} ms")
    } else if ms < 60_000.0 {
        format!("{:.1} s", ms / 1e3)
    } else {
        // Whole seconds: nobody reads the rest of so long a time.
        probity_config::format_duration(std::time::Duration::from_secs_f64((ms / 1e3).floor().min(1e12)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Numbers read at a glance, at every scale.
    #[test]
    fn numbers_are_for_people() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!([0, 1_023, 1_024, 33_554_432, 1_153_434].map(size), ["0 B", "1023 B", "1 KiB", "32 MiB", "1.1 MiB"]);
        assert_eq!(
            [0.0, 0.25, 1.94, 999.96, 61_500.0, f64::NAN].map(milliseconds),
            ["0 µs", "250 µs", "1.9 ms", "1.0 s", "1m1s", "?"]
        );
    }

    // The option beats the environment, and the environment the terminal.
    #[test]
    fn colours_are_where_they_are_wanted() {
        let with = |set: &'static [(&str, &str)], colour, is_terminal| {
            wanted(colour, is_terminal, |name| set.iter().find(|(one, _)| *one == name).map(|(_, value)| value.into()))
        };
        assert!(with(&[], Colour::Auto, true) && !with(&[], Colour::Auto, false));
        assert!(!with(&[("NO_COLOR", "1")], Colour::Auto, true) && with(&[("NO_COLOR", "")], Colour::Auto, true));
        assert!(with(&[("CLICOLOR_FORCE", "1")], Colour::Auto, false));
        assert!(!with(&[("CLICOLOR_FORCE", "0")], Colour::Auto, false));
        assert!(!with(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], Colour::Auto, true));
        assert!(!with(&[("CLICOLOR", "0")], Colour::Auto, true) && !with(&[("TERM", "dumb")], Colour::Auto, true));
        assert!(with(&[("NO_COLOR", "1")], Colour::Always, false));
        assert!(!with(&[("CLICOLOR_FORCE", "1")], Colour::Never, true));
    }

    // A pipe gets no escape codes.
    #[test]
    fn no_paint_when_off() {
        assert_eq!(Paint::plain().status(Status::Healthy, 9), "healthy  ");
        assert_eq!(Paint { on: true }.status(Status::Unhealthy, 9), "\x1b[31munhealthy\x1b[0m");
    }
}
