//! Everything at once, for a minute, or for as long as `PROBITY_SOAK_SECONDS` says: hostile clients, hostile plugins that
//! are replaced each second, a disk that fills up, a clock that is set, and few descriptors.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use probity_tests::host::{Host, says};
use probity_tests::hostile::clients::{Client, Kind};
use probity_tests::hostile::watch::{Probes, resident};
use probity_tests::hostile::{Plugin, corpus};
use tempfile::TempDir;

/// The host may use 1 GB and has 1,024 descriptors.
const UNDER: &str = "ulimit -d 1048576; ulimit -n 1024";

/// The interval of the good check.
const EVERY: Duration = Duration::from_millis(200);

/// What the resident memory may differ by between the first quarter and the end: code of plugins that come and go, and
/// what an allocator keeps.
const FLAT_BYTES: u64 = 96 << 20;

/// Bytes of the disk that fills up.
const DISK: &str = "size=8m";

/// What clients do, and how many at once. Those that only hold on are many; those that send without a pause are few: as
/// many as there is processor for would measure who has more of it.
const ATTACKS: [(Kind, usize); 11] = [
    (Kind::Silent, 300),
    (Kind::HalfHead, 300),
    (Kind::SlowReader, 300),
    (Kind::Pipelined, 50),
    (Kind::SlowBody, 300),
    (Kind::ZeroWindow, 60),
    (Kind::RapidReset, 10),
    (Kind::SettingsFlood, 10),
    (Kind::PingFlood, 10),
    (Kind::ContinuationFlood, 10),
    (Kind::Noise, 100),
];

