//! Instances between two runs of a check that lets one serve several (`runs-per-instance`).
//!
//! Only an instance whose last run went well is put here, and it is given back to no other check, configuration or code
//! than its own: what a guest remembers is its own affair, and nobody else's.

use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::Store;

use super::program::Program;
use crate::capabilities::bindings::Offered;
use crate::capabilities::{CheckEnv, HostState};

/// Instances kept at once, of all checks; the one unused for longest makes room. Each may hold `memory` bytes.
pub(super) const KEPT_MAX: u32 = 64;

/// A store with its instance, after a run.
pub(super) struct Live {
    pub(super) store: Store<HostState>,
    pub(super) guest: Offered,
    /// Runs it has served.
    pub(super) runs: u32,
    pub(super) digest: Arc<str>,
}

impl Live {
    fn is_of(&self, program: &Program, env: &Arc<CheckEnv>) -> bool {
        // A new plan makes a new environment of every check.
        Arc::ptr_eq(&self.store.data().env, env) && self.digest == program.digest
    }

    /// Whether the check it served is gone: nobody but itself holds its environment.
    fn is_orphan(&self) -> bool {
        Arc::strong_count(&self.store.data().env) == 1
    }
}

/// The instances, the one used last at the end.
#[derive(Default)]
pub(super) struct Shelf(Mutex<Vec<Live>>);

impl Shelf {
    pub(super) fn take(&self, program: &Program, env: &Arc<CheckEnv>) -> Option<Live> {
        if env.limits.runs_per_instance <= 1 {
            return None;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|live| live.is_of(program, env))?;
        Some(kept.remove(place))
    }

    pub(super) fn put(&self, live: Live) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = (kept.len() >= KEPT_MAX as usize).then(|| kept.remove(0));
        kept.push(live);
        // Megabytes to give back: after the lock.
        drop(kept);
        drop(oldest);
    }

    /// Drops instances whose check is gone or has changed.
    pub(super) fn sweep(&self) {
        let orphans: Vec<Live> =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extract_if(.., |live| live.is_orphan()).collect();
        drop(orphans);
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
