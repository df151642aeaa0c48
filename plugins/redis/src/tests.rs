//! The check against fakes.

use probity_check::redis::Reply;
use probity_check::serde_json::{Value, json};
use probity_check::testing::{TestHost, assert_schema_matches};

use super::*;

const PRIMARY: &str = "# Server\r\nredis_version:7.0.15\r\nloading:0\r\nused_memory:900\r\nmaxmemory:1000\r\n\
                       connected_clients:7\r\nrdb_last_bgsave_status:ok\r\nrole:master\r\nconnected_slaves:2\r\n\
                       slave0:ip=10.0.0.2,port=6379,state=online,offset=5,lag=3\r\n\
                       slave1:ip=10.0.0.3,port=6379,state=wait_bgsave,offset=0,lag=0\r\n";

fn host(info: &str) -> TestHost {
    TestHost::new().redis("cache", 0.5).redis_reply("cache", "INFO", Reply::bulk(info))
}

fn run(host: &TestHost, mut config: Value) -> Outcome {
    config["connection"] = "cache".into();
    host.run::<Redis>(config).unwrap()
}

#[test]
fn schema_matches_the_configuration() {
    assert_schema_matches::<Redis>();
}

// An answer is healthy; a slow one is judged.
#[test]
fn round_trips_are_judged() {
    let host = TestHost::new().redis("cache", 60.0).redis_reply("cache", "INFO", Reply::bulk("role:master\r\n"));
    assert_eq!(run(&host, json!({})).message, "cache answers, 60 ms");
    assert_eq!(run(&host, json!({"latency": {"warn": "50ms"}})).status, Status::Degraded);
}

// Memory counts against the server's own limit, if it has one.
#[test]
fn memory_is_judged_against_its_limit() {
    assert_eq!(run(&host(PRIMARY), json!({})).message, "memory used share 90 %, more than 85 %");
    let unlimited = PRIMARY.replace("maxmemory:1000", "maxmemory:0");
    assert_eq!(run(&host(&unlimited), json!({})).status, Status::Healthy);
    let absolute = run(&host(&unlimited), json!({"memory-used": {"crit": 500}}));
    assert_eq!(absolute.status, Status::Unhealthy, "{}", absolute.message);
}

// Only replicas that are online count, and the slowest of them decides.
#[test]
fn primaries_are_judged_by_their_replicas() {
    let config = |replicas: u32, lag: &str| json!({"memory-used-percent": {}, "replicas": {"crit": replicas}, "replication-lag": {"warn": lag}});
    assert_eq!(run(&host(PRIMARY), config(1, "3s")).status, Status::Healthy);
    assert_eq!(run(&host(PRIMARY), config(2, "3s")).status, Status::Unhealthy);
    assert_eq!(run(&host(PRIMARY), config(1, "2s")).status, Status::Degraded);
}

// A replica without its primary is unhealthy; so is a server in the wrong role.
#[test]
fn replicas_need_their_primary() {
    let replica = |link: &str| {
        format!(
            "role:slave\r\nmaster_link_status:{link}\r\nmaster_last_io_seconds_ago:1\r\nmaster_link_down_since_seconds:90\r\n"
        )
    };
    assert_eq!(run(&host(&replica("up")), json!({"role": "replica"})).status, Status::Healthy);
    let down = run(&host(&replica("down")), json!({}));
    assert_eq!((down.status, down.message.as_str()), (Status::Unhealthy, "the link to the primary is down for 1.5 m"));
    assert_eq!(run(&host(&replica("up")), json!({"role": "primary"})).message, "is a replica, not a primary");
}

// A server that cannot save is degraded before it refuses writes.
#[test]
fn failed_snapshots_are_degraded() {
    let outcome = run(&host("role:master\r\nrdb_last_bgsave_status:err\r\n"), json!({}));
    assert_eq!((outcome.status, outcome.message.as_str()), (Status::Degraded, "the last snapshot failed"));
}

