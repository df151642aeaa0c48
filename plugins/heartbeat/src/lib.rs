//! Whether a job reported in time to `POST /heartbeats/NAME`, and that all was well.

use probity_check::heartbeats::{Beat, OpenRun};
use probity_check::prelude::*;
use probity_check::units::Quantity;
use serde::{Deserialize, Deserializer, de};

mod schedule;

use schedule::{Schedule, UtcOffset};

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(deserialize_with = "not_empty")]
    name: String,
    #[serde(default)]
    period: Option<Span>,
    #[serde(default)]
    schedule: Option<Schedule>,
    #[serde(default)]
    utc_offset: UtcOffset,
    #[serde(default = "grace_default")]
    grace: Span,
    #[serde(default)]
    duration: AtMost<Span>,
    #[serde(default)]
    never: Never,
}

/// What a job is that has not reported yet.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Never {
    Healthy,
    /// Somebody forgot to set it up, or its first turn has not come.
    #[default]
    Degraded,
    Unhealthy,
}

const fn grace_default() -> Span {
    Span::from_ms(60_000)
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(de::Error::custom("must not be empty")) } else { Ok(text) }
}

/// The check.
struct Heartbeat;

impl Check for Heartbeat {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("heartbeat", env!("CARGO_PKG_VERSION"))
            .description("Whether a job reported in time, and that all was well")
            .default_interval_ms(15_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        let rhythm = match (config.period, &config.schedule) {
            (Some(period), None) => Rhythm::Period(period),
            (None, Some(schedule)) => Rhythm::Schedule(schedule),
            (Some(_), Some(_)) => {
                return Err(Failure::invalid_config("/schedule", "only one of `period` and `schedule`"));
            }
            (None, None) => return Err(Failure::invalid_config("/period", "say a `period`, or a `schedule`")),
        };
        let last = heartbeats::last(&config.name)?;
        let open = heartbeats::open(&config.name)?;
        let outcome = match &last {
            Some(beat) => judge(beat, &rhythm, config),
            None => missing(&open, &rhythm, config),
        };
        Ok(judge_open(outcome, &open, config))
    }
}

/// How often a job reports.
enum Rhythm<'a> {
    /// At the latest so long after the last time.
    Period(Span),
    /// After each of these times.
    Schedule(&'a Schedule),
}

/// A job that has never ended: one that began long ago is late like one that reported then.
fn missing(open: &[OpenRun], rhythm: &Rhythm<'_>, config: &Config) -> Outcome {
    let text = format!("{} has not reported yet", config.name);
    let outcome = match config.never {
        Never::Healthy => Outcome::healthy(text),
        Never::Degraded => Outcome::degraded(text),
        Never::Unhealthy => Outcome::unhealthy(text),
    };
    let Some(begun_ms) = open.iter().map(|run| run.age_ms).max() else { return outcome };
    match rhythm {
        Rhythm::Period(period) if begun_ms > period.as_ms().saturating_add(config.grace.as_ms()) => {
            let text = format!("{} began {} ago and has not ended", config.name, ago(begun_ms));
            outcome.finding(Status::Unhealthy, &text)
        }
        Rhythm::Period(_) => outcome,
        Rhythm::Schedule(schedule) => judge_schedule(outcome, begun_ms, schedule, config),
    }
}

fn judge(beat: &Beat, rhythm: &Rhythm<'_>, config: &Config) -> Outcome {
    let said = if beat.message.is_empty() { String::new() } else { format!(": {}", beat.message) };
    let age = ago(beat.age_ms);
    let mut outcome = Outcome::healthy(format!("{} reported {age} ago{said}", config.name));
    if !beat.ok {
        outcome = outcome.finding(Status::Unhealthy, &format!("{} failed {age} ago{said}", config.name));
    }
    outcome = match rhythm {
        Rhythm::Period(period) => {
            let limit = AtMost::new(*period, Span::from_ms(period.as_ms().saturating_add(config.grace.as_ms())));
            outcome.judge("age", beat.age_ms as f64, "ms", &limit)
        }
        Rhythm::Schedule(schedule) => {
            judge_schedule(outcome.measure("age", beat.age_ms as f64, "ms"), beat.age_ms, schedule, config)
        }
    };
    match beat.duration_ms {
        Some(ms) => outcome.judge("duration", ms, "ms", &config.duration),
        None => outcome,
    }
}

