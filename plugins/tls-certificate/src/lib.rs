//! When a server's or a stored certificate expires, and whether it is trusted.

use probity_check::prelude::*;
use probity_check::tls::{Certificate, TlsInfo};
use serde::{Deserialize, Deserializer, de};

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(default, deserialize_with = "some_not_empty")]
    host: Option<String>,
    #[serde(default)]
    port: Option<std::num::NonZeroU16>,
    #[serde(default, deserialize_with = "some_not_empty")]
    server_name: Option<String>,
    #[serde(default, deserialize_with = "some_not_empty")]
    certificate: Option<String>,
    #[serde(default, deserialize_with = "some_not_empty")]
    authority: Option<String>,
    #[serde(default = "days_default")]
    days_left: AtLeast,
    #[serde(default = "verify_default")]
    verify: bool,
    #[serde(default)]
    min_protocol: Protocol,
    #[serde(default)]
    handshake: AtMost<Span>,
}

/// What the host can speak; older ones are no handshake at all.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
enum Protocol {
    #[default]
    #[serde(rename = "TLSv1.2")]
    Tls12,
    #[serde(rename = "TLSv1.3")]
    Tls13,
}

const fn days_default() -> AtLeast {
    AtLeast::new(21.0, 3.0)
}

const fn verify_default() -> bool {
    true
}

fn some_not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(de::Error::custom("must not be empty")) } else { Ok(Some(text)) }
}

/// The check.
struct TlsCertificate;

impl Check for TlsCertificate {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("tls-certificate", env!("CARGO_PKG_VERSION"))
            .description("When a server's or a stored certificate expires, and whether it is trusted")
            .default_interval_ms(60_000)
            .default_timeout_ms(10_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        match (&config.host, &config.certificate) {
            (Some(host), None) => server(host, config),
            (None, Some(name)) => stored(name, config),
            (Some(_), Some(_)) => Err(Failure::invalid_config("/certificate", "only one of `host` and `certificate`")),
            (None, None) => Err(Failure::invalid_config("/host", "name a `host`, or a stored `certificate`")),
        }
    }
}

fn server(host: &str, config: &Config) -> Result<Outcome, Failure> {
    let port = config.port.map_or(443, std::num::NonZeroU16::get);
    let target = format!("{host}:{port}");
    let name = config.server_name.as_deref();
    let looked = match &config.authority {
        Some(authority) => tls::inspect_trusting(host, port, name, authority),
        None => tls::inspect(host, port, name),
    };
    let info = match looked {
        Ok(info) => info,
        Err(error) if error.kind.is_about_the_target() => {
            return Ok(Outcome::unhealthy(format!("{target}: {error}")));
        }
        Err(error) => return Err(error.into()),
    };
    let outcome = judge_chain(&target, &info.chain, config);
    Ok(judge_session(outcome, &info, config))
}

fn stored(name: &str, config: &Config) -> Result<Outcome, Failure> {
    match tls::inspect_named(name) {
        Ok(chain) => Ok(judge_chain(name, &chain, config)),
        // It is declared and does not hold what it should.
        Err(error) if error.kind == ErrorKind::Protocol => Ok(Outcome::unhealthy(error.message)),
        Err(error) => Err(error.into()),
    }
}

/// Judges the certificate that expires first: each of them breaks the chain.
fn judge_chain(what: &str, chain: &[Certificate], config: &Config) -> Outcome {
    let now = clock::now_unix_ms();
    let Some(first) = chain.iter().min_by_key(|certificate| certificate.not_after_unix) else {
        return Outcome::unhealthy(format!("{what} has no certificate"));
    };
    let days = first.days_left(now);
    let whole = days.floor();
    let mut outcome = Outcome::healthy(format!("{what}: {} is valid for {whole} days", first.shown()));
    let early = chain.iter().find(|certificate| certificate.not_before_unix as f64 * 1e3 > now as f64);
    if let Some(early) = early {
        outcome = outcome.finding(Status::Unhealthy, &format!("{} is not valid yet", early.shown()));
    }
    let verdict = config.days_left.judge(days);
    if verdict != Status::Healthy {
        let text = match days {
            ..0.0 => format!("{} expired {} days ago", first.shown(), -whole),
            _ => format!("{} expires in {whole} days", first.shown()),
        };
        outcome = outcome.finding(verdict, &text);
    }
    outcome = outcome.measure("days-left", whole, "d");
    if let Some(last) = outcome.measurements.last_mut() {
        last.status = Some(verdict);
    }
    match chain.first() {
        Some(leaf) => outcome
            .detail("subject", leaf.subject.clone())
            .detail("issuer", leaf.issuer.clone())
            .detail("names", leaf.dns_names.join(", "))
            .detail("sha256", leaf.sha256.clone()),
        None => outcome,
    }
}

fn judge_session(mut outcome: Outcome, info: &TlsInfo, config: &Config) -> Outcome {
    if let (Err(why), true) = (&info.verified, config.verify) {
        outcome = outcome.finding(Status::Unhealthy, &format!("not trusted: {why}"));
    }
    if config.min_protocol == Protocol::Tls13 && info.protocol != "TLSv1.3" {
        outcome = outcome.finding(Status::Unhealthy, &format!("speaks {}, TLSv1.3 is the least", info.protocol));
    }
    outcome
        .judge("handshake", info.handshake_ms, "ms", &config.handshake)
        .detail("protocol", info.protocol.clone())
        .detail("cipher", info.cipher.clone())
}

probity_check::export!(TlsCertificate);

