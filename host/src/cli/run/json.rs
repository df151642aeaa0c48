//! A run as one JSON document.

use probity_core::check::Measurement;
use serde_json::{Map, Value, json};

use super::Report;

/// The same words and units as `GET /checks/NAME` of a host.
pub(super) fn render(report: &Report<'_>) -> Value {
    let run = report.run;
    let mut document = json!({
        "check": report.check,
        "plugin": report.plugin,
        "status": run.status(),
        "message": run.message(),
        "run_id": (!run.id.is_nil()).then(|| run.id.to_string()),
        "started_unix_ms": run.started_unix_ms,
        "duration_ms": run.duration.as_secs_f64() * 1e3,
        "usage": run.usage,
        "limits": report.limits,
        "calls": run.calls,
        "log": run.log,
        "digest": run.digest,
    });
    match &run.end {
        Ok(outcome) => {
            let named = |measurement: &Measurement| (measurement.name.clone(), value(measurement));
            document["measurements"] = outcome.measurements.iter().map(named).collect::<Map<_, _>>().into();
            let texts = outcome.details.iter().map(|(key, text)| (key.clone(), Value::from(text.as_str())));
            document["details"] = texts.collect::<Map<_, _>>().into();
        }
        Err(failure) => {
            document["reason"] = json!(failure);
            document["trace"] = json!(failure.trace);
            document["internals"] = json!(failure.internals.as_ref().map(|internals| &internals.0));
        }
    }
    document
}

fn value(measurement: &Measurement) -> Value {
    let mut value = json!({ "value": measurement.value });
    if let Some(unit) = &measurement.unit {
        value["unit"] = json!(unit);
    }
    if let Some(status) = measurement.status {
        value["status"] = json!(status);
    }
    value
}
