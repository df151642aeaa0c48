"""Everything a fake host knows, an object for each capability with the functions of its bindings."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import re
from typing import Any, TypeVar

from .._errors import CapabilityError, ErrorKind
from .._tls import Certificate, TlsInfo
from ..context import PreviousRun
from ..dns import Answer
from ..heartbeats import Beat, OpenRun
from ..log import Level
from ..peers import Snapshot
from ..queue import Stats
from ..system import CpuInfo, DiskInfo, FileInfo, LoadAverage, MemoryInfo, PressureInfo, PressureKind, ProcessInfo
from ..udp import Reply
from ._http import FakeHttp
from ._sql import FakeSql
from ._tcp import FakeTcp

T = TypeVar("T")

#: 2025-01-01T00:00:00Z.
START_UNIX_MS = 1_735_689_600_000

#: The time a run has: the host's default.
_TIMEOUT_MS = 2_000

_I64_MAX = (1 << 63) - 1
_KEY_BYTES_MAX = 256


@dataclasses.dataclass(frozen=True)
class LogRecord:
    """A record that a check logged."""

    level: Level
    message: str
    fields: dict[str, str]


def found(answers: dict[str, Any], name: str, what: str) -> Any:
    """What was declared under ``name``: given, or raised when it is an error."""
    if name not in answers:
        raise CapabilityError(ErrorKind.NOT_FOUND, f"no {what} {name} is declared")
    if isinstance(answers[name], CapabilityError):
        raise answers[name]
    return answers[name]


class FakeClock:
    """The capability `clock`; it moves only when told to."""

    def __init__(self) -> None:
        self.unix_ms = START_UNIX_MS
        self.passed_ns = 0

    def now_unix_ms(self) -> int:
        return self.unix_ms

    def monotonic_ns(self) -> int:
        return self.passed_ns

    def sleep_ms(self, ms: int) -> None:
        self.unix_ms += ms
        self.passed_ns += ms * 1_000_000


class FakeContext:
    """The capability `context`."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._began_ns = 0
        self.id = "test"
        self.previous_run: PreviousRun | None = None
        self.failures = 0

    def begin(self) -> None:
        """A run begins, with all of its time."""
        self._began_ns = self._clock.passed_ns

    def check_id(self) -> str:
        return self.id

    def run_id(self) -> str:
        return "0193e3a0-0000-7000-8000-000000000000"

    def traceparent(self) -> str | None:
        return None

    def remaining_ms(self) -> int:
        return max(0, _TIMEOUT_MS - (self._clock.passed_ns - self._began_ns) // 1_000_000)

    def consecutive_failures(self) -> int:
        return self.failures

    def previous(self) -> PreviousRun | None:
        return self.previous_run


class FakeLog:
    """The capability `log`."""

    def __init__(self) -> None:
        self.records: list[LogRecord] = []

    def write(self, level: Level, message: str, fields: list[tuple[str, str]]) -> None:
        self.records.append(LogRecord(level, message, dict(fields)))


class FakeState:
    """The capability `state`."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._values: dict[str, tuple[bytes, int | None]] = {}

    def get(self, key: str) -> bytes | None:
        _check_key(key)
        return self._alive(key)[0]

    def set(self, key: str, value: bytes, ttl_ms: int | None) -> None:
        _check_key(key)
        self._values[key] = (value, None if ttl_ms is None else self._clock.unix_ms + ttl_ms)

    def delete(self, key: str) -> None:
        _check_key(key)
        self._values.pop(key, None)

    def increment(self, key: str, delta: int) -> int:
        """A key that expires still does, at the same time."""
        _check_key(key)
        before, until = self._alive(key)
        value = max(-_I64_MAX - 1, min((0 if before is None else _integer(key, before)) + delta, _I64_MAX))
        self._values[key] = (str(value).encode(), until)
        return value

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self._values if key.startswith(prefix) and self._alive(key)[0] is not None)

    def _alive(self, key: str) -> tuple[bytes | None, int | None]:
        """The value and when it expires; two Nones when there is none, or none any more."""
        value, until = self._values.get(key, (None, None))
        return (None, None) if until is not None and until <= self._clock.unix_ms else (value, until)


def _check_key(key: str) -> None:
    if not 1 <= len(key.encode()) <= _KEY_BYTES_MAX:
        raise CapabilityError(ErrorKind.INVALID_ARGUMENT, f"a state key has 1 to {_KEY_BYTES_MAX} bytes")


def _integer(key: str, value: bytes) -> int:
    # int() also takes spaces and underscores.
    number = int(value) if re.fullmatch(rb"[+-]?[0-9]+", value) else None
    if number is None or not -_I64_MAX - 1 <= number <= _I64_MAX:
        raise CapabilityError(ErrorKind.INVALID_ARGUMENT, f"state `{key}` does not hold a decimal integer")
    return number


class FakeTls:
    """The capability `tls`."""

    def __init__(self) -> None:
        self.sessions: dict[str, TlsInfo | CapabilityError] = {}
        self.named: dict[str, list[Certificate] | CapabilityError] = {}

    def inspect(self, host: str, port: int, server_name: str | None) -> Any:
        target = f"{host}:{port}" + (f"/{server_name}" if server_name not in (None, host) else "")
        if target not in self.sessions:
            raise CapabilityError(ErrorKind.REFUSED, f"connect to {target}: connection refused", "ECONNREFUSED")
        return found(self.sessions, target, "target")

    def inspect_trusting(self, host: str, port: int, server_name: str | None, authority: str) -> Any:
        self.inspect_named(authority)
        return self.inspect(host, port, server_name)

    def inspect_named(self, name: str) -> Any:
        return found(self.named, name, "certificate")


class FakeUdp:
    """The capability `udp`."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply | CapabilityError] = {}

    def exchange(self, host: str, port: int, _payload: bytes, max_reply_bytes: int, _timeout_ms: int | None) -> Any:
        target = f"{host}:{port}"
        if target not in self.replies:
            raise CapabilityError(ErrorKind.TIMEOUT, f"{target} did not answer")
        reply = found(self.replies, target, "target")
        if len(reply.payload) > max_reply_bytes:
            raise CapabilityError(ErrorKind.TOO_LARGE, f"the answer has more than {max_reply_bytes} bytes")
        return reply


class FakeDns:
    """The capability `dns`."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer] | CapabilityError] = {}

    def resolve(self, name: str, record_type: str, server: str | None) -> Any:
        question = f"{record_type} {name}" + (f" @{server}" if server is not None else "")
        if question not in self.answers:
            raise CapabilityError(ErrorKind.DNS, f"{name} does not exist", "NXDOMAIN")
        return found(self.answers, question, "name")


class FakeHeartbeats:
    """The capability `heartbeats`."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.beats: dict[str, list[Beat] | CapabilityError] = {}
        self.runs: dict[str, list[OpenRun]] = {}

    def open(self, name: str) -> list[OpenRun]:
        self.recent(name, 0)
        now = self._clock.unix_ms
        return [
            dataclasses.replace(run, age_ms=max(0, now - run.started_unix_ms)) for run in self.runs.get(name, [])
        ]

    def last(self, name: str) -> Beat | None:
        return next(iter(self.recent(name, 1)), None)

    def recent(self, name: str, max: int) -> list[Beat]:
        beats: list[Beat] = found(self.beats, name, "heartbeat")
        now = self._clock.unix_ms
        return [
            dataclasses.replace(beat, age_ms=now - beat.at_unix_ms if beat.at_unix_ms < now else 0)
            for beat in beats[:max]
        ]


class FakePeers:
    """The capability `peers`."""

    def __init__(self) -> None:
        self.found: dict[str, Snapshot | CapabilityError] = {}
        self.groups: dict[str, list[str]] = {}

    def latest(self, id: str) -> Any:
        return found(self.found, id, "check")

    def by_tag(self, tag: str) -> list[tuple[str, Any]]:
        return [(name, self.latest(name)) for name in sorted(self.groups.get(tag, []))]


class FakeRedis:
    """The capability `redis`, and a connection of it."""

    def __init__(self) -> None:
        self.pings: dict[str, float | CapabilityError] = {}
        self.replies: dict[tuple[str, str], Any] = {}

    def open(self, name: str) -> Any:
        ping: float = found(self.pings, name, "connection")
        return FakeRedisConnection(self, name, ping)


@dataclasses.dataclass
class FakeRedisConnection:
    """An open fake connection."""

    fake: FakeRedis
    name: str
    ping_ms: float

    def ping(self) -> float:
        return self.ping_ms

    def command(self, name: str, args: list[bytes]) -> Any:
        written = " ".join([name, *(arg.decode("utf-8", "replace") for arg in args)])
        if (self.name, written) not in self.fake.replies:
            raise CapabilityError(ErrorKind.REMOTE, f"ERR no reply to `{written}` was set up", "ERR")
        reply = self.fake.replies[self.name, written]
        if isinstance(reply, CapabilityError):
            raise reply
        return reply


class FakeQueue:
    """The capability `queue`."""

    def __init__(self) -> None:
        self.stats: dict[str, Stats | CapabilityError] = {}
        self.published: list[tuple[str, bytes]] = []

    def inspect(self, name: str) -> Any:
        return found(self.stats, name, "queue")

    def publish(self, name: str, payload: bytes) -> None:
        found(self.stats, name, "queue")
        self.published.append((name, payload))


class FakeSecrets:
    """The capability `secrets`."""

    def __init__(self) -> None:
        self.values: dict[str, str | CapabilityError] = {}

    def hmac_sha256(self, name: str, data: bytes) -> bytes:
        return hmac.new(self.reveal(name).encode(), data, hashlib.sha256).digest()

    def matches(self, name: str, candidate: bytes) -> bool:
        return hmac.compare_digest(self.reveal(name).encode(), candidate)

    def reveal(self, name: str) -> str:
        return str(found(self.values, name, "secret"))


class FakeSystem:
    """The capability `system`."""

    def __init__(self) -> None:
        self.error: CapabilityError | None = None
        self.memory_info = MemoryInfo()
        self.cpu_info = CpuInfo(logical=1)
        self.load_average = LoadAverage()
        self.pressure_info = PressureInfo()
        self.uptime = 0
        self.file_systems: dict[str, DiskInfo] = {}
        self.files: dict[str, FileInfo] = {}
        self.running: list[ProcessInfo] = []

    def memory(self) -> MemoryInfo:
        return self._or_error(self.memory_info)

    def cpu(self) -> CpuInfo:
        return self._or_error(self.cpu_info)

    def load(self) -> LoadAverage:
        return self._or_error(self.load_average)

    def pressure(self, _: PressureKind) -> PressureInfo:
        return self._or_error(self.pressure_info)

    def uptime_ms(self) -> int:
        return self._or_error(self.uptime)

    def disk(self, path: str) -> Any:
        return found(self._or_error(self.file_systems), path, "path")

    def disks(self) -> list[DiskInfo]:
        return list(self._or_error(self.file_systems).values())

    def processes(self, name: str) -> list[ProcessInfo]:
        return [each for each in self._or_error(self.running) if each.name == name]

    def stat(self, path: str) -> Any:
        return found(self._or_error(self.files), path, "path")

    def _or_error(self, value: T) -> T:
        if self.error is not None:
            raise self.error
        return value


class Fake:
    """All of them."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.context = FakeContext(self.clock)
        self.log = FakeLog()
        self.state = FakeState(self.clock)
        self.http = FakeHttp()
        self.tcp = FakeTcp()
        self.udp = FakeUdp()
        self.tls = FakeTls()
        self.dns = FakeDns()
        self.sql = FakeSql()
        self.redis = FakeRedis()
        self.queue = FakeQueue()
        self.secrets = FakeSecrets()
        self.system = FakeSystem()
        self.heartbeats = FakeHeartbeats(self.clock)
        self.peers = FakePeers()
