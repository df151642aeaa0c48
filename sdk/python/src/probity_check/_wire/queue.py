"""The capability `queue`."""

from wit_world.imports import queue as raw  # type: ignore[import-not-found]

from ..queue import Stats
from . import call, lift


def inspect(name: str) -> Stats:
    return lift(Stats, call(raw.inspect, name))


def publish(name: str, payload: bytes) -> None:
    call(raw.publish, name, payload)