/// A run that has not ended has taken as long as this already: the longest is judged as its end would be.
fn judge_open(outcome: Outcome, open: &[OpenRun], config: &Config) -> Outcome {
    let Some(longest) = open.iter().max_by_key(|run| run.age_ms) else { return outcome };
    let outcome = outcome.measure("open-runs", open.len() as f64, "").judge(
        "running",
        longest.age_ms as f64,
        "ms",
        &config.duration,
    );
    match &longest.id {
        Some(id) => outcome.detail("running", id),
        None => outcome,
    }
}

/// The first due time after the last report is what must not be longer ago than the grace.
fn judge_schedule(outcome: Outcome, age_ms: u64, schedule: &Schedule, config: &Config) -> Outcome {
    let now = clock::now_unix_ms();
    let reported = now.saturating_sub(age_ms);
    let Some(due) = schedule.next_after(reported, config.utc_offset) else { return outcome };
    let late_ms = now.saturating_sub(due);
    if late_ms <= config.grace.as_ms() {
        return outcome;
    }
    let text = format!("{} was due {} ago ({}) and has not reported", config.name, ago(late_ms), schedule.text);
    outcome.finding(Status::Unhealthy, &text)
}

/// Whole seconds from the first on: nobody reads the milliseconds of a day.
fn ago(ms: u64) -> String {
    let shown = if ms < 1_000 { ms } else { ms - ms % 1_000 };
    Span::show(shown as f64, "ms")
}

probity_check::export!(Heartbeat);

#[cfg(test)]
mod tests {
    use super::*;
    use probity_check::serde_json::{Value, json};
    use probity_check::testing::{TestHost, assert_schema_matches};

    const NOW: u64 = 1_800_000_000_000;

    fn beat(seconds_ago: u64) -> Beat {
        Beat { at_unix_ms: NOW - seconds_ago * 1_000, ok: true, ..Beat::default() }
    }

    fn run(beats: Vec<Beat>, mut config: Value) -> Outcome {
        config["name"] = "backup".into();
        TestHost::new().now_unix_ms(NOW).heartbeat("backup", Ok(beats)).run::<Heartbeat>(config).unwrap()
    }

    #[test]
    fn schema_matches_the_configuration() {
        assert_schema_matches::<Heartbeat>();
    }

    // On time is healthy, late within the grace degraded, later unhealthy.
    #[test]
    fn lateness_is_judged() {
        let config = json!({"period": "1h", "grace": "10m"});
        let status = |ago| run(vec![beat(ago)], config.clone()).status;
        assert_eq!([3600, 3601, 4201].map(status), [Status::Healthy, Status::Degraded, Status::Unhealthy]);
        assert_eq!(run(vec![beat(59)], config).message, "backup reported 59 s ago");
    }

    // By a schedule a job has the grace from each due time on, however long ago it reported before.
    #[test]
    fn schedule_is_judged() {
        // NOW is 2027-01-15T08:00:00Z.
        let config = |grace: &str| json!({"schedule": "30 7 * * *", "grace": grace});
        let outcome = |ago, grace| run(vec![beat(ago)], config(grace));
        assert_eq!(outcome(20 * 60, "10m").status, Status::Healthy, "reported after it was due");
        assert_eq!(outcome(23 * 3600, "30m").status, Status::Healthy, "still within the grace");
        let late = outcome(23 * 3600, "29m");
        let said = "backup was due 30 m ago (30 7 * * *) and has not reported";
        assert_eq!((late.status, late.message.as_str()), (Status::Unhealthy, said));
        let mut east = config("29m");
        east["utc-offset"] = "+01:00".into();
        assert_eq!(
            run(vec![beat(23 * 3600)], east).message,
            "backup was due 1.5 h ago (30 7 * * *) and has not reported"
        );
    }

    // A rhythm is said once, in either form.
    #[test]
    fn one_rhythm() {
        for (config, at) in
            [(json!({}), "at /period"), (json!({"period": "1h", "schedule": "0 3 * * *"}), "at /schedule")]
        {
            let mut config = config;
            config["name"] = "backup".into();
            let refused = TestHost::new().heartbeat("backup", Ok(vec![])).run::<Heartbeat>(config);
            assert!(matches!(refused, Err(Failure::InvalidConfig(text)) if text.starts_with(at)));
        }
    }

