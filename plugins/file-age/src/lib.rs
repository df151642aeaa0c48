//! Presence, age and size of files against thresholds: backups, exports, stamps of cron jobs, stale locks.

use probity_check::prelude::*;
use probity_check::system::FileInfo;
use probity_check::units::Quantity;
use serde::{Deserialize, Deserializer, de};

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(deserialize_with = "paths")]
    paths: Vec<String>,
    #[serde(default)]
    expect: Expect,
    #[serde(default = "max_age_default")]
    max_age: AtMost<Span>,
    #[serde(default)]
    min_age: AtLeast<Span>,
    #[serde(default)]
    min_size: AtLeast<Size>,
    #[serde(default)]
    max_size: AtMost<Size>,
}

/// Whether a file should be there.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Expect {
    /// A missing one is unhealthy.
    #[default]
    Present,
    /// One that is there is unhealthy.
    Absent,
    /// Age and size are judged where there is one.
    Either,
}

/// As `check_file_age`.
fn max_age_default() -> AtMost<Span> {
    AtMost::new(Span::from_ms(240_000), Span::from_ms(600_000))
}

/// A check of nothing would always be healthy, and one of a pattern that is none would look for a file of that name.
fn paths<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let paths = Vec::<String>::deserialize(deserializer)?;
    if paths.is_empty() || paths.iter().any(|path| !path.starts_with('/')) {
        return Err(de::Error::custom("name at least one path, and only absolute ones"));
    }
    if let Some(path) = paths.iter().find(|path| path.rsplit_once('/').is_some_and(|(dir, _)| is_pattern(dir))) {
        return Err(de::Error::custom(format!("{path}: `*` and `?` are allowed in the last name of a path only")));
    }
    Ok(paths)
}

/// Whether the host is to look for the newest file that matches.
fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?'])
}

/// The check.
struct FileAge;

impl Check for FileAge {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("file-age", env!("CARGO_PKG_VERSION"))
            .description("Presence, age and size of files against thresholds")
            .default_interval_ms(60_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        let now_ms = clock::now_unix_ms();
        let mut texts = Vec::new();
        let mut outcome = Outcome::default();
        for path in &config.paths {
            let (next, text) = match system::stat(path) {
                Ok(_) if config.expect == Expect::Absent => {
                    let finding =
                        if is_pattern(path) { format!("a file matches {path}") } else { format!("{path} exists") };
                    (outcome.finding(Status::Unhealthy, &finding), String::new())
                }
                Ok(info) => judge(outcome, path, &info, now_ms, config),
                Err(error) if error.kind == ErrorKind::NotFound => {
                    let finding = if is_pattern(path) {
                        format!("no file matches {path}")
                    } else {
                        format!("{path} does not exist")
                    };
                    let status = if config.expect == Expect::Present { Status::Unhealthy } else { Status::Healthy };
                    (outcome.finding(status, &finding), finding)
                }
                // A dead network file system: whether there is a file nobody knows.
                Err(error) if error.kind == ErrorKind::Timeout => {
                    let finding = format!("{path} does not answer: {}", error.message);
                    (outcome.finding(Status::Unhealthy, &finding), finding)
                }
                Err(error) => return Err(error.into()),
            };
            outcome = next;
            texts.push(text);
        }
        if outcome.status == Status::Healthy {
            outcome.message = texts.join(", ");
        }
        Ok(outcome)
    }
}

/// The judgement, and what to say when all is well.
fn judge(outcome: Outcome, path: &str, info: &FileInfo, now_ms: u64, config: &Config) -> (Outcome, String) {
    // Negative when the file comes from the future: younger than any.
    let age_ms = now_ms as f64 - info.modified_unix_ms as f64;
    let size = info.size as f64;
    let path = if is_pattern(path) { format!("the newest of {path}") } else { path.to_owned() };
    let text = format!("{path} is {} old, {}", Span::show(age_ms, "ms"), Size::show(size, "By"));
    let mut outcome = both(outcome, &format!("{path} age"), age_ms, "ms", &config.max_age, &config.min_age);
    // The size of a directory says nothing of what is in it.
    if !info.is_directory {
        outcome = both(outcome, &format!("{path} size"), size, "By", &config.max_size, &config.min_size);
    }
    (outcome, text)
}

/// One measurement, judged from above and from below.
fn both(outcome: Outcome, name: &str, value: f64, unit: &str, at_most: &impl Judge, at_least: &impl Judge) -> Outcome {
    match at_least.complaint(value, unit) {
        // Both cannot be broken by one value, unless they leave nothing that is fine.
        Some(_) => outcome.judge(name, value, unit, at_least),
        None => outcome.judge(name, value, unit, at_most),
    }
}

probity_check::export!(FileAge);

#[cfg(test)]
mod tests {
    use super::*;
    use probity_check::serde_json::{Value, json};
    use probity_check::testing::{TestHost, assert_schema_matches};

    const NOW_MS: u64 = 1_735_689_600_000;
    const MINUTE_MS: u64 = 60_000;

    fn file(minutes: u64, size: u64) -> FileInfo {
        FileInfo { size, modified_unix_ms: NOW_MS - minutes * MINUTE_MS, is_directory: false }
    }

    fn run(info: FileInfo, mut config: Value) -> Outcome {
        config["paths"] = json!(["/backup.dump"]);
        TestHost::new().file("/backup.dump", info).run::<FileAge>(config).unwrap()
    }

    #[test]
    fn schema_matches_the_configuration() {
        assert_schema_matches::<FileAge>();
    }

