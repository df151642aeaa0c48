//! What the machine can do to a host: nobody reads its log, its disk is full, its files are pipes, its limits are small,
//! and signals come. Each is outlived, and said.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use probity_tests::guests;
use probity_tests::host::{Host, PATIENCE, TOKEN, binary, says};
use probity_tests::servers::free_port;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process};
use tempfile::TempDir;

/// What no answer of a host in trouble may take: probes give up after a second or two.
const PROBE_MAX: Duration = Duration::from_secs(2);

/// A host of which a test holds the other end of standard error.
struct Bare {
    dir: TempDir,
    child: Child,
    address: SocketAddr,
}

impl Bare {
    /// Starts one whose shell ran `before`, as `ulimit -s 64`, and waits until it is live.
    fn start(before: &str, log: &str, stderr: Stdio) -> Self {
        Self::start_with(before, log, stderr, "")
    }

    fn start_with(before: &str, log: &str, stderr: Stdio, config: &str) -> Self {
        let bare = Self::spawn(before, log, stderr, config);
        let end = Instant::now() + PATIENCE;
        while bare.get("/live").is_none_or(|answer| !answer.starts_with("HTTP/1.1 200")) {
            assert!(Instant::now() < end, "{before}: the host does not answer");
            std::thread::sleep(Duration::from_millis(10)); // the distance of two looks
        }
        bare
    }

    fn spawn(before: &str, log: &str, stderr: Stdio, config: &str) -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join("plugins")).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let basics = format!("[server]\nlisten = \"{address}\"\n[server.auth]\ntokens = [\"{TOKEN}\"]\n{config}");
        std::fs::write(dir.path().join("probity.toml"), basics).unwrap();
        let child = Command::new("sh")
            .args(["-c", &format!("{before}\nexec \"$0\" serve --log {log}")])
            .arg(binary())
            .current_dir(dir.path())
            .env_remove("PROBITY_CONFIG")
            .env_remove("PROBITY_LOG_FORMAT")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .unwrap();
        Self { dir, child, address }
    }

    /// The answer, if one comes in time.
    fn get(&self, path: &str) -> Option<String> {
        self.ask("GET", path)
    }

    fn ask(&self, method: &str, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect_timeout(&self.address, PROBE_MAX).ok()?;
        stream.set_read_timeout(Some(PROBE_MAX)).ok()?;
        let head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {TOKEN}\r\n", self.address);
        write!(stream, "{head}content-length: 0\r\nconnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "the host did not end");
            std::thread::sleep(Duration::from_millis(5)); // the distance of two looks
        }
    }

    /// Waits until `path` answers with `text` in it.
    fn wait_for(&self, path: &str, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.get(path);
            match answer {
                Some(answer) if answer.contains(text) => return answer,
                answer => assert!(Instant::now() < end, "{path} never has {text:?}: {answer:?}"),
            }
            std::thread::sleep(Duration::from_millis(10)); // the distance of two looks
        }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn dropped(metrics: &str) -> u64 {
    let line = metrics.lines().find(|line| line.starts_with("probity_log_lines_dropped_total ")).unwrap_or(" 0");
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// How often the check `steady` has run.
fn runs(host: &Bare) -> u64 {
    let answer = host.get("/checks/steady").unwrap();
    let rest = answer.split_once("\"runs\":").unwrap().1;
    rest.split(|character: char| !character.is_ascii_digit()).next().unwrap().parse().unwrap()
}

// Whoever read standard error may die: everything is answered, plugins are loaded, and a drain ends with code 0.
#[test]
fn the_reader_of_the_log_may_die() {
    let mut host = Bare::start("", "info", Stdio::piped());
    drop(host.child.stderr.take());
    for path in ["/checks", "/plugins", "/nothing"] {
        assert!(host.get(path).unwrap().starts_with("HTTP/1.1 "), "{path}");
    }
    std::fs::write(host.dir.path().join("plugins/late.wasm"), says("loaded all the same")).unwrap();
    host.wait_for("/checks/late", "loaded all the same");
    assert!(host.ask("POST", "/-/reload").unwrap().starts_with("HTTP/1.1 200"));
    let metrics = host.get("/metrics").unwrap();
    assert!(dropped(&metrics) > 0, "{metrics}");
    host.signal(Signal::TERM);
    assert_eq!(host.ended().code(), Some(0));
}

// Nobody may read standard error: probes are answered in time, checks keep their interval, lines are dropped and counted, and
// a drain ends with code 0. A reader that comes back is told how many are missing.
#[test]
fn nobody_may_read_the_log() {
    let check = "[[check]]\nname = \"steady\"\nplugin = \"steady\"\nevery = \"500ms\"\n";
    let mut host = Bare::start_with("", "trace", Stdio::piped(), check);
    std::fs::write(host.dir.path().join("plugins/steady.wasm"), says("fine")).unwrap();
    let end = Instant::now() + PATIENCE;
    while dropped(&host.wait_for("/metrics", "probity_log_lines_dropped_total")) == 0 {
        assert!(Instant::now() < end, "nothing is dropped");
        for _ in 0..50 {
            assert!(host.get("/checks").unwrap().starts_with("HTTP/1.1 200"));
        }
        assert!(host.get("/live").unwrap().starts_with("HTTP/1.1 200"));
    }
    host.wait_for("/checks/steady", "\"status\":\"healthy\"");
    let (start, before) = (Instant::now(), runs(&host));
    while runs(&host) < before + 6 {
        assert!(start.elapsed() < Duration::from_secs(8), "{} runs of 500 ms", runs(&host) - before);
        std::thread::sleep(Duration::from_millis(10)); // the distance of two looks
    }
    let mut stderr = BufReader::new(host.child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("lines of the log were dropped") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "the log ended");
        // What comes now follows what was dropped.
        let _ = host.get("/live");
    }
    host.signal(Signal::TERM);
    assert_eq!(host.ended().code(), Some(0));
}

