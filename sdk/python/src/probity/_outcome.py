"""What a run concluded."""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING, Iterable, Union

from ._units import amount, exact, Size, Span

if TYPE_CHECKING:
    from ._threshold import Judge

Observed = Union[float, int, str, bool]
"""One observed value. ``True`` is a truth value, not the number 1."""

_I64_MAX = (1 << 63) - 1


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
    def worst(cls, of: Iterable[Status]) -> Status:
        """The worst of many; healthy when there are none."""
        return max(of, default=cls.HEALTHY)


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

    >>> from probity import AtMost, Outcome
    >>> outcome = Outcome.healthy("200 in 812 ms").judge("latency", 812, "ms", AtMost(500, 1000))
    >>> print(outcome.status, outcome.message)
    degraded latency 812 ms, more than 500 ms
    """

    status: Status
    message: str
    """One line for a person, without secrets."""
    measurements: list[Measurement] = dataclasses.field(default_factory=list)
    details: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    """Free-form facts, shown beside the message."""

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
        """Adds a value without judging it. ``unit`` is a UCUM code, or empty."""
        return self._add(name, value, unit, None)

    def judge(self, name: str, value: float | Span | Size, unit: str, threshold: Judge) -> Outcome:
        """Adds a value and judges it: past a threshold the status worsens and the message says by how much."""
        verdict = threshold.judge(value)
        whole = exact(value)
        # An integer that a float would not hold stays one.
        self._add(name, amount(value) if amount(value) == whole else whole, unit, verdict)
        complaint = threshold.complaint(value, unit)
        return self if complaint is None else self.finding(verdict, f"{name} {complaint}")

    def finding(self, status: Status, text: str) -> Outcome:
        """Adds a finding: the status becomes the worse of the two, and the message tells all findings that are not
        healthy, the worst first."""
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
