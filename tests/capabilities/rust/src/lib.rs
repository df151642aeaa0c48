//! The check of the capability suite, in Rust: see `tests/capabilities/README.md`.

mod backends;
mod machine;
mod net;
mod run;
mod show;

use probity_check::prelude::*;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    act: String,
    /// Errors become outcomes.
    #[serde(default)]
    catch: bool,
}

struct Capabilities;

impl Check for Capabilities {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("capabilities", "0.1.0").description("Does every capability arrive in every language?")
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        let act = act(&config.act).ok_or_else(|| Failure::other(format!("unknown act `{}`", config.act)))?;
        match act(Outcome::healthy(config.act.as_str())) {
            Err(Error { kind, message, code }) if config.catch => {
                Ok(Outcome::unhealthy(format!("{kind}: {message}")).detail("code", code.as_deref().unwrap_or("none")))
            }
            done => Ok(done?),
        }
    }
}

/// Calls something and adds what came back.
type Act = fn(Outcome) -> Result<Outcome, Error>;

fn act(word: &str) -> Option<Act> {
    Some(match word {
        "context" => run::context,
        "clock" => run::clock,
        "state" => run::state,
        "state-large" => run::state_large,
        "state-key" => run::state_key,
        "http-get" => net::http_get,
        "http-tls" => net::http_tls,
        "http-send" => net::http_send,
        "http-all" => net::http_all,
        "tcp" => net::tcp,
        "starttls" => net::starttls,
        "tls" => net::tls,
        "tls-trusting" => net::tls_trusting,
        "tls-named" => net::tls_named,
        "udp" => net::udp,
        "dns" => net::dns,
        "dns-at" => net::dns_at,
        "sql" => backends::sql,
        "sql-write" => backends::sql_write,
        "redis" => backends::redis,
        "queue" => backends::queue,
        "queue-publish" => backends::queue_publish,
        "secrets" => backends::secrets,
        "reveal" => backends::reveal,
        "memory" => machine::memory,
        "cpu" => machine::cpu,
        "load" => machine::load,
        "pressure" => machine::pressure,
        "uptime" => machine::uptime,
        "disk" => machine::disk,
        "disks" => machine::disks,
        "processes" => machine::processes,
        "stat" => machine::stat,
        "heartbeat" => machine::heartbeat,
        "heartbeats" => machine::heartbeats,
        "heartbeat-open" => machine::heartbeat_open,
        "peer" => machine::peer,
        "peers" => machine::peers,
        _ => return None,
    })
}

probity_check::export!(Capabilities);
