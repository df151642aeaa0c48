//! The machine (or container) the host runs on. Granted as a whole; paths and
//! process names are granted one by one.

use crate::{Error, host};

/// Memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryInfo {
    /// Installed.
    pub total: u64,
    /// Can be had without swapping.
    pub available: u64,
    /// Swap space.
    pub swap_total: u64,
    /// Swap space that is free.
    pub swap_free: u64,
    /// The control group's limit, inside a container that has one.
    pub cgroup_limit: Option<u64>,
    /// What the control group uses.
    pub cgroup_used: Option<u64>,
}

/// Processors.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CpuInfo {
    /// Logical processors.
    pub logical: u32,
    /// Percent of the time not idle, over all processors.
    pub busy_percent: f64,
    /// Percent of the time waiting for I/O.
    pub iowait_percent: Option<f64>,
    /// Percent of the time taken by the hypervisor.
    pub steal_percent: Option<f64>,
    /// Percent of the periods in which the control group was throttled.
    pub throttled_percent: Option<f64>,
}

/// Load averages over one, five and fifteen minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LoadAverage {
    /// One minute.
    pub one: f64,
    /// Five minutes.
    pub five: f64,
    /// Fifteen minutes.
    pub fifteen: f64,
}

/// Pressure stall information, in percent of the time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PressureInfo {
    /// Some tasks stalled, over 10 seconds.
    pub some_avg10: f64,
    /// Some tasks stalled, over 60 seconds.
    pub some_avg60: f64,
    /// All tasks stalled, over 10 seconds.
    pub full_avg10: Option<f64>,
    /// All tasks stalled, over 60 seconds.
    pub full_avg60: Option<f64>,
}

/// What tasks stall on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PressureKind {
    /// Processor time.
    Cpu,
    /// Memory.
    Memory,
    /// Input and output.
    Io,
}

/// A mounted file system; sizes in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiskInfo {
    /// Where it is mounted.
    pub mount_point: String,
    /// Its type: `ext4`.
    pub file_system: String,
    /// Used and available, as `df` counts: what is kept for root is in neither.
    pub total: u64,
    /// What an ordinary user can still write.
    pub available: u64,
    /// Its inodes, likewise, where it has a fixed number.
    pub inodes_total: Option<u64>,
    /// Its free inodes.
    pub inodes_free: Option<u64>,
    /// Whether it is mounted read-only.
    pub read_only: bool,
}

/// A process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessInfo {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub name: String,
    /// When it started, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// Resident memory in bytes.
    pub rss: u64,
    /// Processor time in percent of one processor.
    pub cpu_percent: f64,
    /// Its threads.
    pub threads: Option<u32>,
    /// Its open files.
    pub open_files: Option<u32>,
}

/// A file or directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileInfo {
    /// Bytes.
    pub size: u64,
    /// Last modification in milliseconds since 1970.
    pub modified_unix_ms: u64,
    /// Whether it is a directory.
    pub is_directory: bool,
}

/// Memory, control-group limits included.
///
/// # Errors
/// `denied` without a grant, `unsupported` where the platform does not tell.
pub fn memory() -> Result<MemoryInfo, Error> {
    host::memory()
}

/// Processors.
///
/// # Errors
/// As [`memory`].
pub fn cpu() -> Result<CpuInfo, Error> {
    host::cpu()
}

/// Load averages.
///
/// # Errors
/// As [`memory`].
pub fn load() -> Result<LoadAverage, Error> {
    host::load()
}

/// Pressure stall information (Linux).
///
/// # Errors
/// As [`memory`].
pub fn pressure(kind: PressureKind) -> Result<PressureInfo, Error> {
    host::pressure(kind)
}

/// Milliseconds since the machine started.
///
/// # Errors
/// As [`memory`].
pub fn uptime_ms() -> Result<u64, Error> {
    host::uptime_ms()
}

/// The file system that holds `path`.
///
/// # Errors
/// `denied` when the path is not granted, `not-found` when it does not exist.
pub fn disk(path: &str) -> Result<DiskInfo, Error> {
    host::disk(path)
}

/// All granted file systems.
///
/// # Errors
/// As [`memory`].
pub fn disks() -> Result<Vec<DiskInfo>, Error> {
    host::disks()
}

/// Processes of this name.
///
/// # Errors
/// `denied` when the name matches no granted pattern.
pub fn processes(name: &str) -> Result<Vec<ProcessInfo>, Error> {
    host::processes(name)
}

/// Size and age of a file; of the newest that matches where the last name of `path` holds `*` or `?`.
///
/// # Errors
/// `denied` when the path, or the directory of a pattern, is not granted; `not-found` when there is no such file.
pub fn stat(path: &str) -> Result<FileInfo, Error> {
    host::stat(path)
}