#[cfg(test)]
mod tests {
    use super::*;
    use probity_check::serde_json::{Value, json};
    use probity_check::testing::{TestHost, assert_schema_matches};

    const NOW: u64 = 1_800_000_000_000;
    const DAY: i64 = 86_400;

    fn certificate(subject: &str, days: i64) -> Certificate {
        let now = (NOW / 1_000).cast_signed();
        Certificate {
            subject: subject.into(),
            not_before_unix: now - 10 * DAY,
            not_after_unix: now + days * DAY,
            ..Certificate::default()
        }
    }

    fn info(chain: Vec<Certificate>) -> TlsInfo {
        let (protocol, cipher) = ("TLSv1.3".to_owned(), "TLS13_AES_256_GCM_SHA384".to_owned());
        TlsInfo { protocol, cipher, alpn: None, handshake_ms: 20.0, chain, verified: Ok(()) }
    }

    fn run(info: TlsInfo, mut config: Value) -> Outcome {
        config["host"] = "shop.test".into();
        TestHost::new().now_unix_ms(NOW).tls("shop.test:443", Ok(info)).run::<TlsCertificate>(config).unwrap()
    }

    #[test]
    fn schema_matches_the_configuration() {
        assert_schema_matches::<TlsCertificate>();
    }

    // Less than 21 days is degraded, less than 3 unhealthy, and so is what has expired.
    #[test]
    fn days_left_are_judged() {
        let run = |days| run(info(vec![certificate("CN=shop", days)]), json!({}));
        let status = |days| run(days).status;
        assert_eq!([21, 20, 2].map(status), [Status::Healthy, Status::Degraded, Status::Unhealthy]);
        assert_eq!(run(30).message, "shop.test:443: CN=shop is valid for 30 days");
        assert_eq!(run(-4).message, "CN=shop expired 4 days ago");
    }

    // The certificate that ends first decides, wherever it is in the chain.
    #[test]
    fn whole_chain_is_judged() {
        let outcome = run(info(vec![certificate("CN=shop", 300), certificate("CN=middle", 5)]), json!({}));
        assert_eq!((outcome.status, outcome.message.as_str()), (Status::Degraded, "CN=middle expires in 5 days"));
    }

    // A chain that is not trusted is unhealthy unless the operator does not care.
    #[test]
    fn trust_matters_unless_told() {
        let own = || TlsInfo {
            verified: Err("no trusted authority signed its certificate".into()),
            ..info(vec![certificate("CN=shop", 300)])
        };
        assert_eq!(run(own(), json!({})).message, "not trusted: no trusted authority signed its certificate");
        assert_eq!(run(own(), json!({"verify": false})).status, Status::Healthy);
    }

    // With an authority of its own, a server is judged by that one.
    #[test]
    fn own_authority_is_trusted() {
        let host = TestHost::new()
            .now_unix_ms(NOW)
            .tls(
                "shop.test:443",
                Ok(TlsInfo {
                    verified: Err("no trusted authority signed its certificate".into()),
                    ..info(vec![certificate("CN=shop", 300)])
                }),
            )
            .tls("shop.test:443 trusting inside", Ok(info(vec![certificate("CN=shop", 300)])));
        let status = |config: Value| host.run::<TlsCertificate>(config).unwrap().status;
        assert_eq!(status(json!({"host": "shop.test", "authority": "inside"})), Status::Healthy);
        assert_eq!(status(json!({"host": "shop.test"})), Status::Unhealthy);
    }

    // An older protocol than the least is unhealthy; a slow handshake is judged.
    #[test]
    fn session_is_judged() {
        let old = TlsInfo { protocol: "TLSv1.2".into(), ..info(vec![certificate("CN=shop", 300)]) };
        assert_eq!(run(old.clone(), json!({})).status, Status::Healthy);
        assert_eq!(run(old, json!({"min-protocol": "TLSv1.3"})).status, Status::Unhealthy);
        let slow = run(info(vec![certificate("CN=shop", 300)]), json!({"handshake": {"warn": "10ms"}}));
        assert_eq!(slow.status, Status::Degraded);
    }

    // A stored certificate is judged alike, and a file without one is unhealthy.
    #[test]
    fn stored_certificates_are_judged() {
        let host = TestHost::new()
            .now_unix_ms(NOW)
            .certificates("gateway", Ok(vec![certificate("CN=gateway", 2)]))
            .certificates("empty", Err(Error::new(ErrorKind::Protocol, "certificate empty: holds none")));
        let run = |name: &str| host.run::<TlsCertificate>(json!({ "certificate": name }));
        assert_eq!(run("gateway").unwrap().message, "CN=gateway expires in 2 days");
        assert_eq!(run("empty").unwrap().status, Status::Unhealthy);
        assert!(matches!(run("gone"), Err(Failure::Capability(error)) if error.kind == ErrorKind::NotFound));
    }

    // A server that does not answer is unhealthy; one that is not granted, or none at all, is no judgement.
    #[test]
    fn silence_is_unhealthy_and_denial_is_not() {
        let refused = TestHost::new().run::<TlsCertificate>(json!({"host": "shop.test", "port": 8443})).unwrap();
        assert_eq!(refused.status, Status::Unhealthy);
        let denied = TestHost::new().tls("shop.test:443", Err(Error::new(ErrorKind::Denied, "not granted")));
        assert!(matches!(denied.run::<TlsCertificate>(json!({"host": "shop.test"})), Err(Failure::Capability(_))));
        let nothing = TestHost::new().run::<TlsCertificate>(json!({}));
        assert!(matches!(nothing, Err(Failure::InvalidConfig(text)) if text.starts_with("at /host")));
    }
}
