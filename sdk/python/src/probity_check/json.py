"""Rules for the values of a JSON document, as checks read them from configuration.

>>> from probity_check import AtMost, Outcome
>>> from probity_check.json import Pointer, Rule
>>> outcome = Rule(Pointer("/queue"), at_most=AtMost(100)).judge(Outcome.healthy("fine"), {"queue": 101})
>>> print(outcome.status, outcome.message)
degraded /queue 101, more than 100
"""

from __future__ import annotations

import dataclasses
import json as _json
import re
from typing import Any

from ._fields import ABSENT, Pointer
from ._outcome import Outcome, Status
from ._threshold import AtLeast, AtMost

__all__ = ["Pointer", "Rule", "quote", "shorten"]

_QUOTE_MAX_CHARS = 80
"""How much of an unexpected text a message quotes."""


@dataclasses.dataclass(frozen=True)
class Rule:
    """What is asked of the value at a JSON pointer. A value that is missing, or not what was asked for, is unhealthy;
    numbers have thresholds."""

    pointer: Pointer
    """Where: ``/items/0/state``; ``""`` is the whole document."""
    equals: Any = ABSENT
    """The value must be this, None (``null``) included."""
    contains: str | None = None
    """The value must be a text that contains this, or a list with this element."""
    exists: bool | None = None
    """Whether there must be a value, ``null`` included, or must be none."""
    at_most: AtMost[float] = AtMost()
    """The value must be a number: more than this is degraded, or unhealthy."""
    at_least: AtLeast[float] = AtLeast()
    """The value must be a number: less than this is degraded, or unhealthy."""

    def judge(self, outcome: Outcome, document: Any) -> Outcome:
        """Adds what ``document`` breaks to ``outcome``, and the value as a measurement where it is judged as a number."""
        found = _at(document, self.pointer)
        if found is ABSENT:
            missing = Status.HEALTHY if self.exists is False else Status.UNHEALTHY
            return outcome.finding(missing, f"JSON has no {self.pointer}")
        shown = shorten(_text(found))
        if self.exists is False:
            return outcome.finding(Status.UNHEALTHY, f"{self.pointer} is {shown}, expected nothing")
        if self.equals is not ABSENT and _text(self.equals) != _text(found):
            finding = f"{self.pointer} is {shown}, expected {shorten(_text(self.equals))}"
            outcome = outcome.finding(Status.UNHEALTHY, finding)
        if self.contains is not None and not _contains(found, self.contains):
            finding = f"{self.pointer} is {shown}, expected to contain {quote(self.contains)}"
            outcome = outcome.finding(Status.UNHEALTHY, finding)
        if self.at_most == AtMost() and self.at_least == AtLeast():
            return outcome
        return self._judge_number(outcome, found)

    def _judge_number(self, outcome: Outcome, found: Any) -> Outcome:
        if not isinstance(found, (int, float)) or isinstance(found, bool):
            finding = f"{self.pointer} is {shorten(_text(found))}, expected a number"
            return outcome.finding(Status.UNHEALTHY, finding)
        # One measurement, two judgements: the other side has no bounds, or both apply.
        below = self.at_least.complaint(found)
        outcome = outcome.judge(self.pointer, found, "", self.at_most)
        if below is not None:
            outcome = outcome.finding(self.at_least.judge(found), f"{self.pointer} {below}")
        return outcome


def quote(text: str) -> str:
    """A text in quotes, its start if it is long."""
    return _text(shorten(text))


def shorten(text: str) -> str:
    """The start of a text, with ``…`` where it goes on."""
    return text if len(text) <= _QUOTE_MAX_CHARS else text[:_QUOTE_MAX_CHARS] + "…"


def _text(value: Any) -> str:
    # Sorted, so that the order of keys does not matter; and 1, 1.0 and true are three values.
    return _json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _contains(value: Any, part: str) -> bool:
    return isinstance(value, (str, list)) and part in value


def _at(document: Any, pointer: str) -> Any:
    """The value at a JSON pointer (RFC 6901); ABSENT when there is none."""
    value = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and re.fullmatch("0|[1-9][0-9]*", key) and int(key) < len(value):
            value = value[int(key)]
        else:
            return ABSENT
    return value
