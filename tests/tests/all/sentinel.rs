//! The primary that Redis Sentinel knows, before and after a failover.

use std::time::{Duration, Instant};

use probity_tests::guests::first_party;
use probity_tests::host::{Host, PATIENCE};
use probity_tests::servers::redis::PASSWORD;
use probity_tests::servers::sentinel::{PRIMARY, SENTINEL_PASSWORD, Sentinels};
use serde_json::Value;

fn host(url: &str) -> Host {
    let host = Host::start(&format!(
        "[connections.cache]\nurl = \"{url}\"\n[[check]]\nname = \"cache\"\nplugin = \"redis\"\nevery = \"100ms\"\n\
         timeout = \"2s\"\ngrants = {{ redis = [\"cache\"] }}\n[check.config]\nconnection = \"cache\"\n\
         role = \"primary\"\nkeys = [{{ key = \"jobs\", length = {{ crit = 10 }} }}]\n"
    ));
    host.copy_in("redis", &first_party("redis"));
    host
}

fn wait_for(host: &Host, status: &str, text: &str) -> Value {
    host.wait_until_says("cache", status, text)
}

fn emitted(host: &Host) -> String {
    let paths = ["/checks/cache", "/checks/cache/history", "/health", "/metrics", "/plugins"];
    paths.iter().fold(host.log(), |all, path| all + &host.get(path).body)
}

/// What the primary is told reaches a replica a moment later.
fn wait_for_length(sentinels: &Sentinels, server: usize, length: usize) {
    let end = Instant::now() + PATIENCE;
    while sentinels.server(server).command(&["LLEN", "jobs"]) != length.to_string() {
        assert!(Instant::now() < end, "server {server} never had {length} jobs");
        std::thread::sleep(Duration::from_millis(10)); // the distance of two looks
    }
}

// When the primary dies, the check is unhealthy until the sentinels have made the replica one, and then healthy again: no
// restart, no change of configuration. The old primary comes back as a replica and is left alone.
#[test]
fn a_failover_is_followed() {
    let mut sentinels = Sentinels::start();
    let _ = sentinels.server(0).command(&["RPUSH", "jobs", "a"]);
    let host = host(&sentinels.url());
    wait_for(&host, "healthy", "cache answers");
    wait_for_length(&sentinels, 1, 1);
    sentinels.kill_server(0);
    wait_for(&host, "unhealthy", "connection `cache`");
    wait_for(&host, "healthy", "cache answers");
    // The one that answers now is the other server: it has what nobody told the first.
    let _ = sentinels.server(1).command(&["RPUSH", "jobs", "b", "c", "d"]);
    host.wait_for("/checks/cache", |answer| answer.json()["measurements"]["jobs length"]["value"] == 4.0);
    sentinels.restart_server(0);
    let end = host.get("/checks/cache").json()["counters"]["runs"].as_u64().unwrap() + 10;
    host.wait_for("/checks/cache", |answer| answer.json()["counters"]["runs"].as_u64() > Some(end));
    wait_for(&host, "healthy", "cache answers");
    let emitted = emitted(&host);
    assert!(!emitted.contains(PASSWORD) && !emitted.contains(SENTINEL_PASSWORD), "{emitted}");
}

// Sentinels that are gone, hang or know nothing are passed over as long as one answers.
#[test]
fn sentinels_are_asked_in_turn() {
    let mut sentinels = Sentinels::start();
    let _ = sentinels.server(0).command(&["RPUSH", "jobs", "a"]);
    sentinels.kill_sentinel(0);
    sentinels.freeze_sentinel(1);
    wait_for(&host(&sentinels.url()), "healthy", "cache answers");
    sentinels.kill_sentinel(2);
    // The last to be asked says why.
    wait_for(&host(&sentinels.url()), "unhealthy", "ECONNREFUSED");
}

// A name that the sentinels do not know, and a wrong password of theirs, are told from a server that is down.
#[test]
fn what_sentinels_refuse_is_said() {
    let sentinels = Sentinels::start();
    let unknown = host(&sentinels.url().replace(&format!("/{PRIMARY}/"), "/other/"));
    wait_for(&unknown, "unknown", "it knows no primary called `other`");
    let wrong = host(&sentinels.url().replace(SENTINEL_PASSWORD, "carp"));
    wait_for(&wrong, "unhealthy", "WRONGPASS");
}

// A server that sentinels name, but that says it is a replica, is not taken for the primary.
#[test]
fn the_primary_must_say_so_itself() {
    let sentinels = Sentinels::start();
    // Nobody tells the sentinels; they notice in their own time, which is seconds.
    let _ = sentinels.server(0).command(&["REPLICAOF", "127.0.0.1", &sentinels.server(1).port().to_string()]);
    let host = host(&sentinels.url());
    wait_for(&host, "unhealthy", "says that it is a replica");
}
