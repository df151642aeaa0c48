"""The capability `udp`."""

from wit_world.imports import udp as raw  # type: ignore[import-not-found]

from ..udp import Reply
from . import call, lift


def exchange(host: str, port: int, payload: bytes, max_reply_bytes: int, timeout_ms: int | None) -> Reply:
    return lift(Reply, call(raw.exchange, host, port, payload, max_reply_bytes, timeout_ms))
