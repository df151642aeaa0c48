//! From a case as typed to the script of its run.

mod values;

use std::collections::BTreeMap;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::Deserialize;
use toml::{Spanned, Value};

pub(super) use self::values::json_of;
use probity_config::Limits;
use probity_core::clock::unix_ms;
use probity_drivers::client::Timing;
use probity_drivers::{CallError, decoded_now};
use probity_sandbox::capabilities::bindings::probity::check::{dns, heartbeats, peers, queue, redis, types};
use probity_sandbox::capabilities::canned::{Answer, Entry, HttpAnswer, Script, Wanted, shown, words};
use probity_sandbox::capabilities::told;

use self::values::{flatten, rows, sql_value};
use super::raw;
use super::reader::{Cases, Wrong};

/// A group of peers: where its first member stands, and all of them.
type Members = (std::ops::Range<usize>, Vec<(String, peers::Snapshot)>);

const ERROR_HELP: &str = "write error = \"denied\", or { kind = \"not-found\", message = \"…\" }";
const TEXT_HELP: &str = "or write `says` and `hears`, text";

/// Collects the entries of one case.
struct Writer<'a> {
    cases: &'a Cases,
    now: u64,
    entries: Vec<Entry>,
}

/// The script of `case`, told by the file it stands in.
pub(super) fn of(cases: &Cases, case: &raw::Case) -> Result<Script, Wrong> {
    let now = case.now.as_ref().map(|now| cases.time(now)).transpose()?;
    let mut writer = Writer { cases, now: now.unwrap_or_else(unix_ms), entries: Vec::new() };
    for http in &case.http {
        writer.http(http)?;
    }
    for tcp in &case.tcp {
        let raw::Tcp { to, says, hears, connect_ms, error } = tcp.get_ref();
        let (says, hears) = (says.clone().into_bytes(), hears.clone().map(String::into_bytes));
        writer.add(tcp, format!("tcp {to}"), error, Answer::Peer { says, hears, connect_ms: *connect_ms });
    }
    for udp in &case.udp {
        writer.udp(udp)?;
    }
    for tls in &case.tls {
        writer.tls(tls)?;
    }
    for dns in &case.dns {
        writer.dns(dns);
    }
    for sql in &case.sql {
        writer.sql(sql)?;
    }
    for redis in &case.redis {
        writer.redis(redis)?;
    }
    for queue in &case.queue {
        writer.queue(queue);
    }
    for heartbeat in &case.heartbeats {
        writer.heartbeat(heartbeat);
    }
    writer.peers(&case.peers);
    let at = writer.now;
    super::system::write(
        &mut |span, asked, error, answer| writer.put(span, asked, error, answer),
        cases,
        at,
        &case.system,
    )?;
    let engines = case.sql.iter().filter_map(|sql| {
        let sql = sql.get_ref();
        Some((sql.connection.clone(), sql.engine.clone()?))
    });
    Ok(Script {
        engines: engines.collect(),
        secrets: writer.secrets(&case.secrets)?,
        entries: writer.entries,
        now_unix_ms: now,
        ..Script::default()
    })
}

/// What a check reads of a body that a server sends, as the host would hand it out.
fn as_read(bytes: Vec<u8>, headers: &[(String, Vec<u8>)]) -> Result<Vec<u8>, CallError> {
    let pairs = headers.iter().filter_map(|(name, value)| {
        Some((http::HeaderName::from_bytes(name.as_bytes()).ok()?, http::HeaderValue::from_bytes(value).ok()?))
    });
    decoded_now(bytes.into(), &pairs.collect(), Limits::DEFAULT.response_bytes).map(|body| body.to_vec())
}

