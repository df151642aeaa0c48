"""Do orders reach the warehouse? The database knows which are unpaid, Redis holds those that wait to be packed."""

from __future__ import annotations

from dataclasses import dataclass

from probity import AtMost, CapabilityError, Outcome, Span, check, redis, setting, sql


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
    try:
        oldest = oldest_unpaid_ms(sql.open(config.database))
        waiting = redis.integer(redis.open(config.cache).command("LLEN", config.queue)) or 0
    except CapabilityError as error:
        # The database or Redis does not answer: that is a judgement about the shop. No grant, no time left: it is not.
        if error.is_about_the_target:
            return Outcome.unhealthy(str(error))
        raise
    outcome = Outcome.healthy("orders are paid and packed").judge("waiting", waiting, "{orders}", config.waiting)
    if oldest is None:
        return outcome.detail("unpaid", "none")
    return outcome.judge("oldest-unpaid", oldest, "ms", config.unpaid)


def oldest_unpaid_ms(database: sql.Connection) -> float | None:
    """How long the oldest unpaid order has waited; None when all are paid."""
    statement = "SELECT extract(epoch FROM now() - min(created)) * 1000 FROM orders WHERE NOT paid"
    row = database.query(statement).first()
    return None if row is None or row[0] is None else row.get(0, float)
