//! Explanations of configurations, without a plugin where none is needed.

use probity_config::Source;

use super::*;

const CONFIG: &str = "
[server.auth]
tokens = [\"a-token-of-the-host\"]
[connections.orders-db]
url = \"postgres://app:hunter2hunter2@db.internal/orders?sslmode=require\"
[connections.rabbit]
url = \"amqp://guest:hunter2hunter2@mq.internal/vhost\"
[connections.payments]
url = \"https://u:hunter2hunter2@payments.internal/v1\"
[connections.node]
url = \"https://shop.internal\"
address = \"10.0.0.5:8443\"
verify = \"none\"
[connections.node.oauth2]
token-url = \"https://login.internal/token\"
client-id = \"probe\"
client-secret = \"hunter2hunter2\"
[queues.jobs]
connection = \"rabbit\"
name = \"jobs\"
[resolvers.inside]
address = \"10.0.0.53\"
[certificates.gateway]
file = \"/etc/ssl/gateway.pem\"
[heartbeats.backup]
[[check]]
name = \"orders\"
groups = [\"shop\"]
every = \"15s\"
grants = { http = [\"payments\", \"https://shop.internal/*\"], dns = [\"*\", \"resolver:inside\"], tls = [\"certificate:gateway\"], \
 heartbeats = [\"backup\"], peers = [\"group:shop\"] }
";

fn config(text: &str) -> Config {
    let source = Source { path: "probity.toml".into(), text: text.to_owned() };
    let none = |_: &Path| Err(std::io::ErrorKind::NotFound.into());
    probity_config::parse(&[source], Path::new("/conf"), &|_| None, &none).unwrap_or_else(|errors| panic!("{errors}"))
}

fn leads(capability: Capability, grant: &str) -> Option<String> {
    leads::leads_to(&config(CONFIG), capability, grant)
}

// A name leads to scheme, host and port of what is declared, and to nothing of its credentials.
#[test]
fn names_lead_to_targets() {
    for (capability, grant, target) in [
        (Capability::Http, "payments", "https://payments.internal:443"),
        (
            Capability::Http,
            "node",
            "https://shop.internal:443 at 10.0.0.5:8443, not verified, with tokens of https://login.internal:443",
        ),
        (Capability::Sql, "orders-db:write", "postgres://db.internal:5432"),
        (Capability::Queue, "jobs", "amqp://mq.internal:5672 (rabbit)"),
        (Capability::Dns, "resolver:inside", "10.0.0.53:53"),
        (Capability::Tls, "certificate:gateway", "/etc/ssl/gateway.pem"),
        (Capability::Heartbeats, "backup", "POST /heartbeats/backup with one of `server.auth.tokens`"),
        (Capability::Peers, "group:shop", "orders"),
        (Capability::Redis, "cache", "not declared"),
    ] {
        assert_eq!(leads(capability, grant).as_deref(), Some(target), "{grant}");
    }
    assert_eq!(leads(Capability::Http, "https://shop.internal/*"), None);
}

// A missing grant is answered with a line that names something declared.
#[test]
fn missing_grants_name_what_there_is() {
    let config = config(CONFIG);
    let missing = |capability| used(&config, capability, &Grants::default()).missing;
    assert_eq!(missing(Capability::Sql).unwrap(), "grants = { sql = [\"orders-db\"] }");
    assert_eq!(missing(Capability::Heartbeats).unwrap(), "grants = { heartbeats = [\"backup\"] }");
    assert_eq!(missing(Capability::Tcp).unwrap(), "grants = { tcp = [\"example.org:5432\"] }");
    assert_eq!(missing(Capability::Log), None);
}

// Without its plugin a check is explained as far as it goes, and nothing of a password is in either form.
#[test]
fn check_without_plugin_is_explained() {
    let config = config(CONFIG);
    let check = find("orders", &config).unwrap();
    let explained = explain(&config, check, Path::new("/conf/plugins/orders.wasm"), None);
    assert!(!explained.runs);
    assert_eq!(explained.blocked.as_ref().unwrap().reason, Reason::NotLoaded);
    let (text, json) = (text::render(&explained, Paint::plain()), serde_json::to_string(&explained).unwrap());
    assert!(text.contains("every 15s, at most 2s long") && text.contains("groups shop"), "{text}");
    assert!(!text.contains("hunter2") && !json.contains("hunter2"));
    assert!(find("order", &config).unwrap_err().to_string().contains("there are orders"));
}
