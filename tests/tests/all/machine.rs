//! The checks of the machine in a real host, on the machine that the test runs on.

use std::process::Command;
use std::time::{Duration, SystemTime};

use probity_tests::guests::first_party;
use probity_tests::host::Host;
use probity_tests::servers::{Process, program};
use serde_json::Value;

/// A host whose check `here` is `plugin`, five times a second.
fn host(plugin: &str, grants: &[&str], config: &str) -> Host {
    let host = Host::start(&configuration(plugin, grants, config));
    host.copy_in(plugin, &first_party(plugin));
    host
}

fn configuration(plugin: &str, grants: &[&str], config: &str) -> String {
    format!(
        "[[check]]\nname = \"here\"\nplugin = \"{plugin}\"\nevery = \"200ms\"\ngrants = {{ system = {grants:?} }}\n\
         [check.config]\n{config}"
    )
}

fn wait_for(host: &Host, status: &str, text: &str) -> Value {
    host.wait_until_says("here", status, text)
}

fn value(check: &Value, name: &str) -> f64 {
    check["measurements"][name]["value"].as_f64().unwrap_or_else(|| panic!("no {name}: {check}"))
}

/// What keeps every processor busy, and one more waiting, at the lowest priority; ends with the test.
fn work(dir: &tempfile::TempDir) -> Vec<Process> {
    let count = std::thread::available_parallelism().map_or(1, usize::from) + 1;
    let start = |at| {
        let mut command = Command::new(program("nice", "coreutils"));
        command.args(["-n", "19", "sh", "-c", "while :; do :; done"]);
        Process::start(&mut command, &dir.path().join(format!("log{at}")))
    };
    (0..count).map(start).collect()
}

// Busy processors and waiting tasks are seen; thresholds that nothing reaches stay quiet.
#[test]
fn work_shows() {
    let dir = tempfile::tempdir().unwrap();
    let _work = work(&dir);
    let cpu = host("cpu", &["cpu"], "busy-percent = { crit = 50 }\nsteal-percent = {}\nthrottled-percent = {}\n");
    let pressure = host("pressure", &["pressure"], "cpu = { some-avg10 = { warn = 1 } }\nmemory = {}\nio = {}\n");
    let check = wait_for(&cpu, "unhealthy", "busy");
    assert!((50.0..=100.0).contains(&value(&check, "busy")), "{check}");
    if std::path::Path::new("/proc/pressure/cpu").is_file() {
        let check = wait_for(&pressure, "degraded", "cpu some avg10");
        assert!((1.0..=100.0).contains(&value(&check, "cpu some avg10")), "{check}");
    } else {
        wait_for(&pressure, "unknown", "pressure");
    }
    cpu.reconfigure(&configuration(
        "cpu",
        &["cpu"],
        "busy-percent = { crit = 100 }\nsteal-percent = {}\nthrottled-percent = {}\n",
    ));
    wait_for(&cpu, "healthy", "busy on");
}

// Without the grant nothing is told, and the answer says what to add.
#[test]
fn the_machine_is_granted() {
    for (plugin, wrong, right) in [("cpu", "memory", "cpu"), ("memory", "cpu", "memory"), ("load", "memory", "load")] {
        wait_for(&host(plugin, &[wrong], ""), "unknown", right);
    }
}

