//! Values that came from the environment or a secret file, and their removal from whatever leaves the host.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Known secret values, longest first. Cheap to clone.
#[derive(Clone, Default)]
pub struct Secrets {
    values: Arc<[Box<str>]>,
}

impl Secrets {
    /// Shorter values are not redacted: they would eat ordinary words, and are no secrets.
    pub const LEN_MIN: usize = 5;

    /// Takes the values in; duplicates and values shorter than [`Self::LEN_MIN`] are left out.
    pub fn new(values: impl IntoIterator<Item = String>) -> Self {
        let unique: BTreeSet<String> = values.into_iter().filter(|value| value.len() >= Self::LEN_MIN).collect();
        let mut values: Vec<Box<str>> = unique.into_iter().map(String::into_boxed_str).collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self { values: values.into() }
    }

    /// `text` with every known secret replaced by `[redacted]`.
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut clean = Cow::Borrowed(text);
        for value in self.values.iter() {
            if clean.contains(&**value) {
                clean = Cow::Owned(clean.replace(&**value, "[redacted]"));
            }
        }
        clean
    }
}

impl Secrets {
    /// The same and what quoting and JSON, or both, make of them, for texts that were put together by others.
    pub(crate) fn with_escapes(&self) -> Self {
        let forms = self.values.iter().flat_map(|value| {
            let quoted = format!("{value:?}");
            let json = [&**value, &quoted].map(|text| serde_json::Value::from(text).to_string());
            let inner = |text: &str, quotes: usize| text[quotes..text.len() - quotes].to_owned();
            // The JSON of what is quoted ends in `\""`.
            [value.to_string(), inner(&quoted, 1), inner(&json[0], 1), inner(&json[1], 3)]
        });
        Self::new(forms)
    }

    /// `text` with every known secret replaced by as many stars, so that columns stay.
    pub(super) fn star(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for value in self.values.iter().filter(|value| text.contains(&***value)) {
            clean = clean.replace(&**value, &"*".repeat(value.chars().count()));
        }
        clean
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({} values)", self.values.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A secret that contains another is replaced whole.
    #[test]
    fn longest_secret_wins() {
        let secrets = Secrets::new(["hunter2".into(), "hunter2-and-more".into(), "abc".into()]);
        assert_eq!(secrets.redact("x hunter2-and-more y hunter2 abc"), "x [redacted] y [redacted] abc");
    }
}
