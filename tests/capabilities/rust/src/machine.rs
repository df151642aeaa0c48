//! `system`, `heartbeats` and `peers`.

use probity_check::heartbeats::{Beat, OpenRun};
use probity_check::peers::Snapshot;
use probity_check::prelude::*;
use probity_check::system::{DiskInfo, PressureKind, ProcessInfo};
use probity_check::{heartbeats as jobs, peers as checks, system as host};

use crate::show::Show;

pub(crate) fn memory(outcome: Outcome) -> Result<Outcome, Error> {
    let memory = host::memory()?;
    Ok(outcome
        .measure("total", memory.total, "")
        .measure("available", memory.available, "")
        .measure("swap-total", memory.swap_total, "")
        .measure("swap-free", memory.swap_free, "")
        .optional("cgroup-limit", memory.cgroup_limit)
        .optional("cgroup-used", memory.cgroup_used))
}

pub(crate) fn cpu(outcome: Outcome) -> Result<Outcome, Error> {
    let cpu = host::cpu()?;
    Ok(outcome
        .measure("logical", cpu.logical, "")
        .measure("busy-percent", cpu.busy_percent, "")
        .optional("iowait-percent", cpu.iowait_percent)
        .optional("steal-percent", cpu.steal_percent)
        .optional("throttled-percent", cpu.throttled_percent))
}

pub(crate) fn load(outcome: Outcome) -> Result<Outcome, Error> {
    let load = host::load()?;
    Ok(outcome.measure("one", load.one, "").measure("five", load.five, "").measure("fifteen", load.fifteen, ""))
}

pub(crate) fn pressure(outcome: Outcome) -> Result<Outcome, Error> {
    let kinds = [("cpu", PressureKind::Cpu), ("memory", PressureKind::Memory), ("io", PressureKind::Io)];
    kinds.into_iter().try_fold(outcome, |outcome, (word, kind)| {
        let found = host::pressure(kind)?;
        Ok(outcome
            .measure(&format!("{word}-some-avg10"), found.some_avg10, "")
            .measure(&format!("{word}-some-avg60"), found.some_avg60, "")
            .optional(&format!("{word}-full-avg10"), found.full_avg10)
            .optional(&format!("{word}-full-avg60"), found.full_avg60))
    })
}

pub(crate) fn uptime(outcome: Outcome) -> Result<Outcome, Error> {
    Ok(outcome.measure("uptime-ms", host::uptime_ms()?, ""))
}

pub(crate) fn disk(outcome: Outcome) -> Result<Outcome, Error> {
    Ok(file_system(outcome, "", &host::disk("/var")?))
}

pub(crate) fn disks(outcome: Outcome) -> Result<Outcome, Error> {
    Ok(outcome.list("disks", &host::disks()?, file_system))
}

fn file_system(outcome: Outcome, prefix: &str, disk: &DiskInfo) -> Outcome {
    let name = |field: &str| format!("{prefix}{field}");
    outcome
        .detail(name("mount-point"), disk.mount_point.as_str())
        .detail(name("file-system"), disk.file_system.as_str())
        .measure(&name("total"), disk.total, "")
        .measure(&name("available"), disk.available, "")
        .optional(&name("inodes-total"), disk.inodes_total)
        .optional(&name("inodes-free"), disk.inodes_free)
        .measure(&name("read-only"), disk.read_only, "")
}

pub(crate) fn processes(outcome: Outcome) -> Result<Outcome, Error> {
    Ok(outcome.list("processes", &host::processes("nginx")?, process))
}

fn process(outcome: Outcome, prefix: &str, process: &ProcessInfo) -> Outcome {
    let name = |field: &str| format!("{prefix}{field}");
    outcome
        .measure(&name("pid"), process.pid, "")
        .detail(name("name"), process.name.as_str())
        .measure(&name("started-unix-ms"), process.started_unix_ms, "")
        .measure(&name("rss"), process.rss, "")
        .measure(&name("cpu-percent"), process.cpu_percent, "")
        .optional(&name("threads"), process.threads)
        .optional(&name("open-files"), process.open_files)
}

pub(crate) fn stat(outcome: Outcome) -> Result<Outcome, Error> {
    let file = host::stat("/var/backup.dump")?;
    Ok(outcome.measure("size", file.size, "").measure("modified-unix-ms", file.modified_unix_ms, "").measure(
        "is-directory",
        file.is_directory,
        "",
    ))
}

pub(crate) fn heartbeat(outcome: Outcome) -> Result<Outcome, Error> {
    Ok(match jobs::last("backup")? {
        Some(last) => beat(outcome, "", &last),
        None => outcome.detail("beat", "none"),
    })
}

pub(crate) fn heartbeats(outcome: Outcome) -> Result<Outcome, Error> {
    Ok(outcome.list("beats", &jobs::recent("backup", 2)?, beat))
}

pub(crate) fn heartbeat_open(outcome: Outcome) -> Result<Outcome, Error> {
    Ok(outcome.list("runs", &jobs::open("backup")?, open_run))
}

fn open_run(outcome: Outcome, prefix: &str, run: &OpenRun) -> Outcome {
    let name = |field: &str| format!("{prefix}{field}");
    outcome.text(&name("id"), run.id.as_deref()).measure(&name("started-unix-ms"), run.started_unix_ms, "").measure(
        &name("age-ms"),
        run.age_ms,
        "",
    )
}

fn beat(outcome: Outcome, prefix: &str, beat: &Beat) -> Outcome {
    let name = |field: &str| format!("{prefix}{field}");
    outcome
        .measure(&name("at-unix-ms"), beat.at_unix_ms, "")
        .measure(&name("age-ms"), beat.age_ms, "")
        .measure(&name("ok"), beat.ok, "")
        .detail(name("message"), beat.message.as_str())
        .optional(&name("duration-ms"), beat.duration_ms)
}

pub(crate) fn peer(outcome: Outcome) -> Result<Outcome, Error> {
    Ok(snapshot(outcome, "", &checks::latest("shop")?))
}

pub(crate) fn peers(outcome: Outcome) -> Result<Outcome, Error> {
    Ok(outcome.list("peers", &checks::by_tag("orders")?, |outcome, prefix, (name, found)| {
        snapshot(outcome.detail(format!("{prefix}name"), name.as_str()), prefix, found)
    }))
}

fn snapshot(outcome: Outcome, prefix: &str, found: &Snapshot) -> Outcome {
    let name = |field: &str| format!("{prefix}{field}");
    outcome
        .status(&name("status"), found.status)
        .detail(name("message"), found.message.as_str())
        .measure(&name("at-unix-ms"), found.at_unix_ms, "")
        .measure(&name("stale"), found.stale, "")
}
