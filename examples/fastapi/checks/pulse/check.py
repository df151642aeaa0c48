"""How a service does, by what its processes say: event loop, workers, memory, connection pool.

`probity_check.pulse.Pulse` in the service sends a beat of each process every few seconds; this check judges the latest beat
of each. It sees what a probe over HTTP cannot: a probe that waits for a worker only knows that it waits.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from probity_check import AtMost, Failure, Outcome, Size, Span, Status, check, heartbeats, setting

#: Beats that are looked at: enough for a few of each process.
BEATS_MAX = 64


@dataclass
class Config:
    heartbeat: str = setting(doc="The heartbeat that the service sends.", min_length=1)
    silence: Span = setting(Span("10s"), doc="A process that said nothing for so long has ended.")
    lag: AtMost[Span] = setting(AtMost(Span("250ms"), Span("2s")), doc="How late the event loop may be.")
    busy: AtMost[Span] = setting(
        AtMost(Span("2s"), Span("10s")), doc="How long all workers may be busy with requests that they have."
    )
    memory: AtMost[Size] = setting(AtMost(), doc="Resident memory of a process.")
    pool: AtMost = setting(AtMost(90), doc="Share of its connections that a process may use, in percent.")


@check(
    name="pulse",
    version="0.1.0",
    probes=["ready"],
    default_interval="5s",
    example={"heartbeat": "shop", "memory": {"warn": "512MiB", "crit": "1GiB"}},
)
def pulse(config: Config) -> Outcome:
    """Do the service's processes have time, memory and connections left?"""
    processes = latest(config)
    if not processes:
        return Outcome.unhealthy(f"no process has said anything for {config.silence}")
    outcome = Outcome.healthy(f"{len(processes)} processes are well").measure(
        "processes", len(processes), "{processes}"
    )
    leaving = [each for each in processes if not each.get("ready", True)]
    if len(leaving) == len(processes):
        outcome.finding(Status.UNHEALTHY, "all processes are ending")
    lags = [each["lag_ms"] for each in processes if "lag_ms" in each]
    if lags:
        outcome.judge("lag", max(lags), "ms", config.lag)
    judge_busy(outcome, processes, config)
    sizes = [each["rss"] for each in processes if "rss" in each]
    if sizes:
        outcome.judge("memory", max(sizes), "By", config.memory)
    pools = [each["pool"] for each in processes if each.get("pool", {}).get("size")]
    if pools:
        outcome.judge("pool", max(100 * each["used"] / each["size"] for each in pools), "%", config.pool)
    return outcome


def judge_busy(outcome: Outcome, processes: list[dict[str, Any]], config: Config) -> None:
    """Workers without a free place; how long that lasts is known once the last one has none."""
    full = [each for each in processes if each["busy"] >= each["capacity"]]
    outcome.measure("busy", 100 * len(full) / len(processes), "%")
    shortest = min(each["busy_ms"] for each in full) if len(full) == len(processes) else 0
    outcome.judge("all-busy", shortest, "ms", config.busy)


def latest(config: Config) -> list[dict[str, Any]]:
    """What each process said last, unless it is silent by now."""
    found: dict[int, dict[str, Any]] = {}
    for beat in heartbeats.recent(config.heartbeat, BEATS_MAX):
        if beat.age_ms > config.silence.ms:
            break
        try:
            said = json.loads(beat.message)
            found.setdefault(said["pid"], said)
        except (ValueError, KeyError, TypeError):
            raise Failure(f"the heartbeat {config.heartbeat} is no pulse: {beat.message[:80]}") from None
    return list(found.values())
