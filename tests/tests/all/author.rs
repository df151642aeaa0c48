//! The author's loop in Rust, with real processes: new, build, test, dev. One folder that keeps its `target/`, since the
//! first build compiles the standard library.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use probity_tests::host::binary;

/// The first build of a machine takes minutes.
const PATIENCE: Duration = Duration::from_secs(900);

/// A check as `probity new` makes it, with what earlier tests compiled.
fn fresh(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let root = test.ancestors().nth(3).unwrap().join("author-tests");
    let folder = root.join(name);
    for entry in fs::read_dir(&folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true if path.ends_with("target") => {}
            true => fs::remove_dir_all(path).unwrap(),
            false => fs::remove_file(path).unwrap(),
        }
    }
    let made = root.join(format!("{name}.new"));
    if made.exists() {
        fs::remove_dir_all(&made).unwrap();
    }
    let output = probity(&root_or(&root), &["new", name, "--dir", made.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output));
    fs::create_dir_all(&folder).unwrap();
    for entry in fs::read_dir(&made).unwrap() {
        let entry = entry.unwrap();
        fs::rename(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    fs::remove_dir(&made).unwrap();
    folder
}

fn root_or(root: &Path) -> PathBuf {
    fs::create_dir_all(root).unwrap();
    root.to_owned()
}

fn probity(folder: &Path, args: &[&str]) -> Output {
    Command::new(binary()).args(args).current_dir(folder).output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

/// `probity dev`, killed when dropped.
struct Dev {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Dev {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(binary())
            .args(["dev", "--no-run"])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let streams: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for stream in streams {
            let said = Arc::clone(&said);
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    said.lock().unwrap().push_str(&format!("{line}\n"));
                }
            });
        }
        Self { child, said }
    }

    /// Waits until all of `words` were said and the next save is waited for; forgets them.
    fn wait_for(&self, words: &[&str]) {
        let started = Instant::now();
        loop {
            let mut said = self.said.lock().unwrap();
            assert!(!said.contains("host.log was saved"), "{said}");
            if said.contains("waiting for a save") && words.iter().all(|word| said.contains(word)) {
                said.clear();
                return;
            }
            assert!(started.elapsed() < PATIENCE, "waited for {words:?}:\n{said}");
            drop(said);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Dev {
    /// Wants nothing to be said for a while.
    fn is_silent_for(&self, while_: Duration) {
        let started = Instant::now();
        while started.elapsed() < while_ {
            let said = self.said.lock().unwrap();
            assert!(said.is_empty(), "{said}");
            drop(said);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A log that grows in a folder until it is dropped, as that of a host which serves there does.
struct Log {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Log {
    fn grow(file: PathBuf) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut log = fs::File::create(file).unwrap();
            while !stopped.load(Ordering::Relaxed) {
                writeln!(log, "INFO a check ran").unwrap();
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the component against a real service: 50 where more than 10 is degraded.
fn judges_a_service(dir: &Path, component: &str) {
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = service.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in service.incoming() {
            let mut connection = connection.unwrap();
            let _ = connection.read(&mut [0; 4096]);
            let body = r#"{"value": 50}"#;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = connection.write_all((head + body).as_bytes());
        }
    });
    let config = format!(r#"{{"url": "http://{address}/stats", "value": {{"warn": 10, "crit": 100}}}}"#);
    let grant = format!("http=http://{address}/*");
    let output = probity(dir, &["run", component, "--check-config", &config, "--grant", &grant, "--output", "nagios"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "WARNING - value 50, more than 10 | 'value'=50\n");
}

// From nothing to a tested component; what is unchanged is not built; what is saved is built and tested by itself, be it a
// helper or the check; a mistake stops nothing; a log that grows in the folder is no save, whatever `.gitignore` says.
#[test]
fn the_loop_in_rust() {
    let folder = fresh("order-rate");
    let component = folder.join("target/components/order-rate.wasm");
    let built = probity(&folder, &["build"]);
    assert!(built.status.success() && text(&built).contains("may use  http (needs a grant)"), "{}", text(&built));
    let before = modified(&component);

    let again = probity(&folder, &["build"]);
    assert!(text(&again).contains("nothing to build") && modified(&component) == before, "{}", text(&again));

    let tested = probity(&folder, &["test"]);
    assert!(tested.status.success() && text(&tested).contains("7 of 7 cases pass"), "{}", text(&tested));

    let native = Command::new(env!("CARGO")).args(["test", "--quiet"]).current_dir(&folder).output().unwrap();
    assert!(native.status.success() && text(&native).contains("3 passed"), "{}", text(&native));
    judges_a_service(&folder, component.to_str().unwrap());

    let source = folder.join("src/lib.rs");
    let helper = folder.join("src/helper.rs");
    let check = fs::read_to_string(&source).unwrap();
    fs::write(&source, format!("{check}\nmod helper;\n")).unwrap();
    fs::write(&helper, "//! Not much.\n").unwrap();
    fs::remove_file(folder.join(".gitignore")).unwrap();
    let _log = Log::grow(folder.join("host.log"));
    let dev = Dev::start(&folder);
    dev.wait_for(&["7 of 7 cases pass"]);
    dev.is_silent_for(Duration::from_secs(3));
    let cases = folder.join("tests/value.toml");
    let good = fs::read_to_string(&cases).unwrap();
    fs::write(&cases, good.replace("\"*3*\"", "\"*4*\"")).unwrap();
    dev.wait_for(&["tests/value.toml was saved", "FAILED  a small number is healthy", "6 of 7 cases pass"]);
    fs::write(&cases, &good).unwrap();
    dev.wait_for(&["7 of 7 cases pass"]);

    fs::write(&helper, "use probity_checkk as _;\n").unwrap();
    dev.wait_for(&["src/helper.rs was saved", "not built", "probity_checkk"]);
    fs::write(&source, check.replace("{} is {value}", "{} was {value}")).unwrap();
    dev.wait_for(&["7 of 7 cases pass"]);
    assert_ne!(modified(&component), before, "the component is the new one");
}

// A folder that is no check's, and one whose toolchain is missing, are told in one line what to do.
#[test]
fn what_cannot_be_built_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let none = probity(dir.path(), &["build"]);
    let said = text(&none);
    assert_eq!(none.status.code(), Some(1));
    assert!(said.contains("holds no check") && said.contains("probity new NAME --lang LANGUAGE"), "{said}");
    assert_eq!(probity(dir.path(), &["test"]).status.code(), Some(2));
}
