//! Connects to a TCP port, optionally speaks a line, and judges answer and latency.

use probity_check::prelude::*;
use probity_check::units::Quantity;
use serde::{Deserialize, Deserializer, de};

/// How much of an answer is searched for the expected text.
const ANSWER_MAX_BYTES: usize = 64 * 1024;

/// How much is read at once.
const CHUNK_BYTES: u32 = 4096;

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(deserialize_with = "not_empty")]
    host: String,
    port: std::num::NonZeroU16,
    #[serde(default)]
    send: Option<String>,
    #[serde(default, deserialize_with = "some_not_empty")]
    expect: Option<String>,
    #[serde(default)]
    timeout: Option<Span>,
    #[serde(default)]
    connect: AtMost<Span>,
    #[serde(default)]
    answer: AtMost<Span>,
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(de::Error::custom("must not be empty")) } else { Ok(text) }
}

fn some_not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    not_empty(deserializer).map(Some)
}

/// The check.
struct Tcp;

impl Check for Tcp {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("tcp", env!("CARGO_PKG_VERSION"))
            .description("Connects to a TCP port, optionally speaks a line, and judges answer and latency")
            .probe(Probe::Ready)
            .default_interval_ms(15_000)
            .default_timeout_ms(5_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        match converse(config) {
            Ok(outcome) => Ok(outcome),
            Err(error) if error.kind.is_about_the_target() => {
                Ok(Outcome::unhealthy(format!("{}:{}: {error}", config.host, config.port)))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn converse(config: &Config) -> Result<Outcome, Error> {
    let socket = tcp::Socket::connect(&config.host, config.port.get(), config.timeout)?;
    let connect_ms = socket.connect_ms();
    let text = format!("{}:{} accepts, {}", config.host, config.port, Span::show(connect_ms, "ms"));
    let mut outcome = Outcome::healthy(text).judge("connect", connect_ms, "ms", &config.connect);
    let sent_ns = clock::monotonic_ns();
    if let Some(line) = &config.send {
        socket.write(line.as_bytes())?;
    }
    if let Some(expected) = &config.expect {
        let answer = read_for(&socket, expected.as_bytes(), config.timeout)?;
        let answer_ms = clock::monotonic_ns().saturating_sub(sent_ns) as f64 / 1e6;
        outcome = outcome.judge("answer", answer_ms, "ms", &config.answer);
        outcome = judge_answer(outcome, &answer, expected);
    }
    Ok(outcome.detail("address", socket.remote_address()))
}

fn judge_answer(outcome: Outcome, answer: &[u8], expected: &str) -> Outcome {
    let answer = String::from_utf8_lossy(answer);
    let shown: String = answer.lines().next().unwrap_or_default().chars().take(120).collect();
    if answer.contains(expected) {
        return outcome.detail("answer", shown);
    }
    outcome.finding(Status::Unhealthy, &format!("expected {expected:?}, got {shown:?}"))
}

/// Reads until `expected` is there, the other side is done, or the limit is reached.
fn read_for(socket: &tcp::Socket, expected: &[u8], timeout: Option<Span>) -> Result<Vec<u8>, Error> {
    let mut answer = Vec::new();
    while answer.len() < ANSWER_MAX_BYTES {
        let chunk = match socket.read(CHUNK_BYTES, timeout) {
            Ok(chunk) => chunk,
            // Said something else, then waited: better told with what it said.
            Err(error) if error.kind == ErrorKind::Timeout && !answer.is_empty() => break,
            Err(error) => return Err(error),
        };
        // The text may span the border of two chunks.
        let from = answer.len().saturating_sub(expected.len());
        answer.extend_from_slice(&chunk);
        if chunk.is_empty() || answer[from..].windows(expected.len()).any(|window| window == expected) {
            break;
        }
    }
    Ok(answer)
}

probity_check::export!(Tcp);

#[cfg(test)]
mod tests {
    use super::*;
    use probity_check::serde_json::{Value, json};
    use probity_check::testing::{Script, TestHost, assert_schema_matches};

    fn run(script: Script, mut config: Value) -> Outcome {
        config["host"] = "mail.test".into();
        config["port"] = 25.into();
        TestHost::new().tcp("mail.test:25", script).run::<Tcp>(config).unwrap()
    }

    #[test]
    fn schema_matches_the_configuration() {
        assert_schema_matches::<Tcp>();
    }

    // An open port is healthy; connecting slowly is degraded or unhealthy.
    #[test]
    fn connect_time_is_judged() {
        let config = json!({"connect": {"warn": "100ms", "crit": "1s"}});
        let status = |ms| run(Script::new().connect_ms(ms), config.clone()).status;
        assert_eq!([50.0, 150.0, 1500.0].map(status), [Status::Healthy, Status::Degraded, Status::Unhealthy]);
    }

    // What is expected is found even when it comes in pieces.
    #[test]
    fn expected_answer_is_healthy() {
        let script = Script::new().sends(b"220 mail\r\n").expects(b"QUIT\r\n").sends(b"22").sends(b"1 bye\r\n");
        let outcome = run(script, json!({"send": "QUIT\r\n", "expect": "221 "}));
        assert_eq!(outcome.status, Status::Healthy, "{}", outcome.message);
    }

    // Another answer is unhealthy, and the message quotes it.
    #[test]
    fn other_answer_is_unhealthy() {
        let outcome = run(Script::new().sends(b"554 go away\r\n"), json!({"expect": "220 "}));
        assert_eq!(
            (outcome.status, outcome.message.as_str()),
            (Status::Unhealthy, "expected \"220 \", got \"554 go away\"")
        );
    }

    // A port that refuses, or never answers, is unhealthy.
    #[test]
    fn refusal_and_silence_are_unhealthy() {
        let refused = TestHost::new().run::<Tcp>(json!({"host": "mail.test", "port": 25})).unwrap();
        assert_eq!(refused.status, Status::Unhealthy);
        let silent = run(Script::new().fails(Error::new(ErrorKind::Timeout, "2 s")), json!({"expect": "220"}));
        assert_eq!((silent.status, silent.message.as_str()), (Status::Unhealthy, "mail.test:25: timeout: 2 s"));
    }

    // What the operator did not grant says nothing about the port.
    #[test]
    fn denied_is_a_failure() {
        let host = TestHost::new().tcp_error("mail.test:25", Error::new(ErrorKind::Denied, "not granted"));
        let result = host.run::<Tcp>(json!({"host": "mail.test", "port": 25}));
        assert!(matches!(result, Err(Failure::Capability(error)) if error.kind == ErrorKind::Denied));
    }
}
