//! What a change of the plugins or the configuration is told to whom.

use super::Host;
use crate::board::Event;
use crate::capabilities::unix_ms;
use crate::config::{Config, is_name};
use crate::http::ReloadReport;
use crate::metrics::OTHER;
use crate::plugins::Change;

/// Whether something changed that is read only at the start.
pub(super) fn waits_for_restart(old: &Config, new: &Config) -> bool {
    old.server.listen != new.server.listen
        || old.server.max_connections != new.server.max_connections
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
