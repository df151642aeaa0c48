//! `system`, `heartbeats` and `peers` from a script.

use super::super::HostError;
use super::super::bindings::probity::check::system::{
    CpuInfo, DiskInfo, FileInfo, LoadAverage, MemoryInfo, PressureInfo, PressureKind, ProcessInfo,
};
use super::super::bindings::probity::check::{heartbeats, peers, system};
use super::{Actor, Answer, misfit};
use crate::check::Capability::{Heartbeats, Peers, System};

impl Actor<'_> {
    fn tell(&mut self, operation: &'static str, target: &str, hint: &'static str) -> Result<Answer, HostError> {
        let asked = format!("system {operation} {target}");
        let hint = || format!("[case.system]\n{}", hint.replace("TARGET", &format!("{target:?}")));
        self.play((System, operation), target, asked.trim_end(), hint).map(|(_, answer)| answer)
    }
}

impl system::Host for Actor<'_> {
    async fn memory(&mut self) -> Result<MemoryInfo, HostError> {
        match self.tell("memory", "", "memory = { total = 8_000_000_000, available = 4_000_000_000 }")? {
            Answer::Memory(memory) => Ok(memory),
            _ => Err(misfit()),
        }
    }

    async fn cpu(&mut self) -> Result<CpuInfo, HostError> {
        match self.tell("cpu", "", "cpu = { logical = 4, busy-percent = 10.0 }")? {
            Answer::Cpu(cpu) => Ok(cpu),
            _ => Err(misfit()),
        }
    }

    async fn load(&mut self) -> Result<LoadAverage, HostError> {
        match self.tell("load", "", "load = { one = 0.5, five = 0.5, fifteen = 0.5 }")? {
            Answer::Load(load) => Ok(load),
            _ => Err(misfit()),
        }
    }

    async fn pressure(&mut self, kind: PressureKind) -> Result<PressureInfo, HostError> {
        let kind = match kind {
            PressureKind::Cpu => "cpu",
            PressureKind::Memory => "memory",
            PressureKind::Io => "io",
        };
        match self.tell("pressure", kind, "pressure.TARGET = { some-avg10 = 0.0, some-avg60 = 0.0 }")? {
            Answer::Pressure(pressure) => Ok(pressure),
            _ => Err(misfit()),
        }
    }

    async fn uptime_ms(&mut self) -> Result<u64, HostError> {
        match self.tell("uptime-ms", "", "uptime-ms = 86_400_000")? {
            Answer::Uptime(ms) => Ok(ms),
            _ => Err(misfit()),
        }
    }

    async fn disk(&mut self, path: String) -> Result<DiskInfo, HostError> {
        match self.tell("disk", &path, "disk.TARGET = { total = 100_000_000_000, available = 50_000_000_000 }")? {
            Answer::Disks(disks) => disks.into_iter().next().ok_or_else(misfit),
            _ => Err(misfit()),
        }
    }

    async fn disks(&mut self) -> Result<Vec<DiskInfo>, HostError> {
        match self.tell("disks", "", "disks = [{ mount-point = \"/\", total = 100, available = 50 }]")? {
            Answer::Disks(disks) => Ok(disks),
            _ => Err(misfit()),
        }
    }

    async fn processes(&mut self, name: String) -> Result<Vec<ProcessInfo>, HostError> {
        match self.tell("processes", &name, "processes.TARGET = [{ pid = 1, rss = 1_000_000 }]")? {
            Answer::Processes(processes) => Ok(processes),
            _ => Err(misfit()),
        }
    }

    async fn stat(&mut self, path: String) -> Result<FileInfo, HostError> {
        match self.tell("stat", &path, "stat.TARGET = { size = 1, modified = 2026-01-01T00:00:00Z }")? {
            Answer::File(file) => Ok(file),
            _ => Err(misfit()),
        }
    }
}

impl Actor<'_> {
    fn beats(&mut self, operation: &'static str, name: &str) -> Result<Vec<heartbeats::Beat>, HostError> {
        let hint = || format!("[[case.heartbeats]]\nname = {name:?}\nbeats = [{{ age-ms = 1000, ok = true }}]");
        match self.play((Heartbeats, operation), name, &format!("heartbeat {name}"), hint)?.1 {
            Answer::Beats(beats) => Ok(beats),
            _ => Err(misfit()),
        }
    }
}

impl heartbeats::Host for Actor<'_> {
    fn last(&mut self, name: String) -> Result<Option<heartbeats::Beat>, HostError> {
        Ok(self.beats("last", &name)?.into_iter().next())
    }

    fn recent(&mut self, name: String, max: u32) -> Result<Vec<heartbeats::Beat>, HostError> {
        let mut beats = self.beats("recent", &name)?;
        beats.truncate(max as usize);
        Ok(beats)
    }

    /// None, for a heartbeat that the case says nothing more of.
    fn open(&mut self, name: String) -> Result<Vec<heartbeats::OpenRun>, HostError> {
        let (asked, script) = (format!("open runs of {name}"), self.script()?);
        if !script.knows(&asked) && script.knows(&format!("heartbeat {name}")) {
            return self.0.call_now(Heartbeats, "open", &name, |_| Ok(Vec::new()));
        }
        let hint = || format!("[[case.heartbeats]]\nname = {name:?}\nopen = [{{ id = \"…\", age-ms = 1000 }}]");
        match self.play((Heartbeats, "open"), &name, &asked, hint)?.1 {
            Answer::OpenRuns(runs) => Ok(runs),
            _ => Err(misfit()),
        }
    }
}

impl peers::Host for Actor<'_> {
    fn latest(&mut self, check_id: String) -> Result<peers::Snapshot, HostError> {
        let hint = || format!("[[case.peers]]\ncheck = {check_id:?}\nstatus = \"healthy\"");
        match self.play((Peers, "latest"), &check_id, &format!("peer {check_id}"), hint)?.1 {
            Answer::Peers(peers) => peers.into_iter().next().map(|(_, peer)| peer).ok_or_else(misfit),
            _ => Err(misfit()),
        }
    }

    fn by_tag(&mut self, tag: String) -> Result<Vec<(String, peers::Snapshot)>, HostError> {
        let hint = || format!("[[case.peers]]\ncheck = \"…\"\nstatus = \"healthy\"\ngroups = [{tag:?}]");
        match self.play((Peers, "by-tag"), &tag, &format!("peers of {tag}"), hint)?.1 {
            Answer::Peers(peers) => Ok(peers),
            _ => Err(misfit()),
        }
    }
}
