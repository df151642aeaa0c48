//! Plugins: files in a directory become versions that run; a bad file never replaces a good one.
//!
//! [`Loader`] owns the directory: it scans, settles, compiles and swaps, one file at a time on its own thread.
//! [`load_file`] and [`load_dir`] take the same steps once, for the command line.
//! [`Store`] is what the others see: an immutable map of [`Plugin`]s, replaced as a whole.

mod loader;
mod once;
mod scan;
mod version;
pub mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::Serialize;

pub use loader::{Admit, Change, Loader};
pub use once::{load_dir, load_file};
pub use version::{Rejection, Stage, Version};

/// Plugins by name (file name without `.wasm`).
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

/// Totals of one plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reloads {
    /// Versions that became current.
    pub loaded: u64,
    /// Bytes that were refused.
    pub rejected: u64,
}

/// The plugins as they are now. Cheap to read.
#[derive(Debug, Default)]
pub struct Store(ArcSwap<Plugins>);

impl Store {
    /// The plugins now.
    #[must_use]
    pub fn load(&self) -> Arc<Plugins> {
        self.0.load_full()
    }

    pub(crate) fn replace(&self, plugins: Plugins) {
        self.0.store(Arc::new(plugins));
    }
}
