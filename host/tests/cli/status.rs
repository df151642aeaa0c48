//! `probity status`, against `probity serve`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::kit::{Folder, Said, command, says};

/// A serving host; it is killed in the end.
struct Host {
    child: Child,
    url: String,
}

impl Host {
    fn start(folder: &Folder) -> Self {
        let args = ["serve", "--listen", "127.0.0.1:0", "--log-format", "json"];
        let mut child = command(folder.path()).args(args).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| {
            let line: serde_json::Value = serde_json::from_str(&line).ok()?;
            (line["fields"]["message"] == "listening").then(|| line["fields"]["address"].as_str().map(str::to_owned))?
        });
        // The rest is read to its end, or the host would block on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url: format!("http://{}", address.expect("the log says where the host listens")) }
    }

    /// Starts one that listens where its folder's configuration says.
    fn start_as_configured(folder: &Folder, port: u16) -> Self {
        let mut child = command(folder.path()).args(["serve", "--quiet"]).stderr(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(child.try_wait().unwrap().is_none() && Instant::now() < deadline, "it does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, url: format!("http://127.0.0.1:{port}") }
    }

    /// Asks until the host has come to `code`, for at most ten seconds.
    fn status_until(&self, folder: &Folder, code: i32, args: &[&str]) -> Said {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let said = folder.probity(["status", "--url", &self.url].iter().chain(args));
            if said.code == Some(code) || Instant::now() > deadline {
                assert_eq!(said.code, Some(code), "{said:?}");
                return said;
            }
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// The table has the checks, the worst first, and the exit code is the aggregate's.
#[test]
fn shows_the_checks_of_a_running_host() {
    let folder = Folder::new()
        .with_guest("good", &says(0))
        .with_guest("bad", &says(2))
        .with_file("probity.toml", "[server.auth]\ntokens = [\"a-long-secret\"]\n");
    let host = Host::start(&folder);
    // One plugin is loaded after the other: the table is whole when both have run.
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut said = host.status_until(&folder, 2, &["--token", "a-long-secret"]);
    while !said.out.contains("1 healthy, 1 unhealthy") && Instant::now() < deadline {
        said = host.status_until(&folder, 2, &["--token", "a-long-secret"]);
    }
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines[0], "unhealthy  1 healthy, 1 unhealthy");
    assert!(lines[2].starts_with("unhealthy  bad") && lines[2].ends_with("all | is well"), "{said:?}");
    assert!(lines[3].starts_with("healthy    good"), "{said:?}");
    assert!(!said.out.contains('\x1b'), "a pipe gets no colours");
    // Without the token the checks are still there, without what they said.
    let public = folder.probity(["status", "--url", &host.url]);
    assert!(public.out.contains("bad") && !public.out.contains("is well"), "{public:?}");
    public.complains("--token");
    let document = folder.probity(["status", "--url", &host.url, "--output", "json"]);
    assert_eq!((document.code, &document.json()["status"]), (Some(2), &"unhealthy".into()));
}

// Nobody there is unknown, with what to do about it.
#[test]
fn an_absent_host_is_unknown() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let said = Folder::new().probity(["status", "--url", &url]);
    assert_eq!((said.code, said.out.as_str()), (Some(3), ""));
    said.complains("is the host running?");
    let tls = Folder::new().probity(["status", "--url", "https://127.0.0.1:1"]);
    assert_eq!(tls.code, Some(3));
    tls.complains("over http://");
}

/// A port that nobody has.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn listens(port: u16, check: &str) -> String {
    format!("[server]\nlisten = \"127.0.0.1:{port}\"\n[[check]]\nname = \"{check}\"\nplugin = \"{check}\"\n")
}

// The folder says which host is asked, and the answer says which one that was; another folder's host is never its own.
#[test]
fn the_folder_says_which_host_is_asked() {
    let port = free_port();
    let folder = Folder::new().with_guest("good", &says(0)).with_file("probity.toml", listens(port, "good"));
    let host = Host::start_as_configured(&folder, port);
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut said = folder.probity(["status"]);
    while said.code != Some(0) && Instant::now() < deadline {
        said = folder.probity(["status"]);
    }
    assert_eq!(said.code, Some(0), "{said:?}");
    let asked = format!("asked http://127.0.0.1:{port} (server.listen of probity.toml)");
    assert!(said.out.lines().last().unwrap().starts_with(&asked), "{said:?}");
    if cfg!(target_os = "linux") {
        let process = format!("`probity serve`, process {} in ", host.child.id());
        assert!(said.out.contains(&process), "{said:?}");
    }
    let short = folder.probity(["status", "--url", &format!("127.0.0.1:{port}")]);
    assert_eq!(short.code, Some(0), "{short:?}");

    let other = Folder::new().with_file("probity.toml", listens(port, "bad"));
    let said = other.probity(["status"]);
    assert_eq!((said.code, said.out.as_str()), (Some(3), ""), "{said:?}");
    said.complains("it knows no check `bad`");
    said.complains("another host listens there");
}

// A second host on the same address ends at once, names the first, and says so on standard error wherever its output goes.
#[test]
fn a_port_in_use_names_its_process() {
    let port = free_port();
    let folder = Folder::new().with_guest("good", &says(0)).with_file("probity.toml", listens(port, "good"));
    let host = Host::start_as_configured(&folder, port);
    let said = folder.probity(["serve", "--log", "off"]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
    said.complains(&format!("127.0.0.1:{port} is in use by "));
    said.complains("--listen");
    if cfg!(target_os = "linux") {
        said.complains(&format!("`probity serve`, process {}", host.child.id()));
    }
}
