"""Name resolution as a subject of checks. The grant lists names and ``resolver:NAME``."""

from __future__ import annotations

import dataclasses

from . import _backend


@dataclasses.dataclass(frozen=True)
class Answer:
    """One record."""

    data: str
    """Its data as a zone file writes it: ``93.184.216.34``, ``10 mail.example.org.``."""
    ttl: int = 300
    """Seconds it may be kept."""


_host = _backend.bind("dns")


def resolve(name: str, record_type: str = "A", server: str | None = None) -> list[Answer]:
    """The records of ``name`` of a type: ``A``, ``AAAA``, ``CNAME``, ``MX``, ``NS``, ``TXT``, ``SRV``, ``CAA``,
    ``SOA``, ``PTR``. ``server`` is a resolver of the host's configuration; without it the host's own is asked.

    A name without records of the type is an empty list. Raises :class:`probity_check.CapabilityError`: ``dns`` when the name
    does not exist (code ``NXDOMAIN``) or the server fails (``SERVFAIL``), ``timeout``, ``denied``.
    """
    return list(_host.resolve(name, record_type, server))
