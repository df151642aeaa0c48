//! A real host in a directory of its own: the built binary, a real socket, plugins that a test copies in.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub use crate::answer::Answer;
use crate::guests;

/// How long a test waits for what should take a second at most. Generous: a test fails on hangs, not on load.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The token that [`Host`] configures.
pub const TOKEN: &str = "test-token-0123456789";

/// A running host. Killed when dropped.
pub struct Host {
    dir: TempDir,
    child: Child,
    address: String,
    log: Arc<Mutex<String>>,
    env: Vec<(&'static str, String)>,
    limits: String,
}

impl Host {
    /// Starts a host in a fresh directory with `config` added to what every test needs.
    ///
    /// # Panics
    /// When it does not listen in time.
    #[must_use]
    pub fn start(config: &str) -> Self {
        let dir = TempDir::new().expect("a temporary directory can be made");
        std::fs::create_dir(dir.path().join("plugins")).expect("it is empty");
        Self::start_in(dir, config)
    }

    /// The same in a directory that a test prepared.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_in(dir: TempDir, config: &str) -> Self {
        Self::start_with(dir, config, &[])
    }

    /// The same with variables in its environment.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_with(dir: TempDir, config: &str, env: &[(&'static str, String)]) -> Self {
        Self::start_under("", dir, config, env)
    }

    /// The same with variables in its environment, and started by a shell after these commands: `ulimit -n 1024`.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_under(limits: &str, dir: TempDir, config: &str, env: &[(&'static str, String)]) -> Self {
        std::fs::write(dir.path().join("probity.toml"), with_basics(config)).expect("the directory can be written");
        let (child, log, address) = spawn(dir.path(), env, limits);
        Self { dir, child, address, log, env: env.to_vec(), limits: limits.to_owned() }
    }

    /// Ends the process as `kill -9` does and starts it again in the same directory.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn kill_and_restart(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was killed");
        (self.child, self.log, self.address) = spawn(self.dir.path(), &self.env, &self.limits);
    }

    /// The directory of the configuration.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The path of a plugin's file.
    #[must_use]
    pub fn plugin_path(&self, name: &str) -> PathBuf {
        self.dir.path().join("plugins").join(format!("{name}.wasm"))
    }

    /// Copies bytes in as the plugin `name`, as `cp` does.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn copy_in(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.plugin_path(name), bytes).expect("the plugin directory can be written");
    }

    /// Replaces the configuration.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn reconfigure(&self, config: &str) {
        std::fs::write(self.dir.path().join("probity.toml"), with_basics(config))
            .expect("the directory can be written");
    }

    /// Asks for a path with the token.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        self.try_get(path).unwrap_or_else(|error| panic!("GET {path}: {error}\n{}", self.log()))
    }

    /// The same, when the host may be gone.
    ///
    /// # Errors
    /// What the connection said.
    pub fn try_get(&self, path: &str) -> Result<Answer, String> {
        self.ask(agent().get(self.url(path)).header("authorization", format!("Bearer {TOKEN}")).call())
    }

    /// Posts to a path with the token and no body.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn post(&self, path: &str) -> Answer {
        let request = agent().post(self.url(path)).header("authorization", format!("Bearer {TOKEN}"));
        self.ask(request.send_empty()).unwrap_or_else(|error| panic!("POST {path}: {error}\n{}", self.log()))
    }

    /// Posts a body to a path with the token.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn post_text(&self, path: &str, body: &str) -> Answer {
        let request = agent().post(self.url(path)).header("authorization", format!("Bearer {TOKEN}"));
        self.ask(request.send(body)).unwrap_or_else(|error| panic!("POST {path}: {error}\n{}", self.log()))
    }

    /// Runs the check now; asks again while it cannot be.
    ///
    /// # Panics
    /// When that takes too long.
    pub fn run_now(&self, check: &str) -> Answer {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.post(&format!("/checks/{check}/run"));
            if answer.json()["error"] != "busy" {
                return answer;
            }
            assert!(Instant::now() < end, "{check} is always busy");
            std::thread::sleep(Duration::from_millis(10)); // the distance of two looks, not a wait for an effect
        }
    }

    /// The address as `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The check once it has this status and `text` is in its message, its error or its reason.
    pub fn wait_until_says(&self, check: &str, status: &str, text: &str) -> Value {
        let fits = |answer: &Answer| {
            let json = if answer.status == 200 { answer.json() } else { Value::Null };
            let said = |key: &str| json[key].as_str().map_or_else(|| json[key].to_string(), str::to_owned);
            json["status"] == status && ["message", "error", "reason"].iter().any(|key| said(key).contains(text))
        };
        self.wait_for(&format!("/checks/{check}"), fits).json()
    }

    /// Polls `path` until `accept` takes the answer, and returns it.
    ///
    /// # Panics
    /// When that does not happen in time, with the last answer and the log.
    pub fn wait_for(&self, path: &str, accept: impl Fn(&Answer) -> bool) -> Answer {
        let end = Instant::now() + PATIENCE;
        let mut last = None;
        while Instant::now() < end {
            match self.try_get(path) {
                Ok(answer) if accept(&answer) => return answer,
                answer => last = Some(answer),
            }
            std::thread::sleep(Duration::from_millis(10)); // the distance of two looks, not a wait for an effect
        }
        panic!("{path} never came to what was expected; last: {last:?}\nlog:\n{}", self.log());
    }

    /// Waits until the check has run to `status` and answers with its JSON.
    pub fn wait_until(&self, check: &str, status: &str) -> Value {
        self.wait_for(&format!("/checks/{check}"), |answer| answer.status == 200 && answer.json()["status"] == status)
            .json()
    }

    /// Waits until the check has run to `status` and answers with its message.
    pub fn said(&self, check: &str, status: &str) -> String {
        let check = self.wait_until(check, status);
        check["message"].as_str().map(str::to_owned).unwrap_or_else(|| panic!("{check} has no message"))
    }

    /// Waits until the check's message is `message`.
    pub fn wait_for_message(&self, check: &str, message: &str) -> Value {
        self.wait_for(&format!("/checks/{check}"), |answer| answer.status == 200 && answer.json()["message"] == message)
            .json()
    }

    /// Waits until the plugin's newest bytes were refused for a reason that holds `text`.
    pub fn wait_for_rejection(&self, plugin: &str, text: &str) -> Value {
        let refused = |answer: &Answer| {
            answer.status == 200
                && answer.json()["rejected"]["message"].as_str().is_some_and(|message| message.contains(text))
        };
        self.wait_for(&format!("/plugins/{plugin}"), refused).json()
    }

    /// Sends SIGTERM.
    ///
    /// # Panics
    /// When the process is gone.
    pub fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    }

    /// Waits for the end of the process.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it was started here") {
                return status;
            }
            assert!(Instant::now() < end, "the host did not end; log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5)); // the distance of two looks
        }
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything the host printed and logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn ask(&self, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Answer, String> {
        let mut answer = answer.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        Ok(Answer { status, body: answer.body_mut().read_to_string().map_err(|error| error.to_string())? })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A component whose every run is healthy with `message`: two messages are two versions.
///
/// # Panics
/// When the text does not make a guest: a mistake in the test.
#[must_use]
pub fn says(message: &str) -> Vec<u8> {
    let run = "(export \"probity:check/checker@0.1.0#run\")";
    guests::encode(&format!(
        "(data (i32.const 2048) {message:?})
         (func {run} (param i32 i32) (result i32) (call $say (i32.const 0) (i32.const 2048) (i32.const {})))",
        message.len()
    ))
    .expect("the text is a guest")
}

/// A component that sleeps for `ms` before it is healthy.
///
/// # Panics
/// As [`says`].
#[must_use]
pub fn naps(ms: u32) -> Vec<u8> {
    guests::encode(&format!(
        "(import \"probity:check/clock@0.1.0\" \"sleep-ms\" (func $sleep (param i32)))
         (func (export \"probity:check/checker@0.1.0#run\") (param i32 i32) (result i32)
           (call $sleep (i32.const {ms})) (call $healthy))"
    ))
    .expect("the text is a guest")
}

/// The component of a first-party check.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn first_party(name: &str) -> Vec<u8> {
    let binary = binary();
    let path = binary.with_file_name("../components").join(name).with_extension("wasm");
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}: run `cargo xtask guests` first (`cargo xtask test` does)", path.display())
    })
}

