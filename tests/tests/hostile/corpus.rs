//! Every input of the corpus, one after the other, into one host that may use 1 GB.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use probity_tests::guests;
use probity_tests::host::{Host, says};
use probity_tests::hostile::watch::{Probes, Seen, forget_peak, peak, resident};
use probity_tests::hostile::{Case, corpus};
use tempfile::TempDir;

/// What the host may use: `RLIMIT_DATA`, in KiB. Its compilers are processes of their own and inherit it.
const UNDER: &str = "ulimit -d 1048576";

/// How long a verdict may take. The compiler is stopped after ten seconds; a test fails on hangs, not on load.
const VERDICT_MAX: Duration = Duration::from_secs(90);

/// The interval of the good check.
const EVERY: Duration = Duration::from_millis(200);

/// Checks beside, so that what a client may ask for is long.
const CROWD: usize = 400;

/// A host that is looked at.
struct Bench {
    host: Host,
    probes: Probes,
}

impl Bench {
    fn start(cases: &BTreeMap<String, Case>) -> Self {
        let host = start(cases);
        host.wait_until("good", "healthy");
        let probes = Probes::start(host.address(), "/live");
        Self { host, probes }
    }
}

/// What one input did.
struct Row {
    name: String,
    took: Duration,
    /// Bytes above what the host had before.
    grew: u64,
    seen: Seen,
    faults: Vec<String>,
    /// The host is gone, or answers no more.
    ended: bool,
}

impl Row {
    fn of_a_dead_host(name: &str, took: Duration) -> Self {
        let faults = vec![format!("{name}: the host ended or answers no more")];
        Self { name: name.to_owned(), took, grew: 0, seen: Seen::default(), faults, ended: true }
    }
}

// Whatever a plugin's file, its words, or a client without a token are made of: the verdict is the right one, memory stays
// below its ceiling, `/live` answers, and the good check keeps its interval.
#[test]
fn every_input_is_contained() {
    let _alone = super::alone();
    let cases = corpus();
    assert!(cases.len() >= 30, "only {} inputs: the corpus is not read", cases.len());
    let mut bench = Bench::start(&cases);
    let mut rows = Vec::new();
    for (name, case) in &cases {
        let start = Instant::now();
        let played = catch_unwind(AssertUnwindSafe(|| play(&bench.host, &bench.probes, name, case)));
        rows.push(played.unwrap_or_else(|_| Row::of_a_dead_host(name, start.elapsed())));
        if rows.last().is_some_and(|row| row.ended) {
            println!("{name} ended the host:\n{}", tail(&bench.host.log()));
            bench = Bench::start(&cases);
        }
    }
    let table = table(&rows);
    println!("{table}");
    let faults: Vec<&String> = rows.iter().flat_map(|row| &row.faults).collect();
    assert!(faults.is_empty(), "{faults:#?}\n{table}\nlog:\n{}", tail(&bench.host.log()));
}

// The guests that the limits are tested with, all at once: the host answers meanwhile, and the good check goes on.
#[test]
fn a_crowd_of_hostile_guests_is_contained() {
    let _alone = super::alone();
    let host = start(&BTreeMap::new());
    host.wait_until("good", "healthy");
    let probes = Probes::start(host.address(), "/live");
    let guests = guests::all();
    for (name, bytes) in &guests {
        host.copy_in(name, bytes);
    }
    let judged = |answer: &probity_tests::host::Answer| {
        let json = answer.json();
        let known: Vec<&str> = json["plugins"].as_array().unwrap().iter().filter_map(|p| p["name"].as_str()).collect();
        guests.keys().all(|name| known.contains(&name.as_str()))
    };
    host.wait_for("/plugins", judged);
    let before = runs(&host);
    host.wait_for("/checks/good", |answer| answer.json()["counters"]["runs"].as_u64() > Some(before + 10));
    let seen = probes.take();
    assert!(seen.failed.is_empty(), "{:#?}\nlog:\n{}", seen.failed, tail(&host.log()));
}

