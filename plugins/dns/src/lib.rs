//! Asks for a name and judges records and latency.

use probity_check::prelude::*;
use probity_check::units::Quantity;
use serde::{Deserialize, Deserializer, de};

/// Records shown in a message.
const SHOWN_MAX: usize = 5;

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(deserialize_with = "not_empty")]
    name: String,
    #[serde(default, rename = "type")]
    record_type: RecordType,
    #[serde(default, deserialize_with = "some_not_empty")]
    resolver: Option<String>,
    #[serde(default, deserialize_with = "some_texts")]
    expected: Option<Vec<String>>,
    #[serde(default, deserialize_with = "texts")]
    contains: Vec<String>,
    #[serde(default = "min_records_default", deserialize_with = "min_records")]
    min_records: u32,
    #[serde(default)]
    absent: bool,
    #[serde(default)]
    latency: AtMost<Span>,
}

/// The types that the host asks for.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum RecordType {
    #[default]
    A,
    Aaaa,
    Cname,
    Mx,
    Ns,
    Txt,
    Srv,
    Caa,
    Soa,
    Ptr,
}

impl RecordType {
    fn as_text(self) -> String {
        format!("{self:?}").to_uppercase()
    }
}

const fn min_records_default() -> u32 {
    1
}

fn min_records<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let count = u32::deserialize(deserializer)?;
    if count > 1_000 { Err(de::Error::custom("at most 1000")) } else { Ok(count) }
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(de::Error::custom("must not be empty")) } else { Ok(text) }
}

fn some_not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    not_empty(deserializer).map(Some)
}

fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    if texts.iter().any(String::is_empty) { Err(de::Error::custom("no text may be empty")) } else { Ok(texts) }
}

/// That no record exists is said by `min-records = 0` or `absent`, not by an empty list that somebody forgot to fill.
fn some_texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let texts = texts(deserializer)?;
    if texts.is_empty() { Err(de::Error::custom("name at least one record")) } else { Ok(Some(texts)) }
}

/// The check.
struct Dns;

impl Check for Dns {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("dns", env!("CARGO_PKG_VERSION"))
            .description("Asks for a name and judges records and latency")
            .probe(Probe::Ready)
            .default_interval_ms(30_000)
            .default_timeout_ms(5_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        let question = format!("{} {}", config.record_type.as_text(), config.name);
        let asked_ns = clock::monotonic_ns();
        let answer = dns::resolve(&config.name, &config.record_type.as_text(), config.resolver.as_deref());
        let latency_ms = clock::monotonic_ns().saturating_sub(asked_ns) as f64 / 1e6;
        match answer {
            Ok(records) => {
                let mut records: Vec<String> = records.into_iter().map(|record| record.data).collect();
                records.sort_unstable();
                Ok(judge(&question, &records, latency_ms, config))
            }
            Err(error) if is_absent(&error) && config.absent => {
                let outcome = Outcome::healthy(format!("{question} does not exist"));
                Ok(outcome.judge("latency", latency_ms, "ms", &config.latency))
            }
            Err(error) if error.kind.is_about_the_target() => Ok(Outcome::unhealthy(format!("{question}: {error}"))),
            Err(error) => Err(error.into()),
        }
    }
}

fn is_absent(error: &Error) -> bool {
    error.code.as_deref() == Some("NXDOMAIN")
}

fn judge(question: &str, records: &[String], latency_ms: f64, config: &Config) -> Outcome {
    let shown = shown(records);
    let mut outcome = Outcome::healthy(format!("{question}: {shown}, {}", Span::show(latency_ms.round(), "ms")));
    let wrong = |outcome: Outcome, text: &str| outcome.finding(Status::Unhealthy, &format!("{question}: {text}"));
    if config.absent {
        return match records {
            [] => outcome,
            _ => wrong(outcome, &format!("should not exist and is {shown}")),
        };
    }
    if records.len() < config.min_records as usize {
        outcome = wrong(outcome, &format!("{} records, at least {} expected", records.len(), config.min_records));
    }
    if let Some(expected) = &config.expected {
        let missing =
            expected.iter().filter(|text| !records.iter().any(|record| same(config.record_type, record, text)));
        let others =
            records.iter().filter(|record| !expected.iter().any(|text| same(config.record_type, record, text)));
        let (missing, others): (Vec<&String>, Vec<&String>) = (missing.collect(), others.collect());
        if !missing.is_empty() {
            outcome = wrong(outcome, &format!("{} missing", listed(&missing)));
        }
        if !others.is_empty() {
            outcome = wrong(outcome, &format!("{} not expected", listed(&others)));
        }
    }
    for text in &config.contains {
        if !records.iter().any(|record| record.contains(text.as_str())) {
            outcome = wrong(outcome, &format!("no record contains {text:?}"));
        }
    }
    outcome.judge("latency", latency_ms, "ms", &config.latency).measure("records", records.len(), "{records}")
}