// Keys that must be there, or must not.
#[test]
fn keys_exist_as_told() {
    let host = host("role:master\r\n").redis_reply("cache", "TYPE there", Reply::Simple("string".into())).redis_reply(
        "cache",
        "TYPE gone",
        Reply::Simple("none".into()),
    );
    let status = |key: &str, exists: bool| run(&host, json!({"keys": [{"key": key, "exists": exists}]})).status;
    assert_eq!([status("there", true), status("gone", false)], [Status::Healthy; 2]);
    assert_eq!([status("there", false), status("gone", true)], [Status::Unhealthy; 2]);
}

// The age of a key is that of the time it holds, in seconds or milliseconds, or of a stream's last entry.
#[test]
fn ages_are_judged() {
    // The fake clock stands at 1735689600.
    let host = host("role:master\r\n")
        .redis_reply("cache", "TYPE s", Reply::Simple("string".into()))
        .redis_reply("cache", "GET s", Reply::bulk("1735689540"))
        .redis_reply("cache", "TYPE ms", Reply::Simple("string".into()))
        .redis_reply("cache", "GET ms", Reply::bulk("1735689540000"))
        .redis_reply("cache", "TYPE word", Reply::Simple("string".into()))
        .redis_reply("cache", "GET word", Reply::bulk("yesterday"))
        .redis_reply("cache", "TYPE log", Reply::Simple("stream".into()))
        .redis_reply(
            "cache",
            "XINFO STREAM log",
            Reply::Map(vec![(Reply::bulk("last-generated-id"), Reply::bulk("1735689540000-0"))]),
        );
    for key in ["s", "ms", "log"] {
        let status = |warn: &str| run(&host, json!({"keys": [{"key": key, "age": {"warn": warn}}]})).status;
        assert_eq!((status("1m"), status("59s")), (Status::Healthy, Status::Degraded), "{key}");
    }
    assert_eq!(run(&host, json!({"keys": [{"key": "word", "age": {"warn": "1m"}}]})).message, "word holds no time");
}

// Lengths are those of the key's type; the time to live is judged from below, and never is long enough.
#[test]
fn lengths_and_lives_are_judged() {
    let host = host("role:master\r\n")
        .redis_reply("cache", "TYPE jobs", Reply::Simple("list".into()))
        .redis_reply("cache", "LLEN jobs", Reply::Integer(5))
        .redis_reply("cache", "PTTL jobs", Reply::Integer(5_000))
        .redis_reply("cache", "TYPE lock", Reply::Simple("hash".into()))
        .redis_reply("cache", "PTTL lock", Reply::Integer(-1));
    let status = |rule: Value| run(&host, json!({ "keys": [rule] })).status;
    assert_eq!(status(json!({"key": "jobs", "length": {"warn": 5}})), Status::Healthy);
    assert_eq!(status(json!({"key": "jobs", "length": {"warn": 4}})), Status::Degraded);
    assert_eq!(status(json!({"key": "jobs", "length-min": {"crit": 6}})), Status::Unhealthy);
    assert_eq!(status(json!({"key": "jobs", "ttl": {"warn": "10s"}})), Status::Degraded);
    assert_eq!(status(json!({"key": "lock", "ttl": {"warn": "10s"}})), Status::Healthy);
}

// A server that does not answer is unhealthy; a missing grant says nothing about it.
#[test]
fn errors_are_told_apart() {
    let failing = |kind| TestHost::new().redis_error("cache", Error::new(kind, "why"));
    let refused = run(&failing(ErrorKind::Auth), json!({}));
    assert_eq!((refused.status, refused.message.as_str()), (Status::Unhealthy, "auth: why"));
    let denied = failing(ErrorKind::Denied).run::<Redis>(json!({"connection": "cache"}));
    assert!(matches!(denied, Err(Failure::Capability(error)) if error.kind == ErrorKind::Denied));
}

