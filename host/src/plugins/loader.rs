//! From files to versions: settles, reads, compiles, tries and swaps. One file at a time, on a thread of its own.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::scan::{self, Contents, Fingerprint, ReadError};
use super::version::{Refusal, Rejection, Stage, Version};
use super::{Plugin, Plugins, Reloads, Store, once};
use crate::capabilities::unix_ms;
use crate::config;
use crate::sandbox::Sandbox;

/// A file untouched for this long is not being written.
const QUIET: Duration = Duration::from_secs(2);

/// How long a file that ends too early may still be on its way before it is called broken.
const ARRIVING: Duration = Duration::from_secs(10);

/// How often changes are published while a long scan goes on.
const PUBLISH_EVERY: Duration = Duration::from_millis(100);

/// Says what is wrong with a version for the checks that would run it, if anything.
pub type Admit = Box<dyn Fn(&str, &Version) -> Option<String> + Send>;

/// What a scan did, one entry per plugin that changed.
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
        /// The plugin.
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
    sandbox: Arc<Sandbox>,
    runtime: tokio::runtime::Handle,
    store: Arc<Store>,
    settings: config::Plugins,
    admit: Admit,
    plugins: Plugins,
    /// The state of each file when it was last judged.
    judged: HashMap<String, Judged>,
    /// Files seen once, to be seen again.
    settling: HashMap<String, Settling>,
    missing: HashMap<String, Instant>,
    was_absent: bool,
}

struct Judged {
    fingerprint: Fingerprint,
    digest: Option<String>,
    /// Read so soon after a change that the times cannot tell a further change apart.
    fresh: bool,
}

struct Settling {
    digest: String,
    since: Instant,
}

/// What is to be done about one file.
enum Step {
    Nothing,
    Wait,
    Judge(Contents),
    Refuse(Refusal, Option<String>),
}

impl Loader {
    /// A loader for `settings.dir`. Guests' trial calls are driven through `runtime`.
    #[must_use]
    pub fn new(
        sandbox: Arc<Sandbox>,
        runtime: tokio::runtime::Handle,
        store: Arc<Store>,
        settings: config::Plugins,
        admit: Admit,
    ) -> Self {
        Self {
            sandbox,
            runtime,
            store,
            settings,
            admit,
            plugins: Plugins::new(),
            judged: HashMap::new(),
            settling: HashMap::new(),
            missing: HashMap::new(),
            was_absent: false,
        }
    }

    /// Takes new settings over; what was refused is judged again.
    pub fn reconfigure(&mut self, settings: config::Plugins) {
        self.settings = settings;
        let plugins = &self.plugins;
        self.judged.retain(|name, _| plugins.get(name).is_some_and(|plugin| plugin.rejected.is_none()));
        let pins = &self.settings.pins;
        self.judged.retain(|name, judged| pins.get(name).is_none_or(|pin| judged.digest.as_ref() == Some(pin)));
    }

    /// Looks at the directory once, and hands what changed to `publish`, in batches. Answers when to look again because
    /// a file is settling or a removal is in its grace; none = at the next hint.
    pub fn scan(&mut self, mut publish: impl FnMut(Vec<Change>)) -> Option<Duration> {
        let files = self.list();
        let mut changes = Vec::new();
        let mut published = Instant::now();
        let mut waiting = false;
        for (name, (path, fingerprint)) in &files {
            self.missing.remove(name);
            match self.step(name, path, *fingerprint) {
                Step::Nothing => {}
                Step::Wait => waiting = true,
                Step::Judge(contents) => changes.push(self.judge(name, path, &contents)),
                Step::Refuse(refusal, digest) => {
                    changes.push(self.reject(name, path, refusal, digest, fingerprint.len))
                }
            }
            if !changes.is_empty() && published.elapsed() >= PUBLISH_EVERY {
                self.publish(std::mem::take(&mut changes), &mut publish);
                published = Instant::now();
            }
        }
        self.settling.retain(|name, _| files.contains_key(name));
        let removing = self.remove(&files, &mut changes);
        if !changes.is_empty() {
            self.publish(changes, &mut publish);
        }
        let settle = waiting.then_some(self.settings.settle);
        [settle, removing].into_iter().flatten().min()
    }