    // As check_file_age: older than 4 minutes is degraded, older than 10 unhealthy, unless configured otherwise.
    #[test]
    fn age_is_judged() {
        let status = |minutes| run(file(minutes, 1), json!({})).status;
        assert_eq!([4, 5, 11].map(status), [Status::Healthy, Status::Degraded, Status::Unhealthy]);
        let daily = run(file(11, 1 << 20), json!({"max-age": {"warn": "25h", "crit": "49h"}}));
        assert_eq!((daily.status, daily.message.as_str()), (Status::Healthy, "/backup.dump is 11 m old, 1 MiB"));
        let old = run(file(11, 1), json!({}));
        assert_eq!(old.message, "/backup.dump age 11 m, more than 10 m");
    }

    // A file that should have come to rest, and one from the future, are too young.
    #[test]
    fn youth_is_judged() {
        let config = json!({"max-age": {}, "min-age": {"crit": "5m"}});
        assert_eq!(run(file(6, 1), config.clone()).status, Status::Healthy);
        assert_eq!(run(file(4, 1), config.clone()).message, "/backup.dump age 4 m, less than 5 m");
        let future = FileInfo { modified_unix_ms: NOW_MS + MINUTE_MS, ..file(0, 1) };
        assert_eq!(run(future, config).status, Status::Unhealthy);
    }

    // An empty backup is none; a log that nobody rotates fills the disk. Directories have no size to judge.
    #[test]
    fn size_is_judged() {
        let config = json!({"min-size": {"crit": "1KiB"}, "max-size": {"warn": "1MiB"}});
        let status = |size| run(file(0, size), config.clone()).status;
        assert_eq!([1023, 1024, 2 << 20].map(status), [Status::Unhealthy, Status::Healthy, Status::Degraded]);
        let folder = FileInfo { is_directory: true, ..file(0, 40) };
        assert_eq!(run(folder, config).status, Status::Healthy);
    }

    // Whether a missing file is bad news is the operator's word.
    #[test]
    fn presence_is_judged() {
        let host = TestHost::new().file("/lock", file(20, 0));
        let run = |path, expect| {
            let outcome = host.run::<FileAge>(json!({"paths": [path], "expect": expect, "max-age": {"warn": "10m"}}));
            outcome.unwrap().status
        };
        assert_eq!(run("/gone", "present"), Status::Unhealthy);
        assert_eq!((run("/gone", "absent"), run("/lock", "absent")), (Status::Healthy, Status::Unhealthy));
        assert_eq!((run("/gone", "either"), run("/lock", "either")), (Status::Healthy, Status::Degraded));
    }

    // The worst of several files decides, and each is told.
    #[test]
    fn worst_file_decides() {
        let host = TestHost::new().file("/a", file(5, 1)).file("/b", file(0, 1));
        let outcome = host.run::<FileAge>(json!({"paths": ["/a", "/b", "/c"]})).unwrap();
        assert_eq!(outcome.message, "/c does not exist; /a age 5 m, more than 4 m");
    }

    // A file system that hangs is unhealthy, whether a file is wanted there or not.
    #[test]
    fn a_path_that_does_not_answer_is_unhealthy() {
        let hung = || Error::new(ErrorKind::Timeout, "the look at /share/stamp has been hanging for 3.0 s");
        for expect in ["present", "absent", "either"] {
            let host = TestHost::new().system_error(hung());
            let outcome = host.run::<FileAge>(json!({"paths": ["/share/stamp"], "expect": expect})).unwrap();
            assert_eq!(outcome.status, Status::Unhealthy, "{expect}");
            assert!(outcome.message.starts_with("/share/stamp does not answer"), "{}", outcome.message);
        }
    }

    // The newest file that matches a pattern is judged as one that is named; no match is told as such.
    #[test]
    fn the_newest_match_is_judged() {
        let host = TestHost::new().file("/backups/*.dump", file(5, 2));
        let run = |config: Value| host.run::<FileAge>(config).unwrap();
        let new = run(json!({"paths": ["/backups/*.dump"], "max-age": {"crit": "1h"}}));
        assert_eq!(
            (new.status, new.message.as_str()),
            (Status::Healthy, "the newest of /backups/*.dump is 5 m old, 2 B")
        );
        let old = run(json!({"paths": ["/backups/*.dump"], "max-age": {"crit": "1m"}}));
        let said = "the newest of /backups/*.dump age 5 m, more than 1 m";
        assert_eq!((old.status, old.message.as_str()), (Status::Unhealthy, said));
        let there = run(json!({"paths": ["/backups/*.dump"], "expect": "absent"}));
        assert_eq!((there.status, there.message.as_str()), (Status::Unhealthy, "a file matches /backups/*.dump"));
        let none = run(json!({"paths": ["/backups/?.sql"]}));
        assert_eq!((none.status, none.message.as_str()), (Status::Unhealthy, "no file matches /backups/?.sql"));
        let none = run(json!({"paths": ["/spool/*.err"], "expect": "absent"}));
        assert_eq!((none.status, none.message.as_str()), (Status::Healthy, "no file matches /spool/*.err"));
    }

    // Without a grant there is no judgement; without an absolute path no configuration.
    #[test]
    fn denied_and_misconfigured_are_failures() {
        let denied = TestHost::new().system_error(Error::new(ErrorKind::Denied, "/a is not granted"));
        assert!(matches!(denied.run::<FileAge>(json!({"paths": ["/a"]})), Err(Failure::Capability(_))));
        for paths in [json!([]), json!(["relative"]), json!(["/backups/*/orders.dump"])] {
            let refused = TestHost::new().run::<FileAge>(json!({ "paths": paths }));
            assert!(matches!(refused, Err(Failure::InvalidConfig(text)) if text.starts_with("at /paths")));
        }
    }
}
