//! Servers that speak first, as the first-party check `banner` greets them, in the clear and inside TLS.

use std::path::Path;

use probity_tests::host::{Host, first_party};
use probity_tests::servers::greeters::Greeter;

/// A check of `localhost`, with the authority in `ca` declared by the check's name.
fn check(name: &str, protocol: &str, port: u16, ca: &Path, more: &str) -> String {
    format!(
        "[certificates.{name}]\nfile = {ca:?}\n[[check]]\nname = \"{name}\"\nplugin = \"banner\"\nevery = \"300ms\"\n\
         grants = {{ tcp = [\"localhost:{port}\"], tls = [\"certificate:{name}\"] }}\n[check.config]\n\
         protocol = \"{protocol}\"\nhost = \"localhost\"\nport = {port}\n{more}\n"
    )
}

fn host(config: &str) -> Host {
    let host = Host::start(config);
    host.copy_in("banner", &first_party("banner"));
    host
}

// Each real server is greeted in the clear, asked for TLS in its protocol's way, and asked inside what it can do.
#[test]
fn tls_begins_in_each_protocol() {
    let (dovecot, smtp, ftp, ssh) = (Greeter::dovecot(), Greeter::smtp(), Greeter::ftp(), Greeter::ssh());
    let starttls = |name: &str, capability: &str| {
        format!("tls = \"starttls\"\nauthority = \"{name}\"\ncapabilities = [\"{capability}\"]")
    };
    // A new certificate of this kind lasts for ages.
    let config = [
        check("smtp", "smtp", smtp.port(0), smtp.ca(), &starttls("smtp", "AUTH LOGIN")),
        check("imap", "imap", dovecot.port(0), dovecot.ca(), &starttls("imap", "IMAP4rev1")),
        check("pop3", "pop3", dovecot.port(1), dovecot.ca(), &starttls("pop3", "UIDL")),
        check("ftp", "ftp", ftp.port(0), ftp.ca(), &starttls("ftp", "UTF8")),
        check("imaps", "imap", dovecot.port(2), dovecot.ca(), "tls = \"immediate\"\nauthority = \"imaps\""),
        check("ssh", "ssh", ssh.port(0), ssh.ca(), "expect = \"dropbear\""),
        check("clear", "pop3", dovecot.port(1), dovecot.ca(), "capabilities = [\"STLS\"]"),
    ];
    let host = host(&config.concat());
    for name in ["smtp", "imap", "pop3", "ftp", "imaps", "ssh", "clear"] {
        host.wait_until(name, "healthy");
    }
    let inside = host.wait_until("imap", "healthy");
    assert!(inside["measurements"]["certificate"]["value"].as_f64().unwrap() > 21.0, "{inside}");
}

// Without its authority, or by another name, a server is not trusted; one that has no TLS to begin is unhealthy.
#[test]
fn untrusted_and_missing_tls_are_unhealthy() {
    let (dovecot, ssh) = (Greeter::dovecot(), Greeter::ssh());
    let (port, ca) = (dovecot.port(0), dovecot.ca());
    let config = [
        check("system", "imap", port, ca, "tls = \"starttls\""),
        check("other", "imap", port, ca, "tls = \"starttls\"\nauthority = \"other\"\nserver-name = \"other.test\""),
        check("nothing", "imap", ssh.port(0), ca, "tls = \"immediate\""),
        check("careless", "imap", port, ca, "tls = \"starttls\"\nverify = false"),
    ];
    let host = host(&config.concat());
    for (name, said) in [("system", "no trusted authority"), ("other", "not valid for"), ("nothing", "tls:")] {
        let check = host.wait_until(name, "unhealthy");
        assert!(check["message"].as_str().unwrap().contains(said), "{name}: {}", check["message"]);
    }
    host.wait_until("careless", "healthy");
}

// An authority that is not granted is no judgement, and the message is the line to add.
#[test]
fn authority_needs_a_grant() {
    let dovecot = Greeter::dovecot();
    let config = check("imap", "imap", dovecot.port(0), dovecot.ca(), "tls = \"starttls\"\nauthority = \"imap\"");
    let host = host(&config.replace(", tls = [\"certificate:imap\"]", ""));
    host.wait_for("/checks/imap", |answer| {
        let line = "tls = [\"certificate:imap\"]";
        answer.status == 200 && answer.json()["message"].as_str().is_some_and(|message| message.contains(line))
    });
}
