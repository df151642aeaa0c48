//! The configuration's JSON Schema, and the reference made of it: docs/configuration.md.
//!
//! Both come from the types in [`super::raw`]; a test keeps the document equal to [`reference`].

use std::fmt::Write;

use serde_json::Value;

use super::{raw, units};

/// The top-level tables, in the order of the reference.
const TABLES: [&str; 17] = [
    "server",
    "metrics",
    "tracing",
    "plugins",
    "state",
    "schedule",
    "egress",
    "limits",
    "defaults",
    "connections",
    "queues",
    "secrets",
    "heartbeats",
    "certificates",
    "resolvers",
    "groups",
    "check",
];

/// A whole file, shown in the reference and parsed by a test.
pub(super) const EXAMPLE: &str = r#"[server]
listen = "127.0.0.1:8080"          # default: loopback only
details = "authorized"             # never | authorized | always: who sees messages and data
[server.auth]
tokens = ["${PROBITY_TOKEN}"]      # management and details; probes stay open

[plugins]
dir = "plugins"

[limits]                           # for every check that says nothing
timeout = "2s"
memory = "32MiB"
fuel = 200_000_000

[connections.payments]             # never enters the sandbox
url = "https://probity:${file:/run/secrets/payments}@payments.internal"

[groups.orders]
description = "Taking and keeping orders"

[[check]]
name = "orders-backlog"
plugin = "orders-backlog"          # plugins/orders-backlog.wasm
every = "15s"
severity = "critical"
probes = ["ready"]
groups = ["orders"]
grants = { http = ["payments", "https://shop.internal/*"] }
unhealthy-after = 3                # in a row, or { failures = 3, of = 5 }
healthy-after = 2
timeout = "1s"
[check.limits]
response-bytes = "64KiB"
[check.config]                     # handed to the guest as JSON, validated by the plugin's schema
max-age = "10m"
"#;

const INTRODUCTION: &str = "\
<!-- Generated from host/config/src/raw.rs. To renew: PROBITY_BLESS=1 cargo test -p probity-config --lib reference -->

# Configuration

Probity reads one TOML file, `probity.toml` in the working directory or the one named by `--config`, and every `*.toml`
in the directory beside it that is called the same with `.d` (`probity.d/`), in the order of their names. Tables of
several files merge, `[[check]]` adds up; a key set in two files is an error. Without a file the defaults below hold.

Every error is reported with file, line and column; one wrong key is enough to reject the file, and a running host then
keeps the configuration it has. `probity validate` checks a file without starting anything.

## Values

| kind | written |
| --- | --- |
| duration | `\"250ms\"`, `\"15s\"`, `\"5m\"`, `\"1h30m\"`, `\"2d\"`: whole numbers, units from large to small |
| size | `\"512B\"`, `\"64KiB\"`, `\"32MiB\"`, `\"1GiB\"`, or a number of bytes |
| path | relative to the configuration file, or absolute |
| name | lower-case letters, digits, `-`, `_`, `.`, starting with a letter or digit; at most 63 |

Every string may hold placeholders. What they bring in is treated as secret: it is removed from messages, logs and
answers (values shorter than five characters are not).

| placeholder | becomes |
| --- | --- |
| `${NAME}` | the environment variable; an error when it is not set |
| `${NAME:-default}` | the same, or `default` when it is not set or empty |
| `${file:/run/secrets/x}` | the text of the file, without the newline at its end |
| `$$` | a `$` |

A number or `true`/`false` may come from a placeholder, too: `max-connections = \"${MAX:-1024}\"`.

A generated password goes into a URL as it is. What a placeholder brings into the user or the password of a URL
(`postgres://probity:${PASSWORD}@db/shop`, any scheme; for Redis Sentinel also `?sentinel-password=${…}`) is taken for the
user or the password itself and percent-encoded by the host: `p@ss/w:rd` becomes `p%40ss%2Fw%3Ard`. Where one placeholder
stands for `USER:PASSWORD`, its first `:` parts them. A value that is already encoded would be encoded once more, so keep it
plain, or let one placeholder bring the whole URL, or all from the user to the host with the `@`: those are taken as they are,
as is whatever is typed without a placeholder.
";

/// The JSON Schema (draft 2020-12) of a configuration file, for editors and other tools.
#[must_use]
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(raw::File).to_value();
    unwrap_text(&mut schema);
    schema
}

