"""What a run concluded."""

from __future__ import annotations

import dataclasses
import enum
import math
import re
from typing import TYPE_CHECKING, Iterable, Literal, Union

from ._units import Size, Span, exact

if TYPE_CHECKING:
    from ._threshold import Judge

Observed = Union[float, int, str, bool]
"""One observed value. ``True`` is a truth value, not the number 1."""

Word = Literal["healthy", "degraded", "unhealthy"]
"""A status, as the contract spells it: every function that takes a :class:`Status` takes its word."""

_I64_MAX = (1 << 63) - 1

#: What a number that is none leaves in a message.
_HOLE = re.compile(r"\bnan\b")


class Status(enum.IntEnum):
    """A judgement. Ordered: worse is greater, so ``max`` is the worst of many."""

    HEALTHY = 0
    """As it should be."""
    DEGRADED = 1
    """Works, and someone should look."""
    UNHEALTHY = 2
    """Does not work."""

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def of(cls, word: Status | Word) -> Status:
        """A status, or the one that a word names: ``"degraded"``.

        Raises :class:`ValueError` for any other word, listing those that there are.
        """
        for status in cls:
            if word is status or (isinstance(word, str) and word == str(status)):
                return status
        words = ", ".join(f'"{status}"' for status in cls)
        raise ValueError(f"{word!r} is no status; there are {words}")

    @classmethod
    def worst(cls, of: Iterable[Status | Word]) -> Status:
        """The worst of many; healthy when there are none."""
        return max((cls.of(each) for each in of), default=cls.HEALTHY)


@dataclasses.dataclass(frozen=True)
class Measurement:
    """A named value, with its unit and, when there is one, a judgement on it."""

    name: str
    """The value's name within this check, the same in each run."""
    value: Observed
    unit: str | None = None
    """A UCUM code: ``ms``, ``By``, ``1``, ``%``, ``{messages}``."""
    status: Status | None = None


@dataclasses.dataclass
class Outcome:
    """What a run concluded, built from a first word and what is found after it.

    >>> from probity_check import AtMost, Outcome
    >>> outcome = Outcome.healthy("200 in 812 ms").judge("latency", 812, "ms", AtMost(500, 1000))
    >>> print(outcome.status, outcome.message)
    degraded latency 812 ms, more than 500 ms
    """

    status: Status
    """The judgement; its word does as well."""
    message: str
    """One line for a person, without secrets."""
    measurements: list[Measurement] = dataclasses.field(default_factory=list)
    details: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    """Free-form facts, shown beside the message."""

    def __post_init__(self) -> None:
        """Raises :class:`ValueError` for a word that is no status, :class:`TypeError` for a message that is no text."""
        self.status = Status.of(self.status)
        self.message = _sentence(self.message, self.status)

    @classmethod
    def healthy(cls, message: str) -> Outcome:
        """As it should be. Later findings replace the message."""
        return cls(Status.HEALTHY, message)

    @classmethod
    def degraded(cls, message: str) -> Outcome:
        """Works, and someone should look."""
        return cls(Status.DEGRADED, message)

    @classmethod
    def unhealthy(cls, message: str) -> Outcome:
        """Does not work."""
        return cls(Status.UNHEALTHY, message)

    def measure(self, name: str, value: Observed, unit: str = "") -> Outcome:
        """Adds a value without judging it. ``unit`` is a UCUM code, or empty.

        Raises :class:`TypeError` for what is no number, text or truth value, None and NaN among them.
        """
        return self._add(name, _observed(name, value), unit, None)

    def judge(self, name: str, value: float | Span | Size, unit: str, threshold: Judge) -> Outcome:
        """Adds a value and judges it: past a threshold the status worsens and the message says by how much.

        Raises :class:`TypeError` for a value that is no number, None and NaN among them, or without a threshold.
        """
        plain = _plain(name, value)
        if not hasattr(threshold, "complaint"):
            raise TypeError(f"judge({name!r}): the threshold is {threshold!r}, expected an AtMost or AtLeast")
        verdict = threshold.judge(value)
        whole = exact(value)
        # An integer that a float would not hold stays one.
        self._add(name, plain if plain == whole else whole, unit, verdict)
        complaint = threshold.complaint(value, unit)
        return self if complaint is None else self.finding(verdict, f"{name} {complaint}")

    def finding(self, status: Status | Word, text: str) -> Outcome:
        """Adds a finding: the status becomes the worse of the two, and the message tells all findings that are not
        healthy, the worst first.

        Raises :class:`ValueError` for a word that is no status: ``critical``, ``down`` and ``Unhealthy`` among them.
        """
        status = Status.of(status)
        text = _sentence(text, status)
        if status == Status.HEALTHY:
            return self
        if self.status == Status.HEALTHY:
            self.message = text
        else:
            self.message = f"{text}; {self.message}" if status > self.status else f"{self.message}; {text}"
        self.status = max(self.status, status)
        return self

    def detail(self, name: str, value: object) -> Outcome:
        """Adds a fact for the person who looks."""
        self.details.append((name, str(value)))
        return self

    def _add(self, name: str, value: Observed, unit: str, status: Status | None) -> Outcome:
        if isinstance(value, int) and not isinstance(value, bool):
            value = max(-_I64_MAX - 1, min(value, _I64_MAX))
        self.measurements.append(Measurement(name, value, unit or None, status))
        return self


def _plain(name: str, value: object) -> float:
    """The number to judge, in its base unit."""
    number = _number(value)
    if number is None or isinstance(value, bool):
        raise TypeError(_misuse("judge", name, value, "a number"))
    return number


def _observed(name: str, value: object) -> Observed:
    """The value to measure, as the contract has it."""
    if isinstance(value, (bool, int, str)):
        return value
    number = _number(value)
    if number is None:
        raise TypeError(_misuse("measure", name, value, "a number, a text or a truth value"))
    return number


def _number(value: object) -> float | None:
    """The number that a value is, of whatever type (``Decimal``, :class:`Span`); None when it is none, as NaN."""
    if isinstance(value, (Span, Size)):
        return value.amount
    number = float(value) if hasattr(value, "__float__") else math.nan  # type: ignore[arg-type]
    return None if math.isnan(number) else number


def _sentence(said: object, status: Status) -> str:
    """One line for a person: a text, or an exception, which is told by its own message."""
    text = str(said) if isinstance(said, BaseException) else said
    if not isinstance(text, str):
        raise TypeError(f"the message of {status} is {said!r}, expected a text")
    if status == Status.HEALTHY and _HOLE.search(text):
        raise TypeError(f"the message {text!r} holds nan: a value that it tells is no number")
    return text


def _misuse(call: str, name: str, value: object, expected: str) -> str:
    return f"{call}({name!r}): the value is {value!r}, expected {expected}"
