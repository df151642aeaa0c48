//! Values that came from the environment, a secret file or a token endpoint, and their removal from whatever leaves the host.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

/// Values that the host was given since it started that are kept in mind; of more, the latest. A token is good for minutes.
const FETCHED_MAX: usize = 256;

/// Known secret values, longest first. Cheap to clone.
#[derive(Clone, Default)]
pub struct Secrets {
    values: Arc<[Box<str>]>,
    /// The latest last. All clones share them.
    fetched: Arc<RwLock<Vec<Box<str>>>>,
}

impl Secrets {
    /// Shorter values are not redacted: they would eat ordinary words, and are no secrets.
    pub const LEN_MIN: usize = 5;

    /// Takes the values in; duplicates and values shorter than [`Self::LEN_MIN`] are left out.
    pub fn new(values: impl IntoIterator<Item = String>) -> Self {
        let unique: BTreeSet<String> = values.into_iter().filter(|value| value.len() >= Self::LEN_MIN).collect();
        let mut values: Vec<Box<str>> = unique.into_iter().map(String::into_boxed_str).collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self { values: values.into(), fetched: Arc::default() }
    }

    /// `text` with every known secret replaced by `[redacted]`.
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut clean = Cow::Borrowed(text);
        // Tokens first: they are long, and may hold what else is secret.
        let fetched = self.fetched.read().unwrap_or_else(PoisonError::into_inner);
        for value in fetched.iter().chain(self.values.iter()) {
            if clean.contains(&**value) {
                clean = Cow::Owned(clean.replace(&**value, "[redacted]"));
            }
        }
        drop(fetched);
        clean
    }

    /// From now on `value`, and what quoting and JSON make of it, is a secret as well, for every clone.
    pub fn learn(&self, value: &str) {
        let mut fetched = self.fetched.write().unwrap_or_else(PoisonError::into_inner);
        for form in escapes(value).into_iter().filter(|form| form.len() >= Self::LEN_MIN) {
            // What it was known as before says nothing of how new it is.
            fetched.retain(|known| **known != *form);
            fetched.push(form.into());
        }
        let surplus = fetched.len().saturating_sub(FETCHED_MAX);
        fetched.drain(..surplus);
    }
}

/// `value`, and what quoting and JSON, or both, make of it.
fn escapes(value: &str) -> [String; 4] {
    let quoted = format!("{value:?}");
    let json = [value, &quoted].map(|text| serde_json::Value::from(text).to_string());
    let inner = |text: &str, quotes: usize| text[quotes..text.len() - quotes].to_owned();
    // The JSON of what is quoted ends in `\""`.
    [value.to_owned(), inner(&quoted, 1), inner(&json[0], 1), inner(&json[1], 3)]
}

impl Secrets {
    /// The same and what quoting and JSON, or both, make of them, for texts that were put together by others.
    pub fn with_escapes(&self) -> Self {
        let forms = self.values.iter().flat_map(|value| escapes(value));
        Self { fetched: Arc::clone(&self.fetched), ..Self::new(forms) }
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

    // What is learned is redacted by every copy, also by those made before, whole and as quoted; what is learned last is kept
    // longest.
    #[test]
    fn what_is_learned_is_redacted_everywhere() {
        let secrets = Secrets::new(["hunter2".into()]);
        let (copy, of_the_log) = (secrets.clone(), secrets.with_escapes());
        let token = "head.hunter2\"x.tail";
        secrets.learn(token);
        for known in [&secrets, &copy, &of_the_log] {
            assert_eq!(known.redact(&format!("{token} {token:?} hunter2")), "[redacted] \"[redacted]\" [redacted]");
        }
        (0..FETCHED_MAX).for_each(|number| secrets.learn(&format!("token-{number:05}")));
        assert_eq!(copy.redact("token-00000 token-00255"), "[redacted] [redacted]");
        assert_eq!(secrets.fetched.read().unwrap().len(), FETCHED_MAX);
    }
}
