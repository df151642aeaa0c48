"""The fields of a configuration dataclass, as both the parser and the schema see them."""

from __future__ import annotations

import dataclasses
import functools
import json
import typing
from typing import Any

_META = "probity_check"


@dataclasses.dataclass(frozen=True)
class Rules:
    """What a field asks for beyond its type."""

    doc: str = ""
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None


@dataclasses.dataclass(frozen=True)
class Field:
    """A field of a configuration dataclass."""

    name: str
    """Its name in Python."""
    key: str
    """Its name in configuration."""
    type: Any
    rules: Rules
    default: Any
    """:data:`REQUIRED` when there is none."""


REQUIRED: Any = object()

ABSENT: Any = object()
"""The default of a field that tells a null from nothing; the schema has none."""


class Pointer(str):
    """A JSON pointer: empty, or starting with a slash. Anything else raises :class:`ValueError` with the correction."""

    def __new__(cls, text: str) -> Pointer:
        if text and not text.startswith("/"):
            raise ValueError(f"{json.dumps(text, ensure_ascii=False)} is no JSON pointer: write /{text}")
        return super().__new__(cls, text)


def setting(
    default: Any = REQUIRED,
    *,
    doc: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    min_length: int | None = None,
) -> Any:
    """A field of a configuration dataclass with more to say: a sentence for the schema, bounds for numbers, a length
    for texts and lists.

    A default that is a list or dict is copied for each configuration.
    """
    metadata = {_META: Rules(doc, minimum, maximum, min_length)}
    if default is REQUIRED:
        return dataclasses.field(metadata=metadata)
    if isinstance(default, (list, dict)):
        return dataclasses.field(default_factory=default.copy, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@functools.cache
def fields(of: type) -> list[Field]:
    """The fields of a dataclass in their order. Looked up when the check is registered: a component is a snapshot, and
    finds the answer in it."""
    hints = typing.get_type_hints(of)
    return [_field(field, hints[field.name]) for field in dataclasses.fields(of) if field.init]


def _field(field: dataclasses.Field[Any], hint: Any) -> Field:
    default = REQUIRED
    if field.default is not dataclasses.MISSING:
        default = field.default
    elif field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    elif is_optional(hint):
        default = None
    rules = field.metadata.get(_META, Rules())
    return Field(field.name, field.name.rstrip("_").replace("_", "-"), hint, rules, default)


def is_optional(hint: Any) -> bool:
    """Whether None is one of the values."""
    return type(None) in typing.get_args(hint)


def without_none(hint: Any) -> Any:
    """``X`` of ``X | None``; a union of more is refused."""
    rest = [arg for arg in typing.get_args(hint) if arg is not type(None)]
    if len(rest) != 1:
        raise TypeError(f"{hint} is no type for configuration: a union may only add None")
    return rest[0]
