//! Functions of SQLite whose time is the product of two lengths, in a form that ends in time.
//!
//! `LIKE` and `GLOB` are matched here, without recursion, with looks at the clock. The others are asked of SQLite itself,
//! on a connection of their own, unless the product is too large.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Error, ffi};

use super::guard;
use super::watch::Watch;

/// The product of the lengths of two arguments: some tens of milliseconds at most.
const PRODUCT_MAX: usize = 1 << 23;

/// Characters compared between two looks at the clock.
const COMPARED_PER_LOOK: u32 = 1 << 16;

/// Functions that are asked of SQLite itself, with the number of their arguments and a statement that does so.
const BOUNDED: [(&str, i32, &str); 6] = [
    ("instr", 2, "SELECT instr(?1, ?2)"),
    ("replace", 3, "SELECT replace(?1, ?2, ?3)"),
    ("trim", 2, "SELECT trim(?1, ?2)"),
    ("ltrim", 2, "SELECT ltrim(?1, ?2)"),
    ("rtrim", 2, "SELECT rtrim(?1, ?2)"),
    ("unhex", 2, "SELECT unhex(?1, ?2)"),
];

/// What SQLite itself answers, where nobody's schema and no other limit is in the way. Opened when it is first needed.
#[derive(Default)]
struct Original(Mutex<Option<Connection>>);

impl Original {
    fn ask(&self, statement: &str, context: &Context<'_>) -> rusqlite::Result<Value> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match &mut *held {
            Some(connection) => connection,
            none => {
                let connection = Connection::open_in_memory()?;
                guard::limit(&connection)?;
                none.insert(connection)
            }
        };
        let arguments = (0..context.len()).map(|at| ToSqlOutput::Borrowed(context.get_raw(at)));
        let mut statement = connection.prepare_cached(statement)?;
        statement.query_row(rusqlite::params_from_iter(arguments), |row| row.get(0))
    }
}

/// Puts ours in their places.
pub(super) fn replace_quadratic(connection: &Connection, watch: &Arc<Watch>) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    let original = Arc::new(Original::default());
    for (name, arguments, statement) in BOUNDED {
        let (original, watch) = (Arc::clone(&original), Arc::clone(watch));
        connection.create_scalar_function(name, arguments, flags, move |context| {
            stop_if_over(&watch)?;
            if len(context.get_raw(0)).saturating_mul(len(context.get_raw(1))) > PRODUCT_MAX {
                return Err(refused(format!("{name}() of values this large is not offered")));
            }
            original.ask(statement, context)
        })?;
    }
    for (name, arguments, statement) in
        [("like", 2, "SELECT like(?1, ?2)"), ("like", 3, "SELECT like(?1, ?2, ?3)"), ("glob", 2, "SELECT glob(?1, ?2)")]
    {
        let (original, watch) = (Arc::clone(&original), Arc::clone(watch));
        let kind = if name == "glob" { Wildcards::GLOB } else { Wildcards::LIKE };
        connection.create_scalar_function(name, arguments, flags, move |context| {
            stop_if_over(&watch)?;
            match (text(context.get_raw(0)), text(context.get_raw(1))) {
                (Some(pattern), Some(subject)) if arguments == 2 => {
                    matches(kind, pattern, subject, &watch).map(|yes| Value::Integer(yes.into()))
                }
                (Some(pattern), Some(subject)) => match text(context.get_raw(2)).and_then(only_character) {
                    Some(escape) => {
                        let answer = matches(kind.escaped_by(escape), pattern, subject, &watch);
                        answer.map(|yes| Value::Integer(yes.into()))
                    }
                    None if small(context) => original.ask(statement, context),
                    None => Err(refused("ESCAPE expression must be a single character".to_owned())),
                },
                // Numbers are short, and how they read is SQLite's own business.
                _ if small(context) => original.ask(statement, context),
                _ => Err(refused("a pattern is matched against text: write CAST(… AS TEXT)".to_owned())),
            }
        })?;
    }
    Ok(())
}

fn small(context: &Context<'_>) -> bool {
    let others: usize = (1..context.len()).map(|at| len(context.get_raw(at))).max().unwrap_or_default();
    len(context.get_raw(0)).saturating_mul(others) <= PRODUCT_MAX
}

/// Bytes of a value, at least one.
fn len(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len().max(1),
        _ => 1,
    }
}

/// Text as C sees it; none for what is not text already.
fn text(value: ValueRef<'_>) -> Option<&[u8]> {
    let (ValueRef::Text(bytes) | ValueRef::Blob(bytes)) = value else { return None };
    Some(bytes.split(|byte| *byte == 0).next().unwrap_or_default())
}

fn only_character(text: &[u8]) -> Option<u32> {
    let mut at = 0;
    let character = read(text, &mut at);
    (character != 0 && at == text.len()).then_some(character)
}

fn refused(message: String) -> Error {
    Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_TOOBIG), Some(message))
}

fn stop_if_over(watch: &Watch) -> rusqlite::Result<()> {
    let over = || Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None);
    if watch.is_over() { Err(over()) } else { Ok(()) }
}

