"""The component's exports: what the host calls, and what becomes of an exception. In a component only."""

from __future__ import annotations

import sys
import traceback
from typing import Any

from componentize_py_types import Err  # type: ignore[import-not-found]
from wit_world import exports  # type: ignore[import-not-found]
from wit_world.imports import types as raw  # type: ignore[import-not-found]

from . import _check, _sandbox, log
from ._errors import CapabilityError, ConfigError, ErrorKind, Failure
from ._outcome import Measurement, Observed, Outcome, Status

#: The check's own folder, as a component sees it: the build gives it second.
_AUTHOR = "/1/"

#: Frames of the author that a log line shows, the innermost first.
_FRAMES_MAX = 16

_KINDS = {kind: raw.ErrorKind(place) for place, kind in enumerate(ErrorKind)}


class Checker(exports.Checker):  # type: ignore[misc]
    """What the host calls."""

    def describe(self) -> Any:
        facts = _check.only().metadata
        probes = raw.Probes(0)
        for probe in facts.probes:
            probes |= raw.Probes[probe.upper()]
        return raw.Metadata(
            facts.name,
            facts.version,
            facts.description,
            probes,
            facts.default_interval_ms,
            facts.default_timeout_ms,
            facts.config_schema,
            facts.config_example,
            list(facts.labels),
        )

    def run(self, config: str) -> Any:
        _reseed()
        try:
            return _lower(_check.only().run(config))
        except Failure as failure:
            failed = _failure(failure)
        except BaseException as error:
            _log(error)
            raise
        raise Err(failed)


def _reseed() -> None:
    """The component is a snapshot: without this `random` would repeat itself in every run."""
    random = sys.modules.get("random")
    if random is not None:
        random.seed()


def _failure(failure: Failure) -> Any:
    if isinstance(failure, CapabilityError):
        return raw.Failure_Capability(raw.Error(_KINDS[failure.kind], failure.message, failure.code))
    if isinstance(failure, ConfigError):
        return raw.Failure_InvalidConfig(failure.reason)
    return raw.Failure_Other(str(failure))


def _log(error: BaseException) -> None:
    """The exception and the author's line: the host shows this line for the trap. The whole traceback follows on
    standard error, which the host keeps as the trace."""
    frames = traceback.extract_tb(error.__traceback__)
    # Of libraries and of the kit the whole traceback tells.
    frames = [frame for frame in frames if frame.filename.startswith(_AUTHOR)] or frames[-1:]
    said = "".join(traceback.format_exception_only(type(error), error)).strip()
    said = said.removeprefix(f"{_sandbox.__name__}.NotInAComponent: ")
    if hint := _sandbox.hint(error):
        said += f" ({hint})"
    places = [
        f"\n    at {frame.name} ({frame.filename.removeprefix(_AUTHOR)}:{frame.lineno})" for frame in reversed(frames)
    ]
    log.error(f"uncaught {said}{''.join(places[:_FRAMES_MAX])}")


def _lower(outcome: Outcome) -> Any:
    measurements = [_measurement(each) for each in outcome.measurements]
    return raw.Outcome(raw.Status(int(Status.of(outcome.status))), outcome.message, measurements, outcome.details)


def _measurement(each: Measurement) -> Any:
    status = None if each.status is None else raw.Status(int(each.status))
    return raw.Measurement(each.name, _observed(each.value), each.unit, status)


def _observed(value: Observed) -> Any:
    if isinstance(value, bool):
        return raw.Observed_Boolean(value)
    if isinstance(value, int):
        return raw.Observed_Integer(value)
    return raw.Observed_Number(value) if isinstance(value, float) else raw.Observed_Text(str(value))
