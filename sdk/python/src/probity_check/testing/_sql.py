"""Fake databases."""

from __future__ import annotations

from typing import Any, Sequence

from .._errors import CapabilityError, ErrorKind
from ..sql import Column, RowSet, Value


class Database:
    """A database that a test declares.

        Database.postgres().answers("count(*)", ["count"], [[412]]).affects("INSERT INTO payments", 1)

    Each method adds an answer to statements that contain a text; the first that fits counts. ``BEGIN``, ``COMMIT`` and
    ``ROLLBACK`` can fail as well.
    """

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.ping_ms = 1.0
        self.error: CapabilityError | None = None
        self.writable = True
        self.replies: list[tuple[str, Any]] = []

    @classmethod
    def postgres(cls) -> Database:
        """One of PostgreSQL."""
        return cls("postgres")

    @classmethod
    def mysql(cls) -> Database:
        """One of MySQL or MariaDB."""
        return cls("mysql")

    @classmethod
    def sqlite(cls) -> Database:
        """One of SQLite."""
        return cls("sqlite")

    def fails_to_open(self, error: CapabilityError) -> Database:
        """Cannot be opened."""
        self.error = error
        return self

    def read_only(self) -> Database:
        """Is granted without ``:write``."""
        self.writable = False
        return self

    def answers(self, part: str, columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> Database:
        """Answers statements that contain ``part`` with these columns and rows."""
        self.replies.append((part, RowSet([Column(name) for name in columns], [list(row) for row in rows])))
        return self

    def affects(self, part: str, rows: int) -> Database:
        """Statements that contain ``part`` change this many rows."""
        self.replies.append((part, rows))
        return self

    def fails(self, part: str, error: CapabilityError) -> Database:
        """Statements that contain ``part`` fail."""
        self.replies.append((part, error))
        return self


class FakeSql:
    """The capability `sql`."""

    def __init__(self) -> None:
        self.databases: dict[str, Database] = {}
        self.statements: list[tuple[str, str, list[Value]]] = []

    def open(self, name: str) -> FakeSession:
        database = self.databases.get(name)
        if database is None:
            raise CapabilityError(ErrorKind.NOT_FOUND, f"no connection {name} is declared")
        if database.error is not None:
            raise database.error
        return FakeSession(self, name, database)


class FakeSession:
    """A session, or a transaction, of a :class:`Database`."""

    def __init__(self, fake: FakeSql, name: str, database: Database) -> None:
        self._fake, self._name, self._database = fake, name, database

    def engine(self) -> str:
        return self._database.engine

    def ping(self) -> float:
        return self._database.ping_ms

    def query(self, statement: str, params: list[Value]) -> RowSet:
        reply = self._reply(statement, params)
        return reply if isinstance(reply, RowSet) else RowSet([], [])

    def execute(self, statement: str, params: list[Value]) -> int:
        self._need_write()
        reply = self._reply(statement, params)
        return reply if isinstance(reply, int) else 0

    def begin(self) -> FakeSession:
        self._need_write()
        self._reply("BEGIN", [])
        return FakeSession(self._fake, self._name, self._database)

    def commit(self) -> None:
        self._reply("COMMIT", [])

    def rollback(self) -> None:
        self._reply("ROLLBACK", [])

    def _reply(self, statement: str, params: list[Value]) -> Any:
        self._fake.statements.append((self._name, statement, params))
        for part, reply in self._database.replies:
            if part in statement:
                if isinstance(reply, CapabilityError):
                    raise reply
                return reply
        if statement in ("BEGIN", "COMMIT", "ROLLBACK"):
            return 0
        raise CapabilityError(ErrorKind.REMOTE, f"no answer to `{statement}` was set up", "42601")

    def _need_write(self) -> None:
        if not self._database.writable:
            raise CapabilityError(
                ErrorKind.DENIED, f'{self._name} may only be read: grant sql = ["{self._name}:write"]'
            )
