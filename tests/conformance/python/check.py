"""The reference check of the conformance suite in Python: what it does is what `act` says."""

from __future__ import annotations

import math
from dataclasses import dataclass

from probity_check import AtMost, CapabilityError, Failure, Outcome, check, http, log, setting, state


@dataclass
class Config:
    act: str = setting(doc="What to do.")
    value: float = setting(0.0, doc="What to judge.")
    warn: float | None = setting(None, doc="The most that is healthy.")
    crit: float | None = setting(None, doc="The most that is not unhealthy.")
    integer: int = setting(0, doc="An integer to judge.")
    most: AtMost[float] = setting(AtMost(), doc="The most that it may be.")
    url: str = setting("", doc="What to get.")
    word: str = setting("", doc="A status, or none.")


@check(
    name="reference",
    version="0.1.0",
    description="Does every language say the same?",
    example={"act": "judge", "value": 1, "warn": 2, "crit": 3},
)
def reference(config: Config) -> Outcome:
    act = ACTS.get(config.act)
    if act is None:
        raise Failure(f"unknown act `{config.act}`")
    return act(config)


def judge(config: Config) -> Outcome:
    return Outcome.healthy("judged").judge("value", config.value, "", AtMost(config.warn, config.crit))


def judge_integer(config: Config) -> Outcome:
    return Outcome.healthy("judged").judge("integer", config.integer, "", config.most)


def write_lines(_: Config) -> Outcome:
    for level in log.Level:
        log.write(level, f"line at {level.name.lower()}", n="1")
    return Outcome.healthy("logged")


def fetch(config: Config) -> Outcome:
    try:
        status = http.get(config.url).status
    except CapabilityError as error:
        if error.is_about_the_target:
            return Outcome.unhealthy(f"no answer: {error.kind}")
        raise
    return Outcome.healthy("answered").measure("status", status)


def look_up(config: Config) -> Outcome:
    return Outcome.healthy("found").measure("value", http.get(config.url).json()["value"])


def count(_: Config) -> Outcome:
    return Outcome.healthy("counted").measure("runs", state.increment("runs"))


def loop(_: Config) -> Outcome:
    while True:
        pass


def allocate(_: Config) -> Outcome:
    held = []
    while True:
        held.append(bytearray(1 << 20))


def word(config: Config) -> Outcome:
    return Outcome.healthy("fine").finding(config.word, "said")  # type: ignore[arg-type]


def nothing(_: Config) -> Outcome:
    return Outcome.healthy("fine").judge("lag", math.nan, "ms", AtMost())


def throw(_: Config) -> Outcome:
    raise RuntimeError("boom")


def told(_: Config) -> Outcome:
    return Outcome.healthy("configured")


ACTS = {
    "judge": judge,
    "integer": judge_integer,
    "log": write_lines,
    "http": fetch,
    "json": look_up,
    "state": count,
    "loop": loop,
    "allocate": allocate,
    "word": word,
    "nothing": nothing,
    "throw": throw,
    "config": told,
}
