"""From a JSON document to a configuration dataclass, with the path of what does not fit.

The words are those of the other SDKs, so that an operator reads the same about the same mistake.
"""

from __future__ import annotations

import copy
import dataclasses
import enum
import json
import types
import typing
from typing import Any, Callable, Literal, TypeVar, Union

from ._codes import Codes
from ._errors import ConfigError
from ._fields import REQUIRED, Field, Pointer, Rules, fields, without_none
from ._threshold import AtLeast, AtMost
from ._units import Size, Span, number

T = TypeVar("T")

_I64 = range(-(1 << 63), 1 << 63)


class _Misfit(Exception):
    """What does not fit, and where."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.path: list[str] = []

    def inside(self, key: str) -> _Misfit:
        self.path.insert(0, key.replace("~", "~0").replace("/", "~1"))
        return self


def parse(document: str, into: type[T] | None) -> T | dict[str, Any] | None:
    """Reads a configuration document; nothing at all counts as an empty table. ``into`` is a dataclass, ``dict`` for
    whatever the table holds, or None for a check without configuration.

    Raises :class:`ConfigError` with the path of what does not fit.
    """
    try:
        value = json.loads(document if document.strip() else "{}", parse_constant=_no_constant)
    except ValueError as error:
        raise ConfigError("/", f"not a JSON document: {error}") from None
    try:
        if into is None or into is dict:
            table = _table(value, "a map")
            if into is None and table:
                raise _Misfit(f"unknown field `{next(iter(table))}`, there are no fields")
            return None if into is None else table
        return typing.cast(T, _read(value, into, Rules()))
    except _Misfit as misfit:
        raise ConfigError("/" + "/".join(misfit.path), misfit) from None


def _read(value: Any, hint: Any, rules: Rules) -> Any:
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        return None if value is None else _read(value, without_none(hint), rules)
    if hint is Any:
        return value
    if origin is Literal:
        return _variant(value, {str(name): name for name in typing.get_args(hint)})
    if origin in (AtMost, AtLeast) or hint in (AtMost, AtLeast):
        return _bounds(value, origin or hint, *(typing.get_args(hint) or (float,)))
    if origin in (list, tuple, set, frozenset) or hint in (list, tuple):
        return _items(value, origin or hint, (typing.get_args(hint) or (Any,))[0], rules)
    if origin is dict or hint is dict:
        return _entries(value, (typing.get_args(hint) or (str, Any))[1])
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _variant(value, {str(case.value): case for case in hint})
    read = _SCALARS.get(hint)
    if read is not None:
        return _checked(read(value), rules)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _struct(value, hint)
    raise TypeError(f"{hint!r} is no type for configuration")


def _struct(value: Any, into: type) -> Any:
    table = dict(_table(value, f"struct {into.__name__}"))
    known = fields(into)
    for key in table:
        if all(field.key != key for field in known):
            raise _Misfit(f"unknown field `{key}`, {_expected([field.key for field in known])}")
    found = {field.name: _inside(field.key, _field, table, field) for field in known}
    try:
        return into(**found)
    except ValueError as error:
        # What `__post_init__` of the check's own dataclass refuses.
        raise _Misfit(str(error)) from None


def _field(table: dict[str, Any], field: Field) -> Any:
    if field.key in table:
        return _read(table[field.key], field.type, field.rules)
    # What may be changed is not shared between configurations.
    return field.default if field.default.__hash__ is not None else copy.copy(field.default)


def _inside(key: str, read: Callable[[dict[str, Any], Field], Any], table: dict[str, Any], field: Field) -> Any:
    if field.default is REQUIRED and field.key not in table:
        raise _Misfit(f"missing field `{field.key}`")
    try:
        return read(table, field)
    except _Misfit as misfit:
        raise misfit.inside(key)


def _bounds(value: Any, kind: type, quantity: Any) -> Any:
    table = _table(value, "struct Bounds")
    for key in table:
        if key not in ("warn", "crit"):
            raise _Misfit(f"unknown field `{key}`, {_expected(['warn', 'crit'])}")
    found = {}
    for key, bound in table.items():
        try:
            # Integers keep their digits.
            is_whole = quantity is float and type(bound) is int
            found[key] = bound if bound is None or is_whole else _read(bound, quantity, Rules())
        except _Misfit as misfit:
            raise misfit.inside(key)
    try:
        return kind(**found)
    except ValueError as error:
        raise _Misfit(str(error)) from None


def _items(value: Any, kind: type, of: Any, rules: Rules) -> Any:
    if not isinstance(value, list):
        raise _type_misfit(value, "a sequence")
    found = []
    for index, item in enumerate(value):
        try:
            found.append(_read(item, of, Rules()))
        except _Misfit as misfit:
            raise misfit.inside(str(index))
    return _checked(kind(found), rules)


def _entries(value: Any, of: Any) -> dict[str, Any]:
    found = {}
    for key, item in _table(value, "a map").items():
        try:
            found[key] = _read(item, of, Rules())
        except _Misfit as misfit:
            raise misfit.inside(key)
    return found


def _variant(value: Any, cases: dict[str, Any]) -> Any:
    if not isinstance(value, str):
        raise _type_misfit(value, "a string")
    if value not in cases:
        raise _Misfit(f"unknown variant `{value}`, {_expected(list(cases))}")
    return cases[value]


def _checked(value: Any, rules: Rules) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if rules.minimum is not None and value < rules.minimum:
            raise _Misfit(f"{number(value)} is less than {number(rules.minimum)}")
        if rules.maximum is not None and value > rules.maximum:
            raise _Misfit(f"{number(value)} is more than {number(rules.maximum)}")
    if rules.min_length is not None and isinstance(value, (str, list, tuple)) and len(value) < rules.min_length:
        raise _Misfit("must not be empty" if rules.min_length == 1 else f"must have at least {rules.min_length}")
    return value


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise _type_misfit(value, "a string")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _type_misfit(value, "a boolean")
    return value


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _type_misfit(value, "i64")
    if value not in _I64:
        raise _Misfit(f"invalid value: {_unexpected(value)}, expected i64")
    return value


def _float(value: Any) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise _type_misfit(value, "f64")
    return float(value)


def _span(value: Any) -> Span:
    if not isinstance(value, str):
        raise _type_misfit(value, Span.expecting)
    return Span(_amount(value, Span))


def _size(value: Any) -> Size:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Size(value)
    if not isinstance(value, str):
        raise _type_misfit(value, Size.expecting)
    return Size(_amount(value, Size))


def _amount(text: str, kind: type[Span] | type[Size]) -> int:
    amount = kind.parse(text)
    if amount is None:
        raise _Misfit(f"invalid value: {_unexpected(text)}, expected {kind.expecting}")
    return amount


def _codes(value: Any) -> Codes:
    # A number below 0 is of another type for the other kits.
    if isinstance(value, bool) or not isinstance(value, (int, str)) or (isinstance(value, int) and value < 0):
        raise _type_misfit(value, Codes.expecting)
    codes = Codes.parse(value)
    if codes is None:
        raise _Misfit(f"invalid value: {_unexpected(value)}, expected {Codes.expecting}")
    return codes


def _pointer(value: Any) -> Pointer:
    try:
        return Pointer(_string(value))
    except ValueError as error:
        raise _Misfit(str(error)) from None


_SCALARS: dict[Any, Callable[[Any], Any]] = {
    str: _string,
    bool: _boolean,
    int: _integer,
    float: _float,
    Span: _span,
    Size: _size,
    Codes: _codes,
    Pointer: _pointer,
}


def _table(value: Any, expected: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _type_misfit(value, expected)
    return value


def _type_misfit(value: Any, expected: str) -> _Misfit:
    return _Misfit(f"invalid type: {_unexpected(value)}, expected {expected}")


def _unexpected(value: Any) -> str:
    if value is None:
        return "unit value"
    if isinstance(value, bool):
        return f"boolean `{json.dumps(value)}`"
    if isinstance(value, int):
        return f"integer `{value}`"
    if isinstance(value, float):
        return f"floating point `{value!r}`"
    if isinstance(value, str):
        return f"string {json.dumps(value, ensure_ascii=False)}"
    return "sequence" if isinstance(value, list) else "map"


def _expected(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    if not quoted:
        return "there are no fields"
    if len(quoted) <= 2:
        return f"expected {' or '.join(quoted)}"
    return f"expected one of {', '.join(quoted)}"


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