// Memory and load are those of the kernel's own files.
#[test]
fn memory_and_load_are_the_kernels() {
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    let total = {
        let text = read("/proc/meminfo");
        let line = text.lines().find(|line| line.starts_with("MemTotal:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1_024.0
    };
    let memory = host("memory", &["memory"], "available-percent = { crit = 0 }\n");
    let check = wait_for(&memory, "healthy", "available");
    let (available, seen) = (value(&check, "available"), value(&check, "total"));
    assert!(0.0 < available && available <= seen && seen <= total, "{total}: {check}");
    memory.reconfigure(&configuration("memory", &["memory"], "available-percent = { crit = 100 }\n"));
    wait_for(&memory, "unhealthy", "less than 100");

    let fifteen = || read("/proc/loadavg").split(' ').nth(2).unwrap().parse::<f64>().unwrap();
    let before = fifteen();
    let load = host("load", &["load", "cpu"], "load5 = { crit = 1000 }\nload15 = { crit = 1000 }\n");
    let check = wait_for(&load, "healthy", "load ");
    let after = fifteen();
    let seen = value(&check, "load15") * value(&check, "cpus");
    assert!(before.min(after) - 0.1 <= seen && seen <= before.max(after) + 0.1, "{before} {after} {check}");
    // No machine that runs a test has had nothing to do for a quarter of an hour.
    load.reconfigure(&configuration("load", &["load", "cpu"], "load5 = { crit = 1000 }\nload15 = { warn = 0 }\n"));
    wait_for(&load, "degraded", "load15");
}

// A process is counted and measured while it lives, and missed when it is gone.
#[test]
fn processes_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    // A name of its own: other tests sleep as well.
    let name = format!("nap-{}", std::process::id());
    let own = dir.path().join(&name);
    std::fs::copy(program("sleep", "coreutils"), &own).unwrap();
    let nap = || Process::start(Command::new(&own).arg("600"), &dir.path().join("log"));
    let mut first = nap();
    let grant = format!("process:{name}");
    let config = format!(
        "name = \"{name}\"\nmax-count = {{ warn = 1 }}\nopen-files = {{ crit = 100 }}\nthreads = {{ crit = 1 }}\n"
    );
    let host = host("process", &[&grant], &config);
    let check = wait_for(&host, "healthy", &format!("1 {name}"));
    assert_eq!((value(&check, "processes"), value(&check, "threads")), (1.0, 1.0), "{check}");
    // Standard input, output and error at least; and more than nothing of memory.
    assert!(value(&check, "open files") >= 3.0 && value(&check, "rss") >= 4_096.0, "{check}");
    let second = nap();
    wait_for(&host, "degraded", "processes 2");
    drop(second);
    wait_for(&host, "healthy", &format!("1 {name}"));
    first.kill();
    wait_for(&host, "unhealthy", "processes 0");
}

// A file is judged by its age and size, and by being there at all; what lies outside of the grant is nobody's business.
#[test]
fn files_are_judged() {
    let dir = tempfile::tempdir().unwrap();
    let dir_path = dir.path().canonicalize().unwrap();
    let file = dir_path.join("orders.dump");
    let config = format!(
        "paths = [\"{}\"]\nmax-age = {{ warn = \"25h\", crit = \"49h\" }}\nmin-size = {{ crit = \"1KiB\" }}\n",
        file.display()
    );
    let grant = format!("file:{}", dir_path.display());
    let host = host("file-age", &[&grant], &config);
    wait_for(&host, "unhealthy", "does not exist");
    std::fs::write(&file, vec![0; 2_048]).unwrap();
    wait_for(&host, "healthy", "2 KiB");
    let aged = |hours: u64| {
        let handle = std::fs::File::options().write(true).open(&file).unwrap();
        handle.set_modified(SystemTime::now() - Duration::from_secs(hours * 3_600)).unwrap();
    };
    aged(30);
    wait_for(&host, "degraded", "age 1.25 d");
    aged(50);
    wait_for(&host, "unhealthy", "age 2.08 d");
    std::fs::write(&file, "half").unwrap();
    wait_for(&host, "unhealthy", "less than 1 KiB");
    let outside = self::host("file-age", &[&grant], "paths = [\"/etc/passwd\"]\n");
    wait_for(&outside, "unknown", "file:/etc/passwd");
}

// Of the files that match a pattern the newest is judged; none, and a link that leads out of the grant, are told apart.
#[test]
fn the_newest_match_is_judged() {
    let dir = tempfile::tempdir().unwrap();
    let backups = dir.path().canonicalize().unwrap().join("backups");
    std::fs::create_dir(&backups).unwrap();
    let dump = |name: &str, bytes: usize, hours: u64| {
        let path = backups.join(name);
        std::fs::write(&path, vec![0; bytes]).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(hours * 3_600)).unwrap();
    };
    let config = format!(
        "paths = [\"{}/orders-*.dump\"]\nmax-age = {{ warn = \"25h\", crit = \"49h\" }}\nmin-size = {{ crit = \"1KiB\" }}\n",
        backups.display()
    );
    let host = host("file-age", &[&format!("file:{}", backups.display())], &config);
    wait_for(&host, "unhealthy", "no file matches ");
    for day in 2..1_000 {
        dump(&format!("orders-{day:03}.dump"), 2_048, 24 * day);
    }
    dump("orders-new.dump.partial", 1, 0);
    dump("customers.dump", 1, 0);
    wait_for(&host, "degraded", "orders-*.dump age 2");
    dump("orders-000.dump", 4_096, 1);
    wait_for(&host, "healthy", "4 KiB");
    dump("orders-now.dump", 1, 0);
    wait_for(&host, "unhealthy", "less than 1 KiB");
    std::fs::remove_dir_all(&backups).unwrap();
    wait_for(&host, "unhealthy", "no file matches ");
    std::fs::create_dir(&backups).unwrap();
    dump("orders-000.dump", 4_096, 1);
    wait_for(&host, "healthy", "4 KiB");
    // It could be the newest.
    std::os::unix::fs::symlink("/etc/passwd", backups.join("orders-x.dump")).unwrap();
    wait_for(&host, "unknown", "leads out of what is granted");
    let outside = self::host("file-age", &["file:/var/nowhere"], &config);
    wait_for(&outside, "unknown", &format!("file:{}", backups.display()));
}

// The file system of a path is measured as the kernel does it; thresholds, and a path that is not there, are told apart.
#[test]
fn file_systems_are_judged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap();
    let grant = format!("disk:{}", path.display());
    let config = |bounds: &str| format!("paths = [\"{}\"]\nwritable = true\n{bounds}\n", path.display());
    let disk = host("disk", &[&grant], &config("used-percent = { crit = 100 }\ninodes-used-percent = { crit = 100 }"));
    wait_for(&disk, "healthy", "available");
    let all =
        "used-percent = { crit = 100 }\ninodes-used-percent = { crit = 100 }\navailable = { crit = \"1000000GiB\" }";
    disk.reconfigure(&configuration("disk", &[&grant], &config(all)));
    wait_for(&disk, "unhealthy", "less than");
    let gone = format!("paths = [\"{}/volume\"]\n", path.display());
    disk.reconfigure(&configuration("disk", &[&grant], &gone));
    wait_for(&disk, "unhealthy", "volume");
}
