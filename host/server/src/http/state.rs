//! What the routes see of the host.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use probity_config::Config;
use probity_drivers::StateStore;
use probity_sandbox::Sandbox;
use serde::Serialize;

use crate::board::{Board, View};
use crate::metrics::Metrics;
use crate::plugins::Store;

/// Handles to the host, shared by all connections.
#[derive(Clone)]
pub struct State {
    /// The configuration that serves.
    pub config: Arc<ArcSwap<Config>>,
    /// Latest results.
    pub board: Arc<Board>,
    /// Plugins and their versions.
    pub plugins: Arc<Store>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Draining or not.
    pub lifecycle: Arc<Lifecycle>,
    /// Whether deadlines are enforced.
    pub sandbox: Arc<Sandbox>,
    /// What jobs reported.
    pub state: Arc<StateStore>,
    /// What management routes ask for.
    pub control: Arc<dyn Control>,
}

/// What management routes ask the daemon for. A trait only so that `http` does not name the daemon.
pub trait Control: Send + Sync {
    /// Runs a check now, or joins the run in flight, and answers with the view after it.
    fn run_now(&self, check: &str) -> Pin<Box<dyn Future<Output = Result<Arc<View>, RunRefusal>> + Send + '_>>;

    /// Rescans plugins and reloads the configuration.
    fn reload(&self) -> Pin<Box<dyn Future<Output = ReloadReport> + Send + '_>>;
}

/// Why a run was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunRefusal {
    /// No check of this name.
    Unknown,
    /// The check cannot run: its failure says why.
    Blocked(probity_core::check::Failure),
    /// The host is going away, or the queue is full.
    Busy,
}

/// What a reload changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReloadReport {
    /// `loaded`, `unchanged` or `rejected`.
    pub config: &'static str,
    /// Why the configuration was refused, rendered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_errors: Option<String>,
    /// Names of plugins whose new version became current.
    pub loaded: Vec<String>,
    /// Names of plugins whose bytes were refused.
    pub rejected: Vec<String>,
    /// Names of plugins that are gone.
    pub removed: Vec<String>,
    /// Names of plugins that are still being judged; what becomes of them is in `GET /plugins`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<String>,
    /// Why the plugin directory cannot be read; then what is loaded goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// The plugin directory has more files than are looked at.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub left_out: bool,
    /// Checks planned after the reload.
    pub checks: usize,
}

/// Where the host is in its life.
#[derive(Debug, Default)]
pub struct Lifecycle {
    draining: AtomicBool,
}

impl Lifecycle {
    /// Makes `/ready` fail from now on.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether the host is going away.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}
