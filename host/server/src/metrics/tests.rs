//! Tests of what a scrape says, read with a parser of the OpenMetrics text format.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use probity_config::Config;
use probity_core::check::{CallTally, Capability, Failure, Measurement, Observed, Outcome, Reason, Run, Status, Usage};
use probity_core::clock::unix_ms;
use probity_drivers::{Services, StateStore};

use super::measurements::MEASUREMENTS_PER_CHECK_MAX;
use super::{Metrics, OTHER, to_prometheus_text};
use crate::board::Board;
use crate::plan::Plan;
use crate::plugins::Plugins;

/// A parsed exposition: families with their type, and samples.
#[derive(Debug, Default)]
struct Parsed {
    types: BTreeMap<String, String>,
    samples: BTreeMap<(String, BTreeMap<String, String>), f64>,
}

impl Parsed {
    /// Reads `text`, and checks it against the grammar's rules on the way: one type per family before its samples,
    /// samples named after their family, no sample twice.
    fn of(text: &str) -> Self {
        let mut parsed = Self::default();
        let mut family = (String::new(), String::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(parsed.types.insert(name.into(), kind.into()).is_none(), "{name} is described twice");
                family = (name.to_owned(), kind.to_owned());
            } else if !line.starts_with('#') {
                let (name, labels, value) = sample(line);
                let suffix = name.strip_prefix(&family.0).unwrap_or_else(|| panic!("{name} is not of {}", family.0));
                let allowed: &[&str] = match family.1.as_str() {
                    "counter" => &["_total", ""],
                    "info" => &["_info"],
                    "gauge" => &[""],
                    "histogram" => &["_bucket", "_sum", "_count"],
                    other => panic!("type {other}"),
                };
                assert!(allowed.contains(&suffix), "{name} of a {}", family.1);
                assert!(parsed.samples.insert((name, labels), value).is_none(), "twice: {line}");
            }
        }
        parsed
    }

    fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.samples.get(&(name.to_owned(), labels)).copied()
    }

    fn label_values(&self, label: &str) -> BTreeSet<&str> {
        self.samples.keys().filter_map(|(_, labels)| labels.get(label)).map(String::as_str).collect()
    }
}

fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) =
        series.split_once('{').map_or((series, ""), |(name, rest)| (name, rest.strip_suffix('}').unwrap()));
    let mut found = BTreeMap::new();
    let mut rest = labels;
    while !rest.is_empty() {
        let (key, quoted) = rest.split_once("=\"").unwrap();
        let mut value = String::new();
        let mut characters = quoted.char_indices();
        let end = loop {
            match characters.next().expect("the value ends") {
                (at, '"') => break at,
                (_, '\\') => match characters.next().expect("an escape has a character").1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (_, other) => value.push(other),
            }
        };
        found.insert(key.to_owned(), value);
        rest = quoted[end + 1..].trim_start_matches(',');
    }
    (name.to_owned(), found, value.parse().unwrap())
}

/// Metrics and a board with the checks `names`.
fn board(max_checks: usize, names: &[&str]) -> (Arc<Metrics>, Board) {
    let metrics = Arc::new(Metrics::new(max_checks));
    let board = Board::new(Arc::clone(&metrics), 10);
    plan(&board, names);
    (metrics, board)
}

fn plan(board: &Board, names: &[&str]) {
    let text: String = names.iter().map(|name| format!("[[check]]\nname = \"{name}\"\n")).collect();
    let source = probity_config::Source { path: "probity.toml".into(), text };
    let none = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
    let config: Config = probity_config::parse(&[source], ".".as_ref(), &|_| None, &none).unwrap();
    board.apply(
        &Plan::new(&config, &Plugins::new(), &Arc::new(StateStore::in_memory()), &Services::default()),
        unix_ms(),
    );
}

fn scrape(metrics: &Arc<Metrics>, board: &Board) -> Parsed {
    let text = metrics.render(board, &Arc::new(Plugins::new()));
    assert!(text.ends_with("# EOF\n"));
    Parsed::of(&text)
}

