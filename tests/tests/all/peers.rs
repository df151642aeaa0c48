//! Checks of other checks: a real host, the first-party `composite` over guests whose end the test decides.

use probity_tests::guests;
use probity_tests::host::{Host, first_party, says};

const CONFIG: &str = "
[defaults]
every = \"100ms\"
[[check]]
name = \"a\"
groups = [\"search\"]
every = \"100ms\"
[[check]]
name = \"b\"
groups = [\"search\"]
every = \"100ms\"
[[check]]
name = \"sum\"
plugin = \"composite\"
groups = [\"search\"]
every = \"100ms\"
grants = { peers = [\"group:search\"] }
[check.config]
group = \"search\"
require = \"any\"
";

fn unhealthy() -> Vec<u8> {
    guests::encode(
        "(func (export \"probity:check/checker@0.1.0#run\") (param i32 i32) (result i32)
           (call $say (i32.const 2) (i32.const 0) (i32.const 0)))",
    )
    .expect("the text is a guest")
}

fn start(config: &str) -> Host {
    let host = Host::start(config);
    for name in ["a", "b"] {
        host.copy_in(name, &says("fine"));
    }
    host.copy_in("composite", &first_party("composite"));
    host
}

// The sum of a group follows its members, leaves itself out, and takes an unknown one for degraded.
#[test]
fn composite_follows_its_group() {
    let host = start(CONFIG);
    host.wait_for_message("sum", "2 of 2 healthy, 1 needed");
    host.copy_in("a", &unhealthy());
    host.wait_for_message("sum", "1 of 2 healthy, 1 needed: a unhealthy");
    host.copy_in("b", &guests::component("panic"));
    let message = host.wait_until("sum", "degraded")["message"].clone();
    // Left alone after some panics, it may be stale by now.
    let text = message.as_str().unwrap().replace("b stale", "b unknown");
    assert_eq!(text, "0 of 2 healthy, 1 needed: a unhealthy, b unknown");
    host.copy_in("b", &unhealthy());
    host.wait_for_message("sum", "0 of 2 healthy, 1 needed: a unhealthy, b unhealthy");
    host.wait_until("sum", "unhealthy");
}

// A check that is not granted is not seen, and the result says what would grant it; nor is one that does not exist.
#[test]
fn only_granted_peers_are_seen() {
    let config = CONFIG.replace("group:search\"]", "a\"]").replace("group = \"search\"", "checks = [\"a\", \"b\"]");
    let host = start(&config);
    let unknown = host.wait_for("/checks/sum", |answer| answer.body.contains("peers = [\\\"b\\\"]")).json();
    assert_eq!(unknown["status"], "unknown");
    host.reconfigure(&config.replace("\"a\"]", "\"*\"]").replace("[\"a\", \"b\"]", "[\"nobody\"]"));
    host.wait_for("/checks/sum", |answer| answer.body.contains("no check is called nobody"));
}

// A reload that moves a check to another group is seen by the next run.
#[test]
fn groups_follow_the_configuration() {
    let host = start(CONFIG);
    host.wait_for_message("sum", "2 of 2 healthy, 1 needed");
    host.reconfigure(&CONFIG.replacen("groups = [\"search\"]", "groups = [\"other\"]", 1));
    host.wait_for_message("sum", "1 of 1 healthy, 1 needed");
}