    fn list(&mut self) -> BTreeMap<String, (PathBuf, Fingerprint)> {
        match scan::files(&self.settings.dir) {
            Ok(files) => {
                self.was_absent = false;
                files
            }
            Err(error) => {
                if !self.was_absent {
                    tracing::warn!(dir = %self.settings.dir.display(), %error, "the plugin directory cannot be read, waiting for it");
                }
                self.was_absent = true;
                BTreeMap::new()
            }
        }
    }

    fn step(&mut self, name: &str, path: &Path, fingerprint: Fingerprint) -> Step {
        let known = self.judged.get(name);
        if known.is_some_and(|judged| judged.fingerprint == fingerprint && !judged.fresh) {
            return Step::Nothing;
        }
        let quiet = fingerprint.quiet_for(SystemTime::now());
        let contents = match scan::read(path, fingerprint, self.settings.max_size) {
            Ok(contents) => contents,
            Err(ReadError::Moving { .. }) => return Step::Wait,
            Err(error) => {
                let message = crate::text::chain(&error);
                let same = known.is_some_and(|judged| judged.fingerprint == fingerprint);
                self.judged.insert(name.to_owned(), Judged { fingerprint, digest: None, fresh: false });
                return if same { Step::Nothing } else { Step::Refuse(Refusal::new(Stage::Read, message), None) };
            }
        };
        if known.is_some_and(|judged| judged.digest.as_ref() == Some(&contents.digest)) {
            let fresh = quiet < QUIET;
            self.judged.insert(name.to_owned(), Judged { fingerprint, digest: Some(contents.digest), fresh });
            self.settling.remove(name);
            return Step::Nothing;
        }
        if !self.settled(name, &contents.digest, quiet) || (quiet < ARRIVING && is_truncated(&contents.bytes)) {
            return Step::Wait;
        }
        self.settling.remove(name);
        let judged = Judged { fingerprint, digest: Some(contents.digest.clone()), fresh: quiet < QUIET };
        self.judged.insert(name.to_owned(), judged);
        Step::Judge(contents)
    }

    /// Whether the file reads the same as one settle time ago, or nobody touched it for long.
    fn settled(&mut self, name: &str, digest: &str, quiet: Duration) -> bool {
        if quiet >= QUIET {
            return true;
        }
        match self.settling.get(name) {
            Some(seen) if seen.digest == digest => seen.since.elapsed() >= self.settings.settle,
            _ => {
                let seen = Settling { digest: digest.to_owned(), since: Instant::now() };
                self.settling.insert(name.to_owned(), seen);
                false
            }
        }
    }

    fn judge(&mut self, name: &str, path: &Path, contents: &Contents) -> Change {
        // Bytes that came back after being replaced or refused are what runs already.
        if let Some(plugin) = self.plugins.get(name)
            && let Some(current) = plugin.current.as_ref().filter(|current| *current.digest == contents.digest)
        {
            let version = Arc::clone(current);
            let plugin = Plugin { rejected: None, path: path.to_owned(), ..(**plugin).clone() };
            self.plugins.insert(name.to_owned(), Arc::new(plugin));
            return Change::Loaded { plugin: name.to_owned(), version };
        }
        match self.load(name, contents) {
            Ok(version) => {
                let version = Arc::new(version);
                let reloads = self.reloads(name);
                let plugin = Plugin {
                    name: name.to_owned(),
                    path: path.to_owned(),
                    current: Some(Arc::clone(&version)),
                    rejected: None,
                    reloads: Reloads { loaded: reloads.loaded + 1, ..reloads },
                };
                self.plugins.insert(name.to_owned(), Arc::new(plugin));
                Change::Loaded { plugin: name.to_owned(), version }
            }
            Err(refusal) => {
                self.reject(name, path, refusal, Some(contents.digest.clone()), contents.bytes.len() as u64)
            }
        }
    }

