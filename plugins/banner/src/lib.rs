//! Greets a mail, SSH or FTP server, judges what it says and how long it takes, and says goodbye.

use probity_check::json::quote;
use probity_check::prelude::*;
use probity_check::units::Quantity;
use serde::{Deserialize, Deserializer, de};

mod protocol;
mod secure;

use protocol::Protocol;
use secure::Tls;

/// Longest line of a server. RFC 5321 allows 512 bytes, servers with many capabilities write more.
const LINE_BYTES_MAX: u32 = 8 << 10;

/// Lines of one answer.
const LINES_MAX: usize = 100;

/// How long the answer to a farewell is waited for.
const FAREWELL: Span = Span::from_ms(500);

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    protocol: Protocol,
    #[serde(deserialize_with = "word")]
    host: String,
    #[serde(default)]
    port: Option<std::num::NonZeroU16>,
    #[serde(default)]
    expect: Option<String>,
    #[serde(default = "ehlo_default", deserialize_with = "word")]
    ehlo: String,
    #[serde(default, deserialize_with = "capabilities")]
    capabilities: Vec<String>,
    #[serde(default)]
    tls: Option<Tls>,
    #[serde(default, deserialize_with = "some_word")]
    server_name: Option<String>,
    #[serde(default, deserialize_with = "some_word")]
    authority: Option<String>,
    #[serde(default = "verify_default")]
    verify: bool,
    #[serde(default = "certificate_default")]
    certificate_days: AtLeast,
    #[serde(default)]
    timeout: Option<Span>,
    #[serde(default)]
    connect: AtMost<Span>,
    #[serde(default)]
    latency: AtMost<Span>,
}

fn ehlo_default() -> String {
    "localhost".to_owned()
}

const fn verify_default() -> bool {
    true
}

/// As the other checks that look at certificates.
const fn certificate_default() -> AtLeast {
    AtLeast::new(21.0, 3.0)
}

fn some_word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    word(deserializer).map(Some)
}

/// One word: a line break in it would be a command of its own.
fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_word = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
    if is_word { Ok(text) } else { Err(de::Error::custom("must be a word of ASCII letters, digits and signs")) }
}

fn capabilities<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    if names.iter().any(String::is_empty) {
        Err(de::Error::custom("an empty name is in every answer"))
    } else {
        Ok(names)
    }
}

impl Config {
    fn port(&self) -> u16 {
        self.port.map_or_else(|| self.protocol.port(self.tls == Some(Tls::Immediate)), std::num::NonZeroU16::get)
    }
}

/// The check.
struct Banner;

