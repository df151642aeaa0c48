//! `--grant KIND=TARGET`: grants as they are typed on the command line.

use std::collections::BTreeMap;

use anyhow::bail;
use probity_config::Connection;
use probity_config::grants::Grants;
use probity_core::check::{Capability, HostCall};
use url::Url;

/// One `--grant`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Permit {
    capability: Capability,
    target: String,
}

impl Permit {
    /// Reads `http=https://example.org/*`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let Some((kind, target)) = text.split_once('=') else {
            return Err(format!("write KIND=TARGET, as in {}", example(Capability::Http)));
        };
        let known = || {
            let kinds = Capability::ALL.into_iter().filter(|kind| kind.needs_grant());
            kinds.map(Capability::as_str).collect::<Vec<_>>().join(", ")
        };
        let capability = match Capability::parse(kind) {
            Some(capability) if !capability.needs_grant() => return Err(format!("`{kind}` needs no grant")),
            Some(capability) => capability,
            None => return Err(format!("no capability is called `{kind}`; there are {}", known())),
        };
        Grants::default().add(capability, target)?;
        Ok(Self { capability, target: target.to_owned() })
    }

    /// Adds it to a check's grants, if the connection it names exists.
    pub(super) fn add_to(&self, grants: &mut Grants, connections: &BTreeMap<String, Connection>) -> anyhow::Result<()> {
        let Self { capability, target } = self;
        let named = match capability {
            Capability::Http => (!target.contains("://")).then_some(target.as_str()),
            Capability::Sql | Capability::Redis => target.split(':').next(),
            _ => None,
        };
        let fits = |name: &str| connections.get(name).and_then(Connection::capability) == Some(*capability);
        if let Some(name) = named.filter(|name| !fits(name)) {
            let url = if *capability == Capability::Http { "write a URL with its scheme, or " } else { "" };
            let kind = capability.as_str();
            bail!(
                "--grant {kind}={target}: no {kind} connection `{name}`; {url}give the file that has [connections.{name}] \
                 with --config"
            );
        }
        grants.add(*capability, target).map_err(anyhow::Error::msg)
    }
}

/// A flag that would grant something of `capability`.
pub(super) const fn example(capability: Capability) -> &'static str {
    match capability {
        Capability::Http => "--grant 'http=https://example.org/*'",
        Capability::Tcp => "--grant tcp=example.org:5432",
        Capability::Udp => "--grant udp=example.org:123",
        Capability::System => "--grant system=memory",
        Capability::Tls => "--grant tls=example.org:443",
        Capability::Dns => "--grant 'dns=*'",
        Capability::Sql => "--grant sql=orders-db",
        Capability::Redis => "--grant redis=cache",
        Capability::Queue => "--grant queue=jobs",
        Capability::Secrets => "--grant secrets=webhook",
        Capability::Heartbeats => "--grant heartbeats=backup",
        Capability::Peers => "--grant peers=orders-db",
        _ => "--grant KIND=TARGET",
    }
}

/// The flags that would have allowed the calls that were denied, each once.
pub(super) fn for_denied(calls: &[HostCall]) -> Vec<String> {
    let mut flags: Vec<String> = Vec::new();
    for call in calls.iter().filter(|call| call.result == "denied") {
        if let Some(flag) = flag_for(call).filter(|flag| !flags.contains(flag)) {
            flags.push(flag);
        }
    }
    flags
}

/// The narrowest flag that covers a call; none when its target says too little.
fn flag_for(call: &HostCall) -> Option<String> {
    let (capability, operation) = call.operation.split_once('.')?;
    let target = &call.target;
    let grant = match (capability, operation) {
        ("http", _) => {
            let url = Url::parse(target).ok().filter(Url::has_host)?;
            format!("http={}/*", url.origin().ascii_serialization())
        }
        // What was denied is an authority, and its name is not in the record.
        ("tcp", "start-tls") => return None,
        ("tcp" | "udp", _) | ("tls", "inspect" | "inspect-trusting") => format!("{capability}={target}"),
        ("tls", _) => format!("tls=certificate:{target}"),
        ("system", "disk") => format!("system=disk:{target}"),
        // The newest of the files that match: what is looked at is their directory.
        ("system", "stat") if target.contains(['*', '?']) => format!("system=file:{}", target.rsplit_once('/')?.0),
        ("system", "stat") => format!("system=file:{target}"),
        ("system", "processes") => format!("system=process:{target}"),
        ("system", "uptime-ms") => "system=uptime".to_owned(),
        ("system", _) => format!("system={operation}"),
        ("queue", "publish") => format!("queue={target}:publish"),
        ("secrets", "reveal") => format!("secrets={target}:reveal"),
        ("peers", "by-tag") => format!("peers=group:{target}"),
        ("sql", "execute" | "begin") => format!("sql={target}:write"),
        ("sql" | "redis" | "dns" | "queue" | "secrets" | "heartbeats" | "peers", _) => format!("{capability}={target}"),
        _ => return None,
    };
    // A target that was cut or is no target at all would make a flag that is refused.
    Permit::parse(&grant).ok()?;
    Some(format!("--grant '{}'", grant.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(operation: &str, target: &str) -> HostCall {
        let (duration_ms, after) = (0.0, std::time::Duration::ZERO);
        HostCall { operation: operation.into(), target: target.into(), result: "denied", duration_ms, after }
    }

    // A grant that is not understood says what would be.
    #[test]
    fn mistakes_are_explained() {
        let wrong = |text| Permit::parse(text).unwrap_err();
        assert!(wrong("http").contains("KIND=TARGET"));
        assert!(wrong("state=x").contains("needs no grant"));
        assert!(wrong("ftp=x").contains("there are http, tcp"));
        assert!(wrong("system=everything").contains("`memory`"));
        assert!(wrong("tcp=db").contains("port is missing"));
    }

    // Every example of this module is a grant.
    #[test]
    fn examples_parse() {
        for capability in Capability::ALL.into_iter().filter(|kind| kind.needs_grant()) {
            let flag = example(capability).strip_prefix("--grant ").unwrap().trim_matches('\'');
            assert!(Permit::parse(flag).is_ok(), "{flag}");
        }
    }

    // A denied call is answered with the flag that covers it, once however often it was denied.
    #[test]
    fn denied_calls_name_their_flag() {
        let calls = [
            denied("http.get", "http://127.0.0.1:9000/orders"),
            denied("http.send", "http://127.0.0.1:9000/health"),
            denied("tcp.connect", "db:5432"),
            denied("udp.exchange", "ntp:123"),
            denied("system.disk", "/var"),
            denied("system.stat", "/backups/*.dump"),
            denied("system.uptime-ms", ""),
            denied("redis.command", "cache:CONFIG.GET"),
            denied("secrets.reveal", "webhook"),
            denied("http.get", "(no url)"),
            HostCall { result: "ok", ..denied("system.load", "") },
        ];
        assert_eq!(
            for_denied(&calls),
            [
                "--grant 'http=http://127.0.0.1:9000/*'",
                "--grant 'tcp=db:5432'",
                "--grant 'udp=ntp:123'",
                "--grant 'system=disk:/var'",
                "--grant 'system=file:/backups'",
                "--grant 'system=uptime'",
                "--grant 'redis=cache:CONFIG.GET'",
                "--grant 'secrets=webhook:reveal'"
            ]
        );
    }
}
