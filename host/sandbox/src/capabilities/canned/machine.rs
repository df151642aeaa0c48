//! `system`, `heartbeats` and `peers` from a script.

use probity_core::check::Capability::{Heartbeats, Peers, System};

use super::super::HostError;
use super::super::bindings::probity::check::system::{
    CpuInfo, DiskInfo, FileInfo, LoadAverage, MemoryInfo, PressureInfo, PressureKind, ProcessInfo,
};
use super::super::bindings::probity::check::{heartbeats, peers, system};
use super::{Actor, Answer, misfit};

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
        let (beats, open) = (format!("heartbeat {name}"), format!("open runs of {name}"));
        match self.play_either((operation, name), [&beats, &open], hint)? {
            Some(Answer::Beats(beats)) => Ok(beats),
            None => Ok(Vec::new()),
            Some(_) => Err(misfit()),
        }
    }

    /// The case's answer to the first of two questions about a heartbeat. Where it answers only the other one, this has none:
    /// then that counts as asked, and fails if it fails.
    fn play_either(
        &mut self,
        (operation, name): (&'static str, &str),
        [asked, other]: [&str; 2],
        hint: impl FnOnce() -> String,
    ) -> Result<Option<Answer>, HostError> {
        let script = self.script()?;
        let answers = |asked: &str| script.entries.iter().filter(|entry| entry.asked == asked).count();
        match (answers(asked), answers(other)) {
            (0, 1) => self.play((Heartbeats, operation), name, other, hint).map(|_| None),
            // These answer one call after the other, of those who ask for them.
            (0, 2..) => self.0.call_now(Heartbeats, operation, name, |_| Ok(None)),
            _ => self.play((Heartbeats, operation), name, asked, hint).map(|(_, answer)| Some(answer)),
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

    fn open(&mut self, name: String) -> Result<Vec<heartbeats::OpenRun>, HostError> {
        let hint = || format!("[[case.heartbeats]]\nname = {name:?}\nopen = [{{ id = \"…\", age-ms = 1000 }}]");
        let (open, beats) = (format!("open runs of {name}"), format!("heartbeat {name}"));
        match self.play_either(("open", &name), [&open, &beats], hint)? {
            Some(Answer::OpenRuns(runs)) => Ok(runs),
            None => Ok(Vec::new()),
            Some(_) => Err(misfit()),
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