// Under everything at once no probe fails, the good check keeps its interval, memory stays flat, and the host stops when it
// is told to.
#[test]
fn everything_at_once_hurts_nobody() {
    let _alone = super::alone();
    let lasts = Duration::from_secs(std::env::var("PROBITY_SOAK_SECONDS").map_or(60, |text| text.parse().unwrap()));
    let dir = TempDir::new().unwrap();
    let disk = Disk::mount(&dir.path().join("disk"));
    let clock = Clock::at(dir.path().join("clock"));
    fs::create_dir(dir.path().join("plugins")).unwrap();
    fs::write(dir.path().join("plugins/good.wasm"), says("good")).unwrap();
    let config = format!(
        "[defaults]\nevery = \"200ms\"\nseverity = \"info\"\n[plugins]\nsettle = \"10ms\"\ncompile-timeout = \"3s\"\nremoval-grace = \"0s\"\n\
         [server]\nlisten = \"127.0.0.1:0\"\ndetails = \"always\"\n[state]\ndir = \"disk/state\"\n[heartbeats.job]\n\
         [[check]]\nname = \"good\"\nevery = \"{}ms\"\nseverity = \"critical\"\n",
        EVERY.as_millis()
    );
    let mut host = Host::start_under(UNDER, dir, &config, &clock.env());
    host.wait_until("good", "healthy");
    host.wait_for("/ready", |answer| answer.status == 200);
    let (live, ready) = (Probes::start(host.address(), "/live"), Probes::start(host.address(), "/ready"));
    let (start, runs_before, over) = (Instant::now(), runs(&host), AtomicBool::new(false));
    let mut early = 0;
    std::thread::scope(|scope| {
        let (host, over) = (&host, &over);
        scope.spawn(move || attack(host.address(), over));
        scope.spawn(move || replace_plugins(host, over));
        let mut step = 0_u64;
        while start.elapsed() < lasts {
            std::thread::sleep(Duration::from_secs(1)); // the pace of the soak
            step += 1;
            disk.turn(step);
            clock.set(step);
            // Beats change the state, so that it has to be written.
            let _ = host.try_get("/heartbeats/job");
            if start.elapsed() < lasts / 4 || early == 0 {
                early = resident(host.pid()).max(early);
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    let took = start.elapsed();
    let ran = runs(&host) - runs_before;
    let late = resident(host.pid());
    let (live, ready) = (live.take(), ready.take());
    println!(
        "{took:?}: {} probes, /live p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms; {ran} runs; resident {} MiB early, {} MiB late",
        live.took.len() + ready.took.len(),
        live.percentile_ms(50),
        live.percentile_ms(99),
        live.percentile_ms(100),
        early >> 20,
        late >> 20
    );
    let failed: Vec<&String> = live.failed.iter().chain(&ready.failed).collect();
    assert!(failed.is_empty(), "{} probes failed: {:#?}", failed.len(), &failed[..failed.len().min(400)]);
    let due = took.as_millis() / EVERY.as_millis();
    // Half: the attack takes the processor, too.
    assert!(u128::from(ran) > due / 2, "the good check ran {ran} times where {due} were due");
    assert!(late < early + FLAT_BYTES, "resident memory went from {} to {} MiB", early >> 20, late >> 20);
    host.terminate();
    assert_eq!(
        host.ended().code(),
        Some(0),
        "log:\n{}",
        host.log().lines().rev().take(20).collect::<Vec<_>>().join("\n")
    );
}

fn runs(host: &Host) -> u64 {
    let answer = host.wait_for("/checks/good", |answer| answer.status == 200);
    answer.json()["counters"]["runs"].as_u64().unwrap_or_default()
}

/// One kind of client after the other, two seconds each.
fn attack(address: &str, over: &AtomicBool) {
    for (kind, connections) in ATTACKS.into_iter().cycle() {
        if over.load(Ordering::Relaxed) {
            return;
        }
        Client { kind, connections, seconds: 2 }.attack(address);
    }
}

/// A hostile plugin each second under one of three names, and now and then a good one.
fn replace_plugins(host: &Host, over: &AtomicBool) {
    let good = Plugin::guest("");
    let plugins: Vec<Vec<u8>> =
        corpus().values().filter_map(|case| case.plugin.as_ref()).chain([&good]).map(Plugin::bytes).collect();
    // Files of more than a few megabytes would only measure how fast this test writes.
    let plugins = plugins.iter().filter(|bytes| bytes.len() < 2 << 20).cycle();
    for (turn, bytes) in plugins.enumerate() {
        if over.load(Ordering::Relaxed) {
            return;
        }
        let path = host.plugin_path(&format!("hostile-{}", turn % 3));
        let beside = path.with_extension("new");
        fs::write(&beside, bytes).unwrap();
        fs::rename(&beside, &path).unwrap();
        std::thread::sleep(Duration::from_secs(1)); // the pace of the replacements
    }
}

/// A small file system of its own, where the test may mount one.
struct Disk {
    path: PathBuf,
    mounted: bool,
}

impl Disk {
    fn mount(path: &Path) -> Self {
        fs::create_dir(path).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", DISK, "tmpfs"]).arg(path).output();
        let mounted = mount.is_ok_and(|output| output.status.success());
        if !mounted {
            println!("the disk does not fill up in this run: no file system could be mounted");
        }
        Self { path: path.to_owned(), mounted }
    }

    /// Full for five seconds, free for five.
    fn turn(&self, step: u64) {
        let fill = self.path.join("fill");
        if !self.mounted {
            return;
        }
        if step % 10 == 1 {
            // Until nothing fits any more, which is an error.
            let _ = fs::write(&fill, vec![0; 8 << 20]);
        } else if step % 10 == 6 {
            let _ = fs::remove_file(&fill);
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            // Goes when the last file in it is closed.
            let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
        }
    }
}

/// The host's own idea of the time of day, by libfaketime, where that is installed.
struct Clock {
    file: PathBuf,
    library: Option<PathBuf>,
}

impl Clock {
    fn at(file: PathBuf) -> Self {
        let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
        let library = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|path| path.is_file());
        if library.is_none() {
            println!("the clock is not set in this run: libfaketime is not installed");
        }
        fs::write(&file, "+0").unwrap();
        Self { file, library }
    }

    fn env(&self) -> Vec<(&'static str, String)> {
        let Some(library) = &self.library else { return Vec::new() };
        vec![
            ("LD_PRELOAD", library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.display().to_string()),
            ("FAKETIME_CACHE_DURATION", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
    }

    /// An hour back, a day on, right again.
    fn set(&self, step: u64) {
        let offset = match step % 15 {
            0 => "+0",
            5 => "-3600",
            10 => "+86400",
            _ => return,
        };
        fs::write(&self.file, offset).unwrap();
    }
}
