"""What jobs reported to the host on ``POST /heartbeats/NAME``. The grant lists names.

All functions raise :class:`probity_check.CapabilityError`: ``denied``, ``not-found`` when no heartbeat of this name is
declared.
"""

from __future__ import annotations

import dataclasses

from . import _backend


@dataclasses.dataclass(frozen=True)
class Beat:
    """One end of a job."""

    at_unix_ms: int = 0
    """When it came in, in milliseconds since 1970."""
    age_ms: int = 0
    """Milliseconds since then."""
    ok: bool = True
    """Whether the job said that all was well; false after ``/fail``."""
    message: str = ""
    """What the job said, in one line."""
    duration_ms: float | None = None
    """Milliseconds since the ``/start`` before it, if there was one."""


@dataclasses.dataclass(frozen=True)
class OpenRun:
    """A run that was said to start and has not ended."""

    id: str | None = None
    """What the job calls it; None for a job that does not tell its runs apart."""
    started_unix_ms: int = 0
    """When the start came in, in milliseconds since 1970."""
    age_ms: int = 0
    """Milliseconds since then."""


_host = _backend.bind("heartbeats")


def last(name: str) -> Beat | None:
    """The latest beat; None when there was none yet."""
    found: Beat | None = _host.last(name)
    return found


def recent(name: str, max: int) -> list[Beat]:
    """The latest beats, newest first, at most ``max`` and what the host keeps."""
    return list(_host.recent(name, max))


def open(name: str) -> list[OpenRun]:
    """Runs that were said to start and have not ended, the oldest first."""
    return list(_host.open(name))
