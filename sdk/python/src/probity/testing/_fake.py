"""Everything a fake host knows, an object for each capability with the functions of its bindings."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
from typing import Any

from .._errors import CapabilityError, ErrorKind
from .._tls import Certificate, TlsInfo
from ..context import PreviousRun
from ..dns import Answer
from ..heartbeats import Beat
from ..log import Level
from ..peers import Snapshot
from ..queue import Stats
from ..system import CpuInfo, DiskInfo, FileInfo, LoadAverage, MemoryInfo, PressureInfo, PressureKind, ProcessInfo
from ._http import FakeHttp
from ._sql import FakeSql
from ._tcp import FakeTcp

#: 2025-01-01T00:00:00Z.
START_UNIX_MS = 1_735_689_600_000

_I64_MAX = (1 << 63) - 1


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


class FakeContext:
    """The capability `context`."""

    def __init__(self) -> None:
        self.id = "test"
        self.previous_run: PreviousRun | None = None
        self.failures = 0

    def check_id(self) -> str:
        return self.id

    def run_id(self) -> str:
        return "0193e3a0-0000-7000-8000-000000000000"

    def traceparent(self) -> str | None:
        return None

    def remaining_ms(self) -> int:
        return 2_000

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


class FakeState:
    """The capability `state`."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._values: dict[str, tuple[bytes, int | None]] = {}

    def get(self, key: str) -> bytes | None:
        value, until = self._values.get(key, (None, None))
        return None if until is not None and until <= self._clock.unix_ms else value

    def set(self, key: str, value: bytes, ttl_ms: int | None) -> None:
        if not 1 <= len(key.encode()) <= 256:
            raise CapabilityError(ErrorKind.INVALID_ARGUMENT, f"the key has {len(key.encode())} bytes, allowed are 1 to 256")
        self._values[key] = (value, None if ttl_ms is None else self._clock.unix_ms + ttl_ms)

    def delete(self, key: str) -> None:
        self._values.pop(key, None)

    def increment(self, key: str, delta: int) -> int:
        try:
            before = int(self.get(key) or b"0")
        except ValueError:
            raise CapabilityError(ErrorKind.INVALID_ARGUMENT, f"the value of {json.dumps(key)} is no integer") from None
        value = max(-_I64_MAX - 1, min(before + delta, _I64_MAX))
        self._values[key] = (str(value).encode(), self._values.get(key, (b"", None))[1])
        return value

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self._values if key.startswith(prefix) and self.get(key) is not None)


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

    def inspect_named(self, name: str) -> Any:
        return found(self.named, name, "certificate")


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

    def last(self, name: str) -> Beat | None:
        return next(iter(self.recent(name, 1)), None)

    def recent(self, name: str, max: int) -> list[Beat]:
        beats: list[Beat] = found(self.beats, name, "heartbeat")
        now = self._clock.unix_ms
        return [dataclasses.replace(beat, age_ms=now - beat.at_unix_ms if beat.at_unix_ms < now else 0) for beat in beats[:max]]


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

    def _or_error(self, value: Any) -> Any:
        if self.error is not None:
            raise self.error
        return value


class Fake:
    """All of them."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.context = FakeContext()
        self.log = FakeLog()
        self.state = FakeState(self.clock)
        self.http = FakeHttp()
        self.tcp = FakeTcp()
        self.tls = FakeTls()
        self.dns = FakeDns()
        self.sql = FakeSql()
        self.redis = FakeRedis()
        self.queue = FakeQueue()
        self.secrets = FakeSecrets()
        self.system = FakeSystem()
        self.heartbeats = FakeHeartbeats(self.clock)
        self.peers = FakePeers()
