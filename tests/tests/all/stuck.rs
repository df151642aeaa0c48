//! One stuck member of what the host's checks share leaves the rest at their intervals, and says what is wrong with it.

use std::fmt::Write;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use probity_tests::host::{Answer, Host, PATIENCE, first_party, says};
use probity_tests::mounts::{self, HUNG, OWN_STATE, freeze};
use probity_tests::servers::faulty::{Fault, Faulty};
use probity_tests::servers::redis::Redis;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::hanging::keep_their_interval;
use super::systems::{DNS, SYSTEMS};

/// Checks of each kind that are stuck: of all together many more than may compute at once.
const STUCK: usize = 4;

/// What every host here begins with.
const FEW_PLACES: &str = "[schedule]\nconcurrency = 2\n[defaults]\nprobes = []\n";

/// The interval of each check, which the plugins themselves would make longer, and the time of a run.
const TIMING: &str = "every = \"500ms\"\ntimeout = \"2s\"\n";

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// The check `name` of `plugin`.
fn check(name: &str, plugin: &str, grants: &str, config: &str) -> String {
    format!(
        "[[check]]\nname = \"{name}\"\nplugin = \"{plugin}\"\n{TIMING}grants = {{ {grants} }}\n[check.config]\n{config}"
    )
}

/// The check `name` of the plugin of that name.
fn plain(name: &str) -> String {
    format!("[[check]]\nname = \"{name}\"\nplugin = \"{name}\"\n{TIMING}")
}

/// A check that gets an URL.
fn http(name: &str, url: &str) -> String {
    check(name, "http", &format!("http = [\"{url}\"]"), &format!("url = \"{url}\"\n"))
}

/// A check of a database file, and its connection.
fn sqlite(name: &str, file: &Path) -> String {
    let connection = format!("[connections.{name}]\nurl = \"sqlite://{}\"\n", file.display());
    let query = format!("connection = \"{name}\"\nmode = \"query\"\nquery = \"SELECT count(*) FROM orders\"\n");
    connection + &check(name, "sql", &format!("sql = [\"{name}\"]"), &query)
}

/// A database with one table, made as any other program would; with `more` done by a program that goes on.
fn database(file: &Path, more: &str) -> Child {
    let made = format!(
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
         c.executescript('CREATE TABLE orders (n INT); INSERT INTO orders VALUES (1), (2)')\n{more}"
    );
    let program =
        Command::new("python3").args(["-c", &made]).arg(file).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    program.unwrap()
}

fn copy_in(host: &Host, plugins: &[&str]) {
    for plugin in plugins {
        host.copy_in(plugin, &first_party(plugin));
    }
}

fn threads(host: &Host) -> usize {
    std::fs::read_dir(format!("/proc/{}/task", host.pid())).unwrap().count()
}

// Servers of every kind that accept and never answer, and a name server likewise: each of their checks says so, and the
// checks of others by the same plugins keep their interval.
#[test]
fn silent_servers_hold_up_nobody_else() {
    let (silent, good, redis) = (Faulty::start(Fault::Hangs), Faulty::start(Fault::Answers(OK)), Redis::start());
    let names = UdpSocket::bind("127.0.0.1:0").unwrap();
    let dir = TempDir::new().unwrap();
    std::fs::create_dir(dir.path().join("plugins")).unwrap();
    let file = dir.path().join("shop.db");
    assert!(database(&file, "").wait().unwrap().success());
    let mut config = FEW_PLACES.to_owned() + &sqlite("good-sql", &file);
    let mut stuck = Vec::new();
    for system in SYSTEMS.iter().chain([&DNS]) {
        let port = if system.name == DNS.name { names.local_addr().unwrap().port() } else { silent.port() };
        for at in 0..STUCK {
            let name = format!("{}-{at}", system.name);
            config += &system.config(&name, port, TIMING);
            stuck.push(name);
        }
    }
    config += &http("good-http", &format!("http://127.0.0.1:{}/", good.port()));
    let _ = write!(
        config,
        "[connections.good]\nurl = \"{}\"\n[queues.good]\nconnection = \"good\"\nlist = \"jobs\"\n",
        redis.url()
    );
    config += &check("good-redis", "redis", "redis = [\"good\"]", "connection = \"good\"\n");
    config += &check("good-queue", "queue-depth", "queue = [\"good\"]", "queues = [\"good\"]\n");
    let host = Host::start_in(dir, &config);
    copy_in(&host, &["http", "tcp", "tls-certificate", "sql", "redis", "queue-depth", "dns"]);
    for name in &stuck {
        host.wait_until_says(name, "unhealthy", "timeout");
    }
    let good = ["good-http", "good-redis", "good-queue", "good-sql"];
    keep_their_interval(&host, &good);
    for name in good {
        assert_eq!(host.get(&format!("/checks/{name}")).json()["status"], "healthy", "{name}");
    }
}

