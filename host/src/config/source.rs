//! The text that was read, places in it, and how a line of it may be quoted.
//!
//! A quoted line must help the one who typed it and must not carry a password into a log: values of keys that hold
//! secrets are masked, `${…}` stays as typed.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::errors::Error;

/// One configuration file: where it came from and what it says.
#[derive(Clone, Debug)]
pub struct Source {
    /// As shown in messages.
    pub path: PathBuf,
    /// Its TOML.
    pub text: String,
}

/// Bytes of one configuration file; at some 300 bytes per check, room for fifty thousand checks.
pub const SOURCE_BYTES_MAX: u64 = 16 << 20;

/// Characters of a line that a message quotes; longer lines are cut around the place.
const QUOTE_CHARS_MAX: usize = 120;

impl Source {
    /// Takes bytes as read from `path`.
    ///
    /// # Errors
    /// When they are too many or no UTF-8, with the place of the first bad byte.
    pub fn new(path: &Path, bytes: Vec<u8>) -> Result<Self, Error> {
        if bytes.len() as u64 > SOURCE_BYTES_MAX {
            return Err(Error::of_file(path, format!("the file is larger than {} MiB", SOURCE_BYTES_MAX >> 20)));
        }
        String::from_utf8(bytes).map(|text| Self { path: path.to_owned(), text }).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
            let (line, column) = Self { path: path.to_owned(), text }.position(good);
            let mut error = Error::of_file(path, "the file is not UTF-8 text from here on".to_owned());
            (error.line, error.column) = (Some(line), Some(column));
            error
        })
    }

    /// Line and column of a byte offset, both counted from 1, columns in characters.
    pub(super) fn position(&self, offset: usize) -> (u32, u32) {
        let before = self.head(offset);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
        (saturated(line), saturated(column))
    }

    /// The line around `place`, fit for a terminal: masked, tabs as blanks, cut; with the caret's column and width.
    pub(super) fn quote(&self, place: &Place) -> Quote {
        let head = self.head(place.start);
        let start = head.rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text[start..].lines().next().unwrap_or_default();
        let column = head[start..].chars().count();
        let width = self.text[head.len()..]
            .get(..place.end.saturating_sub(head.len()))
            .map_or(1, |marked| marked.lines().next().map_or(1, |first| first.chars().count().max(1)));
        let masked = mask_line(line, self.is_within_secret(start));
        let skip = if column > QUOTE_CHARS_MAX / 2 && line.chars().count() > QUOTE_CHARS_MAX {
            column - QUOTE_CHARS_MAX / 2
        } else {
            0
        };
        let text: String =
            masked.chars().skip(skip).take(QUOTE_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let room = text.chars().count().saturating_sub(column - skip).max(1);
        Quote { text: text.trim_end().to_owned(), column: column - skip, width: width.min(room) }
    }

    fn head(&self, offset: usize) -> &str {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        &self.text[..end]
    }

    /// Whether the line at `start` belongs to a value begun on an earlier line, or to a table, that holds secrets.
    fn is_within_secret(&self, start: usize) -> bool {
        let mut earlier = self.text[..start].lines().rev();
        let own = self.text[start..].lines().next().unwrap_or_default();
        let begun = |line: &str| key_of(line).is_some_and(holds_secrets);
        let header = |line: &str| line.trim_start().starts_with('[') && holds_secrets(line);
        let continued = key_of(own).is_none() && earlier.clone().find(|line| line.contains('=')).is_some_and(begun);
        continued || earlier.find(|line| line.trim_start().starts_with('[')).is_some_and(header)
    }
}

/// A stretch of bytes in one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Index of the source.
    pub(super) source: usize,
    /// First byte.
    pub(super) start: usize,
    /// Byte after the last.
    pub(super) end: usize,
}

/// A line as a message shows it.
#[derive(Clone, Debug)]
pub(super) struct Quote {
    /// The line, masked.
    pub(super) text: String,
    /// Characters before the caret.
    pub(super) column: usize,
    /// Carets.
    pub(super) width: usize,
}

/// Whether a key of this name holds what nobody else may see.
pub(super) fn is_secret_key(name: &str) -> bool {
    const WORDS: [&str; 13] = [
        "token",
        "tokens",
        "password",
        "passwd",
        "passphrase",
        "secret",
        "secrets",
        "authorization",
        "cookie",
        "api-key",
        "apikey",
        "credential",
        "credentials",
    ];
    let name = name.to_lowercase().replace('_', "-");
    WORDS.iter().any(|word| name.strip_suffix(word).is_some_and(|rest| rest.is_empty() || rest.ends_with(['-', '.'])))
}

/// Coarser than [`is_secret_key`], for text that may not even parse: any word of it, or a header.
fn holds_secrets(text: &str) -> bool {
    let text = text.to_lowercase();
    ["token", "passw", "passphrase", "secret", "authorization", "auth]", "cookie", "key", "credential", "header"]
        .iter()
        .any(|word| text.contains(word))
}

/// What stands before the first `=` if that looks like a key.
fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim_start();
    (!key.starts_with(['[', ',', ']', '}', '#'])).then_some(key)
}

/// `line` with secrets starred out, as long in characters as before.
fn mask_line(line: &str, within_secret: bool) -> Cow<'_, str> {
    if within_secret && !line.trim_start().starts_with('[') {
        let keep = if key_of(line).is_some() { line.find('=').map_or(0, |at| at + 1) } else { 0 };
        return Cow::Owned(format!("{}{}", &line[..keep], mask(&line[keep..])));
    }
    // The key nearest to the value decides; an inline table has several, so the first that holds secrets does.
    if let Some(at) = line.match_indices('=').map(|(at, _)| at).find(|at| holds_secrets(&line[..*at])) {
        return Cow::Owned(format!("{}{}", &line[..=at], mask(&line[at + 1..])));
    }
    match (line.find("://"), line.rfind('@')) {
        (Some(from), Some(to)) if from + 3 < to => {
            Cow::Owned(format!("{}{}{}", &line[..from + 3], mask(&line[from + 3..to]), &line[to..]))
        }
        _ => Cow::Borrowed(line),
    }
}

/// Stars for everything but quotes, blanks and the names in `${NAME…}` and `${file:PATH}`.
fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if let Some(inside) = rest.strip_prefix("${") {
            let file = inside.starts_with("file:");
            let end = inside.find(|c: char| if file { c == '}' } else { !(c.is_ascii_alphanumeric() || c == '_') });
            let (name, after) = inside.split_at(end.unwrap_or(inside.len()));
            masked.push_str("${");
            masked.push_str(name);
            rest = after;
            if let Some(after) = rest.strip_prefix('}') {
                masked.push('}');
                rest = after;
            }
            continue;
        }
        masked.push(if matches!(next, '"' | '\'' | ' ' | '\t') { next } else { '*' });
        rest = &rest[next.len_utf8()..];
    }
    masked
}

fn saturated(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