/// The built host, beside the test binary's directory.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("the test knows its own path");
    let dir = test.parent().and_then(Path::parent).expect("tests are built in target/<profile>/deps");
    let path = dir.join("probity");
    assert!(
        path.is_file(),
        "{} is missing: run `cargo build -p probity` first (`cargo xtask test` does)",
        path.display()
    );
    path
}

fn with_basics(config: &str) -> String {
    let server = if config.contains("[server]") { "" } else { "[server]\nlisten = \"127.0.0.1:0\"\n" };
    let auth = if config.contains("[server.auth]") {
        String::new()
    } else {
        format!("[server.auth]\ntokens = [\"{TOKEN}\"]\n")
    };
    format!("{server}{auth}\n{config}")
}

fn spawn(dir: &Path, env: &[(&'static str, String)], limits: &str) -> (Child, Arc<Mutex<String>>, String) {
    let (output, both) = std::io::pipe().expect("the machine has pipes");
    let mut command = if limits.is_empty() {
        Command::new(binary())
    } else {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{limits}; exec \"$0\" \"$@\"")]).arg(binary());
        shell
    };
    let child = command
        .args(["serve", "--log-format", "json"])
        .current_dir(dir)
        .env_remove("PROBITY_CONFIG")
        .env("PROBITY_LOG", "debug")
        .envs(env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(both.try_clone().expect("a pipe has more than one handle"))
        .stderr(both)
        .spawn()
        .expect("the host starts");
    let log = Arc::new(Mutex::new(String::new()));
    let (found, address) = channel();
    let kept = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(address) = listening(&line) {
                // The test may have given up.
                let _ = found.send(address);
            }
            let mut log = kept.lock().unwrap_or_else(PoisonError::into_inner);
            log.push_str(&line);
            log.push('\n');
        }
    });
    let address = wait_address(&address, &log);
    (child, log, address)
}

fn wait_address(address: &Receiver<String>, log: &Mutex<String>) -> String {
    address.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        panic!("the host does not listen; log:\n{}", log.lock().unwrap_or_else(PoisonError::into_inner))
    })
}

fn listening(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    (line["fields"]["message"] == "listening").then(|| line["fields"]["address"].as_str().map(str::to_owned))?
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .max_idle_connections(0)
        .build()
        .new_agent()
}
