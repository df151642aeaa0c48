//! The checks of ports and greetings in a real host, against servers that others wrote.

use probity_tests::guests::first_party;
use probity_tests::host::Host;
use probity_tests::servers::redis::Redis;
use probity_tests::servers::ssh::Ssh;

fn host(plugin: &str, port: u16, config: &str) -> Host {
    let host = Host::start(&format!(
        "[[check]]\nname = \"port\"\nplugin = \"{plugin}\"\nevery = \"200ms\"\n\
         grants = {{ tcp = [\"127.0.0.1:{port}\"] }}\n[check.config]\nhost = \"127.0.0.1\"\nport = {port}\n{config}"
    ));
    host.copy_in(plugin, &first_party(plugin));
    host
}

fn wait_for(host: &Host, status: &str, text: &str) -> serde_json::Value {
    host.wait_until_says("port", status, text)
}

// A port that accepts is healthy, one that answers what it should is, too, and one that is closed is not.
#[test]
fn ports_answer() {
    let mut redis = Redis::start();
    let open = host("tcp", redis.port(), "");
    wait_for(&open, "healthy", "accepts");
    wait_for(&host("tcp", redis.port(), "send = \"PING\\r\\n\"\nexpect = \"+PONG\"\n"), "healthy", "");
    let wrong = "send = \"PING\\r\\n\"\nexpect = \"220 \"\ntimeout = \"200ms\"\n";
    wait_for(&host("tcp", redis.port(), wrong), "unhealthy", "220 ");
    redis.kill();
    wait_for(&open, "unhealthy", "ECONNREFUSED");
}

// An SSH server greets as one; asked for another protocol, the check says what it heard.
#[test]
fn servers_greet() {
    let mut ssh = Ssh::start();
    let greets = host("banner", ssh.port(), "protocol = \"ssh\"\nexpect = \"OpenSSH\"\n");
    wait_for(&greets, "healthy", "SSH-2.0-OpenSSH");
    wait_for(&host("banner", ssh.port(), "protocol = \"imap\"\ntimeout = \"500ms\"\n"), "unhealthy", "SSH-2.0");
    ssh.kill();
    wait_for(&greets, "unhealthy", "ECONNREFUSED");
}