// A message with a newline is one event, whose further lines are indented: nobody's words pass for a line of the host's.
#[test]
fn no_words_pass_for_a_line_of_the_log() {
    let mut host = Bare::start("", "info", Stdio::piped());
    std::fs::write(host.dir.path().join("probity.toml"), "[server]\nlisten = 1\n[nonsense]\n").unwrap();
    let mut lines = BufReader::new(host.child.stderr.take().unwrap()).lines();
    let is_told = |line: &String| line.contains("the configuration was rejected");
    assert!(lines.by_ref().map_while(Result::ok).any(|line| is_told(&line)));
    let next = lines.next().unwrap().unwrap();
    assert!(next.starts_with("    error: "), "{next}");
}

// The last words of a host that cannot start are read, whole, and a reader that went away does not change its exit code.
#[test]
fn last_words_are_written() {
    let mut host = Bare::spawn("", "info", Stdio::piped(), "[nonsense]\nx = 1\n");
    let mut words = String::new();
    host.child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
    assert_eq!(host.ended().code(), Some(78));
    assert!(words.contains("nonsense") && words.contains("probity.toml:"), "{words}");
    let mut host = Bare::spawn("", "info", Stdio::piped(), "[nonsense]\nx = 1\n");
    drop(host.child.stderr.take());
    assert_eq!(host.ended().code(), Some(78));
}

// No command panics because whoever read its output, or its complaints, is gone.
#[test]
fn no_command_minds_closed_pipes() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("probity.toml"), "[nonsense]\n").unwrap();
    std::fs::write(dir.path().join("x.wasm"), "nothing").unwrap();
    for line in [
        "--help",
        "--version",
        "nonsense",
        "schema",
        "completions bash",
        "validate",
        "inspect x.wasm",
        "run x.wasm",
        "explain x",
        "status --url http://127.0.0.1:1",
        "new x --dir /dev/null/x",
        "build .",
        "test .",
        "serve",
    ] {
        let both = |to: &dyn Fn() -> Stdio| {
            let status = Command::new(binary())
                .args(line.split(' '))
                .current_dir(dir.path())
                .stdin(Stdio::null())
                .stdout(to())
                .stderr(to())
                .status();
            status.unwrap().code()
        };
        let closed = || Stdio::from(std::io::pipe().unwrap().1);
        let full = || Stdio::from(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
        let expected = both(&Stdio::null);
        assert!(expected.is_some_and(|code| code != 101), "{line}: {expected:?}");
        assert_eq!(both(&closed), expected, "{line}");
        let full = both(&full);
        assert!(full.is_some_and(|code| code != 101), "{line}: {full:?}");
    }
}

const COUNTS: &str = "[[check]]\nname = \"count\"\nplugin = \"count\"\nevery = \"100ms\"\n[heartbeats.job]\n";

fn count(host: &Host, least: u64) -> u64 {
    let number = |answer: &probity_tests::host::Answer| answer.json()["measurements"]["count"]["value"].as_u64();
    let enough = |answer: &probity_tests::host::Answer| answer.status == 200 && number(answer) >= Some(least);
    number(&host.wait_for("/checks/count", enough)).unwrap()
}

