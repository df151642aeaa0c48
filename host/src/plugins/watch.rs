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
        // Reading a file is an event too; rescanning on it would never end.
        Ok(event) if event.kind.is_access() && !is_close_after_write(&event) => {}
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

fn is_close_after_write(event: &notify::Event) -> bool {
    use notify::event::{AccessKind, AccessMode, EventKind};
    matches!(event.kind, EventKind::Access(AccessKind::Close(AccessMode::Write)))
}
