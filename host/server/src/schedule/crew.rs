//! What carries runs out: they start with a ticket, on the guests' runtime, and end on the board.

use std::sync::Arc;
use std::time::{Duration, Instant};

use probity_core::clock::unix_ms;
use probity_sandbox::capabilities::RunFacts;
use probity_sandbox::{Sandbox, Turn, Turns};

use super::entry::Flight;
use crate::board::{Board, Slot};
use crate::metrics::Metrics;
use crate::plan::PlannedCheck;
use crate::trace::{Finished, Spans};

/// What runs need.
#[derive(Debug)]
pub(super) struct Crew {
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) board: Arc<Board>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) guests: tokio::runtime::Handle,
    pub(super) turns: Arc<Turns>,
    /// Where runs are left for a collector.
    pub(super) spans: Option<Spans>,
}

/// A run that may start: what it holds is given back when it is dropped, whatever becomes of the run.
pub(super) struct Ticket {
    pub(super) flight: Arc<Flight>,
    /// After the landing, which whoever is told that there is room must find done.
    pub(super) turn: Turn,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.flight.land();
    }
}

impl Crew {
    pub(super) fn spawn(
        self: &Arc<Self>,
        planned: Arc<PlannedCheck>,
        slot: Arc<Slot>,
        lag: Duration,
        mut ticket: Ticket,
    ) {
        let crew = Arc::clone(self);
        let dispatched = Instant::now();
        self.guests.spawn(async move {
            crew.metrics.lag(lag + dispatched.elapsed());
            // Kilobytes, which this thread would otherwise get from the scheduler's cache.
            Box::pin(crew.run(&planned, &slot, &mut ticket)).await;
            drop(ticket);
        });
    }

    async fn run(&self, planned: &PlannedCheck, slot: &Arc<Slot>, ticket: &mut Ticket) {
        let Some(version) = &planned.version else { return };
        let view = slot.view();
        let facts = RunFacts {
            id: uuid::Uuid::now_v7(),
            deadline: Instant::now() + planned.env.limits.timeout,
            consecutive_failures: view.counters.consecutive_failures,
            previous: view.run.clone(),
        };
        let run = self.sandbox.run_in_turn(&version.program, &planned.env, facts, &mut ticket.turn).await;
        ticket.flight.took(run.duration);
        if let Err(failure) = &run.end {
            let reason = failure.reason.as_str();
            // Said once: a check that fails every second would drown the log.
            if view.unknown.as_ref().is_some_and(|before| before.reason == failure.reason) {
                tracing::debug!(check = %planned.name, reason, message = %failure.message, "run failed again");
            } else {
                // Escaped onto one line: it is the guest's text.
                let trace = failure.trace.as_deref().map(tracing::field::debug);
                tracing::warn!(check = %planned.name, reason, message = %failure.message, trace, "run failed");
            }
        }
        for line in &run.log {
            tracing::debug!(check = %planned.name, level = ?line.level, fields = ?line.fields, "{}", line.message);
        }
        let Some(after) = self.board.record_in(slot, run, unix_ms()) else { return };
        if planned.env.services.collector.is_some()
            && let (Some(spans), Some(run)) = (&self.spans, &after.run)
        {
            spans.offer(Finished { check: Arc::clone(&planned.name), run: Arc::clone(run) });
        }
        if after.status != view.status {
            let (from, to) = (view.status.as_str(), after.status.as_str());
            tracing::info!(check = %planned.name, from, to, message = after.message(), "status changed");
        }
    }
}
