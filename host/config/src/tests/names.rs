//! Heartbeats, certificates and resolvers: what is declared, what is wrong with it, and the grants that name it.

use super::{bad, good};

/// The one error of `text`, as shown.
#[track_caller]
fn one(text: &str) -> String {
    let errors = bad(text);
    assert_eq!(errors.len(), 1, "{errors}");
    errors.to_string()
}

// Defaults, ports and relative paths are filled in.
#[test]
fn declarations_are_resolved() {
    let config = good(
        "[server.auth]\ntokens = [\"a-long-token\"]\n[heartbeats.backup]\n[certificates.gateway]\nfile = \"gateway.pem\"\n\
         [resolvers.inside]\naddress = \"10.0.0.53\"\n[resolvers.six]\naddress = \"[fd00::53]:5353\"\n",
    );
    assert_eq!(config.heartbeats["backup"].history, 20);
    assert!(config.certificates["gateway"].ends_with("conf/gateway.pem"));
    assert_eq!(config.resolvers["inside"].to_string(), "10.0.0.53:53");
    assert_eq!(config.resolvers["six"].to_string(), "[fd00::53]:5353");
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

// A heartbeat that nobody could report to is odd, and says so.
#[test]
fn heartbeat_without_a_token_is_odd() {
    let warnings = good("[heartbeats.backup]\n").warnings;
    assert!(warnings[0].contains("heartbeat `backup`: nobody may report"), "{warnings:?}");
    assert!(good("[heartbeats.backup]\ntoken = \"only-for-it\"\n").warnings.is_empty());
}

// What is missing or malformed has its place and says how to write it.
#[test]
fn wrong_declarations_are_refused() {
    for (text, says) in [
        ("[certificates.a]\n", "certificate `a` without `file`"),
        ("[certificates.a]\nfile = \"\"\n", "`file` is empty"),
        ("[resolvers.a]\n", "resolver `a` without `address`"),
        ("[resolvers.a]\naddress = \"dns.internal\"\n", "write an IP address"),
        ("[resolvers.a]\naddress = \"10.0.0.53:0\"\n", "write an IP address"),
        ("[heartbeats.A]\ntoken = \"long-enough\"\n", "`A` is no name for a heartbeat"),
        ("[heartbeats.a]\ntoken = \"short\"\n", "at least 8 visible"),
        ("[heartbeats.a]\ntoken = \"long-enough\"\nhistory = 0\n", "from 1 to 1_000"),
    ] {
        assert!(one(text).contains(says), "{text}: {}", one(text));
    }
}

// A grant for what nobody declared is an error that names the near one.
#[test]
fn grants_name_what_is_declared() {
    let check = |table: &str, grants: &str| format!("{table}[[check]]\nname = \"x\"\ngrants = {{ {grants} }}\n");
    for (table, grants, near) in [
        ("[heartbeats.backup]\ntoken = \"long-enough\"\n", "heartbeats = [\"backups\"]", "did you mean `backup`?"),
        ("[certificates.gateway]\nfile = \"a\"\n", "tls = [\"certificate:gatway\"]", "did you mean `gateway`?"),
        ("[resolvers.inside]\naddress = \"10.0.0.53\"\n", "dns = [\"resolver:inide\"]", "did you mean `inside`?"),
        ("", "dns = [\"resolver:inside\"]", "declare it as `[resolvers.NAME]`"),
    ] {
        let error = one(&check(table, grants));
        assert!(error.contains(near), "{error}");
    }
    good(&check("", "tls = [\"example.org:443\"], dns = [\"*.example.org\"], peers = [\"x\", \"*\"]"));
}

// A group that nobody is in is an error at the grant; a check that nobody declared is one unless a plugin makes it.
#[test]
fn peers_must_exist() {
    let check = |grant: &str| {
        format!(
            "[[check]]\nname = \"db\"\ngroups = [\"orders\"]\n[[check]]\nname = \"x\"\ngrants = {{ peers = [{grant}] }}\n"
        )
    };
    let error = one(&check("\"db\", \"group:order\""));
    assert!(error.contains("no check is in group `order`\n --> probity.toml:6:27\n"), "{error}");
    assert!(error.contains("did you mean `orders`? a check joins one with `groups = [\"NAME\"]`"), "{error}");
    let (name, error) = &good(&check("\"dbs\", \"group:orders\"")).peers_missing[0];
    assert_eq!((name.as_str(), error.line, error.column), ("dbs", Some(6), Some(21)), "{error}");
    assert!(error.help.as_deref().unwrap_or_default().contains("did you mean `db`?"), "{error}");
}

// A heartbeat's token is a secret of the configuration.
#[test]
fn token_is_redacted() {
    let config = good("[heartbeats.backup]\ntoken = \"only-for-it\"\n");
    assert_eq!(config.secrets.redact("says only-for-it"), "says [redacted]");
    assert!(!format!("{config:?}").contains("only-for-it"));
}
