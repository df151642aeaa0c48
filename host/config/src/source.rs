//! The text that was read, places in it, and how a line of it may be quoted.
//!
//! A quoted line must help the one who typed it and must not carry a password into a log: values of keys that hold
//! secrets are masked, `${…}` stays as typed.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::errors::{Error, Errors};

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
    pub fn new(path: &Path, bytes: Vec<u8>) -> Result<Self, Errors> {
        if bytes.len() as u64 > SOURCE_BYTES_MAX {
            let message = format!("the file is larger than {} MiB", SOURCE_BYTES_MAX >> 20);
            return Err(Error::of_file(path, message).into());
        }
        String::from_utf8(bytes).map(|text| Self { path: path.to_owned(), text }).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
            let (line, column) = Self { path: path.to_owned(), text }.position(good);
            let mut error = Error::of_file(path, "the file is not UTF-8 text from here on".to_owned());
            (error.line, error.column) = (Some(line), Some(column));
            error.into()
        })
    }

    /// Line and column of a byte offset, both counted from 1, columns in characters.
    pub fn position(&self, offset: usize) -> (u32, u32) {
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
        let masked = mask_line(line, self.secrecy(start));
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

    /// What of the line at `start` is secret because of what stands before it.
    fn secrecy(&self, start: usize) -> Secrecy {
        let before = &self.text[..start];
        let is_open = |quotes: &str| before.matches(quotes).count() % 2 == 1;
        let own = self.text[start..].lines().next().unwrap_or_default();
        let mut earlier = before.lines().rev().filter(|line| !line.trim().is_empty());
        let goes_on = earlier.clone().next().is_some_and(|line| line.trim_end().ends_with(['[', '{', ',']));
        let begun = || earlier.clone().find_map(key_of).is_some_and(holds_secrets);
        if is_open("\"\"\"") || is_open("'''") || (goes_on || key_of(own).is_none()) && begun() {
            return Secrecy::Line;
        }
        let table = earlier.find(|line| line.trim_start().starts_with('['));
        if table.is_some_and(holds_secrets) { Secrecy::Value } else { Secrecy::Own }
    }
}

/// How much of a line is masked.
#[derive(Clone, Copy)]
enum Secrecy {
    /// All: it continues a value that holds secrets, or a string of several lines, of which nothing is known.
    Line,
    /// What follows the key: the table holds secrets.
    Value,
    /// What the line itself shows to be secret.
    Own,
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

/// Coarser than [`is_secret_key`], for text that may not even parse: any such word in it, or nearly so.
fn holds_secrets(text: &str) -> bool {
    const WORDS: [&str; 8] =
        ["token", "password", "passphrase", "secret", "authorization", "cookie", "apikey", "credential"];
    let text = text.to_lowercase();
    let near = |part: &str| {
        WORDS.iter().any(|word| strsim::damerau_levenshtein(part, word) <= if word.len() > 6 { 2 } else { 1 })
    };
    ["auth", "pass", "token", "secret", "cookie", "-key", "_key", "credential", "headers"]
        .iter()
        .any(|word| text.contains(word))
        || text.split(|c: char| !c.is_alphanumeric()).any(near)
}

/// What stands before the first `=` outside of quotes if that looks like a key.
fn key_of(line: &str) -> Option<&str> {
    let mut quoted = None;
    let at = line.char_indices().find(|(_, c)| {
        match (*c, quoted) {
            ('"' | '\'', None) => quoted = Some(*c),
            (_, Some(quote)) if *c == quote => quoted = None,
            _ => {}
        }
        *c == '=' && quoted.is_none()
    });
    let key = line[..at?.0].trim_start();
    (!key.starts_with(['[', ',', ']', '}', '{', '#'])).then_some(key)
}

/// `line` with secrets starred out, as long in characters as before.
fn mask_line(line: &str, secrecy: Secrecy) -> Cow<'_, str> {
    let header = line.trim_start().starts_with('[');
    match secrecy {
        Secrecy::Own => {}
        _ if header => {}
        Secrecy::Line => return Cow::Owned(mask(line)),
        Secrecy::Value => {
            let keep = key_of(line).map_or(0, |key| line.len() - line.trim_start().len() + key.len());
            return Cow::Owned(format!("{}{}", &line[..keep], mask(&line[keep..])));
        }
    }
    // An inline table has several keys: what follows the first that holds secrets is masked.
    if let Some(at) = line.match_indices('=').map(|(at, _)| at).find(|at| holds_secrets(&line[..*at])) {
        return Cow::Owned(format!("{}{}", &line[..=at], mask(&line[at + 1..])));
    }
    let Some(to) = line.rfind('@') else { return Cow::Borrowed(line) };
    let from = match (line.find("://"), line[..to].find(['"', '\''])) {
        (Some(scheme), _) if scheme < to => scheme + 3,
        (_, Some(quote)) => quote + 1,
        _ => return Cow::Borrowed(line),
    };
    if line[..from].ends_with("://") || line[from..to].contains(':') {
        return Cow::Owned(format!("{}{}{}", &line[..from], mask(&line[from..to]), &line[to..]));
    }
    Cow::Borrowed(line)
}

/// Stars for everything but quotes, what structures a line outside of them, and the names in `${NAME…}` and
/// `${file:PATH}`.
fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut quoted = None;
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
        let plain = match (next, quoted) {
            ('"' | '\'', None) => {
                quoted = Some(next);
                true
            }
            (_, Some(quote)) => {
                if next == quote {
                    quoted = None;
                }
                next == quote
            }
            _ => matches!(next, ' ' | '\t' | '[' | ']' | '{' | '}' | ',' | '='),
        };
        masked.push(if plain { next } else { '*' });
        rest = &rest[next.len_utf8()..];
    }
    masked
}

fn saturated(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
