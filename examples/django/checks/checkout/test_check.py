"""The check against a fake host: `python -m pytest`."""

from check import Checkout

from probity_check import CapabilityError, ErrorKind, Status
from probity_check.testing import Database, Host


def test_an_order_is_placed_and_rolled_back() -> None:
    host = Host().sql(
        "shop", Database.postgres().affects("INSERT INTO shop_order", 1).answers("SELECT id", ["id"], [[7]])
    )
    assert host.run(Checkout).message == "ordering works"
    statements = [statement.split()[0] for statement, _ in host.sql_statements("shop")]
    assert statements == ["BEGIN", "INSERT", "SELECT", "ROLLBACK"]


def test_a_table_that_takes_no_orders_is_unhealthy() -> None:
    locked = CapabilityError(ErrorKind.TIMEOUT, "the statement took too long", "57014")
    outcome = Host().sql("shop", Database.postgres().fails("INSERT INTO shop_order", locked)).run(Checkout)
    assert outcome.status == Status.UNHEALTHY
    assert outcome.message == "ordering fails: timeout: the statement took too long (57014)"


def test_a_missing_grant_is_no_judgement() -> None:
    denied = CapabilityError(ErrorKind.DENIED, 'add sql = ["shop:write"]')
    host = Host().sql("shop", Database.postgres().fails("BEGIN", denied))
    try:
        host.run(Checkout)
    except CapabilityError as error:
        assert error.kind == ErrorKind.DENIED
    else:
        raise AssertionError("no failure")
