"""Why a capability refused, and why a run gave no outcome."""

from __future__ import annotations

import enum


class ErrorKind(str, enum.Enum):
    """What kind of thing went wrong in a capability, as the contract spells it."""

    DENIED = "denied"
    """The configuration does not grant this."""
    NOT_FOUND = "not-found"
    """Nothing of this name is declared (connection, secret, queue, check, path)."""
    INVALID_ARGUMENT = "invalid-argument"
    """The argument makes no sense; a bug in the check."""
    TIMEOUT = "timeout"
    """The call, or what was left of the run, ran out of time."""
    DNS = "dns"
    """Name resolution failed."""
    REFUSED = "refused"
    """The other side refused or reset the connection."""
    UNREACHABLE = "unreachable"
    """No route, network down."""
    TLS = "tls"
    """TLS handshake or certificate verification failed."""
    AUTH = "auth"
    """Credentials held by the host were not accepted."""
    PROTOCOL = "protocol"
    """The other side spoke something else than the protocol."""
    REMOTE = "remote"
    """The other side answered with an error of its own; see :attr:`CapabilityError.code`."""
    TOO_LARGE = "too-large"
    """A reply was larger than the limit in the configuration."""
    QUOTA = "quota"
    """A quota of this check is used up (calls per run, bytes, rows, keys)."""
    UNSUPPORTED = "unsupported"
    """Not supported on this host, platform or backend."""
    OTHER = "other"
    """None of the others."""

    def __str__(self) -> str:
        return self.value

    @classmethod
    def of(cls, word: ErrorKind | str) -> ErrorKind:
        """A kind, or the one that a word names: ``"refused"``."""
        try:
            return cls(word)
        except ValueError:
            raise ValueError(f"{word!r} is no kind of error; there are {', '.join(cls)}") from None

    @property
    def is_about_the_target(self) -> bool:
        """Whether this says something about the thing that was asked, rather than about the check, its grants or its
        host. A check of a service usually answers ``unhealthy`` to these and lets the others pass."""
        return self in _ABOUT_THE_TARGET


_ABOUT_THE_TARGET = frozenset(
    {
        ErrorKind.TIMEOUT,
        ErrorKind.DNS,
        ErrorKind.REFUSED,
        ErrorKind.UNREACHABLE,
        ErrorKind.TLS,
        ErrorKind.AUTH,
        ErrorKind.PROTOCOL,
        ErrorKind.REMOTE,
    }
)


class Failure(Exception):
    """Why a run reached no judgement. The host reports the check as ``unknown``.

    Raise it with a reason in words; :class:`CapabilityError` and :class:`ConfigError` are the kinds with more to say.
    """

    def __init__(self, reason: object) -> None:
        super().__init__(str(reason))


class ConfigError(Failure):
    """The configuration is unusable; the host stops scheduling until it changes."""

    def __init__(self, pointer: str, reason: object) -> None:
        """About the value at ``pointer`` (``/thresholds/warn``; ``/`` is the whole table)."""
        self.pointer = pointer
        self.reason = f"at {pointer}: {reason}"
        super().__init__(f"invalid config: {self.reason}")


class CapabilityError(Failure):
    """The error of every capability. Left uncaught it ends the run as the failure ``capability``.

    Catch it when it *is* the answer: a refused connection in a check of that service.
    """

    def __init__(self, kind: ErrorKind | str, message: str, code: str | None = None) -> None:
        """``kind`` is an :class:`ErrorKind` or its word. Raises :class:`ValueError` for any other word."""
        kind = ErrorKind.of(kind)
        self.kind = kind
        """What to branch on."""
        self.message = message
        """What to show a person."""
        self.code = code
        """The native code where there is one: errno name, SQLSTATE, HTTP/2 code."""
        super().__init__(f"{kind}: {message}" + (f" ({code})" if code is not None else ""))

    @property
    def is_about_the_target(self) -> bool:
        """As :attr:`ErrorKind.is_about_the_target`."""
        return self.kind.is_about_the_target
