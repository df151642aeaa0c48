"""One datagram and its answer: NTP and the like. The grant lists ``host:port`` targets, as for ``tcp``."""

from __future__ import annotations

import dataclasses

from . import _backend
from ._units import Span, span


@dataclasses.dataclass(frozen=True)
class Reply:
    """An answer."""

    payload: bytes = b""
    remote_address: str = ""
    """Who sent it: the address that was asked."""
    elapsed_ms: float = 1.0
    """From sending to receiving, in milliseconds."""
    received_unix_ns: int = 0
    """When it came, by the host's clock, in nanoseconds since 1970."""


_host = _backend.bind("udp")


def exchange(
    host: str, port: int, payload: bytes | str, max_reply_bytes: int = 1472, timeout: Span | str | int | None = None
) -> Reply:
    """Sends ``payload`` in one datagram and waits for one of at most ``max_reply_bytes`` from the asked address. Nothing
    is repeated: a lost datagram is a ``timeout``.

    Raises :class:`probity_check.CapabilityError`: ``dns``, ``refused``, ``unreachable``, ``timeout``, ``denied``;
    ``too-large`` for a longer answer.
    """
    data = payload.encode() if isinstance(payload, str) else bytes(payload)
    limit = None if timeout is None else span(timeout).timeout_ms
    found: Reply = _host.exchange(host, port, data, max_reply_bytes, limit)
    return found
