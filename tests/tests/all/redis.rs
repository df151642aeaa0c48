//! The `redis` capability and check against a real server.

use std::time::Duration;

use probity_tests::guests::{self, first_party};
use probity_tests::host::Host;
use probity_tests::servers::redis::{PASSWORD, Redis, USER};
use serde_json::Value;

/// A host whose check `cache` looks at `url` ten times a second, with `more` in its configuration.
fn host(url: &str, more: &str) -> Host {
    host_with(url, "100ms", more)
}

fn host_with(url: &str, every: &str, more: &str) -> Host {
    let host = Host::start(&format!(
        "[connections.cache]\nurl = \"{url}\"\n[[check]]\nname = \"cache\"\nplugin = \"redis\"\nevery = \"{every}\"\n\
         timeout = \"500ms\"\ngrants = {{ redis = [\"cache\"] }}\n[check.config]\nconnection = \"cache\"\n{more}"
    ));
    host.copy_in("redis", &first_party("redis"));
    host
}

fn wait_for(host: &Host, status: &str, text: &str) -> Value {
    host.wait_until_says("cache", status, text)
}

// Numbers of a live server: round trip, memory, and the keys that the operator named.
#[test]
fn a_live_server_is_judged() {
    let redis = Redis::start();
    let _ = redis.command(&["RPUSH", "jobs", "a", "b", "c"]);
    let host = host(&redis.url(), "keys = [{ key = \"jobs\", length = { warn = 3 } }]\n");
    let check = wait_for(&host, "healthy", "cache answers");
    assert_eq!(check["measurements"]["jobs length"]["value"], 3.0, "{check}");
    assert!(check["measurements"]["memory used share"]["value"].as_f64().unwrap() > 0.0, "{check}");
    let _ = redis.command(&["RPUSH", "jobs", "d"]);
    wait_for(&host, "degraded", "jobs length 4");
}

// A wrong password is `auth`; neither it nor a right one is in anything that the host emits.
#[test]
fn passwords_stay_inside() {
    let redis = Redis::start();
    let wrong = "carp-of-redis";
    let failing = host(&redis.url().replace(PASSWORD, wrong), "");
    wait_for(&failing, "unhealthy", "WRONGPASS");
    let working = host(&redis.url(), "");
    wait_for(&working, "healthy", "cache answers");
    for (host, secret) in [(&failing, wrong), (&working, PASSWORD)] {
        let mut emitted = host.log();
        for path in
            ["/checks/cache", "/checks", "/health", "/metrics", "/plugins", "/plugins/redis", "/checks/cache/history"]
        {
            emitted += &host.get(path).body;
        }
        assert!(emitted.contains("cache") && !emitted.contains(secret), "{emitted}");
    }
}

// A user that may only PING is told that much and what is hidden; what the operator asked of the rest, or of a queue there,
// is unknown.
#[test]
fn a_user_may_only_ping() {
    let redis = Redis::start();
    let _ = redis.command(&["ACL", "SETUSER", "pinger", "on", &format!(">{PASSWORD}"), "+ping"]);
    let url = redis.url().replacen(USER, "pinger", 1);
    let check =
        wait_for(&host(&url, "latency = { crit = \"10s\" }\n"), "healthy", "hidden from its user (NOPERM INFO)");
    assert!(check["measurements"]["ping"]["value"].as_f64().unwrap() > 0.0, "{check}");
    wait_for(&host(&url, "role = \"primary\"\n"), "unknown", "INFO: NOPERM");
    wait_for(&host(&url, "keys = [{ key = \"jobs\" }]\n"), "unknown", "TYPE: NOPERM");
    let queue = Host::start(&format!(
        "[connections.cache]\nurl = \"{url}\"\n[queues.jobs]\nconnection = \"cache\"\nlist = \"jobs\"\n[[check]]\n\
         name = \"cache\"\nplugin = \"queue-depth\"\ngrants = {{ queue = [\"jobs\"] }}\n[check.config]\n\
         queues = [\"jobs\"]\n"
    ));
    queue.copy_in("queue-depth", &first_party("queue-depth"));
    wait_for(&queue, "unknown", "NOPERM");
}

// A closed port says so, and a server that comes up later is found without a restart.
#[test]
fn a_server_may_come_later() {
    let mut redis = Redis::start();
    redis.kill();
    let host = host(&redis.url(), "");
    wait_for(&host, "unhealthy", "ECONNREFUSED");
    redis.restart();
    wait_for(&host, "healthy", "cache answers");
}

// After `kill -9` and a restart the first run is healthy: the connection that died meanwhile is nobody's business.
#[test]
fn restarts_cause_no_false_alarm() {
    let mut redis = Redis::start();
    let host = host_with(&redis.url(), "1h", "");
    wait_for(&host, "healthy", "cache answers");
    for _ in 0..3 {
        redis.kill();
        redis.restart();
        let run = host.run_now("cache").json();
        assert_eq!(run["status"], "healthy", "{run}");
    }
}

// A server that dies while a command waits for it is unhealthy, and healthy at the next run after it is back.
#[test]
fn a_server_may_die_in_the_middle() {
    let mut redis = Redis::start();
    let host = Host::start(&format!(
        "[connections.cache]\nurl = \"{}\"\n[[check]]\nname = \"cache\"\nplugin = \"redis\"\nevery = \"1h\"\n\
         timeout = \"20s\"\ngrants = {{ redis = [\"cache\"] }}\n[check.config]\nconnection = \"cache\"\n",
        redis.url()
    ));
    host.copy_in("redis", &first_party("redis"));
    wait_for(&host, "healthy", "cache answers");
    redis.freeze();
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| host.run_now("cache").json());
        // The command is in the socket, and nobody takes it out.
        redis.wait_for_bytes();
        redis.kill();
        run.join().unwrap()
    });
    assert_eq!(run["status"], "unhealthy", "{run}");
    assert!(run["duration_ms"].as_f64().unwrap() < 15_000.0, "{run}");
    redis.restart();
    let run = host.run_now("cache").json();
    assert_eq!(run["status"], "healthy", "{run}");
}

