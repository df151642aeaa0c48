"""The capability `heartbeats`."""

from wit_world.imports import heartbeats as raw  # type: ignore[import-not-found]

from ..heartbeats import Beat, OpenRun
from . import call, lift, maybe


def last(name: str) -> Beat | None:
    return maybe(Beat, call(raw.last, name))


def recent(name: str, max: int) -> list[Beat]:
    return [lift(Beat, each) for each in call(raw.recent, name, max)]


def open(name: str) -> list[OpenRun]:
    return [lift(OpenRun, each) for each in call(raw.open, name)]
