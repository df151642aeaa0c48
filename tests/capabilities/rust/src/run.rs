//! `context`, `clock` and `state`.

use probity_check::prelude::*;
use probity_check::{clock as time, context as facts, state as kept};

use crate::show::Show;

pub(crate) fn context(outcome: Outcome) -> Result<Outcome, Error> {
    let outcome = outcome
        .detail("check-id", facts::check_id())
        .detail("run-id", facts::run_id())
        .text("traceparent", facts::traceparent().as_deref())
        .measure("remaining-ms", facts::remaining_ms(), "")
        .measure("consecutive-failures", facts::consecutive_failures(), "");
    Ok(match facts::previous() {
        Some(previous) => outcome
            .status("previous-status", previous.status)
            .detail("previous-message", previous.message)
            .measure("previous-at-unix-ms", previous.at_unix_ms, "")
            .measure("previous-duration-ms", previous.duration_ms, ""),
        None => outcome.detail("previous", "none"),
    })
}

pub(crate) fn clock(outcome: Outcome) -> Result<Outcome, Error> {
    let (wall, monotonic) = (time::now_unix_ms(), time::monotonic_ns());
    time::sleep_ms(250);
    Ok(outcome.measure("now-unix-ms", wall, "").measure("wall-ms", time::now_unix_ms() - wall, "").measure(
        "monotonic-ms",
        (time::monotonic_ns() - monotonic) / 1_000_000,
        "",
    ))
}

pub(crate) fn state(outcome: Outcome) -> Result<Outcome, Error> {
    kept::set("text", b"kept", None)?;
    kept::set("brief", b"x", Some(Span::from_ms(1)))?;
    let (first, second) = (kept::increment("count", 5)?, kept::increment("count", -7)?);
    time::sleep_ms(20);
    let outcome = outcome
        .measure("first", first, "")
        .measure("second", second, "")
        .text("text", get_text("text")?.as_deref())
        .text("brief", get_text("brief")?.as_deref())
        .text("never", get_text("never")?.as_deref());
    kept::set("gone", b"x", None)?;
    kept::delete("gone")?;
    Ok(outcome.detail("all", kept::keys("")?.join(", ")).detail("some", kept::keys("te")?.join(", ")))
}

fn get_text(key: &str) -> Result<Option<String>, Error> {
    Ok(kept::get(key)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

pub(crate) fn state_large(outcome: Outcome) -> Result<Outcome, Error> {
    kept::set("large", &[b'x'; 40_000], None)?;
    let mut sum = 0;
    for _ in 0..300 {
        sum += kept::get("large")?.map_or(0, |value| value.len());
    }
    Ok(outcome.measure("bytes", sum as u64, ""))
}

pub(crate) fn state_key(outcome: Outcome) -> Result<Outcome, Error> {
    kept::set("", b"x", None)?;
    Ok(outcome)
}
