//! The check against scripted servers.

use probity_sdk::serde_json::{Value, json};
use probity_sdk::testing::{Script, TestHost, assert_schema_matches};

use super::*;

fn run(protocol: &str, script: Script, mut config: Value) -> (Outcome, String) {
    let ports = [("smtp", 25), ("imap", 143), ("pop3", 110), ("ssh", 22), ("ftp", 21)];
    let port = ports.iter().find(|(name, _)| *name == protocol).unwrap().1;
    let target = format!("server.test:{port}");
    config["protocol"] = protocol.into();
    config["host"] = "server.test".into();
    let host = TestHost::new().tcp(&target, script);
    let outcome = host.run::<Banner>(config).unwrap();
    (outcome, String::from_utf8(host.tcp_written(&target)).unwrap())
}

fn greets(protocol: &str, greeting: &str) -> (Status, String) {
    let (outcome, _) = run(protocol, Script::new().sends(greeting.as_bytes()), json!({}));
    (outcome.status, outcome.message)
}

#[test]
fn schema_matches_the_configuration() {
    assert_schema_matches::<Banner>();
}

// Each protocol is greeted on its own port and left with its own farewell.
#[test]
fn each_protocol_is_spoken() {
    for (protocol, greeting, farewell) in [
        ("smtp", "220-mail.test\r\n220 ESMTP ready\r\n", "QUIT\r\n"),
        ("imap", "* OK [CAPABILITY IMAP4rev1] ready\r\n", "a2 LOGOUT\r\n"),
        ("pop3", "+OK ready\r\n", "QUIT\r\n"),
        ("ssh", "authorised users only\r\nSSH-2.0-OpenSSH_9.7\r\n", "SSH-2.0-probity\r\n"),
        ("ftp", "220-welcome\r\n mirror of\r\n220 ready\r\n", "QUIT\r\n"),
    ] {
        let (outcome, written) = run(protocol, Script::new().sends(greeting.as_bytes()), json!({}));
        assert_eq!(outcome.status, Status::Healthy, "{protocol}: {}", outcome.message);
        assert_eq!(written, farewell, "{protocol}");
    }
}

// A server that answers but lets nobody in is unhealthy, and the message quotes it.
#[test]
fn refusals_are_unhealthy() {
    for (protocol, greeting) in [
        ("smtp", "421 too busy"),
        ("smtp", "554 no"),
        ("imap", "* BYE overloaded"),
        ("pop3", "-ERR down"),
        ("ftp", "530 no"),
    ] {
        let (status, message) = greets(protocol, &format!("{greeting}\r\n"));
        assert_eq!(status, Status::Unhealthy, "{protocol} {greeting}");
        assert!(message.contains(&format!("got {greeting:?}")), "{message}");
    }
}

// Another protocol on the port, a line without end and a server that hangs up are unhealthy, not failures.
#[test]
fn nonsense_is_unhealthy() {
    assert_eq!(greets("imap", "SSH-2.0-x\r\n").0, Status::Unhealthy);
    assert_eq!(greets("ssh", &"x".repeat(9_000)).0, Status::Unhealthy);
    assert_eq!(greets("ssh", &"x\r\n".repeat(101)).0, Status::Unhealthy);
    assert_eq!(greets("smtp", "").0, Status::Unhealthy);
    let refused = TestHost::new().run::<Banner>(json!({"protocol": "ssh", "host": "server.test"})).unwrap();
    assert_eq!(refused.status, Status::Unhealthy);
}

// A greeting may have to say more than hello: a version, a name.
#[test]
fn expected_text_must_be_in_the_greeting() {
    let verdict = |expect: &str| {
        run("ssh", Script::new().sends(b"SSH-2.0-OpenSSH_9.7\r\n"), json!({ "expect": expect })).0.status
    };
    assert_eq!((verdict("OpenSSH_9"), verdict("OpenSSH_8")), (Status::Healthy, Status::Unhealthy));
}

// What the server must be able to do is asked for in its protocol's way, and only when it matters.
#[test]
fn capabilities_are_asked_for() {
    let smtp = |names: Value| {
        let script = Script::new()
            .sends(b"220 mail\r\n")
            .expects(b"EHLO probe.test\r\n")
            .sends(b"250-mail\r\n250-SIZE 1000\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n")
            .expects(b"QUIT\r\n")
            .sends(b"221 bye\r\n");
        run("smtp", script, json!({"ehlo": "probe.test", "capabilities": names})).0
    };
    assert_eq!(smtp(json!(["STARTTLS", "auth plain", "SIZE"])).status, Status::Healthy);
    assert_eq!(smtp(json!(["STARTTLS", "CHUNKING"])).message, "the server does not offer CHUNKING");
    let others = [
        ("imap", "* OK hi\r\n", "a1 CAPABILITY\r\n", "* CAPABILITY IMAP4rev1 IDLE\r\na1 OK done\r\n", "IDLE"),
        ("pop3", "+OK hi\r\n", "CAPA\r\n", "+OK\r\nUIDL\r\nSTLS\r\n.\r\n", "STLS"),
        ("ftp", "220 hi\r\n", "FEAT\r\n", "211-Features:\r\n UTF8\r\n211 End\r\n", "UTF8"),
    ];
    for (protocol, greeting, question, answer, name) in others {
        let script = Script::new().sends(greeting.as_bytes()).expects(question.as_bytes()).sends(answer.as_bytes());
        let (outcome, _) = run(protocol, script, json!({"capabilities": [name]}));
        assert_eq!(outcome.status, Status::Healthy, "{protocol}: {}", outcome.message);
    }
    let script = Script::new().sends(b"220 hi\r\n").expects(b"EHLO localhost\r\n").sends(b"502 what?\r\n");
    let (refused, _) = run("smtp", script, json!({"capabilities": ["SIZE"]}));
    assert_eq!(refused.message, "EHLO localhost was refused: \"502 what?\"");
}

// Connecting and being greeted slowly are two thresholds.
#[test]
fn latency_is_judged() {
    let script = || Script::new().sends(b"220 hi\r\n").connect_ms(200.0);
    let (outcome, _) = run("smtp", script(), json!({"connect": {"warn": "100ms"}}));
    assert_eq!(outcome.message, "connect 200 ms, more than 100 ms");
    assert!(outcome.measurements.iter().any(|measurement| measurement.name == "latency"));
}

// Nothing in the configuration becomes a command of its own.
#[test]
fn words_hold_no_commands() {
    for config in [
        json!({"protocol": "smtp", "host": "m", "ehlo": "x\r\nMAIL FROM:<a@b>"}),
        json!({"protocol": "ssh", "host": "m", "capabilities": ["SIZE"]}),
        json!({"protocol": "gopher", "host": "m"}),
    ] {
        let refused = TestHost::new().run::<Banner>(config);
        assert!(matches!(refused, Err(Failure::InvalidConfig(_))));
    }
}
