"""The capability `peers`."""

from typing import Any

from wit_world.imports import peers as raw  # type: ignore[import-not-found]

from .._outcome import Status
from ..peers import Snapshot
from . import call


def latest(id: str) -> Snapshot:
    return _snapshot(call(raw.latest, id))


def by_tag(tag: str) -> list[tuple[str, Snapshot]]:
    return [(name, _snapshot(each)) for name, each in call(raw.by_tag, tag)]


def _snapshot(each: Any) -> Snapshot:
    status = None if each.status is None else Status(each.status.value)
    return Snapshot(status, each.message, each.at_unix_ms, each.stale)
