//! Load average per CPU against thresholds.

use probity_check::prelude::*;
use serde::Deserialize;

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(default)]
    load1: AtMost,
    #[serde(default = "load5_default")]
    load5: AtMost,
    #[serde(default)]
    load15: AtMost,
}

/// Work that waits for half as long again as it runs is worth a look; four
/// waiting for each processor is a machine that does not keep up.
fn load5_default() -> AtMost {
    AtMost::new(1.5, 4.0)
}

/// The check.
struct Load;

impl Check for Load {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("load", env!("CARGO_PKG_VERSION"))
            .description("Load average per CPU against thresholds")
            .default_interval_ms(15_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        let load = system::load()?;
        let cpus = system::cpu()?.logical.max(1);
        let per_cpu = |load: f64| load / f64::from(cpus);
        let text = format!("load {:.2} {:.2} {:.2} on {cpus} CPUs", load.one, load.five, load.fifteen);
        Ok(Outcome::healthy(text)
            .judge("load1", per_cpu(load.one), "1", &config.load1)
            .judge("load5", per_cpu(load.five), "1", &config.load5)
            .judge("load15", per_cpu(load.fifteen), "1", &config.load15)
            .measure("cpus", cpus, "1"))
    }
}

probity_check::export!(Load);

#[cfg(test)]
mod tests {
    use super::*;
    use probity_check::serde_json::json;
    use probity_check::testing::{TestHost, assert_schema_matches};

    #[test]
    fn schema_matches_the_configuration() {
        assert_schema_matches::<Load>();
    }

    // Load counts per CPU: what overloads two processors is nothing to eight.
    #[test]
    fn load_counts_per_cpu() {
        let run = |cpus| TestHost::new().load(0.0, 6.0, 0.0).cpus(cpus).run::<Load>(json!({})).unwrap();
        assert_eq!(run(8).status, Status::Healthy);
        assert_eq!(run(2).status, Status::Degraded);
        assert_eq!(run(1).status, Status::Unhealthy);
        assert_eq!(run(2).message, "load5 3, more than 1.5");
    }

    // Each average has thresholds of its own.
    #[test]
    fn each_average_is_judged_by_its_own_thresholds() {
        let host = TestHost::new().load(1.0, 2.0, 3.0);
        let status = |config| host.run::<Load>(config).unwrap().status;
        assert_eq!(status(json!({"load1": {"warn": 0.5}, "load5": {}})), Status::Degraded);
        assert_eq!(status(json!({"load15": {"crit": 2.5}, "load5": {}})), Status::Unhealthy);
        assert_eq!(status(json!({"load1": {"crit": 1}, "load5": {"warn": 2}})), Status::Healthy);
    }

    // Where the platform does not tell the load, there is no judgement.
    #[test]
    fn unsupported_is_a_failure() {
        let error = Error::new(ErrorKind::Unsupported, "no load average here");
        let host = TestHost::new().system_error(error.clone());
        assert_eq!(host.run::<Load>(json!({})), Err(Failure::Capability(error)));
    }
}