/// A server that refuses what its user may not do.
fn refusing(commands: &[&str]) -> TestHost {
    let refusal = |command: &str| {
        let message = format!("{command}: NOPERM this user has no permissions to run it");
        Error { code: Some("NOPERM".into()), ..Error::new(ErrorKind::Remote, message) }
    };
    let host = TestHost::new().redis("cache", 0.5);
    commands.iter().fold(host, |host, command| host.redis_command_error("cache", command, refusal(command)))
}

// A user that may only PING is told that much, and what is hidden from it; what the operator asked of that is unknown.
#[test]
fn hidden_numbers_are_no_judgement() {
    let host = refusing(&["INFO"]);
    let plain = run(&host, json!({"latency": {"warn": "1s"}}));
    assert_eq!(plain.status, Status::Healthy);
    assert!(plain.message.contains("hidden from its user (NOPERM INFO)"), "{}", plain.message);
    for (key, bounds) in [
        ("memory-used", json!({"warn": 1})),
        ("memory-used-percent", json!({"warn": 1})),
        ("clients", json!({"warn": 1})),
        ("role", json!("primary")),
        ("replicas", json!({"crit": 1})),
        ("replication-lag", json!({"warn": "1s"})),
    ] {
        let mut config = json!({"connection": "cache"});
        config[key] = bounds;
        let unseen = host.run::<Redis>(config.clone());
        assert!(
            matches!(&unseen, Err(Failure::Capability(error)) if error.message.contains(key) && error.message.contains("NOPERM")),
            "{key}: {unseen:?}"
        );
        // What is known to be bad stays bad.
        config["latency"] = json!({"crit": "0ms"});
        assert_eq!(run(&host, config).status, Status::Unhealthy, "{key}");
    }
}

// The same of a field that a server leaves out, and of a lag that it does not know.
#[test]
fn absent_fields_are_no_judgement() {
    let unseen = |info: &str, config: Value| {
        let mut config = config;
        config["connection"] = "cache".into();
        matches!(host(info).run::<Redis>(config), Err(Failure::Capability(error)) if error.kind == ErrorKind::Unsupported)
    };
    assert!(unseen("role:master\r\n", json!({"memory-used": {"warn": 1}})));
    assert!(unseen("used_memory:1\r\n", json!({"memory-used-percent": {"warn": 1}})));
    assert!(unseen("used_memory:1\r\n", json!({"role": "primary"})));
    let lag = json!({"replication-lag": {"warn": "1s"}});
    assert!(unseen("role:slave\r\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:-1\r\n", lag.clone()));
    assert!(unseen("role:master\r\nslave0:ip=10.0.0.2,port=6379,state=online,offset=5\r\n", lag.clone()));
    assert!(!unseen("role:master\r\n", lag));
    let counted = "role:master\r\nslave0:ip=10.0.0.2,port=6379,state=online,offset=5\r\n";
    assert_eq!(run(&host(counted), json!({"replicas": {"crit": 1}})).status, Status::Healthy);
}

// A key that the user may not look at is unknown; one that tells a time to come, or vanished meanwhile, is unhealthy.
#[test]
fn keys_without_an_answer_are_not_healthy() {
    let host = host("role:master\r\n")
        .redis_reply("cache", "TYPE s", Reply::Simple("string".into()))
        .redis_reply("cache", "GET s", Reply::bulk("1735689661000000"))
        .redis_reply("cache", "PTTL s", Reply::Integer(-2));
    let judged = |rule: Value| run(&host, json!({ "keys": [rule] }));
    assert!(judged(json!({"key": "s", "age": {"warn": "1m"}})).message.contains("ahead"));
    assert_eq!(judged(json!({"key": "s", "ttl": {"warn": "1m"}})).status, Status::Unhealthy);
    let hidden = refusing(&["INFO", "TYPE s"]).run::<Redis>(json!({"connection": "cache", "keys": [{"key": "s"}]}));
    assert!(matches!(&hidden, Err(Failure::Capability(error)) if error.message.contains("TYPE s")), "{hidden:?}");
}