// Names whose look-up hangs, more of them than look-ups at once, keep no other name from being looked up.
#[test]
fn a_silent_name_server_holds_up_no_other_name() {
    if !mounts::may_be_made() {
        return;
    }
    let _silent = UdpSocket::bind("127.53.0.1:53").unwrap();
    let good = Faulty::start(Fault::Answers(OK));
    let mut config = FEW_PLACES.to_owned() + "[egress]\nallow = [\"127.0.0.0/8\"]\n";
    let dead: Vec<String> = (0..20).map(|at| format!("dead-{at}")).collect();
    for name in &dead {
        config += &http(name, &format!("http://{name}.test:{}/", good.port()));
    }
    config += &http("good", &format!("http://good.test:{}/", good.port()));
    let mounts = mounts::of_its_own(
        "echo nameserver 127.53.0.1 > resolv; echo 127.0.0.1 good.test > hosts; \
         mount --bind resolv /etc/resolv.conf; mount --bind hosts /etc/hosts",
    );
    let host = Host::start_under(&mounts, with_plugins(), &config, &[]);
    copy_in(&host, &["http"]);
    for name in &dead {
        host.wait_until_says(name, "unhealthy", &format!("the look-up of {name}.test has been hanging for "));
    }
    keep_their_interval(&host, &["good"]);
    assert_eq!(host.get("/checks/good").json()["status"], "healthy");
}

fn with_plugins() -> TempDir {
    let dir = TempDir::new().unwrap();
    std::fs::create_dir(dir.path().join("plugins")).unwrap();
    dir
}

// A database file that another process has locked for good costs its own checks their time, and no other file's.
#[test]
fn a_locked_file_holds_up_no_other() {
    let dir = with_plugins();
    let (free, locked) = (dir.path().join("free.db"), dir.path().join("locked.db"));
    assert!(database(&free, "").wait().unwrap().success());
    let mut holder = database(&locked, "c.execute('BEGIN EXCLUSIVE'); print('locked', flush=True); sys.stdin.read()");
    let mut word = [0; 6];
    std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut word).unwrap();
    // It does not even notice that somebody waits.
    kill_process(Pid::from_child(&holder), Signal::STOP).unwrap();
    let mut config = FEW_PLACES.to_owned() + &sqlite("good", &free);
    for at in 0..STUCK {
        config += &sqlite(&format!("locked-{at}"), &locked);
    }
    let host = Host::start_in(dir, &config);
    copy_in(&host, &["sql"]);
    for at in 0..STUCK {
        host.wait_until_says(&format!("locked-{at}"), "unhealthy", "timeout: database is locked");
    }
    keep_their_interval(&host, &["good"]);
    assert_eq!(host.get("/checks/good").json()["status"], "healthy");
    holder.kill().unwrap();
    holder.wait().unwrap();
    host.wait_until("locked-0", "healthy");
}

