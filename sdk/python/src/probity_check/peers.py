"""The latest results of other checks. The grant lists checks and groups; a check never sees itself."""

from __future__ import annotations

import dataclasses

from . import _backend
from ._outcome import Status


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """What another check concluded last."""

    status: Status | None = None
    """None while it is ``unknown``."""
    message: str = ""
    at_unix_ms: int = 0
    """When its latest run started, in milliseconds since 1970; 0 before the first."""
    stale: bool = False
    """Whether that is longer ago than the check's own limit."""


_host = _backend.bind("peers")


def latest(id: str) -> Snapshot:
    """The latest result of the check ``id``.

    Raises :class:`probity_check.CapabilityError`: ``denied``, ``not-found`` when there is no such check.
    """
    found: Snapshot = _host.latest(id)
    return found


def by_tag(tag: str) -> list[tuple[str, Snapshot]]:
    """Name and latest result of each check in the group ``tag``, in order of names.

    Raises :class:`probity_check.CapabilityError`, for instance ``denied``.
    """
    return list(_host.by_tag(tag))