/// The reference in Markdown.
#[must_use]
pub fn reference() -> String {
    let schema = schema();
    let mut text = format!("{INTRODUCTION}\n## Example\n\n```toml\n{EXAMPLE}```\n\n# Tables\n");
    for name in TABLES {
        let property = &schema["properties"][name];
        let (title, table) = match name {
            "check" => ("[[check]]".to_owned(), &property["items"]),
            "connections" | "queues" | "secrets" | "heartbeats" | "certificates" | "resolvers" | "groups" => {
                (format!("[{name}.NAME]"), &property["additionalProperties"])
            }
            _ => (format!("[{name}]"), property),
        };
        let above = if name == "check" || title.ends_with(".NAME]") { text_of(property) } else { "" };
        section(&schema, &title, table, above, &mut text);
    }
    text
}

/// Writes the section of one table and, below it, those of the tables in it.
fn section(schema: &Value, title: &str, table: &Value, above: &str, text: &mut String) {
    let table = resolved(schema, table);
    let _ = write!(text, "\n## `{title}`\n\n");
    for paragraph in [above, text_of(table)].iter().filter(|paragraph| !paragraph.is_empty()) {
        let _ = write!(text, "{paragraph}\n\n");
    }
    let mut properties: Vec<(&String, &Value)> = table["properties"].as_object().into_iter().flatten().collect();
    // `name` is what a table is about; the rest is looked up by the alphabet.
    properties.sort_by_key(|(key, _)| (*key != "name" && *key != "url", key.as_str()));
    let (tables, keys): (Vec<_>, Vec<_>) =
        properties.into_iter().partition(|(_, property)| resolved(schema, property).get("properties").is_some());
    if !keys.is_empty() {
        text.push_str("| key | kind | default | meaning |\n| --- | --- | --- | --- |\n");
    }
    for (key, property) in keys {
        let default = match property.get("default") {
            Some(Value::Number(number)) => format!("`{}`", units::format_number(number.as_u64().unwrap_or_default())),
            Some(default) => format!("`{default}`"),
            None => String::new(),
        };
        let meaning = text_of(property).replace('|', "\\|");
        let _ = writeln!(text, "| `{key}` | {} | {default} | {meaning} |", kind(property));
    }
    for (key, property) in tables {
        let nested = title.trim_start_matches('[').trim_end_matches(']');
        let title = format!("[{nested}.{key}]");
        if key == "limits" {
            let _ = write!(text, "\n## `{title}`\n\nThe keys of `[limits]`, for this check. `timeout`, `memory` and ");
            text.push_str("`fuel` may stand in `[[check]]` itself. Default: `[limits]`.\n");
        } else if key == "grants" && nested == "check" {
            let _ = write!(text, "\n## `{title}`\n\nThe keys of `[defaults.grants]`, for this check. ");
            text.push_str("Default, where a check has no `grants` at all: `[defaults.grants]`.\n");
        } else {
            section(schema, &title, property, "", text);
        }
    }
}

fn resolved<'a>(schema: &'a Value, property: &'a Value) -> &'a Value {
    let path = property["$ref"].as_str().and_then(|path| path.strip_prefix('#'));
    path.and_then(|path| schema.pointer(path)).unwrap_or(property)
}

fn text_of(property: &Value) -> &str {
    property["description"].as_str().unwrap_or_default()
}

/// What the value of a key can be, in words.
fn kind(property: &Value) -> String {
    let bounds = || match (property["x-minimum"].as_str(), property["x-maximum"].as_str()) {
        (Some(minimum), Some(maximum)) => format!(", {minimum} to {maximum}"),
        _ => String::new(),
    };
    if let Some(kind) = property["x-kind"].as_str() {
        return format!("{kind}{}", bounds());
    }
    if let Some(words) = property["enum"].as_array() {
        return words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
    }
    match property["type"].as_str().unwrap_or_default() {
        "integer" => {
            let bound = |name: &str| units::format_number(property[name].as_u64().unwrap_or_default());
            format!("{} to {}", bound("minimum"), bound("maximum"))
        }
        "array" => format!("array of {}", kind(&property["items"])),
        "object" => format!("table of {}", kind(&property["additionalProperties"])),
        "boolean" => "`true` or `false`".to_owned(),
        other => other.to_owned(),
    }
}

/// Joins the lines of descriptions, which are as long as source lines.
fn unwrap_text(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(description)) = members.get_mut("description") {
                *description = description.replace('\n', " ");
            }
            members.values_mut().for_each(unwrap_text);
        }
        Value::Array(elements) => elements.iter_mut().for_each(unwrap_text),
        _ => {}
    }
}
