//! Every first-party check that reaches a server, against every way in which servers and networks fail.

use std::time::Duration;

use probity_tests::guests::first_party;
use probity_tests::host::{Answer, Host};
use probity_tests::servers::faulty::{BlackHole, Fault, Faulty};
use probity_tests::servers::free_port;
use serde_json::Value;

use super::systems::{SYSTEMS, System};

/// The time of one run.
const TIMEOUT: Duration = Duration::from_secs(1);

/// A host with `checks`, each a system and the rest of its name and its server's port.
fn host(checks: &[(&System, &str, u16)]) -> Host {
    let timing = format!("every = \"1h\"\ntimeout = \"{}ms\"\n", TIMEOUT.as_millis());
    let tables = checks.iter().map(|(system, what, port)| {
        let name = format!("{}-{what}", system.name);
        system.config(&name, *port, &timing)
    });
    let host = Host::start(&tables.collect::<String>());
    let mut plugins: Vec<&str> = checks.iter().map(|(system, ..)| system.plugin).collect();
    plugins.sort_unstable();
    plugins.dedup();
    for plugin in plugins {
        host.copy_in(plugin, &first_party(plugin));
    }
    host
}

/// The result of the check's first run, once there is one.
fn concluded(host: &Host, system: &System, what: &str) -> Value {
    let has_run = |answer: &Answer| answer.status == 200 && answer.json()["counters"]["runs"].as_u64() > Some(0);
    host.wait_for(&format!("/checks/{}-{what}", system.name), has_run).json()
}

/// What the last host call of a run came to.
fn result(check: &Value) -> &str {
    check["calls"]
        .as_array()
        .and_then(|calls| calls.last())
        .and_then(|call| call["result"].as_str())
        .unwrap_or_default()
}

// A closed port is `refused`, at once and by name.
#[test]
fn refused_connections_say_so() {
    let port = free_port();
    let host = host(&SYSTEMS.each_ref().map(|system| (system, "refused", port)));
    for system in &SYSTEMS {
        let check = concluded(&host, system, "refused");
        let message = check["message"].as_str().unwrap_or_default();
        assert!(check["status"] == "unhealthy" && message.contains("(ECONNREFUSED)"), "{}: {check}", system.name);
        assert_eq!(result(&check), "refused", "{check}");
    }
}

// Dropped packets, silence, and a byte now and then all end with the run's time: `timeout`, and unhealthy.
#[test]
fn slow_servers_cost_a_run_its_time() {
    let (hole, hanging) = (BlackHole::start(), Faulty::start(Fault::Hangs));
    let slow = SYSTEMS.map(|system| Faulty::start(Fault::Drips(system.begins)));
    let mut checks = Vec::new();
    for (system, slow) in SYSTEMS.iter().zip(&slow) {
        checks.extend(
            [("hole", hole.port()), ("hangs", hanging.port()), ("drips", slow.port())]
                .map(|(what, port)| (system, what, port)),
        );
    }
    let host = host(&checks);
    for (system, what, _) in checks {
        let check = concluded(&host, system, what);
        let (ms, message) = (check["duration_ms"].as_f64().unwrap(), check["message"].as_str().unwrap_or_default());
        assert_eq!((&check["status"], result(&check)), (&Value::from("unhealthy"), "timeout"), "{check}");
        assert!((800.0..4_000.0).contains(&ms), "{}-{what} took {ms} ms: {check}", system.name);
        // `tcp` shows what came instead, where something did.
        assert!(message.contains("timeout: ") || (system.name, what) == ("tcp", "drips"), "{check}");
    }
}

// A server that stops in the middle of its first words is told from a slow one, and at once.
#[test]
fn half_closed_connections_are_no_timeouts() {
    let servers = SYSTEMS.map(|system| Faulty::start(Fault::HalfCloses(system.begins)));
    let checks: Vec<_> = SYSTEMS.iter().zip(&servers).map(|(system, server)| (system, "half", server.port())).collect();
    let host = host(&checks);
    for system in &SYSTEMS {
        let check = concluded(&host, system, "half");
        let fits = matches!(result(&check), "refused" | "protocol" | "tls") || system.name == "tcp";
        assert!(check["status"] == "unhealthy" && fits, "{}: {check}", system.name);
        assert!(check["duration_ms"].as_f64().unwrap() < 800.0, "{}: {check}", system.name);
    }
}

// A service that dies while a check waits for it is unhealthy; started again at the same place it is healthy at the next
// run of the same host.
#[test]
fn services_may_die_and_come_back() {
    for (name, answer) in [("http", &b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"[..]), ("tcp", b"+PONG\r\n")] {
        let system = SYSTEMS.iter().find(|system| system.name == name).unwrap();
        let server = Faulty::start(Fault::Answers(answer));
        let port = server.port();
        let host = host(&[(system, "mortal", port)]);
        assert_eq!(concluded(&host, system, "mortal")["status"], "healthy");
        drop(server);
        let dying = Faulty::start_on(port, Fault::Hangs);
        let check = format!("{name}-mortal");
        let run = std::thread::scope(|scope| {
            let run = scope.spawn(|| host.run_now(&check).json());
            while dying.accepted() == 0 && !run.is_finished() {
                std::thread::sleep(Duration::from_millis(2)); // the distance of two looks
            }
            drop(dying);
            run.join().unwrap()
        });
        assert_eq!(run["status"], "unhealthy", "{run}");
        let _back = Faulty::start_on(port, Fault::Answers(answer));
        let run = host.run_now(&check).json();
        assert_eq!(run["status"], "healthy", "{run}");
    }
}
