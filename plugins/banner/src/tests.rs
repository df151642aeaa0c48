//! The check against scripted servers.

use probity_check::http::{Certificate, TlsInfo};
use probity_check::serde_json::{Value, json};
use probity_check::testing::{Script, TestHost, assert_schema_matches};

use super::*;

fn run(protocol: &str, script: Script, mut config: Value) -> (Outcome, String) {
    let immediate = config["tls"] == "immediate";
    let ports = if immediate {
        [("smtp", 465), ("imap", 993), ("pop3", 995), ("ssh", 22), ("ftp", 990)]
    } else {
        [("smtp", 25), ("imap", 143), ("pop3", 110), ("ssh", 22), ("ftp", 21)]
    };
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

// A server of another protocol is told at once by its first line, not waited for: one that says `SSH-` has a dash where
// SMTP would go on.
#[test]
fn another_protocol_is_told_by_its_first_line() {
    for protocol in ["smtp", "ftp", "imap", "pop3"] {
        let (status, message) = greets(protocol, "SSH-2.0-OpenSSH_9.7\r\n");
        assert_eq!(status, Status::Unhealthy, "{protocol}");
        assert!(message.contains("SSH-2.0-OpenSSH_9.7"), "{protocol}: {message}");
    }
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

/// A session whose certificate lasts so many days on a test host's clock.
fn session(days: i64) -> TlsInfo {
    let not_after_unix = 1_735_689_600 + days * 86_400;
    let chain = vec![Certificate { not_after_unix, ..Certificate::default() }];
    let (protocol, cipher) = ("TLSv1.3".to_owned(), "TLS13_AES_256_GCM_SHA384".to_owned());
    TlsInfo { protocol, cipher, alpn: None, handshake_ms: 1.0, chain, verified: Ok(()) }
}

/// Each protocol up to the handshake.
fn agreeing(protocol: &str) -> Script {
    let script = Script::new();
    match protocol {
        "smtp" => script
            .sends(b"220 hi\r\n")
            .expects(b"EHLO localhost\r\n")
            .sends(b"250-mail\r\n250 STARTTLS\r\n")
            .expects(b"STARTTLS\r\n")
            .sends(b"220 go\r\n"),
        "imap" => script.sends(b"* OK hi\r\n").expects(b"a0 STARTTLS\r\n").sends(b"* NOTE x\r\na0 OK begin\r\n"),
        "pop3" => script.sends(b"+OK hi\r\n").expects(b"STLS\r\n").sends(b"+OK begin\r\n"),
        _ => script.sends(b"220 hi\r\n").expects(b"AUTH TLS\r\n").sends(b"234 begin\r\n"),
    }
}

// Each protocol agrees on TLS in its own way, and the certificate is judged.
#[test]
fn starttls_is_spoken() {
    for protocol in ["smtp", "imap", "pop3", "ftp"] {
        let judged = |days| {
            let (outcome, _) = run(protocol, agreeing(protocol).starts_tls(session(days)), json!({"tls": "starttls"}));
            (outcome.status, outcome.message)
        };
        assert_eq!(judged(30).0, Status::Healthy, "{protocol}: {}", judged(30).1);
        assert_eq!(judged(20), (Status::Degraded, "certificate 20 d, less than 21 d".to_owned()), "{protocol}");
        assert_eq!(judged(-1).0, Status::Unhealthy, "{protocol}");
    }
}

// What the server can do is asked inside, where more is offered.
#[test]
fn capabilities_are_asked_for_inside() {
    let script = agreeing("smtp")
        .starts_tls(session(30))
        .expects(b"EHLO localhost\r\n")
        .sends(b"250-mail\r\n250 AUTH PLAIN\r\n");
    let config = json!({"tls": "starttls", "capabilities": ["AUTH PLAIN"]});
    let (outcome, written) = run("smtp", script, config);
    assert_eq!(outcome.status, Status::Healthy, "{}", outcome.message);
    assert_eq!(written, "EHLO localhost\r\nSTARTTLS\r\nEHLO localhost\r\nQUIT\r\n");
}

// A server that does not begin TLS, or with a certificate that nobody trusts, is unhealthy.
#[test]
fn refused_and_untrusted_tls() {
    let refusing = Script::new().sends(b"* OK hi\r\n").expects(b"a0 STARTTLS\r\n").sends(b"a0 BAD what?\r\n");
    let (outcome, written) = run("imap", refusing, json!({"tls": "starttls"}));
    assert_eq!(outcome.message, "a0 STARTTLS was refused: \"a0 BAD what?\"");
    assert_eq!(written, "a0 STARTTLS\r\na2 LOGOUT\r\n");
    let own = || {
        agreeing("pop3")
            .starts_tls(TlsInfo { verified: Err("no trusted authority signed its certificate".into()), ..session(30) })
    };
    let (outcome, _) = run("pop3", own(), json!({"tls": "starttls"}));
    assert_eq!(
        (outcome.status, outcome.message.as_str()),
        (Status::Unhealthy, "certificate is not trusted: no trusted authority signed its certificate")
    );
    assert_eq!(run("pop3", own(), json!({"tls": "starttls", "verify": false})).0.status, Status::Healthy);
    let none = run("ftp", agreeing("ftp"), json!({"tls": "starttls"})).0;
    assert_eq!(none.status, Status::Unhealthy, "{}", none.message);
}

// Where TLS begins at once, the greeting comes inside, on a port of its own.
#[test]
fn immediate_tls() {
    for (protocol, greeting) in [("smtp", "220 hi"), ("imap", "* OK hi"), ("pop3", "+OK hi"), ("ftp", "220 hi")] {
        let script = Script::new().starts_tls(session(2)).sends(format!("{greeting}\r\n").as_bytes());
        let (outcome, _) = run(protocol, script, json!({"tls": "immediate"}));
        assert_eq!((outcome.status, outcome.message.as_str()), (Status::Unhealthy, "certificate 2 d, less than 3 d"));
    }
    let ssh = TestHost::new().run::<Banner>(json!({"protocol": "ssh", "host": "m", "tls": "starttls"}));
    assert!(matches!(ssh, Err(Failure::InvalidConfig(text)) if text.starts_with("at /tls")));
}
