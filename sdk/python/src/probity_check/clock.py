"""Time. Needs no grant. Python's own :mod:`time` and :mod:`datetime` work as well."""

from __future__ import annotations

from . import _backend

_host = _backend.bind("clock")


def now_unix_ms() -> int:
    """Wall-clock time in milliseconds since 1970."""
    return int(_host.now_unix_ms())


def monotonic_ns() -> int:
    """A clock that never goes back, in nanoseconds since an arbitrary start."""
    return int(_host.monotonic_ns())


def sleep_ms(ms: int) -> None:
    """Sleeps without spending fuel; a sleep past the run's deadline ends the run as ``timeout``."""
    _host.sleep_ms(ms)
