"""`system`, `heartbeats` and `peers`."""

from __future__ import annotations

from probity_check import Outcome, heartbeats, peers, system
from show import detail, each, measure


def memory(outcome: Outcome) -> None:
    found = system.memory()
    measure(outcome, total=found.total, available=found.available, swap_total=found.swap_total, swap_free=found.swap_free)
    measure(outcome, cgroup_limit=found.cgroup_limit, cgroup_used=found.cgroup_used)


def cpu(outcome: Outcome) -> None:
    found = system.cpu()
    measure(outcome, logical=found.logical, busy_percent=found.busy_percent, iowait_percent=found.iowait_percent)
    measure(outcome, steal_percent=found.steal_percent, throttled_percent=found.throttled_percent)


def load(outcome: Outcome) -> None:
    found = system.load()
    measure(outcome, one=found.one, five=found.five, fifteen=found.fifteen)


def pressure(outcome: Outcome) -> None:
    for kind in system.PressureKind:
        found, prefix = system.pressure(kind), f"{kind.value}-"
        measure(outcome, prefix, some_avg10=found.some_avg10, some_avg60=found.some_avg60)
        measure(outcome, prefix, full_avg10=found.full_avg10, full_avg60=found.full_avg60)


def uptime(outcome: Outcome) -> None:
    measure(outcome, uptime_ms=system.uptime_ms())


def disk(outcome: Outcome) -> None:
    file_system(outcome, "", system.disk("/var"))


def disks(outcome: Outcome) -> None:
    found = system.disks()
    measure(outcome, disks=len(found))
    each(outcome, "", found, file_system)


def file_system(outcome: Outcome, prefix: str, found: system.DiskInfo) -> None:
    detail(outcome, prefix, mount_point=found.mount_point, file_system=found.file_system)
    measure(outcome, prefix, total=found.total, available=found.available, read_only=found.read_only)
    measure(outcome, prefix, inodes_total=found.inodes_total, inodes_free=found.inodes_free)


def processes(outcome: Outcome) -> None:
    found = system.processes("nginx")
    measure(outcome, processes=len(found))
    each(outcome, "", found, process)


def process(outcome: Outcome, prefix: str, found: system.ProcessInfo) -> None:
    detail(outcome, prefix, name=found.name)
    measure(outcome, prefix, pid=found.pid, started_unix_ms=found.started_unix_ms, rss=found.rss)
    measure(outcome, prefix, cpu_percent=found.cpu_percent, threads=found.threads, open_files=found.open_files)


def stat(outcome: Outcome) -> None:
    found = system.stat("/var/backup.dump")
    measure(outcome, size=found.size, modified_unix_ms=found.modified_unix_ms, is_directory=found.is_directory)


def last(outcome: Outcome) -> None:
    found = heartbeats.last("backup")
    if found is None:
        detail(outcome, beat=None)
    else:
        beat(outcome, "", found)


def recent(outcome: Outcome) -> None:
    found = heartbeats.recent("backup", 2)
    measure(outcome, beats=len(found))
    each(outcome, "", found, beat)


def beat(outcome: Outcome, prefix: str, found: heartbeats.Beat) -> None:
    measure(outcome, prefix, at_unix_ms=found.at_unix_ms, age_ms=found.age_ms, ok=found.ok)
    measure(outcome, prefix, duration_ms=found.duration_ms)
    detail(outcome, prefix, message=found.message)


def opened(outcome: Outcome) -> None:
    found = heartbeats.open("backup")
    measure(outcome, runs=len(found))
    each(outcome, "", found, run)


def run(outcome: Outcome, prefix: str, found: heartbeats.OpenRun) -> None:
    detail(outcome, prefix, id=found.id)
    measure(outcome, prefix, started_unix_ms=found.started_unix_ms, age_ms=found.age_ms)


def peer(outcome: Outcome) -> None:
    snapshot(outcome, "", peers.latest("shop"))


def group(outcome: Outcome) -> None:
    found = peers.by_tag("orders")
    measure(outcome, peers=len(found))
    each(outcome, "", found, named)


def named(outcome: Outcome, prefix: str, found: tuple[str, peers.Snapshot]) -> None:
    detail(outcome, prefix, name=found[0])
    snapshot(outcome, prefix, found[1])


def snapshot(outcome: Outcome, prefix: str, found: peers.Snapshot) -> None:
    detail(outcome, prefix, status=found.status, message=found.message)
    measure(outcome, prefix, at_unix_ms=found.at_unix_ms, stale=found.stale)


ACTS = {
    "memory": memory,
    "cpu": cpu,
    "load": load,
    "pressure": pressure,
    "uptime": uptime,
    "disk": disk,
    "disks": disks,
    "processes": processes,
    "stat": stat,
    "heartbeat": last,
    "heartbeats": recent,
    "heartbeat-open": opened,
    "peer": peer,
    "peers": group,
}