impl Check for Banner {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("banner", env!("CARGO_PKG_VERSION"))
            .description("Greets a mail, SSH or FTP server, judges what it says and how long it takes")
            .probe(Probe::Ready)
            .default_interval_ms(30_000)
            .default_timeout_ms(10_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        if !config.capabilities.is_empty() && config.protocol.question("").is_none() {
            return Err(Failure::invalid_config("/capabilities", "SSH has no list of them"));
        }
        if config.tls.is_some() && config.protocol.starttls().is_none() {
            return Err(Failure::invalid_config("/tls", "SSH has none"));
        }
        match converse(config) {
            Ok(outcome) => Ok(outcome),
            // A server that chatters without end does not speak the protocol.
            Err(error) if error.kind.is_about_the_target() || error.kind == ErrorKind::TooLarge => {
                Ok(Outcome::unhealthy(format!("{}:{}: {error}", config.host, config.port())))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn converse(config: &Config) -> Result<Outcome, Error> {
    let start_ns = clock::monotonic_ns();
    let socket = tcp::Socket::connect(&config.host, config.port(), config.timeout)?;
    let mut session = match config.tls {
        Some(Tls::Immediate) => Some(secure::start(&socket, config)?),
        _ => None,
    };
    let greeting = greeting(&socket, config)?;
    let latency_ms = clock::monotonic_ns().saturating_sub(start_ns) as f64 / 1e6;
    let expected = config.expect.as_deref().unwrap_or_else(|| config.protocol.welcome());
    let text = format!("{} in {}", quote(&greeting), Span::show(latency_ms, "ms"));
    let mut outcome = Outcome::healthy(text).judge("connect", socket.connect_ms(), "ms", &config.connect).judge(
        "latency",
        latency_ms,
        "ms",
        &config.latency,
    );
    let is_welcome = greeting.starts_with(config.protocol.welcome()) && greeting.contains(expected);
    if !is_welcome {
        let finding = format!("expected {}, got {}", quote(expected), quote(&greeting));
        outcome = outcome.finding(Status::Unhealthy, &finding);
    } else if config.tls == Some(Tls::Starttls) {
        match secure::starttls(&socket, config)? {
            Ok(info) => {
                session = Some(info);
                outcome = judge_capabilities(outcome, &socket, config)?;
            }
            Err(refusal) => outcome = outcome.finding(Status::Unhealthy, &refusal),
        }
    } else {
        outcome = judge_capabilities(outcome, &socket, config)?;
    }
    if let Some(info) = &session {
        outcome = secure::judge(outcome, info, config);
    }
    take_leave(&socket, config.protocol);
    Ok(outcome.detail("address", socket.remote_address()).detail("greeting", greeting))
}

/// The line of the greeting that counts: the last.
fn greeting(socket: &tcp::Socket, config: &Config) -> Result<String, Error> {
    for count in 0..LINES_MAX {
        let line = read_line(socket, config.timeout)?;
        if !config.protocol.greeting_goes_on(&line, count == 0) {
            return Ok(line);
        }
    }
    Err(Error::new(ErrorKind::Protocol, format!("the greeting is longer than {LINES_MAX} lines")))
}

fn judge_capabilities(mut outcome: Outcome, socket: &tcp::Socket, config: &Config) -> Result<Outcome, Error> {
    let Some(question) = config.protocol.question(&config.ehlo).filter(|_| !config.capabilities.is_empty()) else {
        return Ok(outcome);
    };
    let offered = match answer(socket, config, &question, |line, first| config.protocol.last(line, first))? {
        Ok(lines) => lines,
        Err(refusal) => return Ok(outcome.finding(Status::Unhealthy, &refusal)),
    };
    for name in &config.capabilities {
        if !offered.iter().any(|line| offers(line, name)) {
            outcome = outcome.finding(Status::Unhealthy, &format!("the server does not offer {name}"));
        }
    }
    Ok(outcome)
}

/// Says `question` and reads the lines of the answer, up to the one that `last` takes for the last; the inner error says
/// that the server refused.
fn answer(
    socket: &tcp::Socket,
    config: &Config,
    question: &str,
    last: impl Fn(&str, bool) -> Option<bool>,
) -> Result<Result<Vec<String>, String>, Error> {
    socket.write(question.as_bytes())?;
    let mut lines: Vec<String> = Vec::new();
    while lines.len() < LINES_MAX {
        let line = read_line(socket, config.timeout)?;
        let verdict = last(&line, lines.is_empty());
        if verdict == Some(false) {
            return Ok(Err(format!("{} was refused: {}", question.trim_end(), quote(&line))));
        }
        lines.push(line);
        if verdict == Some(true) {
            return Ok(Ok(lines));
        }
    }
    let message = format!("{LINES_MAX} lines and no end in answer to {}", question.trim_end());
    Err(Error::new(ErrorKind::Protocol, message))
}

/// Whether the words of `name` follow each other in `line`, in any case: `AUTH=PLAIN`, `SIZE`, `auth plain`.
fn offers(line: &str, name: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let split = text.split(|c: char| c.is_whitespace() || c == '-').filter(|word| !word.is_empty());
        split.map(str::to_ascii_lowercase).collect()
    };
    let (line, name) = (words(line), words(name));
    !name.is_empty() && line.windows(name.len()).any(|window| window == name)
}

/// Politeness only: what comes of it is no judgement.
fn take_leave(socket: &tcp::Socket, protocol: Protocol) {
    if socket.write(protocol.farewell().as_bytes()).is_ok() && protocol != Protocol::Ssh {
        let _ = socket.read_until(b"\n", LINE_BYTES_MAX, Some(FAREWELL));
    }
}

fn read_line(socket: &tcp::Socket, timeout: Option<Span>) -> Result<String, Error> {
    let line = socket.read_until(b"\n", LINE_BYTES_MAX, timeout)?;
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

probity_check::export!(Banner);

#[cfg(test)]
mod tests;
