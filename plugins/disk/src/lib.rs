//! Free space and inodes of file systems against thresholds.

use probity_check::prelude::*;
use probity_check::system::DiskInfo;
use probity_check::units::Quantity;
use serde::{Deserialize, Deserializer, de};

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(default = "paths_default", deserialize_with = "paths")]
    paths: Vec<String>,
    #[serde(default)]
    used_percent: Option<AtMost>,
    #[serde(default)]
    available: AtLeast<Size>,
    #[serde(default)]
    inodes_used_percent: Option<AtMost>,
    #[serde(default)]
    writable: bool,
}

fn paths_default() -> Vec<String> {
    vec!["/".to_owned()]
}

/// For both shares, where the operator sets none.
const PERCENT_DEFAULT: AtMost = AtMost::new(85.0, 95.0);

/// File systems that are written once and full from then on, and so say nothing when they are.
const IMAGES: [&str; 7] = ["squashfs", "fuse.squashfuse", "iso9660", "erofs", "cramfs", "romfs", "udf"];

fn is_image(info: &DiskInfo) -> bool {
    info.read_only && IMAGES.contains(&info.file_system.as_str())
}

/// A check of nothing would always be healthy.
fn paths<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let paths = Vec::<String>::deserialize(deserializer)?;
    if paths.is_empty() || paths.iter().any(String::is_empty) {
        return Err(de::Error::custom("name at least one path, and no empty one"));
    }
    Ok(paths)
}

/// The check.
struct Disk;

impl Check for Disk {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("disk", env!("CARGO_PKG_VERSION"))
            .description("Free space and inodes of file systems against thresholds")
            .default_interval_ms(60_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        let mut texts = Vec::new();
        let mut outcome = Outcome::default();
        for path in &config.paths {
            outcome = match system::disk(path) {
                Ok(info) => {
                    texts.push(format!("{path} {} available", Size::show(info.available as f64, "By")));
                    judge(outcome, path, &info, config)
                }
                // An absent path is a volume that is not mounted.
                Err(error) if error.kind == ErrorKind::NotFound => {
                    outcome.finding(Status::Unhealthy, &format!("{path} does not exist"))
                }
                // A dead network file system: the answer would be known if there were one.
                Err(error) if error.kind == ErrorKind::Timeout => {
                    outcome.finding(Status::Unhealthy, &format!("{path} does not answer: {}", error.message))
                }
                Err(error) => return Err(error.into()),
            };
        }
        if outcome.status == Status::Healthy {
            outcome.message = texts.join(", ");
        }
        Ok(outcome)
    }
}

fn judge(outcome: Outcome, path: &str, info: &DiskInfo, config: &Config) -> Outcome {
    // Thresholds that the operator wrote are meant for what is there.
    let default = if is_image(info) { AtMost::default() } else { PERCENT_DEFAULT };
    let (percent, inodes_percent) =
        (config.used_percent.unwrap_or(default), config.inodes_used_percent.unwrap_or(default));
    let mut outcome = outcome
        .judge(&format!("{path} used"), used_percent(info.total, info.available), "%", &percent)
        .judge(&format!("{path} available"), info.available as f64, "By", &config.available);
    if let (Some(total), Some(free)) = (info.inodes_total, info.inodes_free) {
        let used = used_percent(total, free);
        outcome = outcome.judge(&format!("{path} inodes used"), used, "%", &inodes_percent);
    }
    if config.writable && info.read_only {
        outcome = outcome.finding(Status::Unhealthy, &format!("{path} is mounted read-only"));
    }
    outcome.detail(format!("{path} mount"), format!("{} ({})", info.mount_point, info.file_system))
}

/// 0 for a file system without a size: nothing of it is used up.
fn used_percent(total: u64, free: u64) -> f64 {
    if total == 0 {
        return 0.0;
    }
    100.0 * total.saturating_sub(free) as f64 / total as f64
}

probity_check::export!(Disk);

#[cfg(test)]
mod tests {
    use super::*;
    use probity_check::serde_json::{Value, json};
    use probity_check::testing::{TestHost, assert_schema_matches};

    const GIB: u64 = 1 << 30;

    fn disk(available: u64) -> DiskInfo {
        DiskInfo { total: 100 * GIB, available: available * GIB, ..DiskInfo::default() }
    }