// A server that accepts and says nothing is a timeout within the run's time, and none of the many runs that ended so
// leaves a connection behind.
#[test]
fn hanging_runs_leave_nothing_behind() {
    let redis = Redis::start();
    let host = host(&redis.url(), "");
    wait_for(&host, "healthy", "cache answers");
    redis.freeze();
    let runs = |host: &Host| host.get("/checks/cache").json()["counters"]["runs"].as_u64().unwrap();
    wait_for(&host, "unhealthy", "timeout");
    let before = runs(&host);
    host.wait_for("/checks/cache", |answer| answer.json()["counters"]["runs"].as_u64() > Some(before + 10));
    redis.thaw();
    wait_for(&host, "healthy", "cache answers");
    // The server finds out about closed connections as it gets to them.
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while redis.clients() > 1 {
        assert!(std::time::Instant::now() < end, "{}", redis.command(&["CLIENT", "LIST"]));
        std::thread::sleep(Duration::from_millis(20)); // the distance of two looks
    }
}

/// Tries to empty the server and to leave the shared connection in another state; says what it was told.
const VANDAL: &str = r#"
(import "probity:check/redis@0.1.0" "[static]connection.open" (func $open (param i32 i32 i32)))
(import "probity:check/redis@0.1.0" "[method]connection.command"
  (func $command (param i32 i32 i32 i32 i32 i32)))
(data (i32.const 1024) "cacheFLUSHALLMULTI")
(func (export "probity:check/checker@0.1.0#run") (param i32 i32) (result i32)
  (call $open (i32.const 1024) (i32.const 5) (i32.const 2048))
  (if (i32.load8_u (i32.const 2048)) (then (return (call $say (i32.const 0) (i32.const 0) (i32.const 0)))))
  (call $command (i32.load (i32.const 2052)) (i32.const 1037) (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 2112))
  (if (i32.eqz (i32.load8_u (i32.const 2112))) (then (return (call $healthy))))
  (call $command (i32.load (i32.const 2052)) (i32.const 1029) (i32.const 8) (i32.const 0) (i32.const 0) (i32.const 2112))
  (if (i32.eqz (i32.load8_u (i32.const 2112))) (then (return (call $healthy))))
  (call $say (i32.const 2) (i32.load (i32.const 2120)) (i32.load (i32.const 2124))))
"#;

// A command that is not granted never reaches the server, and the message shows what would allow it; what changes the
// session is not allowed by any grant.
#[test]
fn commands_are_denied_before_they_are_sent() {
    let redis = Redis::start();
    let _ = redis.command(&["SET", "precious", "1"]);
    let host = Host::start(&format!(
        "[connections.cache]\nurl = \"{}\"\n[[check]]\nname = \"cache\"\nplugin = \"vandal\"\nevery = \"100ms\"\n\
         grants = {{ redis = [\"cache:SET\"] }}\n",
        redis.url()
    ));
    host.copy_in("vandal", &guests::encode(VANDAL).expect("the text is a guest"));
    wait_for(&host, "unhealthy", "grants = { redis = [\"cache:FLUSHALL\"] }");
    assert_eq!(redis.command(&["GET", "precious"]), "1");
    host.wait_for("/metrics", |answer| {
        let denied = |line: &str| line.contains("capability=\"redis\"") && line.contains("\"denied\"");
        answer.body.lines().any(denied)
    });
}

// Over TLS the server must be who the URL says, by the word of the authority that the connection names.
#[test]
fn tls_servers_are_verified() {
    let redis = Redis::start_tls(&["localhost"]);
    let with = |url: &str, ca: &str| {
        let host = Host::start(&format!(
            "[connections.cache]\nurl = \"{url}\"\n{ca}[[check]]\nname = \"cache\"\nplugin = \"redis\"\nevery = \"100ms\"\n\
             grants = {{ redis = [\"cache\"] }}\n[check.config]\nconnection = \"cache\"\n"
        ));
        host.copy_in("redis", &first_party("redis"));
        host
    };
    let ca = format!("ca = \"{}\"\n", redis.certificates().ca.display());
    wait_for(&with(&redis.tls_url("localhost"), &ca), "healthy", "cache answers");
    wait_for(&with(&redis.tls_url("127.0.0.1"), &ca), "unhealthy", "(wrong-name)");
    wait_for(&with(&redis.tls_url("localhost"), ""), "unhealthy", "(unknown-issuer)");
    // Without TLS, the server does not understand a word.
    wait_for(&with(&redis.url(), ""), "unhealthy", "connection `cache`");
}

// A replica is healthy with its primary and says so when it is gone.
#[test]
fn replicas_miss_their_primary() {
    let (mut primary, replica) = (Redis::start(), Redis::start());
    let _ = replica.command(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    let watched = host(&replica.url(), "role = \"replica\"\nreplication-lag = { crit = \"1m\" }\n");
    wait_for(&watched, "healthy", "cache answers");
    let above = host(&primary.url(), "role = \"primary\"\nreplicas = { crit = 1 }\n");
    let check = wait_for(&above, "healthy", "cache answers");
    assert_eq!(check["measurements"]["replicas"]["value"], 1.0, "{check}");
    primary.kill();
    wait_for(&watched, "unhealthy", "the link to the primary is down");
}
