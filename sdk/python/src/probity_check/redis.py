"""Redis and Valkey through a connection that the host's configuration declares. Address and credentials stay in the
host.

Replies are plain values: None, ``int``, ``float``, ``bool``, ``str`` for a word of the protocol (``OK``), ``bytes``,
``list``, ``list`` of pairs for a map, and :class:`ReplyError` inside of them. :func:`text`, :func:`integer` and
:func:`field` read them alike whatever version of the protocol is spoken.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Union

from . import _backend

Argument = Union[str, bytes, int, float]
Reply = Any


@dataclasses.dataclass(frozen=True)
class ReplyError:
    """An error inside a list; one in place of the reply is a :class:`probity_check.CapabilityError`."""

    message: str


class Pairs(list[tuple[Any, Any]]):
    """Keys and values of a map, in order."""


class Connection:
    """A connection of the host."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def ping(self) -> float:
        """The time of one ``PING``, in milliseconds."""
        return float(self._raw.ping())

    def command(self, name: str, *args: Argument) -> Reply:
        """Sends a command: ``command("HGET", "orders", "open")``. Without a further grant only commands that read are
        allowed.

        Raises :class:`probity_check.CapabilityError`: ``denied`` for a command that is not granted, ``remote`` with the
        error's prefix as code when the server answers with one; otherwise as :func:`open`.
        """
        return self._raw.command(name, [arg if isinstance(arg, bytes) else str(arg).encode() for arg in args])


_host = _backend.bind("redis")


def open(name: str) -> Connection:
    """Takes the connection ``name``.

    Raises :class:`probity_check.CapabilityError`: ``denied`` without a grant, ``not-found`` for a name that is not declared;
    ``refused``, ``timeout``, ``tls``, ``dns``, ``unreachable``, ``auth`` when there is no connection.
    """
    return Connection(_host.open(name))


def text(reply: Reply) -> str | None:
    """The text of a word or of bytes; None for anything else."""
    return reply if isinstance(reply, str) else reply.decode("utf-8", "replace") if isinstance(reply, bytes) else None


def integer(reply: Reply) -> int | None:
    """A whole number, also one that came as text; None for anything else."""
    if isinstance(reply, int) and not isinstance(reply, bool):
        return reply
    try:
        return int(text(reply) or "")
    except ValueError:
        return None


def pairs(reply: Reply) -> list[tuple[Reply, Reply]]:
    """Keys and values of a map, also of one that came as a list in which they take turns, as servers before Redis 6
    send it."""
    if isinstance(reply, Pairs):
        return list(reply)
    return list(zip(reply[::2], reply[1::2])) if isinstance(reply, list) else []


def field(reply: Reply, key: str) -> Reply:
    """The value of ``key`` among :func:`pairs`; None when there is none."""
    return next((value for name, value in pairs(reply) if text(name) == key), None)
