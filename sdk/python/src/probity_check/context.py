"""Facts about the current run. Needs no grant."""

from __future__ import annotations

import dataclasses

from . import _backend
from ._outcome import Status


@dataclasses.dataclass(frozen=True)
class PreviousRun:
    """What the previous run of this check concluded."""

    status: Status | None
    """Its judgement; None when it reached none."""
    message: str
    at_unix_ms: int
    """When it started, in milliseconds since 1970."""
    duration_ms: float


_host = _backend.bind("context")


def check_id() -> str:
    """The name this check has in the host's configuration."""
    return str(_host.check_id())


def run_id() -> str:
    """Unique per run (UUIDv7 text): use it to tag a dummy transaction."""
    return str(_host.run_id())


def traceparent() -> str | None:
    """The run's W3C trace context, when tracing is on."""
    found: str | None = _host.traceparent()
    return found


def remaining_ms() -> int:
    """Milliseconds until the host gives up on this run."""
    return int(_host.remaining_ms())


def consecutive_failures() -> int:
    """How many runs failed in a row before this one."""
    return int(_host.consecutive_failures())


def previous() -> PreviousRun | None:
    """What the previous run concluded; None on the first."""
    found: PreviousRun | None = _host.previous()
    return found
