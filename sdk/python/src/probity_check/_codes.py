"""Which status codes are fine."""

from __future__ import annotations

import dataclasses
import re
from typing import ClassVar, Iterable

_CODE = range(100, 600)


@dataclasses.dataclass(frozen=True)
class Codes:
    """A range of status codes, both ends included. Configuration writes ``204``, or ``"200-299"``.

    >>> from probity_check.http import Codes
    >>> Codes.complaint([Codes.SUCCESS, Codes(404)], 500)
    'status 500, expected 200-299 or 404'
    """

    first: int
    last: int = 0
    """The same as ``first`` when 0."""

    SUCCESS: ClassVar[Codes]
    """Every code that means success."""

    expecting: ClassVar[str] = 'a status like 204 or "200-299"'

    def __post_init__(self) -> None:
        """Raises :class:`ValueError` for what is no code, and for ends in the wrong order."""
        object.__setattr__(self, "last", self.last or self.first)
        if self.first not in _CODE or self.last not in _CODE or self.first > self.last:
            raise ValueError(f"{self.first}-{self.last} is no range of codes, expected {self.expecting}")

    @classmethod
    def parse(cls, value: int | str) -> Codes | None:
        """A code, or the text of a range; None for anything else."""
        ends = re.fullmatch(r"([0-9]{3})-([0-9]{3})", value) if isinstance(value, str) else None
        try:
            if ends is not None:
                return cls(int(ends[1]), int(ends[2]))
            return cls(value) if isinstance(value, int) else None
        except ValueError:
            return None

    def __contains__(self, status: int) -> bool:
        """Whether ``status`` is one of them."""
        return self.first <= status <= self.last

    @staticmethod
    def complaint(of: Iterable[Codes], status: int) -> str | None:
        """What is wrong with ``status``; None when it is in one of the ranges."""
        known = list(of)
        if any(status in codes for codes in known):
            return None
        return f"status {status}, expected {' or '.join(map(str, known))}"

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


Codes.SUCCESS = Codes(200, 299)
