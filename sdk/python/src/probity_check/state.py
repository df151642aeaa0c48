"""A few bytes that survive between runs, private to one check. Needs no grant; the host caps keys, bytes and their sum.

Every function raises :class:`probity_check.CapabilityError`: ``quota``, ``invalid-argument``, or what the host's store says.
"""

from __future__ import annotations

import json
from typing import Any

from . import _backend
from ._errors import CapabilityError, ErrorKind
from ._units import Span, span

_host = _backend.bind("state")


def get(key: str) -> bytes | None:
    """The value of ``key``; None when there is none, or it has expired."""
    found: bytes | None = _host.get(key)
    return found


def get_json(key: str) -> Any:
    """The value of ``key``, read as JSON; None when there is none.

    Raises ``protocol`` when it is no JSON, for instance because another version of the check wrote it.
    """
    value = get(key)
    if value is None:
        return None
    try:
        return json.loads(value)
    except ValueError as error:
        raise CapabilityError(ErrorKind.PROTOCOL, f"state {json.dumps(key)}: {error}") from None


def set(key: str, value: bytes | str, ttl: Span | str | int | None = None) -> None:
    """Sets ``key``, for good or until ``ttl`` (``"10m"``, or milliseconds) has passed."""
    _host.set(key, value.encode() if isinstance(value, str) else bytes(value), None if ttl is None else span(ttl).ms)


def set_json(key: str, value: Any, ttl: Span | str | int | None = None) -> None:
    """Sets ``key`` to a value as JSON.

    Raises ``invalid-argument`` when the value has no JSON form.
    """
    try:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise CapabilityError(ErrorKind.INVALID_ARGUMENT, str(error)) from None
    set(key, text, ttl)


def delete(key: str) -> None:
    """Removes ``key``; nothing happens when there is none."""
    _host.delete(key)


def increment(key: str, delta: int = 1) -> int:
    """Adds ``delta`` to the number at ``key``, atomically, and returns the sum. A missing key counts as 0."""
    return int(_host.increment(key, delta))


def keys(prefix: str = "") -> list[str]:
    """The keys that start with ``prefix``, in order."""
    return list(_host.keys(prefix))
