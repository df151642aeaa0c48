//! Files of cases, read; and their mistakes, with file, line and the key that was meant.

use std::ops::Range;
use std::path::{Path, PathBuf};

use probity_config::{Errors, SOURCE_BYTES_MAX, Source, nearest};
use toml::{Spanned, Value};

use super::raw;

/// What is wrong with a file of cases.
pub(super) type Wrong = Errors;

/// A file's text, to tell places in it.
#[derive(Debug)]
pub(super) struct Cases {
    source: Source,
}

impl Cases {
    /// Reads one file.
    pub(super) fn read(path: &Path) -> anyhow::Result<(Self, raw::File)> {
        use anyhow::Context;
        let bytes = probity_config::files::read_regular(path, SOURCE_BYTES_MAX)
            .with_context(|| format!("read {}", path.display()))?;
        let cases = Self { source: Source::new(path, bytes)? };
        let file = toml::from_str(&cases.source.text).map_err(|error| cases.explain(&error))?;
        Ok((cases, file))
    }

    /// The file, as it was named.
    pub(super) fn path(&self) -> PathBuf {
        self.source.path.clone()
    }

    /// The line at which a stretch begins, from 1.
    pub(super) fn line(&self, span: &Range<usize>) -> u32 {
        self.source.position(span.start).0
    }

    /// Something wrong at a stretch, and what to do.
    pub(super) fn wrong(&self, span: Range<usize>, message: impl AsRef<str>, help: impl Into<String>) -> Wrong {
        Errors::at(&self.source, span, message.as_ref(), Some(help.into()))
    }

    /// A time as milliseconds since 1970.
    pub(super) fn time(&self, at: &Spanned<Value>) -> Result<u64, Wrong> {
        unix_ms_of(at.get_ref()).ok_or_else(|| {
            let help = "write 2026-11-20T10:00:00Z, without quotes, or milliseconds since 1970";
            self.wrong(at.span(), "this is no time", help)
        })
    }

    /// serde's words in ours: the key that was meant, and those there are.
    fn explain(&self, error: &toml::de::Error) -> Wrong {
        let span = error.span().unwrap_or(0..0);
        let said = error.message();
        let quoted: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
        match quoted.split_first() {
            Some((typed, allowed)) if said.starts_with("unknown field") || said.starts_with("unknown variant") => {
                let what = if said.starts_with("unknown field") { "key" } else { "word" };
                let near = nearest(typed, allowed.iter().copied());
                let meant = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
                let help = format!("{meant}allowed here: {}", allowed.join(", "));
                self.wrong(span, format!("unknown {what} `{typed}`"), help)
            }
            Some((key, _)) if said.starts_with("missing field") => {
                self.wrong(span, format!("`{key}` is missing"), format!("add `{key}` here"))
            }
            _ => self.wrong(span, said, "the keys of a case are in docs/writing-a-check.md, \"Cases\""),
        }
    }
}

/// Milliseconds since 1970 of a date with a time, in UTC unless it says otherwise, or of a number of them.
pub(super) fn unix_ms_of(value: &Value) -> Option<u64> {
    match value {
        Value::Integer(ms) => u64::try_from(*ms).ok(),
        Value::Datetime(time) => {
            let text = time.to_string();
            let text = if time.offset.is_some() { text } else { format!("{text}Z") };
            u64::try_from(text.parse::<jiff::Timestamp>().ok()?.as_millisecond()).ok()
        }
        _ => None,
    }
}
