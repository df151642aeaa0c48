//! Plugins: files in a directory become versions that run; a bad file never replaces a good one.
//!
//! [`Loader`] owns the directory: it lists, settles, decides and swaps, and never waits for anything. What takes long, to
//! compile bytes and to try them, are [`Job`]s that it hands out and whose end it is told.
//! [`load_file`] and [`load_dir`] take the same steps once, for the command line.
//! [`Store`] is what the others see: an immutable map of [`Plugin`]s, replaced as a whole.

mod directory;
mod job;
mod loader;
mod loading;
mod once;
mod patience;
mod scan;
mod version;
pub mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::Serialize;

pub(crate) use job::Pool;
pub use job::{Job, Landed};
pub use loader::{Admit, Change, Loader};
pub use loading::{Compiling, Loading};
pub use once::{load_dir, load_file};
pub use version::{Rejection, Stage, Version};

/// Plugins by name (file name without `.wasm`). A file whose name no plugin may have is here under one that is no name.
pub type Plugins = BTreeMap<String, Arc<Plugin>>;

/// One plugin: what runs and what was refused.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// File name without `.wasm`.
    pub name: String,
    /// Where the file is, or was.
    pub path: PathBuf,
    /// The newest good version.
    pub current: Option<Arc<Version>>,
    /// The newest bytes, when they were refused.
    pub rejected: Option<Rejection>,
    /// Loads and refusals since the start.
    pub reloads: Reloads,
}

impl Plugin {
    /// One of which nothing is known but that it is on its way.
    #[must_use]
    pub fn nothing_of(name: &str) -> Self {
        let reloads = Reloads::default();
        Self { name: name.to_owned(), path: PathBuf::new(), current: None, rejected: None, reloads }
    }
}

/// Totals of one plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reloads {
    /// Versions that became current.
    pub loaded: u64,
    /// Bytes that were refused.
    pub rejected: u64,
}

/// What is wrong with the directory as a whole. What is loaded goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    /// Why it cannot be read, if so.
    pub error: Option<String>,
    /// Whether there is more in it than is looked at.
    pub left_out: bool,
}

/// The plugins as they are now. Cheap to read.
#[derive(Debug, Default)]
pub struct Store {
    plugins: ArcSwap<Plugins>,
    loading: ArcSwap<Loading>,
    directory: ArcSwap<Directory>,
}

impl Store {
    /// The plugins now.
    #[must_use]
    pub fn load(&self) -> Arc<Plugins> {
        self.plugins.load_full()
    }

    /// How the newest look at the directory went.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        self.directory.load_full()
    }

    /// What is on its way.
    #[must_use]
    pub fn loading(&self) -> Arc<Loading> {
        self.loading.load_full()
    }

    pub(crate) fn replace(&self, plugins: Plugins, loading: Loading) {
        // First, so that no reader misses a plugin that has just arrived.
        self.plugins.store(Arc::new(plugins));
        self.loading.store(Arc::new(loading));
    }

    pub(crate) fn looked(&self, directory: Directory) {
        self.directory.store(Arc::new(directory));
    }
}
