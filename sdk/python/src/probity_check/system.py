"""The machine (or container) the host runs on. Paths and processes are granted one by one. Sizes are in bytes, shares in
percent.

Every function raises :class:`probity_check.CapabilityError`: ``denied`` without a grant, ``unsupported`` where the platform
does not tell; those about a path also ``not-found``.
"""

from __future__ import annotations

import dataclasses
import enum

from . import _backend


@dataclasses.dataclass(frozen=True)
class MemoryInfo:
    """Memory, in bytes."""

    total: int = 0
    """Installed."""
    available: int = 0
    """Can be had without swapping."""
    swap_total: int = 0
    """Swap space."""
    swap_free: int = 0
    """Swap space that is free."""
    cgroup_limit: int | None = None
    """The control group's limit, inside a container that has one."""
    cgroup_used: int | None = None
    """What the control group uses."""


@dataclasses.dataclass(frozen=True)
class CpuInfo:
    """Processors."""

    logical: int = 0
    """Logical processors."""
    busy_percent: float = 0.0
    """Percent of the time not idle, over all processors."""
    iowait_percent: float | None = None
    """Percent of the time waiting for I/O."""
    steal_percent: float | None = None
    """Percent of the time taken by the hypervisor."""
    throttled_percent: float | None = None
    """Percent of the periods in which the control group was throttled."""


@dataclasses.dataclass(frozen=True)
class LoadAverage:
    """Load averages over one, five and fifteen minutes."""

    one: float = 0.0
    """One minute."""
    five: float = 0.0
    """Five minutes."""
    fifteen: float = 0.0
    """Fifteen minutes."""


@dataclasses.dataclass(frozen=True)
class PressureInfo:
    """Pressure stall information, in percent of the time."""

    some_avg10: float = 0.0
    """Some tasks stalled, over 10 seconds."""
    some_avg60: float = 0.0
    """Some tasks stalled, over 60 seconds."""
    full_avg10: float | None = None
    """All tasks stalled, over 10 seconds."""
    full_avg60: float | None = None
    """All tasks stalled, over 60 seconds."""


@dataclasses.dataclass(frozen=True)
class DiskInfo:
    """A mounted file system; sizes in bytes."""

    mount_point: str = ""
    """Where it is mounted."""
    file_system: str = ""
    """Its type: ``ext4``."""
    total: int = 0
    """Used and available, as ``df`` counts: what is kept for root is in neither."""
    available: int = 0
    """What an ordinary user can still write."""
    inodes_total: int | None = None
    """Its inodes, where it has a fixed number."""
    inodes_free: int | None = None
    """Its free inodes."""
    read_only: bool = False
    """Whether it is mounted read-only."""


@dataclasses.dataclass(frozen=True)
class ProcessInfo:
    """A process."""

    pid: int = 0
    """Its number."""
    name: str = ""
    """Its name."""
    started_unix_ms: int = 0
    """When it started, in milliseconds since 1970."""
    rss: int = 0
    """Resident memory in bytes."""
    cpu_percent: float = 0.0
    """Processor time in percent of one processor."""
    threads: int | None = None
    """Its threads."""
    open_files: int | None = None
    """Its open files."""


@dataclasses.dataclass(frozen=True)
class FileInfo:
    """A file or directory."""

    size: int = 0
    """Bytes."""
    modified_unix_ms: int = 0
    """Last modification in milliseconds since 1970."""
    is_directory: bool = False
    """Whether it is a directory."""


class PressureKind(enum.Enum):
    """What tasks stall on."""

    CPU = "cpu"
    MEMORY = "memory"
    IO = "io"


_host = _backend.bind("system")


def memory() -> MemoryInfo:
    """Memory, control-group limits included."""
    found: MemoryInfo = _host.memory()
    return found


def cpu() -> CpuInfo:
    """Processors, over a moment that the call may wait for (about 0.1 s)."""
    found: CpuInfo = _host.cpu()
    return found


def load() -> LoadAverage:
    """Load averages."""
    found: LoadAverage = _host.load()
    return found


def pressure(kind: PressureKind | str) -> PressureInfo:
    """Pressure stall information (Linux)."""
    found: PressureInfo = _host.pressure(PressureKind(kind))
    return found


def uptime_ms() -> int:
    """Milliseconds since the machine started."""
    return int(_host.uptime_ms())


def disk(path: str) -> DiskInfo:
    """The file system that holds ``path``."""
    found: DiskInfo = _host.disk(path)
    return found


def disks() -> list[DiskInfo]:
    """All granted file systems."""
    return list(_host.disks())


def processes(name: str) -> list[ProcessInfo]:
    """Processes of exactly this name; none running is an empty list."""
    return list(_host.processes(name))


def stat(path: str) -> FileInfo:
    """Size and age of a file; of the newest that matches where the last name holds ``*`` or ``?``."""
    found: FileInfo = _host.stat(path)
    return found
