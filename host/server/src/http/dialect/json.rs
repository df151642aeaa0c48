//! Shapes in JSON.

use std::time::Duration;

use probity_core::check::{Aggregate, Outcome, Status};
use serde_json::{Map, Value, json};

use crate::board::{ScopeId, Slot, View};
use crate::http::checks::{details, measurements, observed};
use crate::http::health::Aggregated;
use crate::http::time::rfc3339;

/// draft-inadarei-api-health-check-06: `checks` maps `component:measurement` to arrays.
pub(super) fn health_json(of: &Aggregated<'_>) -> Value {
    let mut to = Map::new();
    to.insert("status".into(), json!(ietf(of.summary.status)));
    if let Some(version) = &of.server.version {
        to.insert("version".into(), json!(version));
        to.insert("releaseId".into(), json!(version));
    }
    if let Some(members) = of.members {
        let mut checks = Map::new();
        for (name, slot) in members.iter() {
            for (key, entry) in ietf_entries(name, slot, &slot.view()) {
                checks.insert(key, Value::Array(vec![entry]));
            }
        }
        to.insert("checks".into(), Value::Object(checks));
    }
    Value::Object(to)
}

/// One entry per measurement, or one for the check itself when there is none.
fn ietf_entries(name: &str, slot: &Slot, view: &View) -> Vec<(String, Value)> {
    let mut base = Map::new();
    base.insert("componentId".into(), json!(name));
    base.insert("componentType".into(), json!("component"));
    base.insert("status".into(), json!(ietf(view.status)));
    let time = view.run.as_ref().map_or(view.since_unix_ms, |run| run.started_unix_ms);
    base.insert("time".into(), json!(rfc3339(time)));
    // The draft: output should be left out of what passes.
    if view.status != Status::Healthy && !view.message().is_empty() {
        base.insert("output".into(), json!(view.message()));
    }
    let outcome = outcome(view).filter(|outcome| !outcome.measurements.is_empty());
    let Some(outcome) = outcome else { return vec![(slot.planned().name.to_string(), Value::Object(base))] };
    let entry = |measurement: &probity_core::check::Measurement| {
        let mut entry = base.clone();
        entry.insert("observedValue".into(), observed(&measurement.value));
        if let Some(unit) = &measurement.unit {
            entry.insert("observedUnit".into(), json!(unit));
        }
        if let Some(status) = measurement.status {
            entry.insert("status".into(), json!(ietf(status)));
        }
        (format!("{name}:{}", measurement.name), Value::Object(entry))
    };
    outcome.measurements.iter().map(entry).collect()
}

const fn ietf(status: Status) -> &'static str {
    match status {
        Status::Healthy => "pass",
        Status::Degraded => "warn",
        Status::Unhealthy | Status::Unknown => "fail",
    }
}

/// Spring Boot Actuator.
pub(super) fn spring(of: &Aggregated<'_>) -> Value {
    let word = |status: Status| match status {
        Status::Healthy | Status::Degraded => "UP",
        Status::Unhealthy => "DOWN",
        Status::Unknown => "UNKNOWN",
    };
    let mut to = Map::new();
    to.insert("status".into(), json!(word(of.summary.status)));
    if let Some(members) = of.members {
        let component = |slot: &Slot| {
            let view = slot.view();
            json!({ "status": word(view.status), "details": data(&view) })
        };
        let components: Map<String, Value> =
            members.iter().map(|(name, slot)| (name.to_string(), component(slot))).collect();
        to.insert("components".into(), Value::Object(components));
    }
    let mut groups = vec!["liveness".to_owned(), "readiness".to_owned()];
    let named = of
        .index
        .scopes
        .keys()
        .filter_map(|id| if let ScopeId::Group(name) = id { Some(name.to_string()) } else { None });
    groups.extend(named.collect::<std::collections::BTreeSet<_>>());
    to.insert("groups".into(), json!(groups));
    Value::Object(to)
}

/// MicroProfile Health knows up and down only: `unknown` is what the check says that it counts as.
pub(super) fn microprofile(of: &Aggregated<'_>) -> Value {
    let up = |up: bool| if up { "UP" } else { "DOWN" };
    let check = |name: &str, slot: &Slot| {
        let (view, planned) = (slot.view(), slot.planned());
        let mut alone = Aggregate::default();
        alone.add(
            view.status,
            probity_core::check::Severity::Critical,
            planned.on_unknown,
            planned.awaits(view.pending),
        );
        let fine = !matches!(alone.status(), Status::Unhealthy | Status::Unknown);
        json!({ "name": name, "status": up(fine), "data": data(&view) })
    };
    let checks: Vec<Value> =
        of.members.map(|members| members.iter().map(|(name, slot)| check(name, slot)).collect()).unwrap_or_default();
    let fine = matches!(of.summary.status, Status::Healthy | Status::Degraded);
    json!({ "status": up(fine), "checks": checks })
}

/// Xabaril's UI for ASP.NET: status in Pascal case, durations as .NET's `TimeSpan`.
pub(super) fn xabaril(of: &Aggregated<'_>) -> Value {
    // .NET has no word for unknown; what has no conclusion is shown as it counts by default.
    let word = |status: Status| match status {
        Status::Healthy => "Healthy",
        Status::Degraded | Status::Unknown => "Degraded",
        Status::Unhealthy => "Unhealthy",
    };
    let entry = |slot: &Slot| {
        let (view, planned) = (slot.view(), slot.planned());
        let mut entry = json!({
            "data": data_of(&view),
            "description": view.message(),
            "duration": time_span(view.run.as_ref().map_or(Duration::ZERO, |run| run.duration)),
            "status": word(view.status),
            "tags": planned.probes.iter().map(|probe| probe.as_str()).chain(planned.groups.iter().map(|group| &**group))
                .collect::<Vec<_>>(),
        });
        if let Some(failure) = &view.unknown {
            entry["exception"] = json!(format!("{}: {}", failure.reason.as_str(), failure.message));
        }
        entry
    };
    let entries: Map<String, Value> = of
        .members
        .map(|members| members.iter().map(|(name, slot)| (name.to_string(), entry(slot))).collect())
        .unwrap_or_default();
    let status = match of.summary.status {
        Status::Unknown => "Unhealthy", // nothing concluded yet: the HTTP status is that of unhealthy too
        known => word(known),
    };
    json!({ "status": status, "totalDuration": time_span(of.start.elapsed()), "entries": entries })
}

/// `00:00:00.0123456`.
fn time_span(duration: Duration) -> String {
    let (seconds, ticks) = (duration.as_secs(), duration.subsec_nanos() / 100);
    format!("{:02}:{:02}:{:02}.{ticks:07}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Our own word, the message, the reason, and what was measured.
fn data(view: &View) -> Value {
    let mut data = data_of(view);
    data.insert("state".into(), json!(view.status));
    if !view.message().is_empty() {
        data.insert("message".into(), json!(view.message()));
    }
    if let Some(failure) = &view.unknown {
        data.insert("reason".into(), json!(failure.reason));
    }
    Value::Object(data)
}

/// Details and measured values by name, flat.
fn data_of(view: &View) -> Map<String, Value> {
    let Some(outcome) = outcome(view) else { return Map::new() };
    let mut data = details(outcome);
    for (name, mut entry) in measurements(outcome) {
        data.insert(name, entry["value"].take());
    }
    data
}

fn outcome(view: &View) -> Option<&Outcome> {
    view.run.as_ref().and_then(|run| run.end.as_ref().ok())
}
