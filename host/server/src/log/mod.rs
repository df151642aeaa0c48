//! The log on standard error: without the secrets of the configuration, one event to a line, and never in the way.
//!
//! The host takes secrets out of what it says itself. Libraries log as they please, a database driver its statements with
//! all that was filled into them; so every line is looked through once more on its way out: secrets go, and what would make
//! two lines of one, or play with a terminal, is written out.
//!
//! Under `serve` a thread of its own writes, see `queue`. The other commands write at once, and ignore a reader that went.

mod lines;
mod panics;
mod queue;

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use probity_config::Secrets;
use probity_core::text;
use tracing_subscriber::fmt::MakeWriter;

use queue::QUEUE;

/// How long the end of the process waits for the last lines to be read.
const LAST_WORDS_MAX: Duration = Duration::from_secs(1);

/// Those of the running configuration, and of the one before it, whose runs may not have ended.
static KNOWN: RwLock<[Option<Secrets>; 2]> = RwLock::new([None, None]);

/// Takes `secrets` out of every line from now on.
pub(crate) fn keep_out(secrets: &Secrets) {
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known.swap(0, 1);
    known[0] = Some(secrets.with_escapes());
}

/// From now on no line waits for whoever reads standard error, and a panic is told in the log.
///
/// # Errors
/// When there can be no thread to write it.
pub fn start() -> io::Result<()> {
    QUEUE.start()?;
    panics::tell();
    Ok(())
}

/// Waits a moment for what was said to be written: before the process ends.
pub fn last_words() {
    QUEUE.flush(LAST_WORDS_MAX);
}

/// Lines that nobody read in time, or that could not be written.
pub(crate) fn lines_dropped() -> u64 {
    QUEUE.dropped()
}

/// Tells whoever started the command, without the form of a log.
pub fn say(text: &str) {
    QUEUE.send(format!("{}\n", text::clean_lines(text, usize::MAX)).as_bytes());
}

/// Standard error, as the subscriber sees it. Writing to it never fails: the subscriber would panic.
#[derive(Clone, Copy, Debug)]
pub struct Redacted {
    /// Lines may have colours in them.
    pub colours: bool,
}

impl MakeWriter<'_> for Redacted {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

impl Write for Redacted {
    /// Takes whole events: the subscriber writes each at once.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        // Nothing is held while it is looked through: a panic in there is told by the same way.
        let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner).clone();
        let clean = clean(&text, known.iter().flatten());
        QUEUE.send(lines::one(&clean, self.colours).as_bytes());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn clean<'a>(text: &'a str, known: impl Iterator<Item = &'a Secrets>) -> Cow<'a, str> {
    known.fold(Cow::Borrowed(text), |text, secrets| match secrets.redact(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(clean) => Cow::Owned(clean),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // A secret goes whatever quoting and JSON made of it.
    #[test]
    fn escaped_secrets_are_taken_out() {
        let secret = "pass\"wörd\\1";
        let known = [Secrets::new([secret.to_owned()]).with_escapes()];
        let quoted = format!("{secret:?}");
        for text in [
            secret.to_owned(),
            quoted.clone(),
            serde_json::json!(secret).to_string(),
            serde_json::json!(quoted).to_string(),
        ] {
            let clean = clean(&text, known.iter());
            assert!(clean.contains("[redacted]") && !clean.contains("pass"), "{text}: {clean}");
        }
    }
}
