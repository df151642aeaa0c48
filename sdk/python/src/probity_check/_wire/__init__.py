"""From the generated bindings to the words of this kit; in a component only."""

from __future__ import annotations

import dataclasses
from typing import Any, Callable, TypeVar

from componentize_py_types import Err  # type: ignore[import-not-found]

from .._errors import CapabilityError, ErrorKind

T = TypeVar("T")

_KINDS = list(ErrorKind)


def error(raw: Any) -> CapabilityError:
    """An error of the contract. Both sides list the kinds in the same order."""
    return CapabilityError(_KINDS[raw.kind.value], raw.message, raw.code)


def call(function: Callable[..., T], *arguments: Any) -> T:
    """Calls the host; its error becomes a :class:`CapabilityError`."""
    try:
        return function(*arguments)
    except Err as failed:
        raised = error(failed.value)
    raise raised


def lift(into: type[T], raw: Any) -> T:
    """A record of the bindings as one of ours, which has the same fields."""
    return into(**{field.name: getattr(raw, field.name) for field in dataclasses.fields(into)})  # type: ignore[arg-type]


def maybe(into: type[T], raw: Any) -> T | None:
    """The same of one that may be absent."""
    return None if raw is None else lift(into, raw)
