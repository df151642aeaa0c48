//! Processor use against thresholds.

use probity_check::prelude::*;
use serde::Deserialize;

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(default = "busy_default")]
    busy_percent: AtMost,
    #[serde(default)]
    iowait_percent: AtMost,
    #[serde(default = "steal_default")]
    steal_percent: AtMost,
    #[serde(default = "throttled_default")]
    throttled_percent: AtMost,
}

fn busy_default() -> AtMost {
    AtMost::new(85.0, 95.0)
}

/// A tenth of the time gone to a neighbour is worth moving for.
fn steal_default() -> AtMost {
    AtMost::new(10.0, 30.0)
}

/// A quarter is where Kubernetes' own alert on throttling starts.
fn throttled_default() -> AtMost {
    AtMost::new(25.0, 50.0)
}

/// The check.
struct Cpu;

impl Check for Cpu {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("cpu", env!("CARGO_PKG_VERSION"))
            .description("Processor use, waiting, stealing and throttling against thresholds")
            .default_interval_ms(15_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        let cpu = system::cpu()?;
        // Thresholds on what nobody measures would be healthy for ever.
        if cpu.iowait_percent.is_none() && config.iowait_percent != AtMost::default() {
            return Err(Error::new(ErrorKind::Unsupported, "this machine does not tell its iowait-percent").into());
        }
        let text = format!("{:.0} % busy on {} CPUs", cpu.busy_percent, cpu.logical);
        let mut outcome = Outcome::healthy(text).judge("busy", cpu.busy_percent, "%", &config.busy_percent);
        // No value of steal is no hypervisor that tells, none of throttled no quota: neither takes anything away.
        for (name, value, bounds) in [
            ("iowait", cpu.iowait_percent, &config.iowait_percent),
            ("steal", cpu.steal_percent, &config.steal_percent),
            ("throttled", cpu.throttled_percent, &config.throttled_percent),
        ] {
            if let Some(value) = value {
                outcome = outcome.judge(name, value, "%", bounds);
            }
        }
        Ok(outcome.measure("cpus", cpu.logical, "1"))
    }
}

probity_check::export!(Cpu);

#[cfg(test)]
mod tests {
    use super::*;
    use probity_check::serde_json::json;
    use probity_check::system::CpuInfo;
    use probity_check::testing::{TestHost, assert_schema_matches};

    fn busy(percent: f64) -> CpuInfo {
        CpuInfo { logical: 4, busy_percent: percent, ..CpuInfo::default() }
    }

    #[test]
    fn schema_matches_the_configuration() {
        assert_schema_matches::<Cpu>();
    }

    // More than 85 % is degraded, more than 95 % unhealthy, unless configured otherwise.
    #[test]
    fn busy_share_is_judged() {
        let status = |percent| TestHost::new().cpu(busy(percent)).run::<Cpu>(json!({})).unwrap().status;
        assert_eq!([85.0, 86.0, 96.0].map(status), [Status::Healthy, Status::Degraded, Status::Unhealthy]);
        let lax = TestHost::new().cpu(busy(100.0)).run::<Cpu>(json!({"busy-percent": {}})).unwrap();
        assert_eq!((lax.status, lax.message.as_str()), (Status::Healthy, "100 % busy on 4 CPUs"));
    }

    // Time that a hypervisor or a quota takes away is judged where there is one.
    #[test]
    fn lost_time_is_judged() {
        let run = |info| TestHost::new().cpu(info).run::<Cpu>(json!({})).unwrap();
        let stolen = run(CpuInfo { steal_percent: Some(20.0), ..busy(30.0) });
        assert_eq!((stolen.status, stolen.message.as_str()), (Status::Degraded, "steal 20 %, more than 10 %"));
        let throttled = run(CpuInfo { throttled_percent: Some(60.0), ..busy(30.0) });
        assert_eq!(throttled.message, "throttled 60 %, more than 50 %");
        assert_eq!(run(busy(30.0)).measurements.len(), 2, "nothing is made up");
    }

    // Waiting for disks is judged when asked; where it cannot be, there is no judgement.
    #[test]
    fn iowait_is_judged_when_asked() {
        let waiting = TestHost::new().cpu(CpuInfo { iowait_percent: Some(50.0), ..busy(1.0) });
        assert_eq!(waiting.run::<Cpu>(json!({})).unwrap().status, Status::Healthy);
        let config = json!({"iowait-percent": {"warn": 30}});
        assert_eq!(waiting.run::<Cpu>(config.clone()).unwrap().status, Status::Degraded);
        let silent = TestHost::new().cpu(busy(1.0)).run::<Cpu>(config);
        assert!(matches!(silent, Err(Failure::Capability(error)) if error.kind == ErrorKind::Unsupported));
    }
}
