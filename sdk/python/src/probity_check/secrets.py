"""Secrets that the host keeps: it signs and compares with them, and hands one out only where the grant says
``NAME:reveal``.

Every function raises :class:`probity_check.CapabilityError`: ``denied`` without a grant, ``not-found`` for a name that is not
declared.
"""

from __future__ import annotations

from . import _backend

_host = _backend.bind("secrets")


def hmac_sha256(name: str, data: bytes | str) -> bytes:
    """The HMAC-SHA256 of ``data`` with the secret ``name``: 32 bytes."""
    return bytes(_host.hmac_sha256(name, _bytes(data)))


def matches(name: str, candidate: bytes | str) -> bool:
    """Whether ``candidate`` is the secret ``name``, compared in constant time."""
    return bool(_host.matches(name, _bytes(candidate)))


def reveal(name: str) -> str:
    """The value of the secret ``name``. Whatever the check emits, the host takes it out again."""
    return str(_host.reveal(name))


def _bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)
