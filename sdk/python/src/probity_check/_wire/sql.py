"""The capability `sql`."""

from typing import Any

from wit_world.imports import sql as raw  # type: ignore[import-not-found]

from ..sql import Column, RowSet, Value
from . import call


class Session:
    """A session or a transaction that the host keeps."""

    def __init__(self, held: Any) -> None:
        self._held = held

    def query(self, statement: str, params: list[Value]) -> RowSet:
        reply = call(self._held.query, statement, [_lower(each) for each in params])
        columns = [Column(column.name, column.type_name) for column in reply.columns]
        return RowSet(columns, [[_lift(value) for value in row] for row in reply.rows], reply.truncated)

    def execute(self, statement: str, params: list[Value]) -> int:
        return call(self._held.execute, statement, [_lower(each) for each in params])


class Connection(Session):
    """A session."""

    def engine(self) -> str:
        return str(self._held.engine())

    def ping(self) -> float:
        return call(self._held.ping)

    def begin(self) -> "Transaction":
        return Transaction(call(self._held.begin))


class Transaction(Session):
    """A transaction; the host rolls it back when it is dropped."""

    def commit(self) -> None:
        call(self._held.commit)

    def rollback(self) -> None:
        call(self._held.rollback)


def open(name: str) -> Connection:
    return Connection(call(raw.Connection.open, name))


def _lift(value: Any) -> Value:
    return getattr(value, "value", None)


def _lower(value: Value) -> Any:
    if value is None:
        return raw.Value_Null()
    if isinstance(value, bool):
        return raw.Value_Boolean(value)
    if isinstance(value, int):
        return raw.Value_Integer(value)
    if isinstance(value, float):
        return raw.Value_Float(value)
    return raw.Value_Text(value) if isinstance(value, str) else raw.Value_Bytes(bytes(value))
