"""The check against a fake host: `python -m pytest`."""

import json

import pytest
from check import pulse

from probity_check import Failure, Outcome, Status
from probity_check.heartbeats import Beat
from probity_check.testing import Host

NOW = 1_735_689_600_000


def said(pid: int = 1, age_ms: int = 100, **facts: object) -> Beat:
    line = {"pid": pid, "busy": 0, "capacity": 1, "busy_ms": 0, "ready": True, **facts}
    return Beat(at_unix_ms=NOW - age_ms, message=json.dumps(line))


def run(*beats: Beat, **config: object) -> Outcome:
    return Host().now_unix_ms(NOW).heartbeat("shop", list(beats)).run(pulse, {"heartbeat": "shop", **config})


def test_processes_with_nothing_to_say_are_well() -> None:
    assert run(said(1), said(2)).message == "2 processes are well"


def test_the_latest_beat_of_a_process_counts() -> None:
    assert run(said(lag_ms=10), said(age_ms=900, lag_ms=5000)).status == Status.HEALTHY


def test_a_blocked_event_loop_is_seen() -> None:
    outcome = run(said(lag_ms=3100))
    assert (outcome.status, outcome.message) == (Status.UNHEALTHY, "lag 3.1 s, more than 2 s")


def test_only_all_workers_together_are_too_busy() -> None:
    assert run(said(1, busy=1, busy_ms=60_000), said(2)).status == Status.HEALTHY
    outcome = run(said(1, busy=1, busy_ms=60_000), said(2, busy=1, busy_ms=3000))
    assert (outcome.status, outcome.message) == (Status.DEGRADED, "all-busy 3 s, more than 2 s")


def test_memory_and_pool_have_bounds() -> None:
    outcome = run(said(rss=600 << 20, pool={"used": 5, "size": 5}), memory={"warn": "512MiB"})
    assert outcome.message == "memory 600 MiB, more than 512 MiB; pool 100 %, more than 90 %"


def test_silence_is_an_end() -> None:
    assert run(said(age_ms=11_000)).message == "no process has said anything for 10 s"


def test_processes_that_end_take_no_work() -> None:
    assert run(said(ready=False)).status == Status.UNHEALTHY


def test_what_is_no_pulse_is_no_judgement() -> None:
    with pytest.raises(Failure, match="is no pulse: backup done"):
        run(Beat(at_unix_ms=NOW, message="backup done"))
