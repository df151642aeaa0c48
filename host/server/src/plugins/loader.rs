//! From files to versions: lists, settles, decides and swaps.
//!
//! A machine without threads and without a clock to wait for: [`Loader::look`] lists the directory, [`Loader::walk`] goes
//! through what was found and hands out jobs, [`Loader::land`] takes what became of them. Nothing here takes longer than
//! reading a file.

mod step;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use probity_core::clock::unix_ms;

use super::directory::{self, Found, Listing, What};
use super::job::{Job, Landed};
use super::patience::{First, Patience, Troubles};
use super::scan::Fingerprint;
use super::version::{Refusal, Rejection, Stage, Version};
use super::{Compiling, Directory, Loading, Plugin, Plugins, Reloads, Store, once};
use step::Step;

/// Says what is wrong with a version for the checks that would run it, if anything.
pub type Admit = Box<dyn Fn(&str, &Version) -> Option<String> + Send>;

/// What happened to a plugin.
#[derive(Clone, Debug)]
pub enum Change {
    /// A version became current.
    Loaded {
        /// The plugin.
        plugin: String,
        /// Its new version.
        version: Arc<Version>,
    },
    /// Bytes were refused; what ran goes on.
    Rejected {
        /// The plugin, or what a file is shown as whose name no plugin may have.
        plugin: String,
        /// Why.
        rejection: Rejection,
    },
    /// The file is gone.
    Removed {
        /// The plugin.
        plugin: String,
    },
}

/// The one owner of the plugin directory.
pub struct Loader {
    store: Arc<Store>,
    settings: probity_config::Plugins,
    admit: Admit,
    plugins: Plugins,
    /// The state of each file when it was last judged.
    judged: HashMap<String, Judged>,
    /// Bytes that are being brought up. Their files are not looked at meanwhile.
    flights: BTreeMap<String, Flight>,
    patience: Patience,
    /// Of files that cannot be judged.
    troubles: Troubles,
    /// Of bytes that could not be brought up, for a reason that passes.
    failures: Troubles,
    /// Plugins that the configuration names: they are looked for before others.
    wanted: BTreeSet<String>,
    /// The file system that the directory was on.
    device: Option<u64>,
    missing: HashMap<String, Instant>,
    first: First,
    /// What the newest listing had and nobody has gone through yet.
    todo: BTreeMap<String, Found>,
    /// The last name that was gone through: the next walk goes on behind it, so that every file has its turn.
    cursor: String,
    changes: Vec<Change>,
    /// Flights began or ended since what is on its way was shown.
    moved: bool,
    /// Something is settling.
    waiting: bool,
    /// When the next removal is due, as of the newest look.
    removing: Option<Duration>,
}

struct Judged {
    fingerprint: Fingerprint,
    digest: Option<String>,
    /// Read so soon after a change that the times cannot tell a further change apart.
    fresh: bool,
}

/// A job under way.
struct Flight {
    found: Found,
    judged: Judged,
    digest: String,
    size: u64,
    since: Instant,
}

impl Loader {
    /// A loader for `settings.dir`.
    #[must_use]
    pub fn new(store: Arc<Store>, settings: probity_config::Plugins, admit: Admit) -> Self {
        Self {
            store,
            settings,
            admit,
            plugins: Plugins::new(),
            judged: HashMap::new(),
            flights: BTreeMap::new(),
            patience: Patience::default(),
            troubles: Troubles::default(),
            failures: Troubles::default(),
            wanted: BTreeSet::new(),
            device: None,
            missing: HashMap::new(),
            first: First::default(),
            todo: BTreeMap::new(),
            cursor: String::new(),
            changes: Vec::new(),
            moved: false,
            waiting: false,
            removing: None,
        }
    }

    /// Takes new settings over; what was refused is judged again at the next look.
    pub fn reconfigure(&mut self, settings: probity_config::Plugins) {
        if self.settings.dir != settings.dir {
            self.device = None;
        }
        self.settings = settings;
        let plugins = &self.plugins;
        self.judged.retain(|name, _| plugins.get(name).is_some_and(|plugin| plugin.rejected.is_none()));
        let pins = &self.settings.pins;
        self.judged.retain(|name, judged| pins.get(name).is_none_or(|pin| judged.digest.as_ref() == Some(pin)));
    }

    /// Looks for these plugins before others, should there be more than is looked at.
    pub fn want(&mut self, plugins: impl Iterator<Item = String>) {
        self.wanted = plugins.collect();
    }

