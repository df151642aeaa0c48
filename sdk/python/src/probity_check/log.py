"""Log records, kept with the check's result. Needs no grant; the host caps number and length.

``print`` works as well: standard output becomes records at info, standard error at warn.
"""

from __future__ import annotations

import enum

from . import _backend


class Level(enum.IntEnum):
    """How important a record is."""

    TRACE = 0
    """Step by step."""
    DEBUG = 1
    """For whoever debugs the check."""
    INFO = 2
    """Worth knowing."""
    WARN = 3
    """Something is off."""
    ERROR = 4
    """Something failed."""

    @classmethod
    def of(cls, word: Level | str) -> Level:
        """A level, or the one that a word names: ``"warn"``.

        Raises :class:`ValueError` for any other word.
        """
        for level in cls:
            if word is level or word == level.name.lower():
                return level
        raise ValueError(f"{word!r} is no level; there are {', '.join(level.name.lower() for level in cls)}")


_host = _backend.bind("log")


def write(level: Level | str, message: str, **fields: object) -> None:
    """Writes a record with fields; ``level`` is a :class:`Level` or its word."""
    _host.write(Level.of(level), message, [(name, str(value)) for name, value in fields.items()])


def trace(message: str, **fields: object) -> None:
    """Writes a record at :attr:`Level.TRACE`."""
    write(Level.TRACE, message, **fields)


def debug(message: str, **fields: object) -> None:
    """Writes a record at :attr:`Level.DEBUG`."""
    write(Level.DEBUG, message, **fields)


def info(message: str, **fields: object) -> None:
    """Writes a record at :attr:`Level.INFO`."""
    write(Level.INFO, message, **fields)


def warn(message: str, **fields: object) -> None:
    """Writes a record at :attr:`Level.WARN`."""
    write(Level.WARN, message, **fields)


def error(message: str, **fields: object) -> None:
    """Writes a record at :attr:`Level.ERROR`."""
    write(Level.ERROR, message, **fields)
