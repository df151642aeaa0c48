//! Where a grant leads: what the configuration declares under its name, without credentials.

use probity_config::{Config, Connection, HttpConnection, Verify};
use probity_core::check::Capability;
use url::Url;

/// What stands behind `grant`; none for a pattern, which says it itself.
pub(super) fn leads_to(config: &Config, capability: Capability, grant: &str) -> Option<String> {
    let name = grant.split_once(':').map_or(grant, |(name, _)| name);
    match capability {
        Capability::Http if grant.contains("://") => None,
        Capability::Http | Capability::Sql | Capability::Redis => Some(connection(config, name)),
        Capability::Queue => {
            let queue = config.queues.get(name)?;
            Some(format!("{} ({})", connection(config, &queue.connection), queue.connection))
        }
        Capability::Tls => {
            let file = config.certificates.get(grant.strip_prefix("certificate:")?)?;
            Some(file.display().to_string())
        }
        Capability::Dns => config.resolvers.get(grant.strip_prefix("resolver:")?).map(ToString::to_string),
        Capability::Secrets => Some(if config.named_secrets.contains_key(name) {
            "declared, used by the host".to_owned()
        } else {
            UNDECLARED.to_owned()
        }),
        Capability::Heartbeats => Some(match config.heartbeats.get(name) {
            Some(heartbeat) if heartbeat.token.is_some() => format!("POST /heartbeats/{name} with a token of its own"),
            Some(_) if config.server.tokens.is_empty() => "nobody may report: no token is configured".to_owned(),
            Some(_) => format!("POST /heartbeats/{name} with one of `server.auth.tokens`"),
            None => UNDECLARED.to_owned(),
        }),
        Capability::Peers => peers(config, grant),
        _ => None,
    }
}

const UNDECLARED: &str = "not declared";

/// Scheme, host and port, and nothing else of the URL.
fn connection(config: &Config, name: &str) -> String {
    match config.connections.get(name) {
        Some(Connection::Http(http)) => endpoint(http),
        Some(Connection::Sqlite(file, _)) => format!("sqlite file {}", file.display()),
        Some(
            Connection::Postgres(server, _)
            | Connection::MySql(server, _)
            | Connection::Redis(server)
            | Connection::Amqp(server)
            | Connection::Nats(server),
        ) => bare(&server.url),
        Some(Connection::Sentinel(primary)) => {
            let sentinels: Vec<String> = primary.sentinels.iter().map(|one| bare_or(&one.url, Some(26379))).collect();
            format!("{} by {}", primary.primary, sentinels.join(", "))
        }
        None => UNDECLARED.to_owned(),
    }
}

/// An endpoint, and on which terms it is asked.
fn endpoint(http: &HttpConnection) -> String {
    let mut text = bare(&http.url);
    if let Some((host, port)) = &http.address {
        text += &format!(" at {host}:{port}");
    }
    match http.verify {
        Verify::Full => {}
        Verify::Chain => text += ", its name not verified",
        Verify::None => text += ", not verified",
    }
    if let Some(oauth2) = &http.oauth2 {
        text += &format!(", with tokens of {}", bare(&oauth2.token_url));
    }
    text
}

fn bare(url: &Url) -> String {
    let known = match url.scheme() {
        "postgres" | "postgresql" => Some(5432),
        "mysql" | "mariadb" => Some(3306),
        "redis" | "rediss" | "valkey" | "valkeys" => Some(6379),
        "amqp" => Some(5672),
        "amqps" => Some(5671),
        "nats" | "tls" => Some(4222),
        _ => None,
    };
    bare_or(url, known)
}

/// With the port that goes without saying.
fn bare_or(url: &Url, known: Option<u16>) -> String {
    let port = url.port_or_known_default().or(known);
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

fn peers(config: &Config, grant: &str) -> Option<String> {
    let Some(group) = grant.strip_prefix("group:") else {
        let known = grant == "*" || config.checks.contains_key(grant);
        // A plugin without `[[check]]` is a check as well.
        return (!known).then(|| "no [[check]] of this name".to_owned());
    };
    let members = config.checks.values().filter(|check| check.groups.contains(group));
    let members: Vec<&str> = members.map(|check| check.name.as_str()).collect();
    Some(if members.is_empty() { "no check is in it".to_owned() } else { members.join(", ") })
}

/// What would be granted of `capability`: something that is declared, if there is anything.
pub(super) fn example(config: &Config, capability: Capability) -> String {
    let fits = |connection: &Connection| connection.capability() == Some(capability);
    let connection = || config.connections.iter().find(|(_, known)| fits(known)).map(|(name, _)| name.clone());
    let found = match capability {
        Capability::Http | Capability::Sql | Capability::Redis => connection(),
        Capability::Queue => config.queues.keys().next().cloned(),
        Capability::Secrets => config.named_secrets.keys().next().cloned(),
        Capability::Heartbeats => config.heartbeats.keys().next().cloned(),
        _ => None,
    };
    let placeholder = match capability {
        Capability::Http => "https://example.org/*",
        Capability::Tcp => "example.org:5432",
        Capability::Udp => "example.org:123",
        Capability::Tls => "example.org:443",
        Capability::Dns => "example.org",
        Capability::System => "memory",
        Capability::Peers => "group:NAME",
        _ => "NAME",
    };
    found.unwrap_or_else(|| placeholder.to_owned())
}
