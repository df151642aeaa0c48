"""Queues and streams of brokers, by the names that the host's configuration gives them."""

from __future__ import annotations

import dataclasses

from . import _backend


@dataclasses.dataclass(frozen=True)
class Stats:
    """What a broker says about a queue; None where it does not tell."""

    depth: int | None = None
    """Messages waiting to be delivered."""
    in_flight: int | None = None
    """Delivered, not yet acknowledged."""
    consumers: int | None = None
    """Who takes messages from it."""
    oldest_age_ms: int | None = None
    """How long the oldest waiting message has waited, in milliseconds."""
    lag: int | None = None
    """How far the consumers are behind, for logs (JetStream, Redis streams)."""


_host = _backend.bind("queue")


def inspect(name: str) -> Stats:
    """Looks at the queue ``name``.

    Raises :class:`probity_check.CapabilityError`: ``denied``, ``not-found`` for a name that is not declared, ``remote`` when
    the broker has no such queue; otherwise as for a connection.
    """
    found: Stats = _host.inspect(name)
    return found


def publish(name: str, payload: bytes | str) -> None:
    """Sends a probe message and waits until the broker has it. Needs the grant ``NAME:publish``.

    Raises as :func:`inspect`.
    """
    _host.publish(name, payload.encode() if isinstance(payload, str) else bytes(payload))
