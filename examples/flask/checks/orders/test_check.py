"""The check against a fake host: `python -m pytest`."""

from check import orders

from probity_check import CapabilityError, ErrorKind, Status
from probity_check.testing import Database, Host

MINUTE_MS = 60_000


def host(oldest_ms: float | None, waiting: int) -> Host:
    database = Database.postgres().answers("FROM orders", ["oldest"], [[oldest_ms]])
    return Host().sql("shop", database).redis("cache").redis_reply("cache", "LLEN orders", waiting)


def test_paid_and_packed_orders_are_healthy() -> None:
    outcome = host(None, 3).run(orders)
    assert (outcome.status, outcome.message) == (Status.HEALTHY, "orders are paid and packed")


def test_an_order_that_nobody_pays_is_seen() -> None:
    outcome = host(20 * MINUTE_MS, 3).run(orders)
    assert (outcome.status, outcome.message) == (Status.DEGRADED, "oldest-unpaid 20 m, more than 15 m")


def test_a_queue_that_nobody_packs_is_seen() -> None:
    outcome = host(None, 1001).run(orders)
    assert (outcome.status, outcome.message) == (Status.UNHEALTHY, "waiting 1001 orders, more than 1000 orders")


def test_a_database_that_is_gone_is_unhealthy() -> None:
    gone = Database.postgres().fails_to_open(CapabilityError(ErrorKind.REFUSED, "connection refused", "ECONNREFUSED"))
    outcome = Host().sql("shop", gone).redis("cache").redis_reply("cache", "LLEN orders", 3).run(orders)
    assert outcome.status == Status.UNHEALTHY
    assert outcome.message == "refused: connection refused (ECONNREFUSED)"