impl Writer<'_> {
    fn add<T>(&mut self, at: &Spanned<T>, asked: String, error: &Option<raw::Fail>, answer: Answer) {
        self.put(at.span(), asked, error.as_ref().map(|fail| fail.0.clone()), answer);
    }

    fn put(&mut self, span: std::ops::Range<usize>, asked: String, error: Option<CallError>, answer: Answer) {
        let answer = error.map_or(Ok(answer), Err);
        self.entries.push(Entry { asked, line: self.cases.line(&span), answer });
    }

    /// Values, and whether they may be revealed; those that fail become entries.
    fn secrets(&mut self, typed: &BTreeMap<String, Spanned<Value>>) -> Result<BTreeMap<String, (String, bool)>, Wrong> {
        let mut secrets = BTreeMap::new();
        for (name, typed) in typed {
            let value = typed.get_ref();
            let reveal = value.get("reveal").and_then(Value::as_bool).unwrap_or_default();
            if let Some(error) = value.get("error") {
                let fail = raw::Fail::deserialize(error.clone());
                let fail = fail.map_err(|error| self.cases.wrong(typed.span(), error.message(), ERROR_HELP))?;
                self.put(typed.span(), format!("secret {name}"), Some(fail.0), Answer::Done);
            } else if let Some(text) = value.as_str().or_else(|| value.get("value").and_then(Value::as_str)) {
                secrets.insert(name.clone(), (text.to_owned(), reveal));
            } else {
                let help = "write \"the value\", or { value = \"…\", reveal = true } for one that is handed out";
                return Err(self.cases.wrong(typed.span(), "no secret", help));
            }
        }
        Ok(secrets)
    }

    fn http(&mut self, at: &Spanned<raw::Http>) -> Result<(), Wrong> {
        let http = at.get_ref();
        let Some((method, url)) = http.request.split_once(' ') else {
            let help = "write METHOD and URL, as in \"GET https://service.test/stats\"";
            return Err(self.cases.wrong(at.span(), format!("`{}` is no request", http.request), help));
        };
        let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
        for (name, values) in &http.headers {
            headers.extend(values.all().iter().map(|value| (name.to_lowercase(), value.clone().into_bytes())));
        }
        let body = match (&http.body, &http.json, &http.body_base64) {
            (Some(text), None, None) => Ok(text.clone().into_bytes()),
            (None, Some(json), None) => {
                headers.push(("content-type".into(), b"application/json".to_vec()));
                Ok(json_of(json).to_string().into_bytes())
            }
            (None, None, Some(typed)) => {
                let bytes = BASE64_STANDARD.decode(typed.get_ref());
                let bytes = bytes.map_err(|error| {
                    self.cases.wrong(typed.span(), format!("not base64: {error}"), "or write `body`, text")
                })?;
                as_read(bytes, &headers)
            }
            (None, None, None) => Ok(Vec::new()),
            _ => {
                let message = "`body`, `body-base64` and `json` exclude each other";
                return Err(self.cases.wrong(at.span(), message, "keep one"));
            }
        };
        let sent_body = match (&http.sent_body, &http.sent_json) {
            (Some(text), _) => Some(text.clone().into_bytes()),
            (None, json) => json.as_ref().map(|json| json_of(json).to_string().into_bytes()),
        };
        let answer = HttpAnswer {
            status: http.status,
            headers,
            body,
            trailers: http
                .trailers
                .iter()
                .map(|(name, value)| (name.to_lowercase(), value.clone().into_bytes()))
                .collect(),
            timing: Timing {
                dns: http.dns_ms.map(duration),
                connect: http.connect_ms.map(duration),
                tls: None,
                first_byte: duration(http.first_byte_ms.unwrap_or(http.total_ms)),
                total: duration(http.total_ms),
            },
            sent_body,
            sent_headers: http.sent_headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect(),
            sent_timeout_ms: http.sent_timeout_ms,
            sent_max_redirects: http.sent_max_redirects,
        };
        self.add(at, format!("{} {url}", method.to_uppercase()), &http.error, Answer::Http(Box::new(answer)));
        Ok(())
    }

    fn udp(&mut self, at: &Spanned<raw::Udp>) -> Result<(), Wrong> {
        let udp = at.get_ref();
        let decoded = |text: &Option<Spanned<String>>| {
            let bytes = text.as_ref().map(|text| (text, BASE64_STANDARD.decode(text.get_ref())));
            bytes
                .map(|(text, bytes)| {
                    bytes.map_err(|error| self.cases.wrong(text.span(), format!("not base64: {error}"), TEXT_HELP))
                })
                .transpose()
        };
        let says = decoded(&udp.says_base64)?.unwrap_or_else(|| udp.says.clone().into_bytes());
        let hears = decoded(&udp.hears_base64)?.or_else(|| udp.hears.clone().map(String::into_bytes));
        let answer = Answer::Peer { says, hears, connect_ms: udp.elapsed_ms };
        self.add(at, format!("udp {}", udp.to), &udp.error, answer);
        Ok(())
    }

    fn tls(&mut self, at: &Spanned<raw::Tls>) -> Result<(), Wrong> {
        let tls = at.get_ref();
        const DAY_S: i64 = 86_400;
        let now_s = i64::try_from(self.now / 1000).unwrap_or(i64::MAX);
        let seconds = |time: &Option<Spanned<Value>>, default: i64| -> Result<i64, Wrong> {
            let ms = time.as_ref().map(|time| self.cases.time(time)).transpose()?;
            Ok(ms.map_or(default, |ms| i64::try_from(ms / 1000).unwrap_or(i64::MAX)))
        };
        let certificate = types::Certificate {
            subject: tls.subject.clone(),
            issuer: tls.issuer.clone(),
            serial: tls.serial.clone(),
            not_before_unix: seconds(&tls.not_before, now_s - DAY_S)?,
            not_after_unix: seconds(&tls.not_after, now_s + 90 * DAY_S)?,
            dns_names: tls.dns_names.clone(),
            sha256: tls.sha256.clone(),
        };
        let (asked, answer) = match (&tls.to, &tls.named) {
            (Some(to), None) => {
                let info = types::TlsInfo {
                    protocol: tls.protocol.clone(),
                    cipher: tls.cipher.clone(),
                    alpn: tls.alpn.clone(),
                    handshake_ms: tls.handshake_ms,
                    chain: vec![certificate],
                    verified: tls.untrusted.clone().map_or(Ok(()), Err),
                };
                let wanted = Wanted { server_name: tls.server_name.clone(), authority: tls.authority.clone() };
                (format!("tls {to}"), Answer::Tls(info, wanted))
            }
            (None, Some(named)) => (format!("tls named {named}"), Answer::Certificates(vec![certificate])),
            _ => {
                return Err(self.cases.wrong(
                    at.span(),
                    "one of `to` and `named` is needed",
                    "to = \"service.test:443\"",
                ));
            }
        };
        self.add(at, asked, &tls.error, answer);
        Ok(())
    }

    fn dns(&mut self, at: &Spanned<raw::Dns>) {
        let dns = at.get_ref();
        let server = dns.server.as_ref().map(|server| format!(" at {server}")).unwrap_or_default();
        let records = dns.answers.iter().map(|data| dns::Answer { data: data.clone(), ttl: dns.ttl }).collect();
        let asked = format!("dns {} {}{server}", dns.record_type.to_uppercase(), dns.name);
        self.add(at, asked, &dns.error, Answer::Records(records));
    }

    fn sql(&mut self, at: &Spanned<raw::Sql>) -> Result<(), Wrong> {
        let sql = at.get_ref();
        let with = match &sql.params {
            Some(params) => {
                format!(" [{}]", params.iter().map(|value| shown(&sql_value(value))).collect::<Vec<_>>().join(", "))
            }
            None => String::new(),
        };
        let (operation, answer) = match (&sql.query, &sql.execute, sql.call) {
            (Some(query), None, None) => (format!("query {}{with}", words(query)), Answer::Rows(rows(self.cases, at)?)),
            (None, Some(statement), None) => {
                (format!("execute {}{with}", words(statement)), Answer::Affected(sql.affected))
            }
            (None, None, Some(call)) => match call {
                raw::SqlCall::Open => ("open".into(), Answer::Done),
                raw::SqlCall::Ping => ("ping".into(), Answer::Ms(sql.ms)),
                raw::SqlCall::Begin => ("begin".into(), Answer::Done),
                raw::SqlCall::Commit => ("commit".into(), Answer::Done),
                raw::SqlCall::Rollback => ("rollback".into(), Answer::Done),
            },
            _ => {
                let help = "write query = \"SELECT …\", execute = \"UPDATE …\" or call = \"open\"";
                return Err(self.cases.wrong(at.span(), "one of `query`, `execute` and `call` is needed", help));
            }
        };
        self.add(at, format!("sql {} {operation}", sql.connection), &sql.error, answer);
        Ok(())
    }

    fn redis(&mut self, at: &Spanned<raw::Redis>) -> Result<(), Wrong> {
        let redis = at.get_ref();
        let (operation, answer) = match (&redis.command, redis.call) {
            (Some(command), None) => {
                let (name, rest) = command.trim().split_once(' ').unwrap_or((command.trim(), ""));
                let mut tokens = Vec::new();
                match &redis.reply {
                    Some(reply) => flatten(reply, &mut tokens),
                    None => tokens.push(redis::Token::Nil),
                }
                (format!("command {} {rest}", name.to_uppercase()).trim_end().to_owned(), Answer::Tokens(tokens))
            }
            (None, Some(raw::RedisCall::Open)) => ("open".to_owned(), Answer::Done),
            (None, Some(raw::RedisCall::Ping)) => ("ping".to_owned(), Answer::Ms(redis.ms)),
            _ => {
                let help = "write command = \"LLEN mails\" or call = \"ping\"";
                return Err(self.cases.wrong(at.span(), "one of `command` and `call` is needed", help));
            }
        };
        self.add(at, format!("redis {} {operation}", redis.connection), &redis.error, answer);
        Ok(())
    }

    fn queue(&mut self, at: &Spanned<raw::Queue>) {
        let raw = at.get_ref();
        let (asked, answer) = match &raw.publish {
            Some(payload) => (format!("queue {} publish {payload}", raw.name), Answer::Done),
            None => {
                let stats = queue::Stats {
                    depth: raw.depth,
                    in_flight: raw.in_flight,
                    consumers: raw.consumers,
                    oldest_age_ms: raw.oldest_age_ms,
                    lag: raw.lag,
                };
                (format!("queue {}", raw.name), Answer::Stats(stats))
            }
        };
        self.add(at, asked, &raw.error, answer);
    }

    fn heartbeat(&mut self, at: &Spanned<raw::Heartbeat>) {
        let raw = at.get_ref();
        let now = self.now;
        let beats = raw.beats.iter().map(|beat| heartbeats::Beat {
            at_unix_ms: now.saturating_sub(beat.age_ms),
            age_ms: beat.age_ms,
            ok: beat.ok,
            message: beat.message.clone(),
            duration_ms: beat.duration_ms,
        });
        let open = raw.open.iter().map(|run| heartbeats::OpenRun {
            id: run.id.clone(),
            started_unix_ms: now.saturating_sub(run.age_ms),
            age_ms: run.age_ms,
        });
        let (beats, open): (_, Vec<_>) = (beats.collect(), open.collect());
        // What a case says nothing of need not be asked for.
        if open.is_empty() || !raw.beats.is_empty() {
            self.add(at, format!("heartbeat {}", raw.name), &raw.error, Answer::Beats(beats));
        }
        if !open.is_empty() {
            self.add(at, format!("open runs of {}", raw.name), &raw.error, Answer::OpenRuns(open));
        }
    }

    /// Each by its name, and each group by the checks that say they are in it.
    fn peers(&mut self, peers: &[Spanned<raw::Peer>]) {
        let mut groups: BTreeMap<&str, Members> = BTreeMap::new();
        for at in peers {
            let raw = at.get_ref();
            let snapshot = peers::Snapshot {
                status: raw.status.and_then(told),
                message: raw.message.clone(),
                at_unix_ms: self.now.saturating_sub(raw.age_ms),
                stale: raw.stale,
            };
            let one = (raw.check.clone(), snapshot);
            for group in &raw.groups {
                groups.entry(group).or_insert_with(|| (at.span(), Vec::new())).1.push(one.clone());
            }
            self.add(at, format!("peer {}", raw.check), &raw.error, Answer::Peers(vec![one]));
        }
        for (group, (span, mut members)) in groups {
            members.sort_by(|one, other| one.0.cmp(&other.0));
            self.put(span, format!("peers of {group}"), None, Answer::Peers(members));
        }
    }
}

fn duration(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default()
}
