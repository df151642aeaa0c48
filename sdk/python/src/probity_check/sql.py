"""SQL through a connection that the operator declared: ``sql = ["NAME"]`` among the grants, ``"NAME:write"`` for
changes.

    db = sql.open("orders-db")
    pending = db.scalar("SELECT count(*) FROM orders WHERE state = $1", ["pending"], int)

Parameters are written as the engine does: ``$1`` for PostgreSQL, ``?`` for MySQL, MariaDB and SQLite. What has no type
of its own (numeric, dates, uuid, json) travels as text.
"""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any, Iterator, Sequence, TypeVar, Union

from . import _backend
from ._errors import CapabilityError, ErrorKind

Value = Union[None, bool, int, float, str, bytes]
"""A parameter or a field."""

T = TypeVar("T")

_WHAT: dict[Any, str] = {int: "an integer", float: "a number", bool: "a truth value", str: "text", bytes: "bytes"}


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a reply."""

    name: str
    """As the statement names it."""
    type_name: str = ""
    """As the engine calls it: ``int8``, ``varchar``."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of a :class:`RowSet`: ``row["name"]``, ``row[0]``."""

    columns: Sequence[Column]
    values: Sequence[Value]

    def __getitem__(self, key: str | int) -> Value:
        return self.values[self._place(key)]

    def get(self, key: str | int, kind: type[T]) -> T:
        """The field as an ``int``, ``float``, ``bool``, ``str`` or ``bytes``. Text that reads as a number counts as
        one, since exact numbers travel so.

        Raises :class:`probity_check.CapabilityError` (``invalid-argument``) when there is no such column, or its value is no
        ``kind``.
        """
        place = self._place(key)
        value = self.values[place]
        found: T | None = _as(value, kind)
        if found is None:
            name = json.dumps(self.columns[place].name)
            raise _invalid(f"column {name} is {value!r}, not {_WHAT.get(kind, kind.__name__)}")
        return found

    def _place(self, key: str | int) -> int:
        if isinstance(key, int) and 0 <= key < len(self.values):
            return key
        for place, column in enumerate(self.columns):
            if column.name == key:
                return place
        raise _invalid(f"the reply has no column {json.dumps(key)}")


@dataclasses.dataclass(frozen=True)
class RowSet:
    """What a query gave; iterate for its rows."""

    columns: list[Column]
    rows: list[list[Value]]
    truncated: bool = False
    """Whether there were more rows than the host returns (``rows-max`` of the connection, ``response-bytes``)."""

    def __iter__(self) -> Iterator[Row]:
        return (Row(self.columns, values) for values in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def first(self) -> Row | None:
        """The first row."""
        return next(iter(self), None)


class Connection:
    """A database, with a session that the host keeps for this run."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @property
    def engine(self) -> str:
        """``postgres``, ``mysql`` (MariaDB as well) or ``sqlite``."""
        return str(self._raw.engine())

    def ping(self) -> float:
        """One round trip; how long it took, in milliseconds."""
        return float(self._raw.ping())

    def query(self, statement: str, params: Sequence[Value] = ()) -> RowSet:
        """Runs one statement and reads its rows.

        Raises :class:`probity_check.CapabilityError`: ``remote`` with the SQLSTATE as code when the server refuses it,
        ``denied`` for a change without ``:write``, ``timeout``.
        """
        found: RowSet = self._raw.query(statement, list(params))
        return found

    def scalar(self, statement: str, params: Sequence[Value] = (), kind: type[T] = int) -> T:  # type: ignore[assignment]
        """The first field of the first row, as ``kind``.

        Raises as :meth:`query`; ``invalid-argument`` when there is no row, or the field is no ``kind``.
        """
        row = self.query(statement, params).first()
        if row is None:
            raise _invalid("the query gave no row")
        return row.get(0, kind)

    def execute(self, statement: str, params: Sequence[Value] = ()) -> int:
        """Runs one statement; the number of rows it changed. Needs ``"NAME:write"``. Raises as :meth:`query`."""
        return int(self._raw.execute(statement, list(params)))

    def begin(self) -> Transaction:
        """Starts a transaction. Needs ``"NAME:write"``. Raises as :meth:`query`."""
        return Transaction(self._raw.begin())


class Transaction:
    """A transaction, rolled back unless :meth:`commit` was called, in whatever way the run ends: the shape of a dummy
    payment. As a context manager it is rolled back at the end of the block."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._open = True

    def query(self, statement: str, params: Sequence[Value] = ()) -> RowSet:
        """As :meth:`Connection.query`."""
        found: RowSet = self._raw.query(statement, list(params))
        return found

    def execute(self, statement: str, params: Sequence[Value] = ()) -> int:
        """As :meth:`Connection.execute`."""
        return int(self._raw.execute(statement, list(params)))

    def commit(self) -> None:
        """Keeps what was done."""
        self._open = False
        self._raw.commit()

    def rollback(self) -> None:
        """Undoes what was done, and tells whether that worked."""
        self._open = False
        self._raw.rollback()

    def __enter__(self) -> Transaction:
        return self

    def __exit__(self, *_: object) -> None:
        if self._open:
            self.rollback()


_host = _backend.bind("sql")


def open(name: str) -> Connection:
    """Takes a session from the host's pool, or connects.

    Raises :class:`probity_check.CapabilityError`: ``denied``, ``not-found``, ``refused``, ``unreachable``, ``dns``, ``tls``,
    ``auth``, ``timeout``.
    """
    return Connection(_host.open(name))


def _as(value: Value, kind: Any) -> Any:
    """``value`` as ``kind``; None when it is none."""
    if kind is int:
        return int(value) if isinstance(value, (int, str)) and _reads(int, value) else None
    if kind is float:
        number = float(value) if isinstance(value, (int, float, str)) and _reads(float, value) else None
        return number if number is not None and not isinstance(value, bool) and math.isfinite(number) else None
    if kind is bool:
        return bool(value) if isinstance(value, int) and value in (0, 1) else None
    return value if isinstance(value, kind) else None


def _reads(kind: Any, value: Value) -> bool:
    try:
        kind(value)
    except (TypeError, ValueError):
        return False
    return True


def _invalid(message: str) -> CapabilityError:
    return CapabilityError(ErrorKind.INVALID_ARGUMENT, message)
