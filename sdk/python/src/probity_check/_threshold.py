"""Thresholds: from a value to a :class:`Status`.

A threshold names the last value that is still allowed: with ``warn=500`` as :class:`AtMost`, 500 is healthy and 501
degraded. Either bound may be absent. In configuration both are a table, ``{ warn = …, crit = … }``, whose bounds must
be ordered.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Callable, ClassVar, Generic, TypeVar, Union

from ._outcome import Status
from ._units import Size, Span, exact, show_number

Q = TypeVar("Q", bound=Union[float, Span, Size])


@dataclasses.dataclass(frozen=True)
class _Bounds(Generic[Q]):
    """The bounds, and what they have in common."""

    warn: Q | None = None
    """The last value that is still healthy."""
    crit: Q | None = None
    """The last value that is not yet unhealthy."""

    relation: ClassVar[str]
    word: ClassVar[str]

    def __post_init__(self) -> None:
        """Raises :class:`ValueError` when warn could never be reached."""
        if self.warn is None or self.crit is None or self._keeps(exact(self.warn), exact(self.crit)):
            return
        raise ValueError(
            f"warn {_show(self.warn, exact(self.warn))} is never reached before crit "
            f"{_show(self.crit, exact(self.crit))}: warn must be {self.relation} crit"
        )

    @classmethod
    def _keeps(cls, value: float, bound: float) -> bool:
        raise NotImplementedError

    def judge(self, value: float | Span | Size) -> Status:
        """The status of ``value``. A value that is not a number passes no bound."""
        plain = exact(value)
        if self.crit is not None and not self._keeps(plain, exact(self.crit)):
            return Status.UNHEALTHY
        if self.warn is not None and not self._keeps(plain, exact(self.warn)):
            return Status.DEGRADED
        return Status.HEALTHY

    def complaint(self, value: float | Span | Size, unit: str = "") -> str | None:
        """What is wrong with ``value``, for a person; None when it is healthy."""
        bound = {Status.HEALTHY: None, Status.DEGRADED: self.warn, Status.UNHEALTHY: self.crit}[self.judge(value)]
        if bound is None:
            return None
        return f"{_show(bound, exact(value), unit)}, {self.word} than {_show(bound, exact(bound), unit)}"


class AtMost(_Bounds[Q]):
    """Upper bounds: more than ``warn`` is degraded, more than ``crit`` unhealthy."""

    relation = "at most"
    word = "more"

    @classmethod
    def _keeps(cls, value: float, bound: float) -> bool:
        return value <= bound


class AtLeast(_Bounds[Q]):
    """Lower bounds: less than ``warn`` is degraded, less than ``crit`` unhealthy."""

    relation = "at least"
    word = "less"

    @classmethod
    def _keeps(cls, value: float, bound: float) -> bool:
        return value >= bound


Judge = Union[AtMost[Any], AtLeast[Any]]


def _show(like: Any, plain: float, unit: str = "") -> str:
    show: Callable[[float, str], str] = type(like).show if isinstance(like, (Span, Size)) else show_number
    return show(plain, unit)
