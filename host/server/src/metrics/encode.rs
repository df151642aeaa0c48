//! The scrape: counters as they are, and what the board and the plugins say now.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use probity_core::check::{Counts, Status};
use probity_core::meters::Histogram;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::measurements;
use super::series::Series;
use super::{Metrics, OTHER};
use crate::board::{Board, Index, ScopeId};
use crate::plugins::Plugins;

/// Everything in OpenMetrics 1.0 text.
pub(super) fn encode(metrics: &Arc<Metrics>, board: &Board, plugins: &Arc<Plugins>) -> String {
    let mut registry = Registry::default();
    let scrape = Scrape { metrics: Arc::clone(metrics), index: board.index(), plugins: Arc::clone(plugins) };
    registry.register_collector(Box::new(scrape));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).expect("writing to a string does not fail");
    text
}

#[derive(Debug)]
struct Scrape {
    metrics: Arc<Metrics>,
    index: Arc<Index>,
    plugins: Arc<Plugins>,
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let checks: Vec<(Arc<str>, Arc<Series>)> = {
            let checks = self.metrics.checks.read().unwrap_or_else(PoisonError::into_inner);
            checks.iter().map(|(name, series)| (Arc::clone(name), Arc::clone(series))).collect()
        };
        let mut all: Vec<(&str, &Series)> = checks.iter().map(|(name, series)| (&**name, &**series)).collect();
        let shared = self.index.checks.len() > checks.len();
        if shared {
            all.push((OTHER, &self.metrics.other));
        }
        self.statuses(&mut encoder, &checks)?;
        measurements::encode(&mut encoder, &self.index, |name| {
            checks.binary_search_by(|(known, _)| (**known).cmp(name)).is_ok()
        })?;
        runs(&mut encoder, &all)?;
        usage(&mut encoder, &all)?;
        rare(&mut encoder, &all)?;
        self.calls(&mut encoder)?;
        self.missed(&mut encoder, &checks)?;
        self.plugins(&mut encoder)?;
        self.host(&mut encoder)?;
        self.requests(&mut encoder)
    }
}

impl Scrape {
    /// One of four is 1 for each check; `_other` counts its checks.
    fn statuses(&self, encoder: &mut DescriptorEncoder<'_>, own: &[(Arc<str>, Arc<Series>)]) -> fmt::Result {
        let mut family = encoder.encode_descriptor(
            "probity_check_status",
            "1 for the status the check has now, 0 for the others",
            None,
            MetricType::Gauge,
        )?;
        let mut other = Counts::default();
        for (name, slot) in &self.index.checks {
            let now = slot.view().status;
            if own.binary_search_by(|(known, _)| known.cmp(name)).is_err() {
                *other.of(now) += 1;
                continue;
            }
            for status in Status::ALL {
                let labels = [("check", &**name), ("status", status.as_str())];
                family.encode_family(&labels)?.encode_gauge(&u64::from(status == now))?;
            }
        }
        if other.total() > 0 {
            for status in Status::ALL {
                let labels = [("check", OTHER), ("status", status.as_str())];
                family.encode_family(&labels)?.encode_gauge(&*other.of(status))?;
            }
        }
        let mut totals = encoder.encode_descriptor(
            "probity_checks",
            "Checks that count, by their status now",
            None,
            MetricType::Gauge,
        )?;
        let mut counts = self.index.scopes.get(&ScopeId::All).map(|scope| scope.summary().counts).unwrap_or_default();
        for status in Status::ALL {
            totals.encode_family(&[("status", status.as_str())])?.encode_gauge(&*counts.of(status))?;
        }
        Ok(())
    }

    /// Capabilities that nobody called have no series.
    fn calls(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut family = seconds(
            encoder,
            "probity_capability_call_duration",
            "Wall time of a call into a capability, over all checks",
        )?;
        for (capability, histogram) in self.metrics.calls.all() {
            let snapshot = histogram.snapshot();
            if snapshot.count > 0 {
                family.encode_family(&[("capability", capability.as_str())])?.encode_histogram::<NoLabelSet>(
                    snapshot.sum,
                    snapshot.count,
                    &snapshot.buckets,
                    None,
                )?;
            }
        }
        Ok(())
    }

    fn missed(&self, encoder: &mut DescriptorEncoder<'_>, own: &[(Arc<str>, Arc<Series>)]) -> fmt::Result {
        let mut family =
            counter(encoder, "probity_check_missed_ticks", "Ticks that were due while the check was still running")?;
        let mut other = 0;
        for (name, slot) in &self.index.checks {
            if own.binary_search_by(|(known, _)| known.cmp(name)).is_ok() {
                count(&mut family, &[("check", &**name)], slot.missed())?;
            } else {
                other += slot.missed();
            }
        }
        if self.index.checks.len() > own.len() { count(&mut family, &[("check", OTHER)], other) } else { Ok(()) }
    }

