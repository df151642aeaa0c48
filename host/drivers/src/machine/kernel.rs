//! Small facts: memory, load, pressure, uptime.

use std::path::Path;

use sysinfo::System;

use super::{Load, Memory, cgroup, unsupported};
use crate::CallError;

/// What the pressure is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PressureKind {
    /// Processors.
    Cpu,
    /// Memory.
    Memory,
    /// Disks.
    Io,
}

/// Percent of the time in which tasks waited: some of them, or all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pressure {
    /// Some, over 10 s.
    pub some_avg10: f64,
    /// Some, over 60 s.
    pub some_avg60: f64,
    /// All, over 10 s.
    pub full_avg10: Option<f64>,
    /// All, over 60 s.
    pub full_avg60: Option<f64>,
}

pub(super) fn memory() -> Result<Memory, CallError> {
    let mut system = System::new().map_err(|_| unsupported("memory"))?;
    system.refresh_memory();
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = cgroup::memory(Path::new(cgroup::ROOT), &own);
    Ok(Memory {
        total: system.total_memory(),
        available: system.available_memory(),
        swap_total: system.total_swap(),
        swap_free: system.free_swap(),
        cgroup_limit: group.limit,
        cgroup_used: group.used,
    })
}

pub(super) fn load() -> Result<Load, CallError> {
    let load = System::load_average().map_err(|_| unsupported("load average"))?;
    Ok(Load { one: load.one, five: load.five, fifteen: load.fifteen })
}

pub(super) fn uptime_ms() -> Result<u64, CallError> {
    System::uptime().map(|seconds| seconds.saturating_mul(1_000)).map_err(|_| unsupported("uptime"))
}

pub(super) fn pressure(kind: PressureKind) -> Result<Pressure, CallError> {
    let name = match kind {
        PressureKind::Cpu => "cpu",
        PressureKind::Memory => "memory",
        PressureKind::Io => "io",
    };
    let what = "pressure stall information (Linux 4.20 and later with PSI enabled)";
    let text = std::fs::read_to_string(format!("/proc/pressure/{name}")).map_err(|_| unsupported(what))?;
    parse_pressure(&text).ok_or_else(|| unsupported(what))
}

fn parse_pressure(text: &str) -> Option<Pressure> {
    let value = |line: &str, key: &str| -> Option<f64> {
        let line = text.lines().find_map(|found| found.strip_prefix(line))?;
        line.split_ascii_whitespace().find_map(|pair| pair.strip_prefix(key)?.parse().ok())
    };
    Some(Pressure {
        some_avg10: value("some ", "avg10=")?,
        some_avg60: value("some ", "avg60=")?,
        full_avg10: value("full ", "avg10="),
        full_avg60: value("full ", "avg60="),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // The kernel's text, with and without the `full` line that older kernels lack for processors.
    #[test]
    fn pressure_text() {
        let text = "some avg10=1.25 avg60=0.50 avg300=0.07 total=87\nfull avg10=0.75 avg60=0.25 avg300=0.00 total=1\n";
        let full = Pressure { some_avg10: 1.25, some_avg60: 0.5, full_avg10: Some(0.75), full_avg60: Some(0.25) };
        assert_eq!(parse_pressure(text), Some(full));
        let some = Pressure { full_avg10: None, full_avg60: None, ..full };
        assert_eq!(parse_pressure(text.lines().next().unwrap()), Some(some));
        assert_eq!(parse_pressure(""), None);
        assert_eq!(parse_pressure("some avg10=x avg60=1"), None);
    }
}
