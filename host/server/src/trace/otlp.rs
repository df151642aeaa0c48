//! Runs as spans in OTLP's JSON: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>.

use std::sync::Arc;

use probity_core::SpanId;
use probity_core::check::{HostCall, Run, Status};
use serde_json::{Value, json};

/// A run that ended, with its check's name.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The check's name.
    pub check: Arc<str>,
    /// What became of it.
    pub run: Arc<Run>,
}

impl Finished {
    /// The run's span, and one for each call in its report.
    pub(super) fn spans(&self) -> usize {
        1 + self.run.calls.len()
    }
}

/// `SPAN_KIND_INTERNAL`: the run itself.
const INTERNAL: u8 = 1;

/// `SPAN_KIND_CLIENT`: what asked somebody else.
const CLIENT: u8 = 3;

/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

/// A request with all spans of `runs`.
pub(super) fn encode(runs: &[Finished]) -> Vec<u8> {
    let spans: Vec<Value> = runs.iter().flat_map(spans_of).collect();
    let version = env!("CARGO_PKG_VERSION");
    let resource = [("service.name", "probity"), ("service.version", version)].map(attribute);
    let scope = json!({ "name": "probity", "version": version });
    let request = json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": scope, "spans": spans }],
    }] });
    request.to_string().into_bytes()
}

fn spans_of(finished: &Finished) -> Vec<Value> {
    let (run, id) = (&finished.run, SpanId::of_run(finished.run.id));
    let start = run.started_unix_ms.saturating_mul(1_000_000);
    let nanos = |duration: std::time::Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let (run_id, status) = (run.id.to_string(), run.status());
    let mut attributes = vec![
        attribute(("probity.check", &finished.check)),
        attribute(("probity.run.id", &run_id)),
        attribute(("probity.status", status.as_str())),
        attribute(("probity.plugin.digest", &run.digest)),
    ];
    let reason = run.end.as_ref().err().map(|failure| failure.reason.as_str());
    attributes.extend(reason.map(|reason| attribute(("error.type", reason))));
    let mut whole = json!({
        "traceId": id.trace_hex(),
        "spanId": id.span_hex(),
        "name": format!("run {}", finished.check),
        "kind": INTERNAL,
        "startTimeUnixNano": start.to_string(),
        "endTimeUnixNano": start.saturating_add(nanos(run.duration)).to_string(),
        "attributes": attributes,
    });
    if matches!(status, Status::Unhealthy | Status::Unknown) {
        whole["status"] = json!({ "code": ERROR, "message": run.message() });
    }
    let calls = run.calls.iter().enumerate().map(|(at, call)| {
        let began = start.saturating_add(nanos(call.after));
        of_call(call, id, id.call(at), began)
    });
    std::iter::once(whole).chain(calls).collect()
}

fn of_call(call: &HostCall, run: SpanId, id: SpanId, start: u64) -> Value {
    let capability = call.operation.split('.').next().unwrap_or_default();
    let mut attributes = vec![attribute(("probity.capability", capability))];
    if !call.target.is_empty() {
        attributes.push(attribute(("probity.target", &call.target)));
    }
    let failed = call.result != "ok";
    if failed {
        attributes.push(attribute(("error.type", call.result)));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a duration in nanoseconds")]
    let took = (call.duration_ms * 1e6) as u64;
    let mut span = json!({
        "traceId": id.trace_hex(),
        "spanId": id.span_hex(),
        "parentSpanId": run.span_hex(),
        "name": call.operation,
        "kind": CLIENT,
        "startTimeUnixNano": start.to_string(),
        "endTimeUnixNano": start.saturating_add(took).to_string(),
        "attributes": attributes,
    });
    if failed {
        span["status"] = json!({ "code": ERROR });
    }
    span
}

fn attribute((key, value): (&str, &str)) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}