/// Files of the host may have at most so many bytes from now on: to it, a disk that is full.
fn limit_files(host: &Host, bytes: Option<u64>) {
    let pid = Pid::from_raw(i32::try_from(host.pid()).unwrap());
    rustix::process::prlimit(pid, Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
}

fn wait_for_log(host: &Host, text: &str) {
    let end = Instant::now() + PATIENCE;
    while !host.log().contains(text) {
        assert!(Instant::now() < end, "{text:?} is not in the log:\n{}", host.log());
        std::thread::sleep(Duration::from_millis(10)); // the distance of two looks
    }
}

// A disk that was full is written again once there is room, without a restart and without a loss, and each change is said
// once. The signal of a file that is too large ends nothing.
#[test]
fn a_full_disk_is_outlived() {
    let mut host = Host::start(COUNTS);
    host.copy_in("count", &guests::encode(include_str!("../../guests/parts/count.wat.in")).unwrap());
    count(&host, 5);
    host.wait_for("/metrics", |answer| answer.body.contains("\nprobity_state_writable 1\n"));
    limit_files(&host, Some(1));
    wait_for_log(&host, "state of checks cannot be written");
    assert_eq!(host.post_text("/heartbeats/job", "while it was full").status, 200);
    host.wait_for("/metrics", |answer| answer.body.contains("\nprobity_state_writable 0\n"));
    let meanwhile = count(&host, count(&host, 0) + 20);
    assert_eq!(host.get("/live").status, 200);
    limit_files(&host, None);
    wait_for_log(&host, "state of checks is written again");
    host.wait_for("/metrics", |answer| answer.body.contains("\nprobity_state_writable 1\n"));
    assert_eq!(host.log().matches("state of checks cannot be written").count(), 1, "{}", host.log());
    host.kill_and_restart();
    assert!(count(&host, 1) >= meanwhile, "{meanwhile} before");
    assert!(host.get("/heartbeats/job").body.contains("while it was full"));
}

// A host that ends while its disk is full tries a few times, says what is lost, and ends with code 0.
#[test]
fn an_end_with_a_full_disk_is_an_end() {
    let mut host = Host::start(COUNTS);
    host.copy_in("count", &guests::encode(include_str!("../../guests/parts/count.wat.in")).unwrap());
    count(&host, 5);
    limit_files(&host, Some(1));
    count(&host, count(&host, 0) + 5);
    host.terminate();
    assert_eq!(host.ended().code(), Some(0), "{}", host.log());
    wait_for_log(&host, "could not be written and is lost");
}

// A damaged file of state is set aside, and the host starts with a new one.
#[test]
fn damaged_state_does_not_keep_a_host_from_starting() {
    let dir = TempDir::new().unwrap();
    let state = dir.path().join(".probity");
    std::fs::create_dir(dir.path().join("plugins")).unwrap();
    std::fs::DirBuilder::new().mode(0o700).create(&state).unwrap();
    std::fs::write(state.join("state.redb"), vec![0x55; 20_000]).unwrap();
    let host = Host::start_in(dir, "");
    assert!(host.log().contains("it was set aside"), "{}", host.log());
    let names = std::fs::read_dir(state_of(&host)).unwrap().map(|entry| entry.unwrap().file_name());
    let names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    assert!(names.iter().any(|name| name.starts_with("state.redb.damaged-")), "{names:?}");
    host.wait_for("/metrics", |answer| answer.body.contains("\nprobity_state_writable 1\n"));
}

fn state_of(host: &Host) -> std::path::PathBuf {
    host.dir().join(".probity")
}

// A configuration that became a pipe, a device or unreadable is refused; what serves goes on, and so does the loader.
#[test]
fn configuration_that_is_no_file_changes_nothing() {
    let dir = TempDir::new().unwrap();
    let fragments = dir.path().join("probity.d");
    std::fs::create_dir(dir.path().join("plugins")).unwrap();
    std::fs::create_dir(&fragments).unwrap();
    let check = "[[check]]\nname = \"kept\"\nplugin = \"kept\"\nevery = \"200ms\"\n";
    std::fs::write(fragments.join("kept.toml"), check).unwrap();
    let mut host = Host::start_in(dir, "");
    host.copy_in("kept", &says("here"));
    host.wait_until("kept", "healthy");
    let refused = |host: &Host, what: &str| {
        let report = host.post("/-/reload").json();
        assert_eq!(report["config"], "rejected", "{what}: {report}");
        host.copy_in("later", &says(what));
        host.wait_for_message("later", what);
        assert_eq!(host.get("/checks/kept").json()["status"], "healthy", "{what}");
    };
    let fragment = fragments.join("x.toml");
    for (what, make) in [("a pipe", mkfifo as fn(&Path)), ("a device", zero), ("a directory", directory)] {
        make(&fragment);
        refused(&host, what);
        std::fs::remove_file(&fragment).or_else(|_| std::fs::remove_dir(&fragment)).unwrap();
    }
    let main = host.dir().join("probity.toml");
    let text = std::fs::read(&main).unwrap();
    std::fs::remove_file(&main).unwrap();
    mkfifo(&main);
    refused(&host, "a pipe instead of the file");
    std::fs::remove_file(&main).unwrap();
    std::fs::write(&main, text).unwrap();
    // The directory of fragments is there no more, but a link that meant to lead to one is.
    std::fs::rename(&fragments, host.dir().join("away")).unwrap();
    symlink(host.dir().join("nowhere"), &fragments).unwrap();
    refused(&host, "a link to nowhere");
    host.terminate();
    assert_eq!(host.ended().code(), Some(0), "{}", host.log());
}

fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn zero(path: &Path) {
    symlink("/dev/zero", path).unwrap();
}

fn directory(path: &Path) {
    std::fs::create_dir(path).unwrap();
}

// SIGHUP reloads, SIGUSR1 and SIGUSR2 do nothing, SIGQUIT drains.
#[test]
fn signals_mean_what_is_documented() {
    let mut host = Host::start("");
    host.wait_for("/live", |answer| answer.status == 200);
    let pid = Pid::from_raw(i32::try_from(host.pid()).unwrap()).unwrap();
    for signal in [Signal::USR1, Signal::USR2, Signal::PIPE, Signal::XFSZ, Signal::HUP] {
        kill_process(pid, signal).unwrap();
    }
    wait_for_log(&host, "reloaded as asked");
    assert_eq!(host.get("/live").status, 200);
    kill_process(pid, Signal::QUIT).unwrap();
    assert_eq!(host.ended().code(), Some(0), "{}", host.log());
    assert!(host.log().contains("draining"));
}

// Little stack for the first thread is no reason not to start.
#[test]
fn a_small_stack_is_enough() {
    for before in ["ulimit -s 64", "ulimit -s 128", "ulimit -s unlimited", "ulimit -c 0; ulimit -l 0"] {
        let mut host = Bare::start(before, "info", Stdio::null());
        std::fs::write(host.dir.path().join("plugins/a.wasm"), says("it runs")).unwrap();
        host.wait_for("/checks/a", "it runs");
        host.signal(Signal::TERM);
        assert_eq!(host.ended().code(), Some(0), "{before}");
    }
}

// Files that may not grow are a disk that is full: the host starts, says what it lacks, and ends in order. A limit that may be
// raised is.
#[test]
fn small_files_are_said() {
    for before in ["ulimit -f 0", "ulimit -f 1", "ulimit -f 100"] {
        let mut host = Bare::start(before, "info", Stdio::piped());
        host.signal(Signal::TERM);
        assert_eq!(host.ended().code(), Some(0), "{before}");
        let mut words = String::new();
        host.child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
        assert!(words.contains("files may have at most") && words.contains("ulimit -f"), "{before}: {words}");
    }
    let host = Bare::start("ulimit -S -f 1", "info", Stdio::null());
    std::fs::write(host.dir.path().join("plugins/a.wasm"), says("it runs")).unwrap();
    host.wait_for("/checks/a", "it runs");
}

// A host with too few descriptors to be of use says that this is what it lacks, and ends in order when asked.
#[test]
fn too_few_descriptors_are_said() {
    for most in [8, 12, 16, 20, 24] {
        let mut host = Bare::spawn(&format!("ulimit -n {most}"), "info", Stdio::piped(), "");
        let mut lines = BufReader::new(host.child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut words = Vec::new();
        while !words.last().is_some_and(|line: &String| line.contains("Too many open files")) {
            words.push(lines.next().unwrap_or_else(|| panic!("{most}: {words:?}")));
        }
        // Read to its end, as whoever keeps a log does.
        let rest = std::thread::spawn(move || lines.count());
        if host.child.try_wait().unwrap().is_none() {
            host.signal(Signal::TERM);
        }
        // One that was at its end already may not have listened to signals.
        let end = host.ended();
        assert!(matches!(end.code(), Some(0 | 1)) || end.signal() == Some(Signal::TERM.as_raw()), "{most}: {end}");
        rest.join().unwrap();
    }
}

// An environment that is odd in every way is enough to start in.
#[test]
fn an_odd_environment_is_enough() {
    let before = "export TZ=:/no/such/zone LANG=nonsense PATH=; unset HOME USER TMPDIR; mkdir gone; umask 777";
    let mut host = Bare::start(before, "info", Stdio::piped());
    host.signal(Signal::TERM);
    assert_eq!(host.ended().code(), Some(0));
}
