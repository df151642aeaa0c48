//! `[case.system]` as typed.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Spanned, Value};

use super::Fail;

/// `[case.system]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::testing) struct System {
    pub(in crate::testing) memory: Option<Spanned<Memory>>,
    pub(in crate::testing) cpu: Option<Spanned<Cpu>>,
    pub(in crate::testing) load: Option<Spanned<Load>>,
    #[serde(default)]
    pub(in crate::testing) pressure: BTreeMap<String, Spanned<Pressure>>,
    pub(in crate::testing) uptime_ms: Option<Spanned<u64>>,
    #[serde(default)]
    pub(in crate::testing) disk: BTreeMap<String, Spanned<Disk>>,
    pub(in crate::testing) disks: Option<Spanned<Vec<Disk>>>,
    #[serde(default)]
    pub(in crate::testing) processes: BTreeMap<String, Spanned<Vec<Process>>>,
    #[serde(default)]
    pub(in crate::testing) stat: BTreeMap<String, Spanned<Stat>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::testing) struct Memory {
    #[serde(default)]
    pub(in crate::testing) total: u64,
    #[serde(default)]
    pub(in crate::testing) available: u64,
    #[serde(default)]
    pub(in crate::testing) swap_total: u64,
    #[serde(default)]
    pub(in crate::testing) swap_free: u64,
    pub(in crate::testing) cgroup_limit: Option<u64>,
    pub(in crate::testing) cgroup_used: Option<u64>,
    pub(in crate::testing) error: Option<Fail>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::testing) struct Cpu {
    #[serde(default = "one_cpu")]
    pub(in crate::testing) logical: u32,
    #[serde(default)]
    pub(in crate::testing) busy_percent: f64,
    pub(in crate::testing) iowait_percent: Option<f64>,
    pub(in crate::testing) steal_percent: Option<f64>,
    pub(in crate::testing) throttled_percent: Option<f64>,
    pub(in crate::testing) error: Option<Fail>,
}

const fn one_cpu() -> u32 {
    1
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::testing) struct Load {
    #[serde(default)]
    pub(in crate::testing) one: f64,
    #[serde(default)]
    pub(in crate::testing) five: f64,
    #[serde(default)]
    pub(in crate::testing) fifteen: f64,
    pub(in crate::testing) error: Option<Fail>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::testing) struct Pressure {
    #[serde(default)]
    pub(in crate::testing) some_avg10: f64,
    #[serde(default)]
    pub(in crate::testing) some_avg60: f64,
    pub(in crate::testing) full_avg10: Option<f64>,
    pub(in crate::testing) full_avg60: Option<f64>,
    pub(in crate::testing) error: Option<Fail>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::testing) struct Disk {
    #[serde(default = "root")]
    pub(in crate::testing) mount_point: String,
    #[serde(default = "ext4")]
    pub(in crate::testing) file_system: String,
    #[serde(default)]
    pub(in crate::testing) total: u64,
    #[serde(default)]
    pub(in crate::testing) available: u64,
    pub(in crate::testing) inodes_total: Option<u64>,
    pub(in crate::testing) inodes_free: Option<u64>,
    #[serde(default)]
    pub(in crate::testing) read_only: bool,
    pub(in crate::testing) error: Option<Fail>,
}

fn root() -> String {
    "/".into()
}

fn ext4() -> String {
    "ext4".into()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::testing) struct Process {
    pub(in crate::testing) pid: u32,
    #[serde(default)]
    pub(in crate::testing) rss: u64,
    #[serde(default)]
    pub(in crate::testing) cpu_percent: f64,
    #[serde(default)]
    pub(in crate::testing) age_ms: u64,
    pub(in crate::testing) threads: Option<u32>,
    pub(in crate::testing) open_files: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::testing) struct Stat {
    #[serde(default)]
    pub(in crate::testing) size: u64,
    pub(in crate::testing) modified: Option<Spanned<Value>>,
    #[serde(default)]
    pub(in crate::testing) is_directory: bool,
    pub(in crate::testing) error: Option<Fail>,
}
