"""Do orders reach the warehouse? The database knows which are unpaid, Redis holds those that wait to be packed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from probity_check import AtMost, CapabilityError, Outcome, Span, Status, check, redis, setting, sql


@dataclass
class Config:
    database: str = setting("shop", doc="The connection to the shop's database.")
    cache: str = setting("cache", doc="The connection to the shop's Redis.")
    queue: str = setting("orders", doc="The list of orders that wait to be packed.", min_length=1)
    waiting: AtMost = setting(AtMost(100, 1000), doc="How many orders may wait to be packed.")
    unpaid: AtMost[Span] = setting(AtMost(Span("15m"), Span("1h")), doc="How long an order may stay unpaid.")


@check(
    name="orders",
    version="0.1.0",
    probes=["ready"],
    default_interval="15s",
    example={"waiting": {"warn": 50, "crit": 500}, "unpaid": {"warn": "10m"}},
)
def orders(config: Config) -> Outcome:
    """Do orders reach the warehouse, and do customers pay them?"""
    outcome = Outcome.healthy("orders are paid and packed")
    with about(outcome, Status.UNHEALTHY):
        oldest = oldest_unpaid_ms(sql.open(config.database))
        if oldest is None:
            outcome.detail("unpaid", "none")
        else:
            outcome.judge("oldest-unpaid", oldest, "ms", config.unpaid)
    # An order is one without Redis, too.
    with about(outcome, Status.DEGRADED):
        waiting = redis.integer(redis.open(config.cache).command("LLEN", config.queue)) or 0
        outcome.judge("waiting", waiting, "{orders}", config.waiting)
    return outcome


@contextmanager
def about(outcome: Outcome, status: Status) -> Iterator[None]:
    """What does not answer is a finding about the shop. No grant, no time left: that is no judgement."""
    try:
        yield
    except CapabilityError as error:
        if not error.is_about_the_target:
            raise
        outcome.finding(status, str(error))


def oldest_unpaid_ms(database: sql.Connection) -> float | None:
    """How long the oldest unpaid order has waited; None when all are paid."""
    statement = "SELECT extract(epoch FROM now() - min(created)) * 1000 FROM orders WHERE NOT paid"
    row = database.query(statement).first()
    return None if row is None or row[0] is None else row.get(0, float)
