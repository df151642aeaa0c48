"""The capability `system`."""

from wit_world.imports import system as raw  # type: ignore[import-not-found]

from ..system import CpuInfo, DiskInfo, FileInfo, LoadAverage, MemoryInfo, PressureInfo, PressureKind, ProcessInfo
from . import call, lift


def memory() -> MemoryInfo:
    return lift(MemoryInfo, call(raw.memory))


def cpu() -> CpuInfo:
    return lift(CpuInfo, call(raw.cpu))


def load() -> LoadAverage:
    return lift(LoadAverage, call(raw.load))


def pressure(kind: PressureKind) -> PressureInfo:
    return lift(PressureInfo, call(raw.pressure, getattr(raw.PressureKind, kind.name)))


def uptime_ms() -> int:
    return call(raw.uptime_ms)


def disk(path: str) -> DiskInfo:
    return lift(DiskInfo, call(raw.disk, path))


def disks() -> list[DiskInfo]:
    return [lift(DiskInfo, each) for each in call(raw.disks)]


def processes(name: str) -> list[ProcessInfo]:
    return [lift(ProcessInfo, each) for each in call(raw.processes, name)]


def stat(path: str) -> FileInfo:
    return lift(FileInfo, call(raw.stat, path))
