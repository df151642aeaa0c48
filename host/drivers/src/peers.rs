//! The latest results of other checks.

use std::fmt;
use std::sync::{Arc, Weak};

use probity_core::check::PeerSource;

/// A way to the latest results. It does not keep them alive: what holds them holds, in the end, this.
#[derive(Clone, Default)]
pub struct Peers(Option<Weak<dyn PeerSource>>);

impl Peers {
    /// What `source` knows, as long as it lives.
    #[must_use]
    pub fn of<S: PeerSource + 'static>(source: &Arc<S>) -> Self {
        let weak: Weak<S> = Arc::downgrade(source);
        Self(Some(weak))
    }

    /// Whoever has them, as long as it lives.
    #[must_use]
    pub fn source(&self) -> Option<Arc<dyn PeerSource>> {
        self.0.as_ref()?.upgrade()
    }
}

impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Peers(…)" } else { "Peers(none)" })
    }
}