fn run(end: Result<Status, Reason>, millis: u64) -> Run {
    let end = match end {
        Ok(status) => Ok(Outcome { status, message: String::new(), measurements: Vec::new(), details: Vec::new() }),
        Err(reason) => Err(Failure::new(reason, "")),
    };
    Run {
        id: uuid::Uuid::nil(),
        started_unix_ms: unix_ms(),
        duration: Duration::from_millis(millis),
        end,
        usage: Usage { fuel: 500, memory_peak_bytes: 65_536, host_calls: 2 },
        log: Vec::new(),
        calls: Vec::new(),
        tally: vec![CallTally { capability: Capability::Http, result: "denied", count: 2 }],
        digest: "".into(),
    }
}

// Runs are counted by result, limits by their name, capability calls by theirs; times fall into their buckets.
#[test]
fn runs_are_counted() {
    let (metrics, board) = board(10, &["db"]);
    for run in [
        run(Ok(Status::Healthy), 3),
        run(Ok(Status::Degraded), 40),
        run(Err(Reason::Fuel), 70_000),
        run(Err(Reason::Trap), 1),
    ] {
        board.record("db", run, unix_ms());
    }
    let parsed = scrape(&metrics, &board);
    let of = |name: &str, label: (&str, &str)| parsed.value(name, &[("check", "db"), label]);
    assert_eq!(of("probity_check_runs_total", ("result", "healthy")), Some(1.0));
    assert_eq!(of("probity_check_runs_total", ("result", "degraded")), Some(1.0));
    assert_eq!(of("probity_check_runs_total", ("result", "unhealthy")), Some(0.0));
    assert_eq!(of("probity_check_runs_total", ("result", "fuel")), Some(1.0));
    assert_eq!(of("probity_check_runs_total", ("result", "trap")), Some(1.0));
    assert_eq!(of("probity_check_limit_hits_total", ("limit", "fuel")), Some(1.0));
    assert_eq!(of("probity_check_limit_hits_total", ("limit", "trap")), None, "a trap is no limit");
    let calls = [("check", "db"), ("capability", "http"), ("result", "denied")];
    assert_eq!(parsed.value("probity_capability_calls_total", &calls), Some(8.0));
    assert_eq!(parsed.value("probity_check_fuel_total", &[("check", "db")]), Some(2_000.0));
    assert_eq!(parsed.value("probity_check_memory_peak_bytes", &[("check", "db")]), Some(65_536.0));
    assert_eq!(parsed.value("probity_check_run_duration_seconds_count", &[("check", "db")]), Some(4.0));
    let sum = parsed.value("probity_check_run_duration_seconds_sum", &[("check", "db")]).unwrap();
    assert!((sum - 70.044).abs() < 1e-9, "{sum}");
    let bucket = |le| of("probity_check_run_duration_seconds_bucket", ("le", le));
    assert_eq!(
        (bucket("0.005"), bucket("0.05"), bucket("10.0"), bucket("+Inf")),
        (Some(2.0), Some(3.0), Some(3.0), Some(4.0))
    );
}

// Exactly one of a check's four statuses is 1, and it is the one the board shows.
#[test]
fn status_is_one_hot() {
    let (metrics, board) = board(10, &["db"]);
    for (status, word) in
        [(Status::Healthy, "healthy"), (Status::Unhealthy, "unhealthy"), (Status::Degraded, "degraded")]
    {
        board.record("db", run(Ok(status), 1), unix_ms());
        let parsed = scrape(&metrics, &board);
        for other in Status::ALL {
            let labels = [("check", "db"), ("status", other.as_str())];
            let hot = f64::from(u8::from(other.as_str() == word));
            assert_eq!(parsed.value("probity_check_status", &labels), Some(hot), "{other} while {word}");
        }
        assert_eq!(parsed.value("probity_checks", &[("status", word)]), Some(1.0));
    }
}

