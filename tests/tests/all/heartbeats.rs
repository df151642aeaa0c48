//! A job reports over HTTP, and the check of it says so: a real host, the first-party component, restarts.

use probity_tests::host::{Host, TOKEN, first_party};

const CONFIG: &str = "
[heartbeats.backup]
[[check]]
name = \"backup\"
plugin = \"heartbeat\"
every = \"100ms\"
grants = { heartbeats = [\"backup\"] }
[check.config]
name = \"backup\"
period = \"1h\"
";

fn start() -> Host {
    let host = Host::start(CONFIG);
    host.copy_in("heartbeat", &first_party("heartbeat"));
    host
}

// From silence over a good end to a bad one, as the job says it.
#[test]
fn check_follows_the_job() {
    let host = start();
    host.wait_for_message("backup", "backup has not reported yet");
    assert_eq!(host.post("/heartbeats/backup/start").status, 200);
    assert_eq!(host.post_text("/heartbeats/backup", "412 files\n").status, 200);
    let healthy = host.wait_until("backup", "healthy");
    assert!(healthy["message"].as_str().unwrap().ends_with("ago: 412 files"), "{healthy}");
    assert_eq!(host.post_text("/heartbeats/backup/fail", "disk full").status, 200);
    let unhealthy = host.wait_until("backup", "unhealthy");
    assert!(unhealthy["message"].as_str().unwrap().contains("disk full"), "{unhealthy}");
}

// A job that is due each second, by a cron expression, is missed once the grace is over, and back when it reports.
#[test]
fn missed_schedule_is_unhealthy() {
    let host = Host::start(&CONFIG.replace("period = \"1h\"", "schedule = \"* * * * * *\"\ngrace = \"3s\""));
    host.copy_in("heartbeat", &first_party("heartbeat"));
    host.wait_for_message("backup", "backup has not reported yet");
    for _ in 0..2 {
        assert_eq!(host.post("/heartbeats/backup").status, 200);
        host.wait_until("backup", "healthy");
        let missed = host.wait_until("backup", "unhealthy");
        assert!(missed["message"].as_str().unwrap().contains("ago (* * * * * *) and has not reported"), "{missed}");
    }
}

// A run that began and does not end is unhealthy once it takes longer than it may, also when another one ended well meanwhile,
// and after a restart.
#[test]
fn a_run_that_hangs_is_unhealthy() {
    let mut host = Host::start(&format!("{CONFIG}duration = {{ crit = \"500ms\" }}\n"));
    host.copy_in("heartbeat", &first_party("heartbeat"));
    for path in ["start?rid=A", "start?rid=B"] {
        assert_eq!(host.post(&format!("/heartbeats/backup/{path}")).status, 200);
    }
    assert_eq!(host.post("/heartbeats/backup?rid=B").status, 200);
    let hangs = host.wait_until("backup", "unhealthy");
    assert!(hangs["message"].as_str().unwrap().starts_with("running "), "{hangs}");
    assert_eq!(hangs["details"]["running"], "A", "{hangs}");
    host.terminate();
    host.ended();
    host.kill_and_restart();
    assert_eq!(host.wait_until("backup", "unhealthy")["details"]["running"], "A");
    // That one took too long, but the next one does not.
    for path in ["0?rid=A", "start?rid=C", "0?rid=C"] {
        assert_eq!(host.post(&format!("/heartbeats/backup/{path}")).status, 200);
    }
    host.wait_until("backup", "healthy");
}

// A failure with a log of 40 kB is a failure, whatever the client does before it has sent it all.
#[test]
fn long_and_broken_reports_count() {
    let host = start();
    host.wait_for_message("backup", "backup has not reported yet");
    assert_eq!(host.post_text("/heartbeats/backup/fail", &"x".repeat(40_000)).status, 200);
    host.wait_until("backup", "unhealthy");
    assert_eq!(host.post("/heartbeats/backup").status, 200);
    host.wait_until("backup", "healthy");
    // One that goes away in the middle of its body.
    let mut gone = std::net::TcpStream::connect(host.address()).unwrap();
    let head = format!(
        "POST /heartbeats/backup/137 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\
         Transfer-Encoding: chunked\r\n\r\n8\r\nkilled\r\n\r\nzz"
    );
    std::io::Write::write_all(&mut gone, head.as_bytes()).unwrap();
    drop(gone);
    let failed = host.wait_until("backup", "unhealthy");
    assert!(failed["message"].as_str().unwrap().contains("exit code 137: killed"), "{failed}");
}

// What a job reported is still known after a restart, and the check judges it at once.
#[test]
fn beats_survive_a_restart() {
    let mut host = start();
    assert_eq!(host.post_text("/heartbeats/backup", "412 files").status, 200);
    let kept = host.get("/heartbeats/backup").json()["last"]["at"].clone();
    assert!(kept.is_string());
    host.terminate();
    host.ended();
    host.kill_and_restart();
    assert_eq!(host.get("/heartbeats/backup").json()["last"]["at"], kept);
    host.wait_until("backup", "healthy");
}

// A grant for a heartbeat that nobody declared is an error of the configuration, with the near name.
#[test]
fn undeclared_heartbeat_is_refused() {
    let host = start();
    host.wait_for_message("backup", "backup has not reported yet");
    host.reconfigure(&CONFIG.replace("[heartbeats.backup]", "[heartbeats.backups]"));
    let report = host.post("/-/reload");
    assert_eq!(report.status, 409);
    assert!(report.body.contains("did you mean `backups`"), "{}", report.body);
}
