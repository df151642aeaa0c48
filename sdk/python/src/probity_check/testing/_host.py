"""The fake host that tests set up."""

from __future__ import annotations

import json
from typing import Any, Mapping, Sequence

from .. import _backend, _check, _schema
from .._errors import CapabilityError
from .._outcome import Outcome, Status
from .._tls import Certificate, TlsInfo
from ..context import PreviousRun
from ..dns import Answer
from ..heartbeats import Beat, OpenRun
from ..http import Request
from ..peers import Snapshot
from ..queue import Stats
from ..system import CpuInfo, DiskInfo, FileInfo, LoadAverage, MemoryInfo, PressureInfo, ProcessInfo
from ..udp import Reply as DatagramReply
from ._fake import Fake, LogRecord
from ._http import Reply
from ._sql import Database
from ._tcp import Script


class Host:
    """A fake host for one check: it grants everything and has nothing. State, clock and logs live as long as it does,
    so several runs on one host are several runs of one check.

    The clock stands at 2025-01-01T00:00:00Z. Every method that sets something returns the host.
    """

    def __init__(self) -> None:
        self._fake = Fake()

    def run(self, check: object, config: Mapping[str, Any] | None = None) -> Outcome:
        """Runs a decorated check with this configuration, through the same parsing as in a component.

        Raises :class:`probity_check.Failure` when the check reaches no judgement, and whatever else it raises.
        """
        document = json.dumps(_schema.plain(dict(config or {})))
        self._fake.context.begin()
        before, _backend.installed = _backend.installed, self._fake
        try:
            return _check.of(check).run(document)
        finally:
            _backend.installed = before

    def http(self, method: str, url: str, reply: Reply | CapabilityError) -> Host:
        """Answers ``method url`` with ``reply``, or fails it. Several for one target are given in turn, the last one for
        good. ``url`` is what the check wrote; for an endpoint it is ``name:/path``."""
        self._fake.http.replies.setdefault(f"{method} {url}", []).append(reply)
        return self

    def tcp(self, target: str, script: Script | CapabilityError) -> Host:
        """Accepts connections to ``host:port``, which then follow ``script``, or fails them."""
        self._fake.tcp.targets[target] = script
        return self

    def udp(self, target: str, reply: DatagramReply | CapabilityError) -> Host:
        """Answers datagrams to ``host:port``; others are a ``timeout``."""
        self._fake.udp.replies[target] = reply
        return self

    def tls(self, target: str, answer: TlsInfo | CapabilityError) -> Host:
        """Shakes hands at ``host:port``, or at ``host:port/server-name`` when the check asks for another name."""
        self._fake.tls.sessions[target] = answer
        return self

    def certificates(self, name: str, answer: list[Certificate] | CapabilityError) -> Host:
        """Declares the certificates ``name``; others are ``not-found``."""
        self._fake.tls.named[name] = answer
        return self

    def dns(self, question: str, answer: Sequence[str] | CapabilityError) -> Host:
        """Answers a question, written ``MX example.org``, or ``MX example.org @resolver``; others are ``dns`` with the
        code ``NXDOMAIN``."""
        found = answer if isinstance(answer, CapabilityError) else [Answer(data) for data in answer]
        self._fake.dns.answers[question] = found
        return self

    def heartbeat(self, name: str, answer: Sequence[Beat] | CapabilityError) -> Host:
        """Declares the heartbeat ``name`` with these beats, the newest first; others are ``not-found``. Ages are counted
        from their ``at_unix_ms``."""
        self._fake.heartbeats.beats[name] = answer if isinstance(answer, CapabilityError) else list(answer)
        return self

    def open_runs(self, name: str, runs: Sequence[OpenRun]) -> Host:
        """Runs of the heartbeat ``name`` that have not ended, the oldest first; ages are counted from their
        ``started_unix_ms``."""
        self._fake.heartbeats.runs[name] = list(runs)
        return self

    def peer(self, name: str, groups: Sequence[str] = (), status: Status | None = Status.HEALTHY) -> Host:
        """Adds another check, in ``groups``, with its latest status (None is ``unknown``); others are ``not-found``."""
        message = "unknown" if status is None else str(status)
        self._fake.peers.found[name] = Snapshot(status, message, self._fake.clock.unix_ms, False)
        for group in groups:
            self._fake.peers.groups.setdefault(group, []).append(name)
        return self

    def sql(self, name: str, database: Database) -> Host:
        """Declares the database ``name``; others are ``not-found``."""
        self._fake.sql.databases[name] = database
        return self

    def redis(self, connection: str, ping_ms: float = 1.0) -> Host:
        """Declares a connection whose round trips take ``ping_ms``; others are ``not-found``."""
        self._fake.redis.pings[connection] = ping_ms
        return self

    def redis_reply(self, connection: str, command: str, reply: Any) -> Host:
        """Answers a command, written with its arguments as in ``"GET jobs:last"``, with ``reply``, or fails it with a
        :class:`probity_check.CapabilityError`; others are ``remote`` errors."""
        self._fake.redis.replies[connection, command] = reply
        return self

    def redis_error(self, connection: str, error: CapabilityError) -> Host:
        """Fails opening the connection."""
        self._fake.redis.pings[connection] = error
        return self

    def queue(self, name: str, answer: Stats | CapabilityError) -> Host:
        """Declares a queue with what its broker says; others are ``not-found``."""
        self._fake.queue.stats[name] = answer
        return self

    def secret(self, name: str, value: str | CapabilityError) -> Host:
        """Declares a secret, which the check may use and reveal; others are ``not-found``."""
        self._fake.secrets.values[name] = value
        return self

    def memory(self, info: MemoryInfo) -> Host:
        """Sets memory; see also :meth:`system_error`."""
        self._fake.system.memory_info = info
        return self

    def load(self, one: float, five: float, fifteen: float) -> Host:
        """Sets the load averages."""
        self._fake.system.load_average = LoadAverage(one, five, fifteen)
        return self

    def cpus(self, logical: int) -> Host:
        """Sets the number of logical processors."""
        return self.cpu(CpuInfo(logical=logical))

    def cpu(self, info: CpuInfo) -> Host:
        """Sets everything about processors."""
        self._fake.system.cpu_info = info
        return self

    def pressure(self, info: PressureInfo) -> Host:
        """Sets pressure, the same for all kinds."""
        self._fake.system.pressure_info = info
        return self

    def uptime_ms(self, ms: int) -> Host:
        """Sets the time since the machine started."""
        self._fake.system.uptime = ms
        return self

    def disk(self, path: str, info: DiskInfo) -> Host:
        """Sets the file system of ``path``; others are ``not-found``."""
        self._fake.system.file_systems[path] = info
        return self

    def file(self, path: str, info: FileInfo) -> Host:
        """Sets the file at ``path``; others are ``not-found``."""
        self._fake.system.files[path] = info
        return self

    def process(self, info: ProcessInfo) -> Host:
        """Adds a process."""
        self._fake.system.running.append(info)
        return self

    def system_error(self, error: CapabilityError) -> Host:
        """Fails every call of ``system``."""
        self._fake.system.error = error
        return self

    def now_unix_ms(self, ms: int) -> Host:
        """Sets the wall clock, in milliseconds since 1970."""
        self._fake.clock.unix_ms = ms
        return self

    def check_id(self, id: str) -> Host:
        """Sets the check's name."""
        self._fake.context.id = id
        return self

    def previous(self, run: PreviousRun) -> Host:
        """Sets what the previous run concluded."""
        self._fake.context.previous_run = run
        return self

    def consecutive_failures(self, runs: int) -> Host:
        """Sets how many runs failed in a row."""
        self._fake.context.failures = runs
        return self

    def state(self, key: str, value: bytes | str) -> Host:
        """Sets a key of the check's state."""
        self._fake.state.set(key, value.encode() if isinstance(value, str) else value, None)
        return self

    def advance_ms(self, ms: int) -> Host:
        """Lets time pass between runs."""
        self._fake.clock.sleep_ms(ms)
        return self

    def state_value(self, key: str) -> bytes | None:
        """The value of a key of the check's state."""
        return self._fake.state.get(key)

    @property
    def requests(self) -> list[Request]:
        """The requests sent so far."""
        return list(self._fake.http.sent)

    def tcp_written(self, target: str) -> bytes:
        """The bytes written to ``host:port`` so far, over all connections."""
        return bytes(self._fake.tcp.written.get(target, b""))

    def sql_statements(self, name: str) -> list[tuple[str, list[Any]]]:
        """The statements that ``name`` got so far with their parameters; ``BEGIN``, ``COMMIT`` and ``ROLLBACK`` are among
        them."""
        return [(text, params) for database, text, params in self._fake.sql.statements if database == name]

    @property
    def published(self) -> list[tuple[str, bytes]]:
        """The messages published so far, with their queues."""
        return list(self._fake.queue.published)

    @property
    def logs(self) -> list[LogRecord]:
        """The records logged so far."""
        return list(self._fake.log.records)