    /// Lists the directory. One that cannot be read changes nothing: what is loaded goes on.
    pub fn look(&mut self) {
        let known = self.plugins.keys().chain(self.flights.keys()).chain(&self.wanted).map(String::as_str);
        let listing = directory::list(&self.settings.dir, known).and_then(|listing| self.mounted(listing));
        self.tell_directory(&listing);
        let Ok(Listing { files, device, .. }) = listing else {
            // Nothing is known of any file, so nothing is settling or going away.
            (self.waiting, self.removing) = (false, None);
            self.todo.clear();
            return;
        };
        self.device = device;
        self.waiting = false;
        self.missing.retain(|name, _| !files.contains_key(name));
        self.patience.keep(&files);
        self.first.listed(&files);
        self.removing = self.remove(&files);
        self.todo = files;
    }

    /// Goes through what the newest look found, until it is through, `room` jobs are made, or it is `until`. The jobs are
    /// to be done, wherever, and their ends handed to [`Self::land`].
    pub fn walk(&mut self, room: usize, until: Instant) -> Vec<Job> {
        let mut jobs = Vec::new();
        while jobs.len() < room && Instant::now() < until {
            let Some((name, found)) = self.next_found() else { break };
            if self.flights.contains_key(&name) {
                continue;
            }
            match self.step(&name, &found) {
                Step::Wait if self.patience.is_waited_for(&name) => self.waiting = true,
                Step::Nothing | Step::Wait => self.first.done(&name),
                Step::Judge(contents) => jobs.extend(self.judge(&name, found, contents)),
                Step::Refuse(refusal) => {
                    let size = if let What::File(fingerprint) = &found.what { fingerprint.len } else { 0 };
                    self.reject(&name, &found.path, refusal, None, size);
                }
            }
        }
        jobs
    }

    /// Takes the end of a job. Answers whether the file has changed meanwhile: then what became of its older bytes is
    /// dropped, and the directory should be looked at at once.
    pub fn land(&mut self, landed: Landed) -> bool {
        let Landed { plugin: name, result } = landed;
        let Some(flight) = self.flights.remove(&name) else { return false };
        self.moved = true;
        self.judged.remove(&name);
        if self.has_changed(&name, &flight) {
            return true;
        }
        let Flight { found, judged, digest, size, .. } = flight;
        let pinned = once::refuse_pin(&self.settings, &name, &digest).map_or(Ok(()), Err);
        match pinned.and(result).and_then(|version| self.admitted(&name, version)) {
            Ok(version) => {
                self.failures.end(&name);
                self.judged.insert(name.clone(), judged);
                self.take_over(&name, &found.path, Arc::new(version));
            }
            Err(refusal) if refusal.passes => {
                self.first.done(&name);
                if self.failures.tell(&name, &refusal.message) {
                    self.reject(&name, &found.path, refusal, Some(digest), size);
                }
            }
            Err(refusal) => {
                self.failures.end(&name);
                self.judged.insert(name.clone(), judged);
                self.reject(&name, &found.path, refusal, Some(digest), size);
            }
        }
        false
    }

