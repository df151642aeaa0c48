//! The log on standard error, without the secrets of the configuration.
//!
//! The host takes secrets out of what it says itself. Libraries log as they please, a database driver its statements with
//! all that was filled into them; so every line is looked through once more on its way out.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::{PoisonError, RwLock};

use tracing_subscriber::fmt::MakeWriter;

use crate::config::Secrets;

/// Those of the running configuration, and of the one before it, whose runs may not have ended.
static KNOWN: RwLock<[Option<Secrets>; 2]> = RwLock::new([None, None]);

/// Takes `secrets` out of every line from now on.
pub(crate) fn keep_out(secrets: &Secrets) {
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known.swap(0, 1);
    known[0] = Some(secrets.with_escapes());
}

/// Standard error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Redacted;

impl MakeWriter<'_> for Redacted {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

impl Write for Redacted {
    /// Takes whole lines: the subscriber writes each event at once.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
        let clean = clean(&text, known.iter().flatten());
        io::stderr().write_all(clean.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
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
