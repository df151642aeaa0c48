//! The machine of a case: `[case.system]`.

use std::ops::Range;

use probity_drivers::CallError;
use probity_sandbox::capabilities::bindings::probity::check::system;
use probity_sandbox::capabilities::canned::Answer;

use super::raw;
use super::reader::{Cases, Wrong};

/// Hands each answer to `put`, with its place and what has to be asked.
pub(super) fn write(
    put: &mut impl FnMut(Range<usize>, String, Option<CallError>, Answer),
    cases: &Cases,
    now: u64,
    raw: &raw::System,
) -> Result<(), Wrong> {
    let error = |fail: &Option<raw::Fail>| fail.as_ref().map(|fail| fail.0.clone());
    if let Some(at) = &raw.memory {
        let raw = at.get_ref();
        let answer = Answer::Memory(system::MemoryInfo {
            total: raw.total,
            available: raw.available,
            swap_total: raw.swap_total,
            swap_free: raw.swap_free,
            cgroup_limit: raw.cgroup_limit,
            cgroup_used: raw.cgroup_used,
        });
        put(at.span(), "system memory".into(), error(&raw.error), answer);
    }
    if let Some(at) = &raw.cpu {
        let raw = at.get_ref();
        let answer = Answer::Cpu(system::CpuInfo {
            logical: raw.logical,
            busy_percent: raw.busy_percent,
            iowait_percent: raw.iowait_percent,
            steal_percent: raw.steal_percent,
            throttled_percent: raw.throttled_percent,
        });
        put(at.span(), "system cpu".into(), error(&raw.error), answer);
    }
    if let Some(at) = &raw.load {
        let raw = at.get_ref();
        let answer = Answer::Load(system::LoadAverage { one: raw.one, five: raw.five, fifteen: raw.fifteen });
        put(at.span(), "system load".into(), error(&raw.error), answer);
    }
    for (kind, at) in &raw.pressure {
        let raw = at.get_ref();
        let answer = Answer::Pressure(system::PressureInfo {
            some_avg10: raw.some_avg10,
            some_avg60: raw.some_avg60,
            full_avg10: raw.full_avg10,
            full_avg60: raw.full_avg60,
        });
        put(at.span(), format!("system pressure {kind}"), error(&raw.error), answer);
    }
    if let Some(at) = &raw.uptime_ms {
        put(at.span(), "system uptime-ms".into(), None, Answer::Uptime(*at.get_ref()));
    }
    files(put, cases, now, raw)
}

/// Disks, processes and files.
fn files(
    put: &mut impl FnMut(Range<usize>, String, Option<CallError>, Answer),
    cases: &Cases,
    now: u64,
    raw: &raw::System,
) -> Result<(), Wrong> {
    let error = |fail: &Option<raw::Fail>| fail.as_ref().map(|fail| fail.0.clone());
    for (path, at) in &raw.disk {
        let raw = at.get_ref();
        put(at.span(), format!("system disk {path}"), error(&raw.error), Answer::Disks(vec![disk(raw)]));
    }
    if let Some(at) = &raw.disks {
        put(at.span(), "system disks".into(), None, Answer::Disks(at.get_ref().iter().map(disk).collect()));
    }
    for (name, at) in &raw.processes {
        let found = at.get_ref().iter().map(|raw| process(name, now, raw)).collect();
        put(at.span(), format!("system processes {name}"), None, Answer::Processes(found));
    }
    for (path, at) in &raw.stat {
        let raw = at.get_ref();
        let modified = raw.modified.as_ref().map(|time| cases.time(time)).transpose()?;
        let answer = Answer::File(system::FileInfo {
            size: raw.size,
            modified_unix_ms: modified.unwrap_or(now),
            is_directory: raw.is_directory,
        });
        put(at.span(), format!("system stat {path}"), error(&raw.error), answer);
    }
    Ok(())
}

fn disk(raw: &raw::Disk) -> system::DiskInfo {
    system::DiskInfo {
        mount_point: raw.mount_point.clone(),
        file_system: raw.file_system.clone(),
        total: raw.total,
        available: raw.available,
        inodes_total: raw.inodes_total,
        inodes_free: raw.inodes_free,
        read_only: raw.read_only,
    }
}

fn process(name: &str, now: u64, raw: &raw::Process) -> system::ProcessInfo {
    system::ProcessInfo {
        pid: raw.pid,
        name: name.to_owned(),
        started_unix_ms: now.saturating_sub(raw.age_ms),
        rss: raw.rss,
        cpu_percent: raw.cpu_percent,
        threads: raw.threads,
        open_files: raw.open_files,
    }
}