/// Names are compared in any case, with or without the dot at their end; texts are what they are.
fn same(record_type: RecordType, record: &str, expected: &str) -> bool {
    if matches!(record_type, RecordType::Txt | RecordType::Caa) {
        return record == expected;
    }
    record.trim_end_matches('.').eq_ignore_ascii_case(expected.trim_end_matches('.'))
}

fn shown(records: &[String]) -> String {
    match records {
        [] => "no records".to_owned(),
        records => listed(&records.iter().collect::<Vec<_>>()),
    }
}

fn listed(records: &[&String]) -> String {
    let first: Vec<&str> = records.iter().take(SHOWN_MAX).map(|record| record.as_str()).collect();
    let more = records.len().saturating_sub(SHOWN_MAX);
    if more == 0 { first.join(", ") } else { format!("{} and {more} more", first.join(", ")) }
}

probity_check::export!(Dns);

#[cfg(test)]
mod tests {
    use super::*;
    use probity_check::serde_json::{Value, json};
    use probity_check::testing::{TestHost, assert_schema_matches};

    fn run(records: &[&str], mut config: Value) -> Outcome {
        config["name"] = "shop.test".into();
        TestHost::new().dns("A shop.test", Ok(records)).run::<Dns>(config).unwrap()
    }

    #[test]
    fn schema_matches_the_configuration() {
        assert_schema_matches::<Dns>();
    }

    // A name with records is healthy and says them; without any it is unhealthy, unless none are needed.
    #[test]
    fn records_are_counted() {
        assert_eq!(run(&["192.0.2.2", "192.0.2.1"], json!({})).message, "A shop.test: 192.0.2.1, 192.0.2.2, 0 ms");
        assert_eq!(run(&[], json!({})).message, "A shop.test: 0 records, at least 1 expected");
        assert_eq!(run(&[], json!({"min-records": 0})).status, Status::Healthy);
        assert_eq!(run(&["192.0.2.1"], json!({"min-records": 2})).status, Status::Unhealthy);
    }

    // The expected records are a set: one missing or one too many is unhealthy, the order does not matter.
    #[test]
    fn expected_records_are_a_set() {
        let config = json!({"expected": ["192.0.2.1", "192.0.2.2"]});
        assert_eq!(run(&["192.0.2.2", "192.0.2.1"], config.clone()).status, Status::Healthy);
        let outcome = run(&["192.0.2.1", "198.51.100.9"], config);
        assert_eq!(outcome.message, "A shop.test: 192.0.2.2 missing; A shop.test: 198.51.100.9 not expected");
        let names = TestHost::new().dns("NS shop.test", Ok(&["NS1.shop.test."]));
        let config = json!({"name": "shop.test", "type": "NS", "expected": ["ns1.shop.test"]});
        assert_eq!(names.run::<Dns>(config).unwrap().status, Status::Healthy);
    }

    // Each text must be in some record.
    #[test]
    fn texts_are_looked_for() {
        let host = TestHost::new().dns("TXT shop.test", Ok(&["v=spf1 -all", "other"]));
        let run =
            |text: &str| host.run::<Dns>(json!({"name": "shop.test", "type": "TXT", "contains": [text]})).unwrap();
        assert_eq!(run("spf1").status, Status::Healthy);
        assert_eq!(run("dmarc").message, "TXT shop.test: no record contains \"dmarc\"");
    }

    // A name that does not exist is unhealthy, and healthy where that is what is wanted.
    #[test]
    fn absence_is_what_was_asked_for() {
        let host = TestHost::new();
        assert_eq!(host.run::<Dns>(json!({"name": "gone.test"})).unwrap().status, Status::Unhealthy);
        assert_eq!(host.run::<Dns>(json!({"name": "gone.test", "absent": true})).unwrap().status, Status::Healthy);
        assert_eq!(
            run(&["127.0.0.2"], json!({"absent": true})).message,
            "A shop.test: should not exist and is 127.0.0.2"
        );
    }

    // The resolver is the one that was named; a missing grant says nothing about the name.
    #[test]
    fn resolver_is_asked_by_name() {
        let denied = Err(Error::new(ErrorKind::Denied, "not granted"));
        let host = TestHost::new().dns("A shop.test @inside", Ok(&["10.0.0.1"])).dns("A shop.test", denied);
        let inside = host.run::<Dns>(json!({"name": "shop.test", "resolver": "inside"})).unwrap();
        assert_eq!(inside.status, Status::Healthy);
        assert!(matches!(host.run::<Dns>(json!({"name": "shop.test"})), Err(Failure::Capability(_))));
    }
}
