//! File events: only hints that something may have changed.
//!
//! The directory and its parent are watched, never files: a file's watch dies with the first atomic save, and a
//! directory may be a link that is swapped or may not exist yet. Whatever gets lost, the rescan timer finds.

use std::path::{Path, PathBuf};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

/// Watches one directory wherever its name leads to.
pub struct Watch {
    watcher: Option<RecommendedWatcher>,
    dir: PathBuf,
    /// What is watched now: the directory's real path and its parent.
    watched: Vec<PathBuf>,
}

/// Watches `dir`; `hint` is called from the watcher's thread and must not block.
pub fn watch(dir: &Path, hint: impl Fn() + Send + 'static) -> Watch {
    let handler = move |event: notify::Result<notify::Event>| match event {
        Ok(event) if !matters(&event) => {}
        Ok(_) | Err(_) => hint(),
    };
    let watcher = notify::recommended_watcher(handler)
        .inspect_err(|error| tracing::warn!(%error, "no file events, relying on the rescan timer"))
        .ok();
    let mut watch = Watch { watcher, dir: dir.to_owned(), watched: Vec::new() };
    watch.refresh();
    watch
}

impl Watch {
    /// Follows the directory if its name leads elsewhere now. Call it at every scan.
    pub fn refresh(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        let real = self.dir.canonicalize().ok();
        let parent =
            self.dir.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
        let wanted: Vec<PathBuf> =
            real.into_iter().chain(parent.and_then(|parent| parent.canonicalize().ok())).collect();
        if wanted == self.watched {
            return;
        }
        for path in self.watched.drain(..) {
            // Fails for a directory that is gone, whose watch went with it.
            let _ = watcher.unwatch(&path);
        }
        for path in wanted {
            match watcher.watch(&path, RecursiveMode::NonRecursive) {
                Ok(()) => self.watched.push(path),
                Err(error) => {
                    tracing::warn!(dir = %path.display(), %error, "cannot watch, relying on the rescan timer")
                }
            }
        }
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("watched", &self.watched).finish_non_exhaustive()
    }
}

/// Whether an event may mean another plugin or configuration. Reading is an event too, and so is every line of a log
/// that is written beside the configuration: looking at the directory for those would never end.
fn matters(event: &notify::Event) -> bool {
    use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) => {
            event.paths.is_empty() || event.paths.iter().any(|path| is_ours(path))
        }
        EventKind::Access(_) => false,
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Other => true,
    }
}

fn is_ours(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "wasm" || extension == "toml")
}

#[cfg(test)]
mod tests {
    use notify::event::{AccessKind, AccessMode, CreateKind, DataChange, Event, EventKind, ModifyKind};

    use super::*;

    // A log beside the configuration does not make the host look at its directory at every line; a plugin does.
    #[test]
    fn writing_a_log_does_not_matter() {
        let write = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let event = |kind, file: &str| Event::new(kind).add_path(file.into());
        assert!(!matters(&event(write, "dir/probity.log")));
        assert!(!matters(&event(EventKind::Access(AccessKind::Read), "dir/a.wasm")));
        assert!(matters(&event(write, "dir/a.wasm")));
        assert!(matters(&event(EventKind::Access(AccessKind::Close(AccessMode::Write)), "dir/probity.toml")));
        assert!(matters(&event(EventKind::Create(CreateKind::Any), "dir/..data")));
        assert!(matters(&Event::new(EventKind::Other)));
    }
}
