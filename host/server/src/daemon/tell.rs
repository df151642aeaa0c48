//! What a change of the plugins or the configuration is told to whom.

use probity_config::{Config, is_name};
use probity_core::check::{Failure, Reason};
use probity_core::clock::unix_ms;

use super::Host;
use crate::board::{Event, Index};
use crate::http::ReloadReport;
use crate::metrics::OTHER;
use crate::plan::{Plan, PlannedCheck};
use crate::plugins::Change;

/// Checks that are not run and are told one by one, for each plan.
const BLOCKED_TOLD_MAX: usize = 20;

/// Whether something changed that is read only at the start.
pub(super) fn waits_for_restart(old: &Config, new: &Config) -> bool {
    old.as_written != new.as_written
        || old.server.metrics_max_checks != new.server.metrics_max_checks
        || old.schedule != new.schedule
        || old.state != new.state
        || old.plugins.compile_timeout != new.plugins.compile_timeout
        || old.plugins.compile_memory != new.plugins.compile_memory
        || old.plugins.compile_concurrency != new.plugins.compile_concurrency
}

/// Log, metrics, events and reports of one change.
pub(super) fn tell<'a>(host: &Host, change: &Change, reports: impl Iterator<Item = &'a mut ReloadReport>) {
    let at_unix_ms = unix_ms();
    let event = |plugin: &str, result, digest: Option<String>, message| Event::Plugin {
        plugin: plugin.to_owned(),
        result,
        digest,
        message,
        at_unix_ms,
    };
    match change {
        Change::Loaded { plugin, version } => {
            let took_ms = version.load_time.as_millis();
            tracing::info!(plugin, digest = %version.digest, version = %version.metadata.version, took_ms, "plugin loaded");
            host.metrics.plugin_loaded(plugin, version.load_time);
            host.board.announce(event(plugin, "loaded", Some(version.digest.to_string()), None));
            reports.for_each(|report| report.loaded.push(plugin.clone()));
        }
        Change::Rejected { plugin, rejection } => {
            tracing::warn!(plugin, digest = rejection.digest, stage = ?rejection.stage, "plugin rejected: {}", rejection.message);
            // A name that is none is no label either.
            host.metrics.plugin_rejected(if is_name(plugin) { plugin } else { OTHER });
            host.board.announce(event(plugin, "rejected", rejection.digest.clone(), Some(rejection.message.clone())));
            reports.for_each(|report| report.rejected.push(plugin.clone()));
        }
        Change::Removed { plugin } => {
            tracing::info!(plugin, "plugin removed");
            host.board.announce(event(plugin, "removed", None, None));
            reports.for_each(|report| report.removed.push(plugin.clone()));
        }
    }
}

/// Warns of checks that `plan` does not run, unless it was said before.
pub(super) fn blocked(before: &Index, plan: &Plan) {
    let news: Vec<(&PlannedCheck, &Failure)> =
        plan.checks.values().filter_map(|planned| news(before, planned)).collect();
    for (planned, failure) in news.iter().take(BLOCKED_TOLD_MAX) {
        let counts = if planned.counts() {
            "it counts as `on-unknown` says"
        } else {
            "no [[check]] names it, so it counts nowhere"
        };
        let (check, reason) = (&planned.name, failure.reason.as_str());
        tracing::warn!(%check, reason, "the check is not run: {}; {counts}", failure.message);
    }
    if news.len() > BLOCKED_TOLD_MAX {
        tracing::warn!(more = news.len() - BLOCKED_TOLD_MAX, "further checks are not run; GET /checks lists them");
    }
}

fn news<'a>(before: &Index, planned: &'a PlannedCheck) -> Option<(&'a PlannedCheck, &'a Failure)> {
    let lasts = |failure: &&Failure| !matches!(failure.reason, Reason::Compiling | Reason::Pending);
    let failure = planned.blocked.as_ref().filter(lasts)?;
    let known = before.checks.get(&planned.name).and_then(|slot| slot.planned().blocked.as_ref());
    (known != Some(failure)).then_some((planned, failure))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    // Only a change of the files waits for a restart: not what `--listen` or too few file descriptors made of them.
    #[test]
    fn what_the_command_line_says_is_no_change() {
        let written = Config::default_in(Path::new(""));
        let mut serving = written.clone();
        serving.server.listen = "127.0.0.1:1".parse().unwrap();
        serving.server.max_connections = 16;
        assert!(!waits_for_restart(&serving, &written));
        let mut changed = written.clone();
        changed.as_written.listen = "127.0.0.1:2".parse().unwrap();
        assert!(waits_for_restart(&serving, &changed));
    }
}
