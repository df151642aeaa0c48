//! Pressure stall information against thresholds: how long work waited for processor, memory and I/O.

use probity_check::prelude::*;
use probity_check::system::{PressureInfo, PressureKind};
use serde::Deserialize;

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(default = "cpu_default")]
    cpu: Bounds,
    #[serde(default = "memory_default")]
    memory: Bounds,
    #[serde(default = "io_default")]
    io: Bounds,
}

/// Thresholds for one resource, in percent of the time.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Bounds {
    #[serde(default)]
    some_avg10: AtMost,
    #[serde(default)]
    some_avg60: AtMost,
    #[serde(default)]
    full_avg10: AtMost,
    #[serde(default)]
    full_avg60: AtMost,
}

/// Only `some`: the machine as a whole never waits for its processors.
fn cpu_default() -> Bounds {
    Bounds { some_avg60: AtMost::new(60.0, 90.0), ..Bounds::default() }
}

/// systemd-oomd kills at 60 % over 30 seconds; by half of that a service is already slow.
fn memory_default() -> Bounds {
    Bounds { full_avg60: AtMost::new(10.0, 30.0), ..Bounds::default() }
}

/// Waiting for disks is what databases do: only when nothing else gets done for most of the time is it an outage.
fn io_default() -> Bounds {
    Bounds { full_avg60: AtMost::new(30.0, 70.0), ..Bounds::default() }
}

/// The check.
struct Pressure;

impl Check for Pressure {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("pressure", env!("CARGO_PKG_VERSION"))
            .description("How long work waited for processor, memory and I/O, against thresholds")
            .default_interval_ms(15_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        let mut outcome = Outcome::healthy("nothing waits for long");
        for (name, kind, bounds) in [
            ("cpu", PressureKind::Cpu, &config.cpu),
            ("memory", PressureKind::Memory, &config.memory),
            ("io", PressureKind::Io, &config.io),
        ] {
            outcome = judge(outcome, name, &system::pressure(kind)?, bounds)?;
        }
        Ok(outcome)
    }
}

fn judge(mut outcome: Outcome, name: &str, info: &PressureInfo, bounds: &Bounds) -> Result<Outcome, Failure> {
    for (average, value, bounds) in [
        ("some avg10", Some(info.some_avg10), &bounds.some_avg10),
        ("some avg60", Some(info.some_avg60), &bounds.some_avg60),
        ("full avg10", info.full_avg10, &bounds.full_avg10),
        ("full avg60", info.full_avg60, &bounds.full_avg60),
    ] {
        match value {
            Some(value) => outcome = outcome.judge(&format!("{name} {average}"), value, "%", bounds),
            None if *bounds == AtMost::default() => {}
            None => {
                let message = format!("this kernel does not tell {average} of {name}");
                return Err(Error::new(ErrorKind::Unsupported, message).into());
            }
        }
    }
    Ok(outcome)
}

probity_check::export!(Pressure);

#[cfg(test)]
mod tests {
    use super::*;
    use probity_check::serde_json::json;
    use probity_check::testing::{TestHost, assert_schema_matches};

    fn all(percent: f64) -> PressureInfo {
        PressureInfo { some_avg10: percent, some_avg60: percent, full_avg10: Some(percent), full_avg60: Some(percent) }
    }

    #[test]
    fn schema_matches_the_configuration() {
        assert_schema_matches::<Pressure>();
    }

    // Each resource has its default: memory is the first to hurt, a busy disk the last.
    #[test]
    fn resources_have_their_defaults() {
        let run = |percent| TestHost::new().pressure(all(percent)).run::<Pressure>(json!({})).unwrap();
        assert_eq!(run(10.0).status, Status::Healthy);
        assert_eq!(run(11.0).message, "memory full avg60 11 %, more than 10 %");
        assert_eq!(run(95.0).status, Status::Unhealthy);
        assert_eq!(run(1.0).measurements.len(), 12);
    }

    // A table replaces the default of its resource; an empty one judges nothing.
    #[test]
    fn tables_replace_the_defaults() {
        let host = TestHost::new().pressure(all(95.0));
        let nothing = json!({"cpu": {}, "memory": {}, "io": {}});
        assert_eq!(host.run::<Pressure>(nothing).unwrap().status, Status::Healthy);
        let some = json!({"cpu": {"some-avg10": {"warn": 50}}, "memory": {}, "io": {}});
        assert_eq!(host.run::<Pressure>(some).unwrap().message, "cpu some avg10 95 %, more than 50 %");
    }

    // A threshold on what the kernel does not tell is no silent success.
    #[test]
    fn thresholds_without_values_are_failures() {
        let host = TestHost::new().pressure(PressureInfo { full_avg10: None, full_avg60: None, ..all(1.0) });
        let quiet = json!({"memory": {}, "io": {}});
        assert_eq!(host.run::<Pressure>(quiet).unwrap().status, Status::Healthy);
        let failure = host.run::<Pressure>(json!({"memory": {}, "io": {"full-avg10": {"crit": 1}}}));
        assert!(matches!(failure, Err(Failure::Capability(error)) if error.message.contains("full avg10 of io")));
    }
}
