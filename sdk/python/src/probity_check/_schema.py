"""From a configuration dataclass to its JSON Schema (2020-12), so that an author writes it once."""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from typing import Any, Literal, Union

from ._codes import Codes
from ._fields import ABSENT, REQUIRED, Field, Pointer, Rules, fields, is_optional, without_none
from ._threshold import AtLeast, AtMost
from ._units import Size, Span

_DURATION = {"type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$"}
_SIZE = {
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": "^[0-9]+([KMGT]i?)?B$"},
    ]
}
_CODES = {
    "anyOf": [
        {"type": "integer", "minimum": 100, "maximum": 599},
        {"type": "string", "pattern": "^[1-5][0-9]{2}-[1-5][0-9]{2}$"},
    ]
}
_POINTER = {"type": "string", "pattern": "^(/.*)?$"}


def schema(of: type | None, title: str) -> dict[str, Any] | None:
    """The schema of a configuration: closed, with descriptions and defaults. None for ``dict``, which takes anything."""
    if of is dict:
        return None
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    if of is None:
        return {**head, "type": "object", "additionalProperties": False, "properties": {}}
    return {**head, **_struct(of)}


def _struct(of: type) -> dict[str, Any]:
    known = fields(of)
    required = [field.key for field in known if field.default is REQUIRED]
    made: dict[str, Any] = {"type": "object", "additionalProperties": False}
    if required:
        made["required"] = required
    made["properties"] = {field.key: _property(field) for field in known}
    return made


def _property(field: Field) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if field.rules.doc:
        made["description"] = field.rules.doc
    made.update(_type(field.type, field.rules))
    if field.default is not REQUIRED and field.default is not ABSENT and field.default is not None:
        made["default"] = plain(field.default)
    return made


def _type(hint: Any, rules: Rules) -> dict[str, Any]:
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return _nullable(_type(without_none(hint), rules)) if is_optional(hint) else _type(without_none(hint), rules)
    if hint is Any:
        return {}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (AtMost, AtLeast) or hint in (AtMost, AtLeast):
        bound = _type((arguments or (float,))[0], Rules())
        return {"type": "object", "additionalProperties": False, "properties": {"warn": bound, "crit": bound}}
    if origin in (list, tuple, set, frozenset) or hint in (list, tuple):
        made = {"type": "array", "items": _type((arguments or (Any,))[0], Rules())}
        return made if rules.min_length is None else {**made, "minItems": rules.min_length}
    if origin is dict or hint is dict:
        return {"type": "object", "additionalProperties": _type((arguments or (str, Any))[1], Rules())}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"enum": [case.value for case in hint]}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type) and hint is not Codes:
        return _struct(hint)
    return _scalar(hint, rules)


def _scalar(hint: Any, rules: Rules) -> dict[str, Any]:
    if hint is Span:
        return dict(_DURATION)
    if hint is Size:
        return dict(_SIZE)
    if hint is Codes:
        return dict(_CODES)
    if hint is Pointer:
        return dict(_POINTER)
    name = {str: "string", bool: "boolean", int: "integer", float: "number"}.get(hint)
    if name is None:
        raise TypeError(f"{hint!r} is no type for configuration")
    made: dict[str, Any] = {"type": name}
    bounds = {"minimum": rules.minimum, "maximum": rules.maximum, "minLength": rules.min_length}
    made.update({key: bound for key, bound in bounds.items() if bound is not None})
    return made


def _nullable(made: dict[str, Any]) -> dict[str, Any]:
    if "type" in made and isinstance(made["type"], str) and "enum" not in made:
        return {**made, "type": [made["type"], "null"]}
    return {"anyOf": [made, {"type": "null"}]}


def plain(value: Any) -> Any:
    """A value of a configuration as JSON has it."""
    if isinstance(value, (Span, Size)):
        return value.to_json()
    if isinstance(value, Codes):
        return value.first if value.first == value.last else str(value)
    if isinstance(value, (AtMost, AtLeast)):
        bounds = {"warn": value.warn, "crit": value.crit}
        return {key: plain(bound) for key, bound in bounds.items() if bound is not None}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        known = [(field, getattr(value, field.name)) for field in fields(type(value))]
        return {field.key: plain(part) for field, part in known if not _is_nothing(field, part)}
    return value


def _is_nothing(field: Field, value: Any) -> bool:
    """Whether a field is left out; None is a value where the default tells it from nothing."""
    return value is ABSENT or (value is None and field.default is not ABSENT)
