//! What is on its way to a version, so that nobody takes what is late for what is missing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use probity_core::check::{Failure, Reason};
use probity_core::text::rough_size;

/// What the loader is doing.
#[derive(Clone, Debug, Default)]
pub struct Loading {
    /// Every file of the first look has been judged: a plugin that is not there by then is missing.
    pub started: bool,
    /// Bytes that are being brought up, by plugin. As many as the loader has threads for, and one.
    pub compiling: BTreeMap<String, Compiling>,
}

/// Bytes that are being brought up.
#[derive(Clone, Debug)]
pub struct Compiling {
    /// SHA-256 of the file, lower-case hex.
    pub digest: String,
    /// Bytes of the file.
    pub size: u64,
    /// Since when.
    pub since: Instant,
}

impl Loading {
    /// Nothing is on its way.
    #[must_use]
    pub fn over() -> Self {
        Self { started: true, compiling: BTreeMap::new() }
    }

    /// Why a plugin that has no version yet is waited for, if it is.
    #[must_use]
    pub fn awaited(&self, plugin: &str) -> Option<Failure> {
        match self.compiling.get(plugin) {
            Some(compiling) => Some(Failure::new(Reason::Compiling, format!("plugin {plugin}: {}", compiling.text()))),
            None if !self.started => Some(Failure::new(
                Reason::Pending,
                format!("plugin {plugin} is not looked at yet: plugins are being loaded"),
            )),
            None => None,
        }
    }
}

impl Compiling {
    /// The time so far.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    /// `compiling for 12 s (12.3 MiB)`.
    #[must_use]
    pub fn text(&self) -> String {
        format!("compiling for {} s ({})", self.elapsed().as_secs(), rough_size(self.size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // What is compiled is told with its time and size, what has not been looked at is waited for, and only then is a plugin
    // missing.
    #[test]
    fn late_is_not_missing() {
        let since = Instant::now().checked_sub(Duration::from_secs(12)).unwrap();
        let compiling = Compiling { digest: "ab".to_owned(), size: 12_900_000, since };
        let mut loading = Loading { started: false, compiling: [("orders".to_owned(), compiling)].into() };
        let orders = loading.awaited("orders").unwrap();
        assert_eq!(orders.reason, Reason::Compiling);
        assert_eq!(orders.message, "plugin orders: compiling for 12 s (12.3 MiB)");
        assert_eq!(loading.awaited("other").unwrap().reason, Reason::Pending);
        loading.started = true;
        assert!(loading.awaited("other").is_none() && loading.awaited("orders").is_some());
    }
}
