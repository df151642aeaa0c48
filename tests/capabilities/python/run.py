"""`context`, `clock` and `state`."""

from __future__ import annotations

from probity_check import Outcome, clock, context, state
from show import detail, measure


def about(outcome: Outcome) -> None:
    detail(outcome, check_id=context.check_id(), run_id=context.run_id(), traceparent=context.traceparent())
    measure(outcome, remaining_ms=context.remaining_ms(), consecutive_failures=context.consecutive_failures())
    previous = context.previous()
    if previous is None:
        detail(outcome, previous=None)
        return
    detail(outcome, "previous-", status=previous.status, message=previous.message)
    measure(outcome, "previous-", at_unix_ms=previous.at_unix_ms, duration_ms=previous.duration_ms)


def time(outcome: Outcome) -> None:
    wall, monotonic = clock.now_unix_ms(), clock.monotonic_ns()
    clock.sleep_ms(250)
    measure(outcome, now_unix_ms=wall, wall_ms=clock.now_unix_ms() - wall)
    measure(outcome, monotonic_ms=(clock.monotonic_ns() - monotonic) // 1_000_000)


def kept(outcome: Outcome) -> None:
    state.set("text", "kept")
    state.set("brief", "x", ttl=1)
    measure(outcome, first=state.increment("count", 5), second=state.increment("count", -7))
    clock.sleep_ms(20)
    for key in ("text", "brief", "never"):
        value = state.get(key)
        outcome.detail(key, "none" if value is None else value.decode())
    state.set("gone", "x")
    state.delete("gone")
    detail(outcome, all=", ".join(state.keys()), some=", ".join(state.keys("te")))


def large(outcome: Outcome) -> None:
    state.set("large", "x" * 40_000)
    measure(outcome, bytes=sum(len(state.get("large") or b"") for _ in range(300)))


def key(_: Outcome) -> None:
    state.set("", "x")


ACTS = {"context": about, "clock": time, "state": kept, "state-large": large, "state-key": key}
