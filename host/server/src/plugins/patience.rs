//! How long a file may go on changing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use super::scan;

/// A file untouched for this long is not being written.
pub(super) const QUIET: Duration = Duration::from_secs(2);

/// How long a file that ends too early may still be on its way before it is called broken.
const ARRIVING: Duration = Duration::from_secs(10);

/// A file that has not stood still for this long holds nobody up any more: not the start, not a reload. It is looked at
/// with the others then.
const RESTLESS: Duration = Duration::from_secs(60);

/// The files that were seen and not believed yet.
#[derive(Debug, Default)]
pub(super) struct Patience(HashMap<String, Seen>);

#[derive(Debug)]
struct Seen {
    digest: Option<String>,
    /// Since when it reads like this.
    same: Instant,
    /// Since when it is waited for.
    first: Instant,
    restless: bool,
}

impl Patience {
    /// Whether the file reads the same as one `settle` ago, or nobody touched it for long. Should the bytes be the beginning
    /// of something longer, both take ten seconds.
    pub(super) fn is_settled(
        &mut self,
        name: &str,
        contents: &scan::Contents,
        quiet: Duration,
        settle: Duration,
    ) -> bool {
        let now = Instant::now();
        let seen = self.seen(name, now);
        if seen.digest.as_ref() != Some(&contents.digest) {
            (seen.digest, seen.same) = (Some(contents.digest.clone()), now);
        }
        let same = now.duration_since(seen.same);
        let settled = if scan::is_truncated(&contents.bytes) {
            quiet.max(same) >= ARRIVING
        } else {
            quiet >= QUIET || same >= settle
        };
        if settled {
            self.0.remove(name);
        }
        settled
    }

    /// The file changed while it was read.
    pub(super) fn moved(&mut self, name: &str) {
        self.seen(name, Instant::now()).digest = None;
    }

    /// Whether others wait for the file. Says it once when they no longer do.
    pub(super) fn is_waited_for(&mut self, name: &str) -> bool {
        let Some(seen) = self.0.get_mut(name) else { return false };
        let restless = seen.first.elapsed() >= RESTLESS;
        if restless && !seen.restless {
            seen.restless = true;
            tracing::warn!(plugin = name, "the file changes all the time, nothing waits for it any more");
        }
        !restless
    }

    /// Forgets a file that is understood.
    pub(super) fn done(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Forgets files that are gone.
    pub(super) fn keep<V>(&mut self, files: &BTreeMap<String, V>) {
        self.0.retain(|name, _| files.contains_key(name));
    }

    fn seen(&mut self, name: &str, now: Instant) -> &mut Seen {
        let new = || Seen { digest: None, same: now, first: now, restless: false };
        self.0.entry(name.to_owned()).or_insert_with(new)
    }
}

/// Files that cannot be judged for now, with what was said about each: said once, and tried at every look.
#[derive(Debug, Default)]
pub(super) struct Troubles(HashMap<String, String>);

impl Troubles {
    /// Whether this is news.
    pub(super) fn tell(&mut self, name: &str, message: &str) -> bool {
        self.0.insert(name.to_owned(), message.to_owned()).is_none_or(|said| said != message)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn end(&mut self, name: &str) {
        self.0.remove(name);
    }
}

/// What the start waits for: every file of the first listing has been judged once.
#[derive(Debug, Default)]
pub(super) struct First {
    listed: bool,
    left: HashSet<String>,
}

impl First {
    /// The directory was listed; what is gone is not waited for.
    pub(super) fn listed<V>(&mut self, files: &BTreeMap<String, V>) {
        if self.listed {
            self.left.retain(|name| files.contains_key(name));
        } else {
            self.listed = true;
            self.left = files.keys().cloned().collect();
        }
    }

    /// The file was judged, or is not waited for.
    pub(super) fn done(&mut self, name: &str) {
        self.left.remove(name);
    }

    /// Whether all were.
    pub(super) fn is_over(&self) -> bool {
        self.listed && self.left.is_empty()
    }
}