    // A failed end is unhealthy with what the job said, however recent it is.
    #[test]
    fn failed_end_is_unhealthy() {
        let failed = Beat { ok: false, message: "disk full".into(), ..beat(5) };
        let outcome = run(vec![failed, beat(65)], json!({"period": "1h"}));
        assert_eq!((outcome.status, outcome.message.as_str()), (Status::Unhealthy, "backup failed 5 s ago: disk full"));
    }

    // A job that takes longer and longer shows before it is late.
    #[test]
    fn duration_is_judged() {
        let slow = Beat { duration_ms: Some(90_000.0), ..beat(5) };
        let outcome = run(vec![slow], json!({"period": "1h", "duration": {"warn": "1m"}}));
        assert_eq!(outcome.status, Status::Degraded, "{}", outcome.message);
        assert_eq!(run(vec![beat(5)], json!({"period": "1h", "duration": {"warn": "1m"}})).status, Status::Healthy);
    }

    fn open(id: Option<&str>, seconds_ago: u64) -> OpenRun {
        let (id, started_unix_ms) = (id.map(str::to_owned), NOW - seconds_ago * 1_000);
        OpenRun { id, started_unix_ms, ..OpenRun::default() }
    }

    fn running(beats: Vec<Beat>, runs: Vec<OpenRun>, mut config: Value) -> Outcome {
        config["name"] = "backup".into();
        let host = TestHost::new().now_unix_ms(NOW).heartbeat("backup", Ok(beats)).open_runs("backup", runs);
        host.run::<Heartbeat>(config).unwrap()
    }

    // A run that began and does not end is judged by the time that it has taken so far, whatever ended well meanwhile.
    #[test]
    fn a_run_without_an_end_is_judged() {
        let config = json!({"period": "1h", "duration": {"warn": "1m", "crit": "2m"}});
        let status = |ago| running(vec![beat(5)], vec![open(None, ago)], config.clone()).status;
        assert_eq!([60, 61, 121].map(status), [Status::Healthy, Status::Degraded, Status::Unhealthy]);
        let two = running(vec![beat(5)], vec![open(Some("A"), 300), open(Some("B"), 10)], config);
        assert_eq!(two.status, Status::Unhealthy, "{}", two.message);
        assert!(two.details.contains(&("running".to_owned(), "A".to_owned())), "{two:?}");
        assert!(two.message.contains("running"), "{}", two.message);
    }

    // A job that began and never reported is late from its beginning on.
    #[test]
    fn a_beginning_is_no_report() {
        let config = json!({"period": "1h", "grace": "10m", "never": "healthy"});
        let outcome = |ago| running(vec![], vec![open(None, ago)], config.clone());
        assert_eq!(outcome(4_200).status, Status::Healthy);
        let late = outcome(4_201);
        assert_eq!(late.message, "backup began 1.17 h ago and has not ended");
        assert_eq!(late.status, Status::Unhealthy);
        let daily = json!({"schedule": "30 7 * * *", "grace": "10m", "never": "healthy"});
        assert_eq!(running(vec![], vec![open(None, 23 * 3600)], daily).status, Status::Unhealthy);
    }

    // Before the first report it is what the operator says, by default degraded.
    #[test]
    fn silence_is_what_was_said() {
        assert_eq!(run(vec![], json!({"period": "1h"})).message, "backup has not reported yet");
        let status = |never: &str| run(vec![], json!({"period": "1h", "never": never})).status;
        assert_eq!(
            ["healthy", "degraded", "unhealthy"].map(status),
            [Status::Healthy, Status::Degraded, Status::Unhealthy]
        );
    }

    // A heartbeat that nobody declared says nothing about the job.
    #[test]
    fn undeclared_is_a_failure() {
        let result = TestHost::new().run::<Heartbeat>(json!({"name": "backup", "period": "1h"}));
        assert!(matches!(result, Err(Failure::Capability(error)) if error.kind == ErrorKind::NotFound));
    }
}
