//! Available memory, container limits included, against thresholds.

use probity_check::prelude::*;
use probity_check::system::MemoryInfo;
use probity_check::units::Quantity;
use serde::Deserialize;

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(default = "available_percent_default")]
    available_percent: AtLeast,
    #[serde(default)]
    available: AtLeast<Size>,
}

fn available_percent_default() -> AtLeast {
    AtLeast::new(10.0, 5.0)
}

/// The check.
struct Memory;

impl Check for Memory {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("memory", env!("CARGO_PKG_VERSION"))
            .description("Available memory, container limits included, against thresholds")
            .default_interval_ms(15_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        let info = system::memory()?;
        let room = Room::of(&info)?;
        if room.total == 0 {
            return Err(Failure::other("the host reports no memory at all"));
        }
        let available = room.available as f64;
        let percent = 100.0 * available / room.total as f64;
        let text = format!("{} of {} available", Size::show(available, "By"), Size::show(room.total as f64, "By"));
        let outcome = Outcome::healthy(text)
            .judge("available-percent", percent, "%", &config.available_percent)
            .judge("available", available, "By", &config.available)
            .measure("total", room.total, "By")
            .measure("swap-free", info.swap_free, "By");
        Ok(if room.is_container { outcome.detail("limit", "container") } else { outcome })
    }
}

/// The memory that this host can have.
struct Room {
    total: u64,
    available: u64,
    is_container: bool,
}

impl Room {
    /// A container's limit is the total when it is the tighter one. The
    /// machine may have less left than the limit leaves.
    fn of(info: &MemoryInfo) -> Result<Self, Error> {
        match (info.cgroup_limit, info.cgroup_used) {
            (Some(limit), Some(used)) if limit < info.total => {
                Ok(Self { total: limit, available: limit.saturating_sub(used).min(info.available), is_container: true })
            }
            // The machine's would be the wrong one to judge by.
            (Some(limit), None) if limit < info.total => Err(Error::new(
                ErrorKind::Unsupported,
                "the container has a limit, and does not tell what is used under it",
            )),
            _ => Ok(Self { total: info.total, available: info.available, is_container: false }),
        }
    }
}

probity_check::export!(Memory);

#[cfg(test)]
mod tests {
    use super::*;
    use probity_check::serde_json::json;
    use probity_check::testing::{TestHost, assert_schema_matches};

    const MIB: u64 = 1 << 20;

    fn machine(available: u64) -> MemoryInfo {
        MemoryInfo { total: 1000 * MIB, available: available * MIB, ..MemoryInfo::default() }
    }

    fn run(info: MemoryInfo, config: probity_check::serde_json::Value) -> Outcome {
        TestHost::new().memory(info).run::<Memory>(config).unwrap()
    }

    #[test]
    fn schema_matches_the_configuration() {
        assert_schema_matches::<Memory>();
    }

    // Less than 10 % is degraded, less than 5 % unhealthy, unless configured otherwise.
    #[test]
    fn share_is_judged() {
        let status = |available| run(machine(available), json!({})).status;
        assert_eq!([100, 99, 49].map(status), [Status::Healthy, Status::Degraded, Status::Unhealthy]);
        assert_eq!(run(machine(49), json!({"available-percent": {"crit": 1}})).status, Status::Healthy);
    }

    // Bytes can be judged too, and are shown as a person would write them.
    #[test]
    fn bytes_are_judged() {
        let outcome = run(machine(500), json!({"available": {"warn": "600MiB"}}));
        assert_eq!(
            (outcome.status, outcome.message.as_str()),
            (Status::Degraded, "available 500 MiB, less than 600 MiB")
        );
    }

    // In a container its limit counts, not the machine's memory; the machine's is the end of both.
    #[test]
    fn container_limit_counts() {
        let cgroup =
            |limit, used| MemoryInfo { cgroup_limit: Some(limit * MIB), cgroup_used: Some(used * MIB), ..machine(900) };
        assert_eq!(run(cgroup(100, 96), json!({})).status, Status::Unhealthy);
        assert_eq!(run(cgroup(100, 50), json!({})).status, Status::Healthy);
        assert_eq!(run(cgroup(5000, 4999), json!({})).status, Status::Healthy);
        let crowded = MemoryInfo { cgroup_limit: Some(900 * MIB), cgroup_used: Some(0), ..machine(10) };
        assert_eq!(run(crowded, json!({})).status, Status::Unhealthy);
    }

    // No numbers, no judgement.
    #[test]
    fn nothing_reported_is_a_failure() {
        let half = MemoryInfo { cgroup_limit: Some(100 * MIB), cgroup_used: None, ..machine(900) };
        let half = TestHost::new().memory(half).run::<Memory>(json!({}));
        assert!(matches!(half, Err(Failure::Capability(error)) if error.kind == ErrorKind::Unsupported));
        assert!(matches!(TestHost::new().run::<Memory>(json!({})), Err(Failure::Other(_))));
        let denied = Error::new(ErrorKind::Denied, "not granted");
        assert!(matches!(TestHost::new().system_error(denied).run::<Memory>(json!({})), Err(Failure::Capability(_))));
    }
}