    fn run(info: DiskInfo, config: Value) -> Outcome {
        TestHost::new().disk("/", info).run::<Disk>(config).unwrap()
    }

    #[test]
    fn schema_matches_the_configuration() {
        assert_schema_matches::<Disk>();
    }

    // More than 85 % is degraded, more than 95 % unhealthy, unless configured otherwise.
    #[test]
    fn used_share_is_judged() {
        let status = |available| run(disk(available), json!({})).status;
        assert_eq!([15, 14, 4].map(status), [Status::Healthy, Status::Degraded, Status::Unhealthy]);
        assert_eq!(run(disk(4), json!({"used-percent": {"warn": 99}})).status, Status::Healthy);
    }

    // Free bytes are judged, and said readably.
    #[test]
    fn free_bytes_are_judged() {
        let outcome = run(disk(20), json!({"available": {"warn": "50GiB", "crit": "30GiB"}}));
        assert_eq!(
            (outcome.status, outcome.message.as_str()),
            (Status::Unhealthy, "/ available 20 GiB, less than 30 GiB")
        );
    }

    // Running out of inodes is running out of space, on file systems that have them.
    #[test]
    fn inodes_are_judged_where_there_are_any() {
        let info = DiskInfo { inodes_total: Some(1000), inodes_free: Some(10), ..disk(90) };
        assert_eq!(run(info, json!({})).message, "/ inodes used 99 %, more than 95 %");
        let btrfs = DiskInfo { inodes_total: Some(0), inodes_free: Some(0), ..disk(90) };
        assert_eq!(run(btrfs, json!({})).status, Status::Healthy);
    }

    // The worst path decides, and a path that is gone is an unmounted volume.
    #[test]
    fn worst_path_decides() {
        let host = TestHost::new().disk("/", disk(90)).disk("/full", disk(10));
        let status = |paths: Value| host.run::<Disk>(json!({ "paths": paths })).unwrap();
        assert_eq!(status(json!(["/", "/full"])).status, Status::Degraded);
        assert_eq!(status(json!(["/full", "/gone"])).message, "/gone does not exist; /full used 90 %, more than 85 %");
    }

    // An image that nobody can write is always full: it is judged by thresholds of the operator's, and by no others.
    #[test]
    fn images_are_always_full() {
        let image = || DiskInfo {
            file_system: "squashfs".into(),
            read_only: true,
            inodes_total: Some(10),
            inodes_free: Some(0),
            ..disk(0)
        };
        assert_eq!(run(image(), json!({})).status, Status::Healthy);
        assert_eq!(run(image(), json!({"used-percent": {"crit": 99}})).status, Status::Unhealthy);
        assert_eq!(run(image(), json!({"available": {"crit": "1GiB"}})).status, Status::Unhealthy);
        let full = DiskInfo { file_system: "ext4".into(), ..image() };
        assert_eq!(run(full, json!({})).status, Status::Unhealthy);
    }

    // A read-only mount matters only where the operator says so.
    #[test]
    fn read_only_matters_when_asked() {
        let info = || DiskInfo { read_only: true, ..disk(90) };
        assert_eq!(run(info(), json!({})).status, Status::Healthy);
        assert_eq!(run(info(), json!({"writable": true})).status, Status::Unhealthy);
    }

    // A file system that hangs is unhealthy, and its neighbours are judged all the same.
    #[test]
    fn a_path_that_does_not_answer_is_unhealthy() {
        let hung = Error::new(ErrorKind::Timeout, "the look at /share has been hanging for 3.0 s");
        let host = TestHost::new().system_error(hung);
        let outcome = host.run::<Disk>(json!({"paths": ["/share"]})).unwrap();
        assert_eq!(outcome.status, Status::Unhealthy);
        assert_eq!(outcome.message, "/share does not answer: the look at /share has been hanging for 3.0 s");
    }

    // Without a grant there is no judgement; without a path no configuration.
    #[test]
    fn denied_and_misconfigured_are_failures() {
        let denied = TestHost::new().system_error(Error::new(ErrorKind::Denied, "/ is not granted"));
        assert!(matches!(denied.run::<Disk>(json!({})), Err(Failure::Capability(_))));
        let empty = TestHost::new().run::<Disk>(json!({"paths": []}));
        assert!(matches!(empty, Err(Failure::InvalidConfig(text)) if text.starts_with("at /paths")));
    }
}
