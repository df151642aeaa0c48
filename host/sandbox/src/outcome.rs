//! From what a guest returned to what the board shows: converted, cleaned, bounded.

use probity_core::check::{Failure, Measurement, Observed, Outcome, Reason, Status};
use probity_core::text::{clean, clean_lines};

use crate::capabilities::HostState;
use crate::capabilities::bindings::exports::probity::check::checker::{
    Failure as GuestFailure, Outcome as GuestOutcome,
};
use crate::capabilities::bindings::probity::check::types::{Observed as GuestObserved, Status as GuestStatus};

/// Bytes of a measurement's or detail's name and of a unit.
const NAME_BYTES_MAX: usize = 128;

/// The detail that holds what the host has to add.
const NOTED: &str = "noted by the host";

/// Converts what `run` returned.
pub(crate) fn convert(host: &HostState, returned: Result<GuestOutcome, GuestFailure>) -> Result<Outcome, Failure> {
    match returned {
        Ok(outcome) => accept(host, outcome),
        Err(failure) => Err(refuse(host, failure)),
    }
}

fn accept(host: &HostState, outcome: GuestOutcome) -> Result<Outcome, Failure> {
    let limits = &host.env.limits;
    let used = size(&outcome);
    if used > u64::from(limits.outcome_bytes) {
        let text = format!("the outcome has {used} bytes, may have {} (key `outcome-bytes`)", limits.outcome_bytes);
        return Err(Failure::limit(Reason::OutcomeBytes, limits.outcome_bytes.into(), Some(used), text));
    }
    let secrets = &host.env.secrets;
    let name = |text: &str| clean(&secrets.redact(text), NAME_BYTES_MAX);
    let value = |text: &str| clean_lines(&secrets.redact(text), limits.message_bytes as usize);
    let entries_max = limits.measurements as usize;
    Ok(Outcome {
        status: status(outcome.status),
        message: clean(&secrets.redact(&outcome.message), limits.message_bytes as usize),
        measurements: outcome
            .measurements
            .into_iter()
            .take(entries_max)
            .map(|measurement| Measurement {
                name: name(&measurement.name),
                value: match measurement.value {
                    GuestObserved::Number(number) => Observed::Number(number),
                    GuestObserved::Integer(integer) => Observed::Integer(integer),
                    GuestObserved::Text(text) => Observed::Text(value(&text)),
                    GuestObserved::Boolean(boolean) => Observed::Boolean(boolean),
                },
                unit: measurement.unit.map(|unit| name(&unit)),
                status: measurement.status.map(status),
            })
            .collect(),
        details: outcome
            .details
            .iter()
            .take(entries_max)
            .map(|(key, text)| (name(key), value(text)))
            .chain((!host.record.notes.is_empty()).then(|| (NOTED.to_owned(), value(&host.record.notes.join("\n")))))
            .collect(),
    })
}

fn refuse(host: &HostState, failure: GuestFailure) -> Failure {
    let text = |text: &str| clean(&host.env.secrets.redact(text), host.env.limits.message_bytes as usize);
    match failure {
        GuestFailure::InvalidConfig(message) => Failure::new(Reason::InvalidConfig, text(&message)),
        GuestFailure::Capability(error) => Failure {
            code: error.code.map(|code| text(&code)),
            ..Failure::new(Reason::Capability, text(&error.message))
        },
        GuestFailure::Other(message) => Failure::new(Reason::Other, text(&message)),
    }
}

const fn status(status: GuestStatus) -> Status {
    match status {
        GuestStatus::Healthy => Status::Healthy,
        GuestStatus::Degraded => Status::Degraded,
        GuestStatus::Unhealthy => Status::Unhealthy,
    }
}

/// Bytes of text in an outcome, plus a word for every entry.
fn size(outcome: &GuestOutcome) -> u64 {
    const ENTRY: usize = 16;
    let measurements: usize = outcome
        .measurements
        .iter()
        .map(|measurement| {
            let value = if let GuestObserved::Text(text) = &measurement.value { text.len() } else { 0 };
            ENTRY + measurement.name.len() + value + measurement.unit.as_ref().map_or(0, String::len)
        })
        .sum();
    let details: usize = outcome.details.iter().map(|(key, text)| ENTRY + key.len() + text.len()).sum();
    (outcome.message.len() + measurements + details) as u64
}
