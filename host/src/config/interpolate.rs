//! `${NAME}`, `${NAME:-default}`, `${file:PATH}` and `$$` in string values.
//!
//! What a placeholder brings in is not looked at again: a password may contain `${`.

use std::io;
use std::path::Path;

/// Where values come from.
pub(super) struct Lookup<'a> {
    /// The value of an environment variable.
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
    /// The text of a file.
    pub(super) read_file: &'a dyn Fn(&Path) -> io::Result<String>,
    /// What relative paths are relative to.
    pub(super) base_dir: &'a Path,
}

/// A value with its placeholders replaced.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filled {
    /// The text.
    pub(super) text: String,
    /// What came from the environment and from files.
    pub(super) secrets: Vec<String>,
    /// The files read.
    pub(super) files: Vec<std::path::PathBuf>,
}

/// What is wrong with a placeholder, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// What is wrong.
    pub(super) message: String,
    /// What to do.
    pub(super) help: String,
}

/// Replaces the placeholders of `typed`.
pub(super) fn fill(typed: &str, lookup: &Lookup<'_>) -> Result<Filled, Wrong> {
    let mut filled = Filled::default();
    let mut rest = typed;
    while let Some(at) = rest.find('$') {
        filled.text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            filled.text.push('$');
            rest = after;
        } else if let Some(inside) = rest.strip_prefix('{') {
            let (placeholder, after) = inside.split_once('}').ok_or_else(|| Wrong {
                message: "`${` without its `}`".to_owned(),
                help: "write `${NAME}`, `${NAME:-default}` or `${file:PATH}`; a literal `$` is `$$`".to_owned(),
            })?;
            fill_one(placeholder, lookup, &mut filled)?;
            rest = after;
        } else {
            filled.text.push('$');
        }
    }
    filled.text.push_str(rest);
    Ok(filled)
}

/// Text that [`fill`] turns into `text`.
#[cfg(test)]
pub(super) fn escape(text: &str) -> String {
    text.replace('$', "$$")
}

fn fill_one(placeholder: &str, lookup: &Lookup<'_>, filled: &mut Filled) -> Result<(), Wrong> {
    if let Some(path) = placeholder.strip_prefix("file:") {
        return fill_file(path, lookup, filled);
    }
    let (name, default) = match placeholder.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (placeholder, None),
    };
    if !is_variable(name) {
        return Err(Wrong {
            message: "not the name of an environment variable in `${…}`".to_owned(),
            help: "names are letters, digits and `_`; write `${NAME}`, `${NAME:-default}` or `${file:PATH}`; \
                   a literal `$` is `$$`"
                .to_owned(),
        });
    }
    // As in a shell, `:-` also replaces an empty value.
    let value = (lookup.env)(name).filter(|value| default.is_none() || !value.is_empty());
    match (value, default) {
        (Some(value), _) => {
            filled.text.push_str(&value);
            filled.secrets.push(value);
        }
        (None, Some(default)) => filled.text.push_str(default),
        (None, None) => {
            return Err(Wrong {
                message: format!("environment variable `{name}` is not set"),
                help: format!("set it, or give a default: `${{{name}:-default}}`"),
            });
        }
    }
    Ok(())
}

fn fill_file(path: &str, lookup: &Lookup<'_>, filled: &mut Filled) -> Result<(), Wrong> {
    let full = lookup.base_dir.join(path);
    let text = (lookup.read_file)(&full).map_err(|error| Wrong {
        message: format!("cannot read `{}`: {error}", full.display()),
        help: "name a readable text file; relative paths start at the configuration file".to_owned(),
    })?;
    let value = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    filled.text.push_str(value);
    filled.secrets.push(value.to_owned());
    filled.files.push(full);
    Ok(())
}

fn is_variable(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}
