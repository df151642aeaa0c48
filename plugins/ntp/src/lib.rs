//! How far the clock of this machine is from NTP servers.

use probity_check::prelude::*;
use probity_check::units::Quantity;
use serde::{Deserialize, Deserializer, de};

mod packet;

use packet::{Refusal, Sample};

/// Servers of one check.
const HOSTS_MAX: usize = 8;

/// Answers of one server.
const SAMPLES_MAX: u32 = 4;

/// Exchanges with one server beyond the answers wanted: datagrams are lost.
const REPEATS: u32 = 2;

/// Bytes of an answer: extensions may follow the packet.
const ANSWER_BYTES_MAX: u32 = 512;

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(deserialize_with = "hosts")]
    hosts: Vec<String>,
    #[serde(default)]
    port: Option<std::num::NonZeroU16>,
    #[serde(default = "one", deserialize_with = "required")]
    required: u32,
    #[serde(default = "one", deserialize_with = "samples")]
    samples: u32,
    #[serde(default = "timeout_default")]
    timeout: Span,
    #[serde(default = "offset_default")]
    offset: AtMost<Span>,
    #[serde(default)]
    stratum: AtMost,
    #[serde(default)]
    distance: AtMost<Span>,
}

const fn one() -> u32 {
    1
}

const fn timeout_default() -> Span {
    Span::from_ms(1_000)
}

/// As check_ntp_time.
const fn offset_default() -> AtMost<Span> {
    AtMost::new(Span::from_ms(60_000), Span::from_ms(120_000))
}

fn hosts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let hosts = Vec::<String>::deserialize(deserializer)?;
    if hosts.iter().any(String::is_empty) || !(1..=HOSTS_MAX).contains(&hosts.len()) {
        return Err(de::Error::custom(format_args!("name 1 to {HOSTS_MAX} servers")));
    }
    Ok(hosts)
}

fn required<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    within(deserializer, HOSTS_MAX as u32)
}

fn samples<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    within(deserializer, SAMPLES_MAX)
}

fn within<'de, D: Deserializer<'de>>(deserializer: D, max: u32) -> Result<u32, D::Error> {
    let number = u32::deserialize(deserializer)?;
    let fits = (1..=max).contains(&number);
    if fits { Ok(number) } else { Err(de::Error::custom(format_args!("must be 1 to {max}"))) }
}

/// The check.
struct Ntp;

impl Check for Ntp {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("ntp", env!("CARGO_PKG_VERSION"))
            .description("How far the clock of this machine is from NTP servers")
            .default_interval_ms(60_000)
            .default_timeout_ms(10_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        if config.required as usize > config.hosts.len() {
            return Err(Failure::invalid_config("/required", "more than there are hosts"));
        }
        let mut usable = Vec::new();
        let mut useless = Vec::new();
        for (index, host) in config.hosts.iter().enumerate() {
            match ask(config, host, index as u64)? {
                Ok(sample) => usable.push((host.as_str(), sample)),
                Err(why) => useless.push(format!("{host}: {why}")),
            }
        }
        Ok(judge(config, usable, &useless))
    }
}

/// The best answer of `host`, or why it gave none that is of use.
fn ask(config: &Config, host: &str, index: u64) -> Result<Result<Sample, String>, Error> {
    let port = config.port.map_or(123, std::num::NonZeroU16::get);
    let mut best: Option<Sample> = None;
    let mut answers = 0;
    let mut why = String::new();
    for attempt in 0..config.samples + REPEATS {
        let nonce = nonce(index << 32 | u64::from(attempt));
        let reply = match udp::exchange(host, port, &packet::question(nonce), ANSWER_BYTES_MAX, Some(config.timeout)) {
            Ok(reply) => reply,
            Err(error) if error.kind.is_about_the_target() || error.kind == ErrorKind::TooLarge => {
                why = error.to_string();
                // Only what was lost is worth another try.
                if error.kind == ErrorKind::Timeout { continue } else { break }
            }
            Err(error) => return Err(error),
        };
        match packet::read(&reply.payload, nonce, reply.received_unix_ns, reply.elapsed_ms) {
            Ok(sample) => {
                answers += 1;
                best = Some(best.filter(|best| best.delay_ms <= sample.delay_ms).unwrap_or(sample));
                if answers == config.samples {
                    break;
                }
            }
            Err(refusal) => {
                why = refusal.to_string();
                // Whoever asks on after a kiss is not answered any more.
                if !matches!(refusal, Refusal::Nonsense(_)) {
                    break;
                }
            }
        }
    }
    debug_assert!(best.is_some() || !why.is_empty(), "either is set in each turn");
    Ok(best.ok_or(why))
}

/// A number that an attacker who does not see the datagram cannot guess: the random part of the run's id, mixed.
fn nonce(salt: u64) -> u64 {
    let digits: String = context::run_id().chars().filter(char::is_ascii_hexdigit).collect();
    let tail = digits.get(digits.len().saturating_sub(16)..).unwrap_or_default();
    let random = u64::from_str_radix(tail, 16).unwrap_or_default();
    // Multiplying by an odd number loses nothing; zero would be no question.
    (random ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xff51_afd7_ed55_8ccd) | 1
}

fn judge(config: &Config, mut usable: Vec<(&str, Sample)>, useless: &[String]) -> Outcome {
    usable.sort_by(|(_, a), (_, b)| a.offset_ms.total_cmp(&b.offset_ms));
    let count = usable.len();
    let Some((host, sample)) = median(&usable) else {
        return Outcome::unhealthy(useless.join("; "));
    };
    let offset = Span::show(sample.offset_ms.abs(), "ms");
    let side = if sample.offset_ms < 0.0 { "ahead of" } else { "behind" };
    let text = format!("{offset} {side} {host} (stratum {})", sample.stratum);
    let verdict = config.offset.judge(sample.offset_ms.abs());
    let mut outcome = Outcome::healthy(text);
    if let Some(complaint) = config.offset.complaint(sample.offset_ms.abs(), "ms") {
        outcome = outcome.finding(verdict, &format!("the clock is {side} {host} by {complaint}"));
    }
    if count < config.required as usize {
        let finding = format!("{count} of {} servers gave a usable time: {}", config.hosts.len(), useless.join("; "));
        outcome = outcome.finding(Status::Unhealthy, &finding);
    }
    outcome = outcome.measure("offset", sample.offset_ms, "ms");
    if let Some(last) = outcome.measurements.last_mut() {
        last.status = Some(verdict);
    }
    outcome = outcome
        .judge("stratum", f64::from(sample.stratum), "1", &config.stratum)
        .judge("distance", sample.distance_ms, "ms", &config.distance)
        .measure("delay", sample.delay_ms, "ms")
        .measure("usable", count as u32, "{servers}")
        .detail("server", host);
    match useless {
        [] => outcome,
        _ => outcome.detail("useless", useless.join("; ")),
    }
}

/// The one in the middle: of an odd number a lone liar is never it. Of two in the middle, the surer one.
fn median<'a>(sorted: &[(&'a str, Sample)]) -> Option<(&'a str, Sample)> {
    let (upper, lower) = (sorted.get(sorted.len() / 2)?, sorted.get(sorted.len().saturating_sub(1) / 2)?);
    Some(*if lower.1.distance_ms <= upper.1.distance_ms { lower } else { upper })
}

probity_check::export!(Ntp);

#[cfg(test)]
mod tests;