    /// Whether something changed that was not published.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty() || self.moved || self.has_started() != self.store.loading().started
    }

    /// Shows to everybody what changed, and answers it.
    pub fn publish(&mut self) -> Vec<Change> {
        let compiling =
            |flight: &Flight| Compiling { digest: flight.digest.clone(), size: flight.size, since: flight.since };
        let loading = Loading {
            started: self.has_started(),
            compiling: self.flights.iter().map(|(name, flight)| (name.clone(), compiling(flight))).collect(),
        };
        self.store.replace(self.plugins.clone(), loading);
        self.moved = false;
        std::mem::take(&mut self.changes)
    }

    /// Whether there is something to go through.
    #[must_use]
    pub fn is_walking(&self) -> bool {
        !self.todo.is_empty()
    }

    /// Jobs under way.
    #[must_use]
    pub fn flying(&self) -> usize {
        self.flights.len()
    }

    /// Plugins that are being judged or are still to be, by name.
    pub fn pending(&self) -> impl Iterator<Item = &str> {
        self.flights.keys().chain(self.todo.keys()).map(String::as_str)
    }

    /// When to look again because a file is settling or a removal is in its grace; none = at the next hint.
    #[must_use]
    pub fn again(&self) -> Option<Duration> {
        let settle = self.waiting.then_some(self.settings.settle);
        [settle, self.removing].into_iter().flatten().min()
    }

    /// Whether everything that the first listing had was judged once.
    #[must_use]
    pub fn has_started(&self) -> bool {
        self.first.is_over()
    }

    /// The listing, unless it looks as if the directory was unmounted: another file system, with nothing on it.
    fn mounted(&self, listing: Listing) -> io::Result<Listing> {
        let moved = self.device.is_some() && self.device != listing.device;
        if moved && listing.files.is_empty() && !self.plugins.is_empty() {
            return Err(io::Error::other("it is empty, and on another file system than before: is it unmounted?"));
        }
        Ok(listing)
    }

    /// Says what is wrong with the directory as a whole, once.
    fn tell_directory(&self, listing: &io::Result<Listing>) {
        let now = Directory {
            error: listing.as_ref().err().map(ToString::to_string),
            left_out: listing.as_ref().is_ok_and(|listing| listing.left_out),
        };
        let before = self.store.directory();
        if *before == now {
            return;
        }
        let dir = self.settings.dir.display();
        match &now.error {
            Some(error) => {
                tracing::warn!(%dir, error, "the plugin directory cannot be read, waiting for it; what is loaded goes on");
            }
            None if before.error.is_some() => tracing::info!(%dir, "the plugin directory can be read again"),
            None => {}
        }
        if now.left_out && !before.left_out {
            tracing::warn!(%dir, "{}", directory::LEFT_OUT);
        }
        self.store.looked(now);
    }

    /// What is to be gone through next: what follows the cursor, or the first.
    fn next_found(&mut self) -> Option<(String, Found)> {
        let behind = (Bound::Excluded(self.cursor.as_str()), Bound::Unbounded);
        let name = self.todo.range::<str, _>(behind).next().or_else(|| self.todo.iter().next())?.0.clone();
        self.cursor.clone_from(&name);
        self.todo.remove_entry(&name)
    }

    /// Whether the checks of the configuration that serves now can run it.
    fn admitted(&self, name: &str, version: Version) -> Result<Version, Refusal> {
        // A first version is loaded even when a check's configuration does not suit it: the check says so itself.
        let replaces = self.plugins.get(name).is_some_and(|plugin| plugin.current.is_some());
        match (self.admit)(name, &version) {
            Some(problem) if replaces => Err(Refusal::new(Stage::Config, problem)),
            _ => Ok(version),
        }
    }

    fn take_over(&mut self, name: &str, path: &Path, version: Arc<Version>) {
        let current = Arc::clone(&version);
        self.show(name, path, |plugin| {
            (plugin.current, plugin.rejected) = (Some(current), None);
            plugin.reloads.loaded += 1;
        });
        self.first.done(name);
        self.changes.push(Change::Loaded { plugin: name.to_owned(), version });
    }

    fn reject(&mut self, name: &str, path: &Path, refusal: Refusal, digest: Option<String>, size: u64) {
        let rejection =
            Rejection { digest, size, stage: refusal.stage, message: refusal.message, at_unix_ms: unix_ms() };
        let shown = rejection.clone();
        self.show(name, path, |plugin| {
            plugin.rejected = Some(shown);
            plugin.reloads.rejected += 1;
        });
        self.first.done(name);
        self.changes.push(Change::Rejected { plugin: name.to_owned(), rejection });
    }

    /// Changes a plugin, or makes one.
    fn show(&mut self, name: &str, path: &Path, change: impl FnOnce(&mut Plugin)) {
        let new = || Plugin {
            name: name.to_owned(),
            path: path.to_owned(),
            current: None,
            rejected: None,
            reloads: Reloads::default(),
        };
        let mut plugin = self.plugins.get(name).map_or_else(new, |plugin| (**plugin).clone());
        path.clone_into(&mut plugin.path);
        change(&mut plugin);
        self.plugins.insert(name.to_owned(), Arc::new(plugin));
    }

    /// Drops plugins whose file is gone for longer than the grace, which spares saves that delete and create.
    fn remove(&mut self, files: &BTreeMap<String, Found>) -> Option<Duration> {
        let gone: Vec<String> = self.plugins.keys().filter(|name| !files.contains_key(*name)).cloned().collect();
        let mut next = None;
        for name in gone {
            let since = *self.missing.entry(name.clone()).or_insert_with(Instant::now);
            let left = self.settings.removal_grace.saturating_sub(since.elapsed());
            if left.is_zero() {
                self.plugins.remove(&name);
                self.judged.remove(&name);
                self.missing.remove(&name);
                self.troubles.end(&name);
                self.failures.end(&name);
                self.changes.push(Change::Removed { plugin: name });
            } else {
                next = Some(next.map_or(left, |next: Duration| next.min(left)));
            }
        }
        next
    }
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loader").field("dir", &self.settings.dir).finish_non_exhaustive()
    }
}
