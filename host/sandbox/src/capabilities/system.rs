//! `system`: what [`probity_drivers::machine`] tells, in the contract's words.

use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use probity_config::Grants;
use probity_core::check::Capability;
use probity_drivers::CallError;
use probity_drivers::machine::{self, Disk, Machine, Process};

use super::bindings::probity::check::system::{
    CpuInfo, DiskInfo, FileInfo, Host, LoadAverage, MemoryInfo, PressureInfo, PressureKind, ProcessInfo,
};
use super::{HostError, HostState, small};

impl HostState {
    /// Looks at the machine, for no more than half of the time that is left: what hangs leaves the other half to what the
    /// check looks at next.
    async fn of_machine<T: Send + 'static>(
        &mut self,
        operation: &'static str,
        target: &str,
        look: impl for<'a> FnOnce(&'a Machine, &'a Grants) -> BoxFuture<'a, Result<T, CallError>> + Send + 'static,
    ) -> Result<T, HostError> {
        let half = self.calls_end().saturating_duration_since(Instant::now()) / 2;
        let (machine, env) = (self.env.services.machine.within(half), Arc::clone(&self.env));
        let work = async move { look(&machine, &env.grants).await };
        self.call(Capability::System, operation, target, small(work)).await
    }
}

impl Host for HostState {
    async fn memory(&mut self) -> Result<MemoryInfo, HostError> {
        let memory = self.of_machine("memory", "", |machine, grants| machine.memory(grants).boxed()).await?;
        Ok(MemoryInfo {
            total: memory.total,
            available: memory.available,
            swap_total: memory.swap_total,
            swap_free: memory.swap_free,
            cgroup_limit: memory.cgroup_limit,
            cgroup_used: memory.cgroup_used,
        })
    }

    async fn cpu(&mut self) -> Result<CpuInfo, HostError> {
        let cpu = self.of_machine("cpu", "", |machine, grants| machine.cpu(grants).boxed()).await?;
        Ok(CpuInfo {
            logical: cpu.logical,
            busy_percent: cpu.busy_percent,
            iowait_percent: cpu.iowait_percent,
            steal_percent: cpu.steal_percent,
            throttled_percent: cpu.throttled_percent,
        })
    }

    async fn load(&mut self) -> Result<LoadAverage, HostError> {
        let load = self.of_machine("load", "", |machine, grants| machine.load(grants).boxed()).await?;
        Ok(LoadAverage { one: load.one, five: load.five, fifteen: load.fifteen })
    }

    async fn pressure(&mut self, kind: PressureKind) -> Result<PressureInfo, HostError> {
        let (kind, target) = match kind {
            PressureKind::Cpu => (machine::PressureKind::Cpu, "cpu"),
            PressureKind::Memory => (machine::PressureKind::Memory, "memory"),
            PressureKind::Io => (machine::PressureKind::Io, "io"),
        };
        let look = self.of_machine("pressure", target, move |machine, grants| machine.pressure(grants, kind).boxed());
        let pressure = look.await?;
        Ok(PressureInfo {
            some_avg10: pressure.some_avg10,
            some_avg60: pressure.some_avg60,
            full_avg10: pressure.full_avg10,
            full_avg60: pressure.full_avg60,
        })
    }

    async fn uptime_ms(&mut self) -> Result<u64, HostError> {
        self.of_machine("uptime-ms", "", |machine, grants| machine.uptime_ms(grants).boxed()).await
    }

    async fn disk(&mut self, path: String) -> Result<DiskInfo, HostError> {
        let target = path.clone();
        let disk = self
            .of_machine("disk", &target, move |machine, grants| {
                async move { machine.disk(grants, &path).await }.boxed()
            })
            .await?;
        Ok(disk.into())
    }

    async fn disks(&mut self) -> Result<Vec<DiskInfo>, HostError> {
        let disks = self.of_machine("disks", "", |machine, grants| machine.disks(grants).boxed()).await?;
        Ok(disks.into_iter().map(Into::into).collect())
    }

    async fn processes(&mut self, name: String) -> Result<Vec<ProcessInfo>, HostError> {
        let target = name.clone();
        let processes = self
            .of_machine("processes", &target, move |machine, grants| {
                async move { machine.processes(grants, &name).await }.boxed()
            })
            .await?;
        Ok(processes.into_iter().map(Into::into).collect())
    }

    async fn stat(&mut self, path: String) -> Result<FileInfo, HostError> {
        let target = path.clone();
        let file = self
            .of_machine("stat", &target, move |machine, grants| {
                async move { machine.stat(grants, &path).await }.boxed()
            })
            .await?;
        Ok(FileInfo { size: file.size, modified_unix_ms: file.modified_unix_ms, is_directory: file.is_directory })
    }
}

impl From<Disk> for DiskInfo {
    fn from(disk: Disk) -> Self {
        Self {
            mount_point: disk.mount_point,
            file_system: disk.file_system,
            total: disk.total,
            available: disk.available,
            inodes_total: disk.inodes_total,
            inodes_free: disk.inodes_free,
            read_only: disk.read_only,
        }
    }
}

impl From<Process> for ProcessInfo {
    fn from(process: Process) -> Self {
        Self {
            pid: process.pid,
            name: process.name,
            started_unix_ms: process.started_unix_ms,
            rss: process.rss,
            cpu_percent: process.cpu_percent,
            threads: process.threads,
            open_files: process.open_files,
        }
    }
}

#[cfg(test)]
mod tests {
    use probity_config::Limits;
    use probity_drivers::ErrorKind;

    use super::*;
    use crate::capabilities::tests::{answer, state};

    // What is granted is told, what is not is denied, and both are in the report.
    #[tokio::test]
    async fn grants_decide() {
        let mut host = state(&[], &[], &["memory"], Limits::DEFAULT);
        assert!(host.memory().await.unwrap().total > 0);
        assert_eq!(answer(host.stat("/etc/passwd".into()).await.unwrap_err()).kind, ErrorKind::Denied);
        let calls: Vec<_> = host.record.calls.iter().map(|call| (call.operation.as_str(), call.result)).collect();
        assert_eq!(calls, [("system.memory", "ok"), ("system.stat", "denied")]);
    }
}
