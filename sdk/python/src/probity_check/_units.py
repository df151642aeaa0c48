"""Quantities with units, as configuration writes them: ``250ms``, ``10m``, ``5GiB``."""

from __future__ import annotations

import functools
import math
import re
from typing import ClassVar

_U64_MAX = (1 << 64) - 1
_DIGITS = re.compile(r"([0-9]*)(.*)", re.DOTALL)

Units = tuple[tuple[str, int], ...]

SPAN_UNITS: Units = (("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000))
SIZE_UNITS: Units = (("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40))
_SIZE_UNITS_DECIMAL: Units = (("KB", 10**3), ("MB", 10**6), ("GB", 10**9), ("TB", 10**12))


@functools.total_ordering
class _Quantity:
    """A whole number of a base unit."""

    __slots__ = ("_amount",)
    _units: ClassVar[Units]
    expecting: ClassVar[str]

    def __init__(self, value: str | int) -> None:
        """Reads ``"10m"`` or ``"32MiB"``; a number counts the base unit.

        Raises :class:`ValueError` for anything else.
        """
        amount = self.parse(value) if isinstance(value, str) else value
        if amount is None or isinstance(amount, bool) or not 0 <= amount <= _U64_MAX:
            raise ValueError(f"{value!r} is not {self.expecting}")
        self._amount = amount

    @classmethod
    def parse(cls, text: str) -> int | None:
        """The amount in the base unit, or None when ``text`` is not one."""
        return _parse(text, cls._units)

    @property
    def amount(self) -> float:
        """The value in the base unit: milliseconds or bytes."""
        return float(self._amount)

    @classmethod
    def show(cls, amount: float, unit: str = "") -> str:
        """An amount for a person."""
        return _scaled(amount, cls._units)

    def __str__(self) -> str:
        return self.show(self.amount)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._amount})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, _Quantity) and other._amount == self._amount

    def __lt__(self, other: object) -> bool:
        if type(other) is not type(self) or not isinstance(other, _Quantity):
            return NotImplemented
        return self._amount < other._amount

    def __hash__(self) -> int:
        return hash((type(self), self._amount))

    def to_json(self) -> str | int:
        """As configuration writes it: the largest unit that loses nothing."""
        whole = [(name, factor) for name, factor in self._units if self._amount and self._amount % factor == 0]
        name, factor = whole[-1] if whole else self._units[0]
        return f"{self._amount // factor}{name}"


class Span(_Quantity):
    """A length of time, written ``250ms``, ``15s``, ``10m``, ``2h`` or ``7d``."""

    __slots__ = ()
    _units = SPAN_UNITS
    expecting = "a duration like 250ms, 15s, 10m, 2h or 7d"

    @property
    def ms(self) -> int:
        """Its length in milliseconds."""
        return self._amount

    @property
    def timeout_ms(self) -> int:
        """Its length in milliseconds, as capabilities take it; at most 49 days."""
        return min(self._amount, (1 << 32) - 1)


class Size(_Quantity):
    """A number of bytes, written ``512``, ``64KiB``, ``32MiB``, ``5GiB`` (or with ``KB``, ``MB``, ``GB`` in thousands)."""

    __slots__ = ()
    _units = SIZE_UNITS
    expecting = "a size like 512, 64KiB, 32MiB or 5GiB"

    @classmethod
    def parse(cls, text: str) -> int | None:
        amount = _parse(text, SIZE_UNITS)
        return _parse(text, _SIZE_UNITS_DECIMAL) if amount is None else amount

    @property
    def bytes(self) -> int:
        """Its number of bytes."""
        return self._amount


def span(value: Span | str | int) -> Span:
    """``value`` as a :class:`Span`: text as configuration writes it, or milliseconds."""
    return value if isinstance(value, Span) else Span(value)


EXACT_MAX = 2**53
"""The integers up to which a float misses none."""


def amount(value: float | Span | Size) -> float:
    """A quantity in its base unit, or a plain number."""
    return value.amount if isinstance(value, (Span, Size)) else float(value)


def exact(value: float | Span | Size) -> float:
    """The same with all the digits of an integer, which Python compares as one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return amount(value)


def show_number(value: float, unit: str = "") -> str:
    """A plain number for a person; ``unit`` is a UCUM code, which writes "no unit" as 1 and annotations in braces."""
    unit = unit.strip("{}")
    return number(value) if unit in ("", "1") else f"{number(value)} {unit}"


def number(value: float) -> str:
    """Two decimals, or as many as show two digits of a small number, without trailing zeros."""
    if isinstance(value, int) and abs(value) > EXACT_MAX:
        return str(value)
    if math.isnan(value):
        return "NaN"
    magnitude = math.floor(math.log10(abs(value))) if value and math.isfinite(value) else 0
    decimals = 1 - magnitude if -12 <= magnitude < -1 else 2
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _parse(text: str, units: Units) -> int | None:
    """``"15s"`` → 15 × the factor of ``s``. Decimals are not part of the syntax."""
    match = _DIGITS.fullmatch(text)
    factor = dict(units).get(match.group(2)) if match else None
    if match is None or factor is None or not match.group(1):
        return None
    amount = int(match.group(1)) * factor
    return amount if amount <= _U64_MAX else None


def _scaled(amount: float, units: Units) -> str:
    """``amount`` in the largest unit of which there is at least one."""
    name, factor = next(((n, f) for n, f in reversed(units) if abs(amount) >= f), units[0])
    return f"{number(amount / factor)} {name}"