/// What has a meaning of its own in a pattern; 0 where nothing has.
#[derive(Clone, Copy)]
struct Wildcards {
    any: u32,
    one: u32,
    /// Begins a set of characters.
    set: u32,
    escape: u32,
    any_case: bool,
}

impl Wildcards {
    const LIKE: Self = Self { any: '%' as u32, one: '_' as u32, set: 0, escape: 0, any_case: true };
    const GLOB: Self = Self { any: '*' as u32, one: '?' as u32, set: '[' as u32, escape: 0, any_case: false };

    /// An escape that is a wildcard is none.
    const fn escaped_by(self, escape: u32) -> Self {
        let any = if self.any == escape { 0 } else { self.any };
        let one = if self.one == escape { 0 } else { self.one };
        Self { any, one, escape, ..self }
    }

    const fn same(self, a: u32, b: u32) -> bool {
        a == b || (self.any_case && lower(a) == lower(b) && a < 0x80 && b < 0x80)
    }
}

const fn lower(character: u32) -> u32 {
    if character >= b'A' as u32 && character <= b'Z' as u32 { character + 0x20 } else { character }
}

/// The next character as SQLite reads it, also where it is no UTF-8; 0 at the end.
fn read(text: &[u8], at: &mut usize) -> u32 {
    let Some(&first) = text.get(*at) else { return 0 };
    *at += 1;
    if first < 0xC0 {
        return first.into();
    }
    let mut character = match first {
        0xC0..=0xDF => u32::from(first & 0x1F),
        0xE0..=0xEF => u32::from(first & 0x0F),
        0xF0..=0xF7 => u32::from(first & 0x07),
        0xF8..=0xFB => u32::from(first & 0x03),
        0xFC..=0xFD => u32::from(first & 0x01),
        _ => 0,
    };
    while let Some(&next) = text.get(*at)
        && next & 0xC0 == 0x80
    {
        character = (character << 6).wrapping_add(u32::from(next & 0x3F));
        *at += 1;
    }
    let is_none = character < 0x80 || character & 0xFFFF_F800 == 0xD800;
    if is_none { 0xFFFD } else { character }
}

/// Whether `subject` is as `pattern` says: where it is not, the last wildcard for any text takes one character more.
fn matches(kind: Wildcards, pattern: &[u8], subject: &[u8], watch: &Watch) -> rusqlite::Result<bool> {
    if pattern.len() > guard::PATTERN_BYTES_MAX as usize {
        return Err(refused("LIKE or GLOB pattern too complex".to_owned()));
    }
    let (mut in_pattern, mut in_subject) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    let mut compared = 0_u32;
    loop {
        compared += 1;
        if compared.is_multiple_of(COMPARED_PER_LOOK) {
            stop_if_over(watch)?;
        }
        let mut after = in_pattern;
        let wanted = read(pattern, &mut after);
        if wanted == kind.any && wanted != 0 {
            if after == pattern.len() {
                return Ok(true);
            }
            (in_pattern, retry) = (after, Some((after, in_subject)));
            continue;
        }
        if wanted == 0 {
            if in_subject == subject.len() {
                return Ok(true);
            }
        } else if let Some(next) = one(kind, pattern, wanted, after, subject, &mut in_subject) {
            in_pattern = next;
            continue;
        }
        let Some((pattern_at, mut subject_at)) = retry else { return Ok(false) };
        if read(subject, &mut subject_at) == 0 {
            return Ok(false);
        }
        (in_pattern, in_subject, retry) = (pattern_at, subject_at, Some((pattern_at, subject_at)));
    }
}

/// Compares one character of the subject with the part of the pattern that begins with `wanted`; where the next part
/// begins, if it fits.
fn one(
    kind: Wildcards,
    pattern: &[u8],
    mut wanted: u32,
    mut after: usize,
    subject: &[u8],
    in_subject: &mut usize,
) -> Option<usize> {
    let mut is_literal = false;
    if wanted == kind.escape && kind.escape != 0 {
        wanted = read(pattern, &mut after);
        is_literal = true;
        if wanted == 0 {
            return None;
        }
    }
    let found = read(subject, in_subject);
    if wanted == kind.set && kind.set != 0 {
        return (found != 0).then(|| set(pattern, after, found)).flatten();
    }
    let fits = kind.same(wanted, found) || (wanted == kind.one && !is_literal && found != 0);
    fits.then_some(after)
}

/// Whether `found` is in the set that begins at `at`; the place after it, if so.
fn set(pattern: &[u8], mut at: usize, found: u32) -> Option<usize> {
    let mut character = read(pattern, &mut at);
    let is_inverted = character == '^' as u32;
    if is_inverted {
        character = read(pattern, &mut at);
    }
    let (mut is_in, mut before) = (false, 0);
    if character == ']' as u32 {
        is_in = found == ']' as u32;
        character = read(pattern, &mut at);
    }
    while character != 0 && character != ']' as u32 {
        let is_range = character == '-' as u32 && before > 0 && pattern.get(at).is_some_and(|next| *next != b']');
        if is_range {
            character = read(pattern, &mut at);
            is_in |= found >= before && found <= character;
            before = 0;
        } else {
            is_in |= found == character;
            before = character;
        }
        character = read(pattern, &mut at);
    }
    (character != 0 && is_in != is_inverted).then_some(at)
}
