//! `probity inspect`: what a plugin is, what it may ask for, and whether the host would take it.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use probity_config::Config;
use probity_core::CONTRACT;
use probity_core::check::{Capability, Probe};
use probity_core::text::{clean, clean_lines};
use probity_sandbox::capability;
use probity_server::plugins::{Rejection, Version};
use serde_json::{Value, json};

use super::terminal::{self, Paint, grouped, milliseconds, size};
use super::{Output, local};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probity inspect plugins/http.wasm
  probity inspect http --output json          plugins/http.wasm, for programs
  probity inspect http --schema               the JSON Schema of its configuration
  probity inspect http --example              a configuration to start from

Exits 1 when a host would refuse the plugin, and says why.")]
pub(super) struct Args {
    /// A component file, or the name of one in the plugin directory
    plugin: String,
    /// Where plugins are looked for by name
    #[arg(long, value_name = "DIR", default_value = "plugins")]
    plugins: PathBuf,
    /// Print the JSON Schema of its configuration
    #[arg(long, conflicts_with_all = ["example", "output"])]
    schema: bool,
    /// Print the example of its configuration
    #[arg(long, conflicts_with = "output")]
    example: bool,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Human)]
    output: Output,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let path = local::find(&args.plugin, &args.plugins)?;
    // Without a cache: the time to compile is part of the answer.
    let settings = Config::default_in(Path::new("")).plugins;
    let local = local::Local::new(None, &settings)?;
    let version = match local.load(&settings, &path) {
        Ok(version) => version,
        Err(rejection) => return refused(args, &path, &rejection),
    };
    if args.schema {
        document(version.metadata.config_schema.as_deref(), "config-schema")?;
    } else if args.example {
        document(version.metadata.config_example.as_deref(), "config-example")?;
    } else if args.output == Output::Json {
        terminal::print_json(&as_json(&path, &version))?;
    } else {
        terminal::print(&as_text(&path, &version, Paint::for_stdout()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what `describe()` gave as text, indented when it is JSON.
fn document(text: Option<&str>, field: &str) -> anyhow::Result<()> {
    let Some(text) = text else { bail!("the plugin gives no `{field}`") };
    let text = match serde_json::from_str::<Value>(text) {
        Ok(value) => serde_json::to_string_pretty(&value)?,
        Err(_) => text.to_owned(),
    };
    // The author's words, on a terminal.
    terminal::print(&format!("{}\n", clean_lines(&text, usize::MAX)))?;
    Ok(())
}

fn refused(args: &Args, path: &Path, rejection: &Rejection) -> anyhow::Result<ExitCode> {
    if args.output == Output::Json {
        terminal::print_json(&json!({ "file": path, "rejected": rejection }))?;
    } else {
        let stage = serde_json::to_value(rejection.stage)?;
        let stage = stage.as_str().unwrap_or_default();
        terminal::complain(&format!("error: {} is refused at step {stage}: {}", path.display(), rejection.message));
    }
    Ok(ExitCode::FAILURE)
}

/// The version of the contract that the component was built for.
fn contract(imports: &[String]) -> String {
    let ours = imports.iter().find_map(|import| import.strip_prefix("probity:check/")?.split_once('@'));
    ours.map_or_else(|| CONTRACT.to_owned(), |(_, version)| format!("probity:check@{version}"))
}

fn as_json(path: &Path, version: &Version) -> Value {
    let imports = version.program.imports.iter().map(|import| match capability(import) {
        Some(capability) => {
            json!({ "name": import, "capability": capability, "needs_grant": capability.needs_grant() })
        }
        None => json!({ "name": import }),
    });
    let mut metadata = json!(version.metadata);
    for field in ["config_schema", "config_example"] {
        let parsed = metadata[field].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        if let Some(parsed) = parsed {
            metadata[field] = parsed;
        }
    }
    json!({
        "file": path,
        "size": version.size,
        "digest": version.digest,
        "contract": contract(&version.program.imports),
        "load_ms": version.load_time.as_secs_f64() * 1e3,
        "metadata": metadata,
        "imports": imports.collect::<Vec<_>>(),
    })
}

fn as_text(path: &Path, version: &Version, paint: Paint) -> String {
    let metadata = &version.metadata;
    let mut text = format!("{} {}\n", metadata.name, metadata.version);
    for line in metadata.description.lines() {
        put(&mut text, "", line, paint);
    }
    put(&mut text, "file", &path.display().to_string(), paint);
    put(&mut text, "size", &format!("{} ({} bytes)", size(version.size), grouped(version.size)), paint);
    put(&mut text, "sha256", &version.digest, paint);
    put(&mut text, "contract", &contract(&version.program.imports), paint);
    let took = milliseconds(version.load_time.as_secs_f64() * 1e3);
    put(&mut text, "loading", &format!("{took} to compile it and call describe()"), paint);
    let probes: Vec<&str> = metadata.probes.iter().copied().map(Probe::as_str).collect();
    if !probes.is_empty() {
        put(&mut text, "probes", &probes.join(", "), paint);
    }
    if let Some(every) = metadata.default_interval {
        put(&mut text, "every", &probity_config::format_duration(every), paint);
    }
    if let Some(timeout) = metadata.default_timeout {
        put(&mut text, "timeout", &probity_config::format_duration(timeout), paint);
    }
    if let Some(keys) = metadata.config_schema.as_deref().and_then(keys) {
        put(&mut text, "config", &keys, paint);
    }
    for (key, value) in &metadata.labels {
        put(&mut text, "label", &format!("{key}: {value}"), paint);
    }
    imports(&mut text, version, paint);
    text
}

/// Bytes of keys that are shown.
const KEYS_BYTES_MAX: usize = 1_024;

/// The keys of a configuration schema, with those that must be there marked.
fn keys(schema: &str) -> Option<String> {
    let schema: Value = serde_json::from_str(schema).ok()?;
    let required = |key: &str| schema["required"].as_array().is_some_and(|keys| keys.iter().any(|k| k == key));
    let keys = schema["properties"].as_object()?.keys();
    let keys: Vec<String> =
        keys.map(|key| if required(key) { format!("{key} (required)") } else { key.clone() }).collect();
    Some(if keys.is_empty() { "no keys".to_owned() } else { clean(&keys.join(", "), KEYS_BYTES_MAX) })
}

/// The capabilities first, each with what it takes to use it; what WASI adds is one line.
fn imports(text: &mut String, version: &Version, paint: Paint) {
    for capability in &version.program.capabilities {
        let note = match (capability.needs_grant(), capability) {
            (false, _) => "free",
            (true, Capability::Http) => "needs a grant: http = [\"https://example.org/*\"]",
            (true, Capability::Tcp) => "needs a grant: tcp = [\"example.org:5432\"]",
            (true, Capability::Udp) => "needs a grant: udp = [\"example.org:123\"]",
            (true, Capability::System) => "needs a grant: system = [\"memory\"]",
            (true, Capability::Tls) => "needs a grant: tls = [\"example.org:443\"]",
            (true, Capability::Dns) => "needs a grant: dns = [\"example.org\"]",
            (true, Capability::Sql | Capability::Redis) => "needs a grant: the name of a connection",
            (true, Capability::Queue) => "needs a grant: the name of a queue",
            (true, Capability::Secrets) => "needs a grant: the name of a secret",
            (true, Capability::Heartbeats) => "needs a grant: the name of a job",
            (true, Capability::Peers) => "needs a grant: the name of a check, or group:NAME",
            (true, _) => "needs a grant",
        };
        put(text, "may use", &format!("{:<8} {note}", capability.as_str()), paint);
    }
    if version.program.capabilities.is_empty() {
        put(text, "may use", "nothing", paint);
    }
    let wasi = version.program.imports.iter().filter(|import| import.starts_with("wasi:")).count();
    if wasi > 0 {
        put(
            text,
            "wasi",
            &format!("{wasi} interfaces of WASI 0.2, with no files, environment or sockets behind them"),
            paint,
        );
    }
}

fn put(text: &mut String, label: &str, line: &str, paint: Paint) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  {} {line}", paint.dim(&format!("{label:<9}")));
}

#[cfg(test)]
mod tests {
    use super::*;

    // The contract is the one the component names, not the one this host offers.
    #[test]
    fn contract_is_read_from_the_imports() {
        let imports = ["wasi:io/poll@0.2.9".to_owned(), "probity:check/log@0.1.7".to_owned()];
        assert_eq!(contract(&imports), "probity:check@0.1.7");
        assert_eq!(contract(&[]), CONTRACT);
    }

    // A person sees which keys a configuration cannot do without.
    #[test]
    fn required_keys_are_marked() {
        let schema = r#"{"properties":{"url":{},"latency":{}},"required":["url"]}"#;
        assert_eq!(keys(schema).unwrap(), "latency, url (required)");
        assert_eq!(keys("true"), None);
    }
}
