//! The loader without threads: a test does the jobs, or does not.

use std::fs;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};

use probity_sandbox::Sandbox;
use probity_tests::host::says;
use tempfile::TempDir;

use super::*;
use crate::plugins::directory::path_of;

/// Two versions of a plugin.
static GUESTS: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| [says("one"), says("two")]);

struct Bench {
    dir: TempDir,
    loader: Loader,
    store: Arc<Store>,
    sandbox: Sandbox,
    runtime: tokio::runtime::Runtime,
    /// What the configuration says against every version.
    problem: Arc<Mutex<Option<String>>>,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let plugins = dir.path().join("plugins");
        fs::create_dir(&plugins).unwrap();
        let settings = probity_config::Plugins {
            dir: plugins,
            settle: Duration::ZERO,
            removal_grace: Duration::ZERO,
            ..probity_config::Config::default_in(dir.path()).plugins
        };
        let (store, problem) = (Arc::new(Store::default()), Arc::new(Mutex::new(None)));
        let said: Arc<Mutex<Option<String>>> = Arc::clone(&problem);
        let admit = Box::new(move |_: &str, _: &Version| said.lock().unwrap_or_else(PoisonError::into_inner).clone());
        Self {
            loader: Loader::new(Arc::clone(&store), settings, admit),
            store,
            sandbox: Sandbox::new(1, None).unwrap(),
            runtime: tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap(),
            problem,
            dir,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        path_of(&self.dir.path().join("plugins"), name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// Looks, and looks again while something settles; the jobs are not done.
    fn jobs(&mut self) -> Vec<Job> {
        let end = Instant::now() + Duration::from_secs(10);
        let mut jobs = Vec::new();
        loop {
            self.loader.look();
            jobs.extend(self.loader.walk(100, end));
            if self.loader.again().is_none() {
                return jobs;
            }
            assert!(Instant::now() < end, "the files never settle");
        }
    }

    fn land(&mut self, job: Job) -> bool {
        let landed = job.run(&self.sandbox, self.runtime.handle());
        self.loader.land(landed)
    }

    /// Does everything that there is to do, and answers what changed.
    fn settle(&mut self) -> Vec<String> {
        for job in self.jobs() {
            self.land(job);
        }
        self.published()
    }

    fn published(&mut self) -> Vec<String> {
        let told = |change: Change| match change {
            Change::Loaded { plugin, .. } => format!("loaded {plugin}"),
            Change::Rejected { plugin, rejection } => format!("rejected {plugin}: {}", rejection.message),
            Change::Removed { plugin } => format!("removed {plugin}"),
        };
        self.loader.publish().into_iter().map(told).collect()
    }

    fn current(&self, name: &str) -> Option<Arc<str>> {
        Some(Arc::clone(&self.store.load().get(name)?.current.as_ref()?.digest))
    }
}

// A plugin that takes long to compile delays no other, and is not asked for twice.
#[test]
fn a_slow_job_delays_no_other() {
    let mut bench = Bench::new();
    bench.write("slow", &GUESTS[0]);
    let slow = bench.jobs().pop().unwrap();
    bench.write("a", &GUESTS[1]);
    assert_eq!(bench.settle(), ["loaded a"]);
    assert!(!bench.loader.has_started() && bench.loader.pending().eq(["slow"]));
    bench.land(slow);
    assert_eq!(bench.published(), ["loaded slow"]);
    assert!(bench.loader.has_started());
}

// What became of bytes that are no longer there is dropped, and the newer ones are judged; also when those are the ones
// that run, or none.
#[test]
fn an_outdated_end_is_dropped() {
    let mut bench = Bench::new();
    bench.write("a", &GUESTS[0]);
    bench.settle();
    let first = bench.current("a");
    bench.write("a", &GUESTS[1]);
    let job = bench.jobs().pop().unwrap();
    bench.write("a", &GUESTS[0]);
    assert!(bench.land(job), "the file has changed");
    assert_eq!((bench.settle(), bench.current("a")), (vec!["loaded a".to_owned()], first));
    bench.write("b", &GUESTS[1]);
    let job = bench.jobs().pop().unwrap();
    fs::remove_file(bench.path("b")).unwrap();
    assert!(bench.land(job), "the file is gone");
    assert_eq!((bench.settle(), bench.current("b")), (vec![], None));
}

// A bad file after a good one leaves the good one, is refused once, and is judged again when the configuration changes.
#[test]
fn bad_after_good_keeps_good() {
    let mut bench = Bench::new();
    bench.write("a", &GUESTS[0]);
    bench.settle();
    let good = bench.current("a");
    bench.write("a", b"hello");
    assert!(bench.settle()[0].starts_with("rejected a: not a WebAssembly component"));
    assert_eq!((bench.settle(), bench.current("a")), (vec![], good));
    let settings = bench.loader.settings.clone();
    bench.loader.reconfigure(settings);
    assert_eq!(bench.settle().len(), 1);
}

// The configuration that counts is the one of the moment at which a version takes over.
#[test]
fn a_version_is_held_against_the_newest_configuration() {
    let mut bench = Bench::new();
    bench.write("a", &GUESTS[0]);
    bench.settle();
    bench.write("a", &GUESTS[1]);
    let job = bench.jobs().pop().unwrap();
    *bench.problem.lock().unwrap() = Some("no such key".to_owned());
    bench.land(job);
    assert_eq!(bench.published(), ["rejected a: no such key"]);
    let pins = [("a".to_owned(), "0".repeat(64))].into();
    let settings = probity_config::Plugins { pins, ..bench.loader.settings.clone() };
    *bench.problem.lock().unwrap() = None;
    bench.loader.reconfigure(settings);
    assert!(bench.settle()[0].contains("pinned is"));
}

// A directory that cannot be read changes nothing, whatever the reason; one that can be read again does.
#[test]
fn an_unreadable_directory_changes_nothing() {
    let mut bench = Bench::new();
    bench.write("a", &GUESTS[0]);
    bench.settle();
    let (plugins, away) = (bench.dir.path().join("plugins"), bench.dir.path().join("away"));
    fs::rename(&plugins, &away).unwrap();
    fs::write(&plugins, b"a file").unwrap();
    assert_eq!(bench.settle(), [""; 0]);
    fs::remove_file(&plugins).unwrap();
    assert_eq!(bench.settle(), [""; 0]);
    assert!(bench.current("a").is_some() && bench.store.directory().error.is_some());
    fs::create_dir(&plugins).unwrap();
    assert_eq!(bench.settle(), ["removed a"]);
    assert!(bench.store.directory().error.is_none());
}

// A start is not over before the directory was read.
#[test]
fn a_start_waits_for_the_directory() {
    let mut bench = Bench::new();
    let plugins = bench.dir.path().join("plugins");
    fs::remove_dir(&plugins).unwrap();
    bench.settle();
    assert!(!bench.loader.has_started());
    fs::create_dir(&plugins).unwrap();
    bench.settle();
    assert!(bench.loader.has_started());
}

// What replaces a plugin's file and is none, or a link that leads nowhere, is refused once and removes nothing; when the
// file is back, what was refused is forgotten.
#[cfg(unix)]
#[test]
fn what_is_no_file_removes_nothing() {
    let mut bench = Bench::new();
    bench.write("a", &GUESTS[0]);
    bench.settle();
    let path = bench.path("a");
    let kept = path.with_extension("kept");
    fs::rename(&path, &kept).unwrap();
    let put: [(&str, &dyn Fn()); 3] = [
        ("not a regular file", &|| fs::create_dir(&path).unwrap()),
        ("leads nowhere", &|| std::os::unix::fs::symlink("/nowhere/at/all", &path).unwrap()),
        ("not a regular file", &|| std::os::unix::fs::symlink("/dev/zero", &path).unwrap()),
    ];
    for (said, put) in put {
        put();
        let told = bench.settle();
        assert!(told.len() == 1 && told[0].starts_with("rejected a: ") && told[0].contains(said), "{told:?}");
        assert_eq!(bench.settle(), [""; 0], "it is said once");
        assert!(bench.current("a").is_some());
        fs::remove_dir(&path).or_else(|_| fs::remove_file(&path)).unwrap();
    }
    fs::rename(&kept, &path).unwrap();
    assert_eq!(bench.settle(), ["loaded a"]);
    assert!(bench.store.load()["a"].rejected.is_none());
}

// A file whose name no plugin may have is refused under a name that is none, and goes when it is renamed.
#[test]
fn a_wrong_name_is_refused() {
    let mut bench = Bench::new();
    bench.write("a\n[+]database ok", &GUESTS[0]);
    let told = bench.settle();
    assert!(told[0].starts_with("rejected a\\n[+]database ok: the name of a plugin has lower-case"), "{told:?}");
    assert_eq!(bench.settle(), [""; 0], "it is said once");
    fs::rename(bench.path("a\n[+]database ok"), bench.path("a")).unwrap();
    let told = bench.settle();
    assert!(told.contains(&"loaded a".to_owned()) && told.len() == 2, "{told:?}");
}

// An empty directory on another file system is taken for one that was unmounted.
#[test]
fn an_unmounted_directory_changes_nothing() {
    let mut bench = Bench::new();
    bench.write("a", &GUESTS[0]);
    bench.settle();
    bench.loader.device = Some(1);
    let found = |name: &&str| ((*name).to_owned(), Found { path: (*name).into(), what: What::Other });
    let listing =
        |device, files: &[&str]| Listing { files: files.iter().map(found).collect(), device, left_out: false };
    assert!(bench.loader.mounted(listing(Some(2), &[])).is_err());
    assert!(bench.loader.mounted(listing(Some(1), &[])).is_ok());
    assert!(bench.loader.mounted(listing(Some(2), &["b"])).is_ok());
}

// Every file has its turn, however few jobs there may be at once.
#[test]
fn every_file_has_its_turn() {
    let mut bench = Bench::new();
    for name in ["a", "b", "c"] {
        bench.write(name, b"hello");
    }
    let mut told = Vec::new();
    let end = Instant::now() + Duration::from_secs(10);
    while told.len() < 3 {
        assert!(Instant::now() < end, "only {told:?}");
        bench.loader.look();
        for job in bench.loader.walk(1, end) {
            let name = job.plugin.clone();
            bench.land(job);
            // It changes all the time.
            bench.write(&name, told.len().to_string().as_bytes());
        }
        told.extend(bench.published());
    }
    told.sort_unstable();
    told.dedup_by_key(|told| told.split(':').next().map(str::to_owned));
    assert_eq!(told.len(), 3, "{told:?}");
}