// However many checks there are, the values of the label are bounded; what has no series of its own is counted together.
#[test]
fn checks_beyond_the_maximum_share() {
    let names: Vec<String> = (0..50).map(|number| format!("c{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (metrics, board) = board(5, &names);
    for name in &names {
        board.record(name, run(Ok(Status::Healthy), 1), unix_ms());
    }
    let parsed = scrape(&metrics, &board);
    assert_eq!(parsed.label_values("check"), BTreeSet::from([OTHER, "c00", "c01", "c02", "c03", "c04"]));
    assert_eq!(parsed.value("probity_check_runs_total", &[("check", OTHER), ("result", "healthy")]), Some(45.0));
    assert_eq!(parsed.value("probity_check_status", &[("check", OTHER), ("status", "healthy")]), Some(45.0));
    assert_eq!(parsed.value("probity_checks", &[("status", "healthy")]), Some(50.0));
}

// A check that is gone takes its series along and leaves its place to another.
#[test]
fn series_go_with_their_check() {
    let (metrics, board) = board(1, &["old"]);
    plan(&board, &["new"]);
    assert_eq!(scrape(&metrics, &board).label_values("check"), BTreeSet::from(["new"]));
}

// A reload keeps a check's counters.
#[test]
fn counters_survive_a_new_plan() {
    let (metrics, board) = board(10, &["db"]);
    board.record("db", run(Ok(Status::Healthy), 1), unix_ms());
    plan(&board, &["db", "more"]);
    board.record("db", run(Ok(Status::Healthy), 1), unix_ms());
    let labels = [("check", "db"), ("result", "healthy")];
    assert_eq!(scrape(&metrics, &board).value("probity_check_runs_total", &labels), Some(2.0));
}

// Reloads, compiling and lag are counted; a refused configuration shows until one is taken.
#[test]
fn reloads_are_counted() {
    let (metrics, board) = board(10, &[]);
    metrics.plugin_loaded("disk", Duration::from_millis(30));
    metrics.plugin_rejected("disk");
    metrics.plugin_rejected("disk");
    metrics.lag(Duration::from_millis(2));
    metrics.config_reloaded(false);
    let parsed = scrape(&metrics, &board);
    let reloads = |result| parsed.value("probity_plugin_reloads_total", &[("plugin", "disk"), ("result", result)]);
    assert_eq!((reloads("loaded"), reloads("rejected")), (Some(1.0), Some(2.0)));
    assert_eq!(parsed.value("probity_plugin_compile_seconds_count", &[]), Some(1.0));
    assert_eq!(parsed.value("probity_schedule_lag_seconds_bucket", &[("le", "0.005")]), Some(1.0));
    assert_eq!(parsed.value("probity_config_last_reload_successful", &[]), Some(0.0));
    metrics.config_reloaded(true);
    assert_eq!(scrape(&metrics, &board).value("probity_config_last_reload_successful", &[]), Some(1.0));
}

// Plugin names are bounded as well, though anyone who can write files chooses them.
#[test]
fn plugins_beyond_the_maximum_share() {
    let (metrics, board) = board(10, &[]);
    for number in 0..super::PLUGINS_MAX + 7 {
        metrics.plugin_rejected(&format!("p{number}"));
    }
    let parsed = scrape(&metrics, &board);
    assert_eq!(parsed.label_values("plugin").len(), super::PLUGINS_MAX + 1);
    let other = [("plugin", OTHER), ("result", "rejected")];
    assert_eq!(parsed.value("probity_plugin_reloads_total", &other), Some(7.0));
}

// The older format has the same samples; only types are named otherwise.
#[test]
fn older_text_has_the_same_samples() {
    let (metrics, board) = board(10, &["db"]);
    board.record("db", run(Err(Reason::Memory), 1), unix_ms());
    let open = metrics.render(&board, &Arc::new(Plugins::new()));
    let older = to_prometheus_text(&open);
    assert!(older.contains("# TYPE probity_check_runs_total counter\n"), "{older}");
    assert!(older.contains("# TYPE probity_build_info gauge\n"), "{older}");
    assert!(!older.contains("# EOF") && !older.contains("# UNIT"), "{older}");
    assert_eq!(Parsed::of(&older).samples.len(), {
        let renamed = open.lines().filter(|line| !line.starts_with('#')).count();
        assert!(renamed > 0);
        renamed
    });
}

// A route counts a bounded number of kinds; what is beyond is counted together and nothing is lost.
#[test]
fn kinds_of_requests_are_bounded() {
    let (metrics, board) = board(10, &[]);
    let route = metrics.route("/health");
    for status in 400..440 {
        route.observe("GET", status, Duration::from_micros(80));
    }
    let parsed = scrape(&metrics, &board);
    let of = |(name, _): &&(String, BTreeMap<String, String>)| name == "probity_http_requests_total";
    assert!(parsed.samples.keys().filter(of).count() <= 13);
    let all: f64 = parsed.samples.iter().filter(|(key, _)| of(key)).map(|(_, value)| value).sum();
    assert_eq!(all, 40.0);
}

fn measured(measurements: Vec<(&str, Observed, Option<&str>)>) -> Run {
    let mut run = run(Ok(Status::Healthy), 1);
    let one = |(name, value, unit): (&str, Observed, Option<&str>)| Measurement {
        name: name.to_owned(),
        value,
        unit: unit.map(str::to_owned),
        status: None,
    };
    run.end.as_mut().unwrap().measurements = measurements.into_iter().map(one).collect();
    run
}

// What the latest run measured is a gauge by check, name and unit; text and what is no finite number is none, and what is
// not known any more is not shown as if it were.
#[test]
fn measurements_are_gauges() {
    let (metrics, board) = board(10, &["db"]);
    let values = vec![
        ("latency", Observed::Number(1.5), Some("ms")),
        ("rows", Observed::Integer(9_007_199_254_740_993), None),
        ("up", Observed::Boolean(true), None),
        ("load", Observed::Number(f64::NAN), None),
        ("left", Observed::Number(f64::INFINITY), None),
        ("version", Observed::Text("16.4".to_owned()), None),
        ("latency", Observed::Number(2.5), Some("ms")),
        ("a\"b\\c", Observed::Integer(1), Some("{x\"}")),
    ];
    board.record("db", measured(values), unix_ms());
    let text = metrics.render(&board, &Arc::new(Plugins::new()));
    let samples: Vec<&str> = text.lines().filter(|line| line.starts_with("probity_check_measurement{")).collect();
    assert_eq!(
        samples,
        [
            "probity_check_measurement{check=\"db\",name=\"a\\\"b\\\\c\",unit=\"{x\\\"}\"} 1",
            "probity_check_measurement{check=\"db\",name=\"latency\",unit=\"ms\"} 2.5",
            "probity_check_measurement{check=\"db\",name=\"rows\",unit=\"\"} 9007199254740993",
            "probity_check_measurement{check=\"db\",name=\"up\",unit=\"\"} 1",
        ]
    );
    board.record("db", run(Err(Reason::Trap), 1), unix_ms());
    assert!(!metrics.render(&board, &Arc::new(Plugins::new())).contains("probity_check_measurement{"));
}

// However many names a check invents, so many have samples, and it is said how many have none.
#[test]
fn measurements_are_bounded() {
    let (metrics, board) = board(1, &["a", "b"]);
    let names: Vec<String> = (0..MEASUREMENTS_PER_CHECK_MAX + 5).map(|at| format!("m{at:03}")).collect();
    for check in ["a", "b"] {
        let values = names.iter().map(|name| (name.as_str(), Observed::Integer(1), None));
        board.record(check, measured(values.collect()), unix_ms());
    }
    let parsed = scrape(&metrics, &board);
    assert_eq!(parsed.label_values("name").len(), MEASUREMENTS_PER_CHECK_MAX);
    assert_eq!(parsed.value("probity_check_measurements_omitted", &[]), Some(5.0));
}

// A plugin that is being compiled shows for how long, and only while it is.
#[test]
fn compiling_is_shown() {
    let (metrics, board) = board(10, &[]);
    let since = std::time::Instant::now().checked_sub(Duration::from_secs(12)).unwrap();
    metrics.compiling([("orders".to_owned(), since)].into());
    let seconds = |parsed: Parsed| parsed.value("probity_plugin_compiling_seconds", &[("plugin", "orders")]);
    assert!(seconds(scrape(&metrics, &board)).unwrap() >= 12.0);
    metrics.compiling(BTreeMap::new());
    assert_eq!(seconds(scrape(&metrics, &board)), None);
}