    fn load(&self, name: &str, contents: &Contents) -> Result<Version, Refusal> {
        let version = once::bring_up(&self.sandbox, &self.runtime, &self.settings, name, contents)?;
        // A first version is loaded even when a check's configuration does not suit it: the check says so itself.
        let replaces = self.plugins.get(name).is_some_and(|plugin| plugin.current.is_some());
        match (self.admit)(name, &version) {
            Some(problem) if replaces => Err(Refusal::new(Stage::Config, problem)),
            _ => Ok(version),
        }
    }

    fn reject(&mut self, name: &str, path: &Path, refusal: Refusal, digest: Option<String>, size: u64) -> Change {
        let rejection =
            Rejection { digest, size, stage: refusal.stage, message: refusal.message, at_unix_ms: unix_ms() };
        let reloads = self.reloads(name);
        let plugin = Plugin {
            name: name.to_owned(),
            path: path.to_owned(),
            current: self.plugins.get(name).and_then(|plugin| plugin.current.clone()),
            rejected: Some(rejection.clone()),
            reloads: Reloads { rejected: reloads.rejected + 1, ..reloads },
        };
        self.plugins.insert(name.to_owned(), Arc::new(plugin));
        Change::Rejected { plugin: name.to_owned(), rejection }
    }

    /// Drops plugins whose file is gone for longer than the grace, which spares saves that delete and create.
    fn remove(
        &mut self,
        files: &BTreeMap<String, (PathBuf, Fingerprint)>,
        changes: &mut Vec<Change>,
    ) -> Option<Duration> {
        let gone: Vec<String> = self.plugins.keys().filter(|name| !files.contains_key(*name)).cloned().collect();
        let mut next = None;
        for name in gone {
            let since = *self.missing.entry(name.clone()).or_insert_with(Instant::now);
            let left = self.settings.removal_grace.saturating_sub(since.elapsed());
            if left.is_zero() {
                self.plugins.remove(&name);
                self.judged.remove(&name);
                self.missing.remove(&name);
                changes.push(Change::Removed { plugin: name });
            } else {
                next = Some(next.map_or(left, |next: Duration| next.min(left)));
            }
        }
        next
    }

    fn reloads(&self, name: &str) -> Reloads {
        self.plugins.get(name).map(|plugin| plugin.reloads).unwrap_or_default()
    }

    fn publish(&self, changes: Vec<Change>, publish: &mut impl FnMut(Vec<Change>)) {
        self.store.replace(self.plugins.clone());
        publish(changes);
    }
}

/// Whether the bytes are the beginning of something longer.
fn is_truncated(bytes: &[u8]) -> bool {
    use wasmparser::{Chunk, Parser};
    let mut parser = Parser::new(0);
    let mut rest = bytes;
    while !rest.is_empty() {
        match parser.parse(rest, false) {
            Ok(Chunk::NeedMoreData(_)) => return true,
            Ok(Chunk::Parsed { consumed, payload }) => {
                let skip = match payload {
                    // Nested parts are skipped whole: only the outermost length tells whether the file is complete.
                    wasmparser::Payload::ModuleSection { unchecked_range, .. }
                    | wasmparser::Payload::ComponentSection { unchecked_range, .. } => {
                        unchecked_range.end - unchecked_range.start
                    }
                    _ => 0,
                };
                if consumed == 0 {
                    return false;
                }
                match rest.get(consumed + skip..) {
                    Some(after) => rest = after,
                    None => return true,
                }
            }
            Err(_) => return false,
        }
    }
    bytes.is_empty()
}