    fn plugins(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut family =
            encoder.encode_descriptor("probity_plugin", "The current version of a plugin", None, MetricType::Info)?;
        let loaded = self.plugins.values().filter_map(|plugin| Some((plugin, plugin.current.as_ref()?)));
        for (plugin, version) in loaded.take(super::PLUGINS_MAX) {
            family.encode_info(&[
                ("plugin", plugin.name.as_str()),
                ("version", version.metadata.version.as_str()),
                ("digest", &*version.digest),
            ])?;
        }
        let mut family = counter(encoder, "probity_plugin_reloads", "Versions that became current, and bytes refused")?;
        let totals = self.metrics.plugins.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (plugin, totals) in &totals {
            count(&mut family, &[("plugin", plugin.as_str()), ("result", "loaded")], totals.loaded)?;
            count(&mut family, &[("plugin", plugin.as_str()), ("result", "rejected")], totals.rejected)?;
        }
        gauge(encoder, "probity_plugin_directory_readable", "Whether the plugin directory could be read last", None)?
            .encode_gauge(&i64::from(self.metrics.directory_readable.load(Ordering::Relaxed)))?;
        let compiling = self.metrics.compiling.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !compiling.is_empty() {
            let help = "How long a plugin that is being compiled has taken so far";
            let mut family = gauge(encoder, "probity_plugin_compiling", help, Some(&Unit::Seconds))?;
            for (plugin, since) in &compiling {
                let seconds = since.elapsed().as_secs_f64();
                family.encode_family(&[("plugin", plugin.as_str())])?.encode_gauge(&seconds)?;
            }
        }
        let mut family = counter(encoder, "probity_heartbeats", "What jobs reported: start, ok or fail")?;
        let heartbeats = self.metrics.heartbeats.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for ((name, result), total) in &heartbeats {
            count(&mut family, &[("heartbeat", name.as_str()), ("result", result)], *total)?;
        }
        let mut family = counter(encoder, "probity_trace_runs", "Runs whose spans were sent, failed or dropped")?;
        let traces = self.metrics.traces.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (result, total) in &traces {
            count(&mut family, &[("result", *result)], *total)?;
        }
        let mut family = seconds(
            encoder,
            "probity_plugin_compile",
            "From bytes to a version that runs: compiling or loading from the cache, and the trial",
        )?;
        plain(&mut family, &self.metrics.compile)
    }

    fn host(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let metrics = &self.metrics;
        let mut family = seconds(encoder, "probity_schedule_lag", "From the time a run was due to its start")?;
        plain(&mut family, &metrics.lag)?;
        if let Some(turns) = metrics.turns.get() {
            gauge(encoder, "probity_runs_waiting", "Runs that wait for an answer now, without a turn", None)?
                .encode_gauge(&(turns.waiting() as u64))?;
            let help = "Memory of the guests whose runs wait now, without a turn";
            gauge(encoder, "probity_runs_waiting_memory", help, Some(&Unit::Bytes))?
                .encode_gauge(&turns.waiting_memory())?;
        }
        encoder
            .encode_descriptor("probity_build", "This host", None, MetricType::Info)?
            .encode_info(&[("version", env!("CARGO_PKG_VERSION")), ("contract", probity_core::CONTRACT)])?;
        gauge(encoder, "process_start_time", "When the host started", Some(&Unit::Seconds))?
            .encode_gauge(&to_seconds(metrics.started_unix_ms))?;
        let mut family = counter(
            encoder,
            "probity_log_lines_dropped",
            "Lines of the log that were not read in time, or not written",
        )?;
        family.encode_counter::<NoLabelSet, _, u64>(&crate::log::lines_dropped(), None)?;
        gauge(encoder, "probity_state_writable", "Whether what checks keep survives a restart", None)?
            .encode_gauge(&metrics.state_writable.load(Ordering::Relaxed))?;
        gauge(encoder, "probity_config_last_reload_successful", "Whether the latest configuration was taken", None)?
            .encode_gauge(&metrics.config.ok.load(Ordering::Relaxed))?;
        gauge(
            encoder,
            "probity_config_last_reload_success_timestamp",
            "When a configuration was taken last",
            Some(&Unit::Seconds),
        )?
        .encode_gauge(&to_seconds(metrics.config.ok_unix_ms.load(Ordering::Relaxed)))?;
        gauge(encoder, "probity_events_listeners", "Listeners on the event stream", None)?
            .encode_gauge(&metrics.listeners.load(Ordering::Relaxed))
    }

    fn requests(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let routes = self.metrics.routes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut family = counter(encoder, "probity_http_requests", "Answered requests")?;
        for (route, series) in &routes {
            for (kind, requests) in series.counts() {
                let status = kind.map_or_else(|| OTHER.to_owned(), |(_, status)| status.to_string());
                let method = kind.map_or(OTHER, |(method, _)| method.as_str());
                count(&mut family, &[("route", *route), ("method", method), ("status", &status)], requests)?;
            }
        }
        gauge(encoder, "probity_http_connections", "Connections open now", None)?
            .encode_gauge(&self.metrics.connections.load(Ordering::Relaxed))?;
        let totals =
            |of: &Mutex<BTreeMap<&'static str, u64>>| of.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut family = counter(encoder, "probity_http_refused", "Requests refused before their route saw them")?;
        for (reason, total) in &totals(&self.metrics.refused) {
            count(&mut family, &[("reason", *reason)], *total)?;
        }
        let mut family = counter(encoder, "probity_http_connections_closed", "Connections that the host ended")?;
        for (reason, total) in &totals(&self.metrics.closed) {
            count(&mut family, &[("reason", *reason)], *total)?;
        }
        let mut family =
            seconds(encoder, "probity_http_request_duration", "From the request's head to the head of the answer")?;
        for (route, series) in &routes {
            let snapshot = series.duration.snapshot();
            if snapshot.count > 0 {
                family.encode_family(&[("route", *route)])?.encode_histogram::<NoLabelSet>(
                    snapshot.sum,
                    snapshot.count,
                    &snapshot.buckets,
                    None,
                )?;
            }
        }
        Ok(())
    }
}

