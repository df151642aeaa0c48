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