// Files on a file system that never answers: databases, certificates, the system's own authorities. Each check that needs one
// says for how long it has been hanging, the others of its plugin keep their interval, and threads do not pile up.
#[test]
fn a_hung_file_system_holds_up_no_other() {
    if !mounts::may_be_made() {
        return;
    }
    let dir = with_plugins();
    let file = dir.path().join("shop.db");
    assert!(database(&file, "").wait().unwrap().success());
    let (silent, good) = (Faulty::start(Fault::Hangs), Faulty::start(Fault::Answers(OK)));
    let mut config = FEW_PLACES.to_owned() + &sqlite("good-sql", &file);
    config += &http("good-http", &format!("http://127.0.0.1:{}/", good.port()));
    let url = format!("https://127.0.0.1:{}/", silent.port());
    let tls = format!("tls = [\"127.0.0.1:{}\"]", silent.port());
    let server = format!("host = \"127.0.0.1\"\nport = {}\n", silent.port());
    let mut stuck = Vec::new();
    for at in 0..STUCK {
        config += &sqlite(&format!("sql-{at}"), &dir.path().join(format!("hung/{at}.db")));
        config += &http(&format!("http-{at}"), &url);
        config += &check(&format!("tls-{at}"), "tls-certificate", &tls, &server);
        stuck.push((
            format!("sql-{at}"),
            format!("the look at the file of connection `sql-{at}` has been hanging for "),
        ));
        let reading = "reading the system's authorities has been hanging for ";
        stuck.extend([(format!("http-{at}"), reading.to_owned()), (format!("tls-{at}"), reading.to_owned())]);
    }
    let authorities = dir.path().join("hung/authorities.pem").display().to_string();
    let host = Host::start_under(&mounts::of_its_own(HUNG), dir, &config, &[("SSL_CERT_FILE", authorities)]);
    copy_in(&host, &["http", "sql", "tls-certificate"]);
    for (name, said) in &stuck {
        host.wait_until_says(name, "unhealthy", said);
    }
    let before = threads(&host);
    keep_their_interval(&host, &["good-sql", "good-http"]);
    for name in ["good-sql", "good-http"] {
        assert_eq!(host.get(&format!("/checks/{name}")).json()["status"], "healthy", "{name}");
    }
    // Six rounds of twelve checks. A session of the good file has a thread for a moment.
    assert!(threads(&host) <= before + 6, "{} threads, {before} before", threads(&host));
}

// A disk that hangs under the host's state: what checks keep is kept in memory, said to be so, and written once the disk
// answers; and a host that ends meanwhile does not wait for it.
#[test]
fn a_disk_that_hangs_holds_up_no_state() {
    if !mounts::may_be_made() {
        return;
    }
    let config = FEW_PLACES.to_owned() + &plain("count") + &plain("good");
    let mut host = Host::start_under(&mounts::of_its_own(OWN_STATE), with_plugins(), &config, &[]);
    let guest = include_str!("../../guests/parts/count.wat.in");
    host.copy_in("count", &probity_tests::guests::encode(guest).unwrap());
    host.copy_in("good", &says("fine"));
    let writable = |host: &Host, value: u32| {
        let sample = format!("\nprobity_state_writable {value}\n");
        host.wait_for("/metrics", |answer| answer.body.contains(&sample));
    };
    host.wait_until("count", "healthy");
    host.wait_until("good", "healthy");
    writable(&host, 1);
    let state = host.dir().join(".probity");
    let frozen = freeze(host.pid(), &state);
    writable(&host, 0);
    wait_for_log(&host, "state of checks is not written, the disk hangs");
    keep_their_interval(&host, &["count", "good"]);
    drop(frozen);
    wait_for_log(&host, "state of checks is written again, nothing was lost");
    writable(&host, 1);
    let frozen = freeze(host.pid(), &state);
    writable(&host, 0);
    host.terminate();
    wait_for_log(&host, "the disk hangs: what changed last of the state of checks is lost");
    drop(frozen);
    assert_eq!(host.ended().code(), Some(0));
}

fn wait_for_log(host: &Host, text: &str) {
    let end = Instant::now() + PATIENCE;
    while !host.log().contains(text) {
        assert!(Instant::now() < end, "{text:?} is not in the log:\n{}", host.log());
        std::thread::sleep(Duration::from_millis(10)); // the distance of two looks
    }
}