fn runs(encoder: &mut DescriptorEncoder<'_>, all: &[(&str, &Series)]) -> fmt::Result {
    let mut family = seconds(
        encoder,
        "probity_check_run_duration",
        "Wall time of a run, from instantiation to the end of the call",
    )?;
    for (check, series) in all {
        let snapshot = series.duration.snapshot();
        family.encode_family(&[("check", *check)])?.encode_histogram::<NoLabelSet>(
            snapshot.sum,
            snapshot.count,
            &snapshot.buckets,
            None,
        )?;
    }
    let mut family =
        counter(encoder, "probity_check_runs", "Finished runs by the guest's status or the failure's reason")?;
    for (check, series) in all {
        for (status, runs) in series.concluded() {
            count(&mut family, &[("check", *check), ("result", status)], runs)?;
        }
        for (reason, runs) in series.rare().failures {
            count(&mut family, &[("check", *check), ("result", reason.as_str())], runs)?;
        }
    }
    Ok(())
}

fn usage(encoder: &mut DescriptorEncoder<'_>, all: &[(&str, &Series)]) -> fmt::Result {
    let mut family = counter(encoder, "probity_check_fuel", "Instructions spent, in wasmtime fuel units")?;
    for (check, series) in all {
        count(&mut family, &[("check", *check)], series.fuel.load(Ordering::Relaxed))?;
    }
    let mut family = gauge(
        encoder,
        "probity_check_memory_peak",
        "Highest sum of all linear memories in the latest run",
        Some(&Unit::Bytes),
    )?;
    // The latest of several checks' runs says nothing.
    for (check, series) in all.iter().filter(|(check, _)| *check != OTHER) {
        let bytes = series.memory_peak_bytes.load(Ordering::Relaxed);
        family.encode_family(&[("check", *check)])?.encode_gauge(&bytes)?;
    }
    Ok(())
}

fn rare(encoder: &mut DescriptorEncoder<'_>, all: &[(&str, &Series)]) -> fmt::Result {
    let rare: Vec<_> = all.iter().map(|(check, series)| (*check, series.rare())).collect();
    let mut family = counter(encoder, "probity_check_limit_hits", "Runs that a limit ended")?;
    for (check, rare) in &rare {
        for (reason, hits) in rare.failures.iter().filter(|(reason, _)| reason.is_limit()) {
            count(&mut family, &[("check", *check), ("limit", reason.as_str())], *hits)?;
        }
    }
    let mut family = counter(encoder, "probity_capability_calls", "Calls into capabilities by their result")?;
    for (check, rare) in &rare {
        for (capability, result, calls) in &rare.calls {
            let labels = [("check", *check), ("capability", capability.as_str()), ("result", *result)];
            count(&mut family, &labels, *calls)?;
        }
    }
    Ok(())
}

fn counter<'a>(
    encoder: &'a mut DescriptorEncoder<'_>,
    name: &'a str,
    help: &'a str,
) -> Result<MetricEncoder<'a>, fmt::Error> {
    encoder.encode_descriptor(name, help, None, MetricType::Counter)
}

pub(super) fn gauge<'a>(
    encoder: &'a mut DescriptorEncoder<'_>,
    name: &'a str,
    help: &'a str,
    unit: Option<&'a Unit>,
) -> Result<MetricEncoder<'a>, fmt::Error> {
    encoder.encode_descriptor(name, help, unit, MetricType::Gauge)
}

fn seconds<'a>(
    encoder: &'a mut DescriptorEncoder<'_>,
    name: &'a str,
    help: &'a str,
) -> Result<MetricEncoder<'a>, fmt::Error> {
    encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)
}

fn count<const N: usize>(family: &mut MetricEncoder<'_>, labels: &[(&str, &str); N], value: u64) -> fmt::Result {
    family.encode_family(labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)
}

fn plain(family: &mut MetricEncoder<'_>, histogram: &Histogram) -> fmt::Result {
    let snapshot = histogram.snapshot();
    family.encode_histogram::<NoLabelSet>(snapshot.sum, snapshot.count, &snapshot.buckets, None)
}

#[allow(clippy::cast_precision_loss, reason = "a time of day in seconds needs no nanosecond")]
fn to_seconds(unix_ms: u64) -> f64 {
    unix_ms as f64 / 1e3
}
