"""What makes a function or a class a check, and how one is run."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import typing
from typing import Any, Callable, Iterable, Mapping, TypeVar, Union

from . import _config, _schema
from ._outcome import Outcome
from ._units import Span, span

F = TypeVar("F", bound=Union[Callable[..., Outcome], type])

PROBES = ("live", "ready", "startup")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ATTRIBUTE = "__probity_check__"
_U32_MAX = (1 << 32) - 1


@dataclasses.dataclass(frozen=True)
class Metadata:
    """Static facts about a check."""

    name: str
    version: str
    description: str
    probes: tuple[str, ...]
    default_interval_ms: int | None
    default_timeout_ms: int | None
    config_schema: str | None
    config_example: str | None
    labels: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Check:
    """A function with what it says about itself."""

    metadata: Metadata
    config: type | None
    """The dataclass of its configuration, ``dict``, or None when it takes none."""
    judge: Callable[..., Outcome]

    def run(self, document: str) -> Outcome:
        """Parses the configuration and runs the check.

        Raises :class:`probity_check.ConfigError` for a configuration that does not fit, and whatever the check raises.
        """
        config = _config.parse(document, self.config)
        outcome = self.judge() if self.config is None else self.judge(config)
        if not isinstance(outcome, Outcome):
            raise TypeError(f"the check {self.metadata.name} returned {outcome!r}, not an Outcome")
        return outcome


_registered: list[Check] = []


def check(
    *,
    name: str,
    version: str,
    description: str | None = None,
    probes: Iterable[str] = (),
    default_interval: Span | str | int | None = None,
    default_timeout: Span | str | int | None = None,
    example: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Callable[[F], F]:
    """Makes a function, or a class with the method ``run``, the check of this component.

    ``name`` has lower-case letters, digits and hyphens. ``description`` is the question this check answers; without it
    the docstring's first line. ``probes`` are those it is meant for (``live``, ``ready``, ``startup``): a hint to the
    operator. Intervals and timeouts are written ``"15s"``. ``example`` is a configuration that works.

    The type of the first parameter is the configuration: a dataclass, ``dict`` for any table, or no parameter at all.
    The JSON Schema is made of it.

    By default each run has a fresh instance of the component; the operator may let one serve several
    (``runs-per-instance``). Keep nothing in globals: what a later run needs goes through :mod:`probity_check.state`. Of a class
    each run makes a new object.

    Raises :class:`ValueError` and :class:`TypeError` for what the contract does not allow, when the module is imported:
    a component is then not built.
    """

    def register(target: F) -> F:
        judge, config = _judge(target)
        made = _schema.schema(config, name)
        if example is not None:
            _config.parse(json.dumps(_schema.plain(dict(example))), config)
        metadata = Metadata(
            _valid_name(name),
            version,
            description if description is not None else _first_line(target),
            _valid_probes(probes),
            _milliseconds(default_interval),
            _milliseconds(default_timeout),
            None if made is None else json.dumps(made, ensure_ascii=False),
            None if example is None else json.dumps(_schema.plain(dict(example)), ensure_ascii=False),
            tuple((labels or {}).items()),
        )
        made_check = Check(metadata, config, judge)
        _registered.append(made_check)
        setattr(target, _ATTRIBUTE, made_check)
        return target

    return register


def of(target: object) -> Check:
    """The check that a decorated function or class is.

    Raises :class:`TypeError` when it is none.
    """
    found = getattr(target, _ATTRIBUTE, None)
    if not isinstance(found, Check):
        raise TypeError(f"{target!r} is no check: decorate it with @probity_check.check(name=…, version=…)")
    return found


def only() -> Check:
    """The one check of this component.

    Raises :class:`RuntimeError` when there is none, or more than one.
    """
    if len(_registered) != 1:
        names = ", ".join(each.metadata.name for each in _registered)
        raise RuntimeError(
            f"a component holds one check, this one has {len(_registered)} ({names}): keep one @check in it"
            if _registered
            else "no check: decorate a function with @probity_check.check(name=…, version=…)"
        )
    return _registered[0]


def _judge(target: Any) -> tuple[Callable[..., Outcome], type | None]:
    if not inspect.isclass(target):
        return target, _config_type(target, inspect.signature(target).parameters.values())
    run = getattr(target, "run", None)
    if run is None:
        raise TypeError(f"the class {target.__name__} has no method `run(self, config)`")
    config = _config_type(run, list(inspect.signature(run).parameters.values())[1:])
    # A new object for each run: the component is a new instance for each by default only.
    made: Callable[[], Any] = target
    return lambda *arguments: made().run(*arguments), config


def _config_type(function: Any, parameters: Iterable[inspect.Parameter]) -> type | None:
    parameters = list(parameters)
    if not parameters:
        return None
    if len(parameters) > 1:
        raise TypeError(
            f"{function.__qualname__} has {len(parameters)} parameters: a check takes its configuration, or nothing"
        )
    hint = typing.get_type_hints(function).get(parameters[0].name, dict)
    hint = typing.get_origin(hint) or hint
    if hint is dict or (isinstance(hint, type) and dataclasses.is_dataclass(hint)):
        return typing.cast(type, hint)
    raise TypeError(f"the configuration of {function.__qualname__} is {hint!r}: make it a dataclass, or dict")


def _valid_name(name: str) -> str:
    if not _NAME.fullmatch(name) or len(name) > 128:
        raise ValueError(f"{name!r} is no name for a check: lower-case letters, digits and hyphens")
    return name


def _valid_probes(probes: Iterable[str]) -> tuple[str, ...]:
    named = tuple(probes)
    for probe in named:
        if probe not in PROBES:
            raise ValueError(f"{probe!r} is no probe: there are {', '.join(PROBES)}")
    return named


def _milliseconds(value: Span | str | int | None) -> int | None:
    return None if value is None else min(span(value).ms, _U32_MAX)


def _first_line(target: object) -> str:
    return (inspect.getdoc(target) or "").strip().split("\n")[0]
