"""The check of the capability suite in Python: what it calls is what `act` says, see `tests/capabilities/README.md`."""

from __future__ import annotations

from dataclasses import dataclass

import backends
import machine
import net
import run
from probity_check import CapabilityError, Failure, Outcome, check, setting

ACTS = {**backends.ACTS, **machine.ACTS, **net.ACTS, **run.ACTS}


@dataclass
class Config:
    act: str = setting(doc="What to call.")
    catch: bool = setting(False, doc="Whether errors become outcomes.")


@check(
    name="capabilities",
    version="0.1.0",
    description="Does every capability arrive in every language?",
    example={"act": "context"},
)
def capabilities(config: Config) -> Outcome:
    act = ACTS.get(config.act)
    if act is None:
        raise Failure(f"unknown act `{config.act}`")
    outcome = Outcome.healthy(config.act)
    try:
        act(outcome)
    except CapabilityError as error:
        if not config.catch:
            raise
        return Outcome.unhealthy(f"{error.kind}: {error.message}").detail("code", error.code or "none")
    return outcome