// A state directory that never answers keeps no host from starting: it says so, and keeps what checks remember in memory.
#[test]
fn a_hung_state_directory_keeps_no_host_from_starting() {
    if !mounts::may_be_made() {
        return;
    }
    let config = format!("[state]\ndir = \"hung/state\"\n{FEW_PLACES}{}", plain("good"));
    let host = Host::start_under(&mounts::of_its_own(HUNG), with_plugins(), &config, &[]);
    assert!(host.log().contains("its file system has not answered for 5 s"), "{}", host.log());
    host.copy_in("good", &says("fine"));
    host.wait_until("good", "healthy");
    keep_their_interval(&host, &["good"]);
}

// A compilation that never ends holds up no run and no other plugin, is shown while it lasts, and ends with its time.
#[test]
fn a_stuck_compiler_holds_up_no_other() {
    let plugins = "[plugins]\ncompile-timeout = \"15s\"\n";
    let config = format!("{plugins}{FEW_PLACES}{}{}", plain("good"), plain("late"));
    let host = Host::start(&config);
    host.copy_in("good", &says("fine"));
    host.wait_until("good", "healthy");
    host.copy_in("stuck", &first_party("http"));
    stop_a_compiler(&host);
    host.copy_in("late", &says("came all the same"));
    host.wait_for_message("late", "came all the same");
    keep_their_interval(&host, &["good", "late"]);
    let compiling = |answer: &Answer| answer.body.contains("\nprobity_plugin_compiling_seconds{plugin=\"stuck\"} ");
    host.wait_for("/metrics", compiling);
    host.wait_for_rejection("stuck", "compiling took more than 15000 ms");
}

/// Stops a process that compiles for `host` as soon as there is one.
fn stop_a_compiler(host: &Host) {
    let end = Instant::now() + PATIENCE;
    loop {
        let children = std::fs::read_dir(format!("/proc/{}/task", host.pid())).unwrap().flatten();
        let children = children.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        let of_the_host: Vec<i32> = children
            .flat_map(|ids| ids.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
            .collect();
        // One that is not the worker's program yet would stop whoever starts it.
        let is_worker = |id: &&i32| {
            std::fs::read_to_string(format!("/proc/{id}/cmdline")).is_ok_and(|line| line.contains("compile-worker"))
        };
        if let Some(pid) = of_the_host.iter().find(is_worker).and_then(|id| Pid::from_raw(*id)) {
            return kill_process(pid, Signal::STOP).unwrap();
        }
        assert!(Instant::now() < end, "nothing is compiled; log:\n{}", host.log());
        std::thread::yield_now();
    }
}

// How many runs wait is told while they do, and what memory their guests have; and no longer when they are over.
#[test]
fn runs_that_wait_are_counted() {
    let silent = Faulty::start(Fault::Hangs);
    let url = format!("http://127.0.0.1:{}/", silent.port());
    let checks: String = (0..STUCK).map(|at| http(&format!("stuck-{at}"), &url).replace("2s", "1m")).collect();
    let host = Host::start(&(FEW_PLACES.to_owned() + &checks));
    copy_in(&host, &["http"]);
    let value = |answer: &Answer, name: &str| {
        let line = answer.body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap_or_default();
        line.parse::<u64>().ok()
    };
    let waiting = |answer: &Answer| value(answer, "probity_runs_waiting") == Some(STUCK as u64);
    let answer = host.wait_for("/metrics", waiting);
    let bytes = value(&answer, "probity_runs_waiting_memory_bytes").unwrap();
    drop(silent);
    let peak = host.wait_until("stuck-0", "unhealthy")["usage"]["memory_peak_bytes"].as_u64();
    host.wait_for("/metrics", |answer| value(answer, "probity_runs_waiting") == Some(0));
    assert_eq!(Some(bytes), peak.map(|bytes| bytes * STUCK as u64), "{answer:?}");
}
