"""The capability `context`."""

from wit_world.imports import context as raw  # type: ignore[import-not-found]
from wit_world.imports.context import check_id, consecutive_failures, remaining_ms, run_id, traceparent

from .._outcome import Status
from ..context import PreviousRun

__all__ = ["check_id", "consecutive_failures", "previous", "remaining_ms", "run_id", "traceparent"]


def previous() -> PreviousRun | None:
    run = raw.previous()
    if run is None:
        return None
    status = None if run.status is None else Status(run.status.value)
    return PreviousRun(status, run.message, run.at_unix_ms, run.duration_ms)