/// A host with a good check, a crowd of quiet ones, and the checks of the corpus that have a configuration.
fn start(cases: &BTreeMap<String, Case>) -> Host {
    let dir = TempDir::new().unwrap();
    std::fs::create_dir(dir.path().join("plugins")).unwrap();
    std::fs::write(dir.path().join("plugins/good.wasm"), says("good")).unwrap();
    let mut config = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\ndetails = \"always\"\n[defaults]\nevery = \"100ms\"\n\
         [plugins]\nsettle = \"10ms\"\nremoval-grace = \"0s\"\ncompile-timeout = \"10s\"\n\
         [[check]]\nname = \"good\"\nevery = \"{}ms\"\n",
        EVERY.as_millis()
    );
    for number in 0..CROWD {
        write!(config, "[[check]]\nname = \"one-of-many-{number}\"\nplugin = \"good\"\nevery = \"1h\"\n").unwrap();
    }
    for (name, case) in cases {
        if let Some(table) = case.plugin.as_ref().and_then(|plugin| plugin.config.as_ref()) {
            write!(config, "[[check]]\nname = \"{name}\"\n[check.config]\n{table}\n").unwrap();
        }
    }
    Host::start_under(UNDER, dir, &config, &[("PROBITY_LOG", "info".to_owned())])
}

fn play(host: &Host, probes: &Probes, name: &str, case: &Case) -> Row {
    drop(probes.take());
    forget_peak(host.pid());
    let (before, runs_before, start) = (resident(host.pid()), runs(host), Instant::now());
    let mut faults = Vec::new();
    if let Some(client) = &case.client {
        client.attack(host.address());
    }
    if let Some(plugin) = &case.plugin {
        host.copy_in(name, &plugin.bytes());
        faults.extend(verdict(host, name, case));
    }
    let took = start.elapsed();
    let (grew, seen, runs) = (peak(host.pid()).saturating_sub(before), probes.take(), runs(host) - runs_before);
    if case.plugin.is_some() {
        std::fs::remove_file(host.plugin_path(name)).unwrap();
        host.wait_for(&format!("/plugins/{name}"), |answer| answer.status == 404);
    }
    if grew > case.expect.memory_mib << 20 {
        faults.push(format!("{name}: the host grew by {} MiB, {} are allowed", grew >> 20, case.expect.memory_mib));
    }
    faults.extend(seen.failed.iter().map(|failed| format!("{name}: /live: {failed}")));
    // Half of what is due: the attack takes the processor, too.
    let due = took.as_millis() / EVERY.as_millis();
    if u128::from(runs) < due / 2 {
        faults.push(format!("{name}: the good check ran {runs} times where {due} were due"));
    }
    Row { name: name.to_owned(), took, grew, seen, faults, ended: false }
}

/// What is wrong with what came of the plugin, if anything.
fn verdict(host: &Host, name: &str, case: &Case) -> Option<String> {
    let end = Instant::now() + VERDICT_MAX;
    let mut last = String::new();
    while Instant::now() < end {
        let path = if case.expect.rejected.is_some() { format!("/plugins/{name}") } else { format!("/checks/{name}") };
        match host.try_get(&path) {
            Ok(answer) if answer.status == 200 && fits(case, &answer.json()) => return None,
            Ok(answer) => last = answer.body,
            Err(error) => last = error,
        }
        std::thread::sleep(Duration::from_millis(10)); // the distance of two looks, not a wait for an effect
    }
    let last: String = last.chars().take(600).collect();
    Some(format!("{name}: not the verdict {:?} but {last}", case.expect))
}

fn fits(case: &Case, json: &serde_json::Value) -> bool {
    if let Some(text) = &case.expect.rejected {
        return json["rejected"]["message"].as_str().is_some_and(|message| message.contains(text.as_str()));
    }
    let said = |key: &str| json[key].as_str().map_or_else(|| json[key].to_string(), str::to_owned);
    case.expect.status.as_deref() == json["status"].as_str()
        && ["message", "error", "reason"].iter().any(|key| said(key).contains(&case.expect.says))
}

fn runs(host: &Host) -> u64 {
    host.get("/checks/good").json()["counters"]["runs"].as_u64().unwrap_or_default()
}

fn table(rows: &[Row]) -> String {
    let mut text = "input | took | host grew by | /live p50 | p99 | max\n".to_owned();
    for row in rows {
        let [p50, p99, max] = [50, 99, 100].map(|of| row.seen.percentile_ms(of));
        let (took, grew) = (row.took.as_secs_f64(), row.grew >> 10);
        writeln!(text, "{} | {took:.1} s | {grew} KiB | {p50:.2} ms | {p99:.2} ms | {max:.2} ms", row.name).unwrap();
    }
    text
}

/// The end of a log.
fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(60)..]
        .iter()
        .map(|line| line.chars().take(400).collect::<String>() + "\n")
        .collect()
}
