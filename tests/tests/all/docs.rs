//! What the documents say is held against what it is about: configuration, links, commands, constants, messages.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use probity_config::{Limits, Source};
use serde_json::Value;

/// One document.
pub(crate) struct Document {
    /// Relative to the repository.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A fenced block.
pub(crate) struct Block {
    /// What follows the fence: `toml`, `toml,fragment`.
    pub(crate) info: String,
    pub(crate) text: String,
    /// The document and the line of the fence, for messages.
    pub(crate) place: String,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every document of the repository.
fn documents() -> Vec<Document> {
    let mut documents = Vec::new();
    collect(Path::new(""), &mut documents);
    assert!(documents.len() > 40, "only {}", documents.len());
    documents
}

fn collect(folder: &Path, documents: &mut Vec<Document>) {
    for entry in std::fs::read_dir(root().join(folder)).unwrap() {
        let name = entry.unwrap().file_name();
        let path = folder.join(&name);
        let name = name.to_string_lossy();
        let is_made = name.starts_with('.') || ["target", "node_modules", "__pycache__"].contains(&&*name);
        if !is_made && root().join(&path).is_dir() {
            collect(&path, documents);
        } else if path.extension().is_some_and(|end| end == "md") {
            documents.push(Document { text: read(&path), path: path.to_str().unwrap().to_owned() });
        }
    }
}

impl Document {
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for (at, line) in self.text.lines().enumerate() {
            match (&mut open, line.strip_prefix("```")) {
                (None, Some(info)) => {
                    let place = format!("{}:{}", self.path, at + 1);
                    open = Some(Block { info: info.to_owned(), text: String::new(), place });
                }
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (Some(block), None) => {
                    let _ = writeln!(block.text, "{line}");
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a fence is not closed", self.path);
        blocks
    }

    /// The text outside of fenced blocks and comments, with the line of each.
    fn prose(&self) -> Vec<(usize, &str)> {
        let mut fenced = false;
        let lines = self.text.lines().enumerate().map(|(at, line)| (at + 1, line));
        lines
            .filter(|(_, line)| {
                let is_fence = line.starts_with("```");
                fenced ^= is_fence;
                !fenced && !is_fence && !line.starts_with("<!--")
            })
            .collect()
    }

    /// Code in the prose, without its backticks.
    fn code(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (line, text) in self.prose() {
            for code in text.split('`').skip(1).step_by(2) {
                found.push((format!("{}:{line}", self.path), code.to_owned()));
            }
        }
        found
    }

    /// Anchors as GitHub makes them of headings.
    fn anchors(&self) -> BTreeSet<String> {
        let headings = self.prose().into_iter().filter_map(|(_, line)| line.strip_prefix('#'));
        headings.map(|heading| slug(heading.trim_start_matches('#').trim())).collect()
    }
}

fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// The rows of every table, cells trimmed, rules left out.
pub(crate) fn rows(text: &str) -> Vec<Vec<&str>> {
    let rows = text.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    rows.filter(|row| !row.trim_start().starts_with("---")).map(|row| row.split('|').map(str::trim).collect()).collect()
}

// Whoever copies a configuration out of a document has one that is accepted.
#[test]
fn configurations_are_accepted() {
    let env = |name: &str| name.starts_with("PROBITY_").then(|| "a-long-secret".to_owned());
    let file = |_: &Path| Ok("another-long-secret".to_owned());
    for block in documents().iter().flat_map(Document::blocks) {
        let text = match block.info.as_str() {
            "toml" => block.text,
            // Keys of one check.
            "toml,check" => format!("[[check]]\nname = \"x\"\n{}", block.text),
            "toml,cases" => {
                let dir = tempfile::tempdir().unwrap();
                std::fs::create_dir(dir.path().join("tests")).unwrap();
                std::fs::write(dir.path().join("tests/block.toml"), &block.text).unwrap();
                let cases =
                    probity::testing::read(dir.path()).unwrap_or_else(|error| panic!("{}:\n{error:#}", block.place));
                assert!(!cases.is_empty(), "{}: no case", block.place);
                continue;
            }
            "toml,manifest" => {
                assert!(is_simple_toml(&block.text), "{}: not TOML", block.place);
                continue;
            }
            info => {
                assert!(!info.starts_with("toml"), "{}: unknown kind {info}", block.place);
                continue;
            }
        };
        let source = Source { path: block.place.clone().into(), text };
        if let Err(errors) = probity_config::parse(&[source], Path::new(""), &env, &file) {
            panic!("{}:\n{errors}", block.place);
        }
    }
}

/// A Cargo manifest is no configuration of ours: only its syntax is looked at.
fn is_simple_toml(text: &str) -> bool {
    text.lines().all(|line| line.is_empty() || line.starts_with(['[', '#']) || line.contains(" = "))
}

// JSON in a document is JSON.
#[test]
fn json_is_json() {
    for block in documents().iter().flat_map(Document::blocks).filter(|block| block.info == "json") {
        if let Err(error) = serde_json::from_str::<Value>(&block.text) {
            panic!("{}: {error}", block.place);
        }
    }
}

// Every block says what it is: rustdoc takes one that does not for Rust.
#[test]
fn blocks_say_what_they_are() {
    for block in documents().iter().flat_map(Document::blocks) {
        assert!(!block.info.is_empty(), "{}: ``` without a language", block.place);
    }
}

// A key that a document names exists.
#[test]
fn keys_exist() {
    let schema = probity_config::schema();
    for (place, code) in documents().iter().flat_map(Document::code) {
        let mut parts = code.split('.');
        let Some(table) = parts.next().filter(|table| schema["properties"].get(table).is_some()) else { continue };
        let is_key = code.contains('.') && code.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '.' | '-'));
        let is_file =
            [".toml", ".redb", ".js", ".ts", ".c", ".cpp", ".zig", ".py", ".go"].iter().any(|end| code.ends_with(end));
        if !is_key || is_file {
            continue;
        }
        let mut at = resolved(&schema, &schema["properties"][table]);
        for part in parts {
            let next = at["properties"].get(part).or_else(|| at["items"]["properties"].get(part));
            at = resolved(&schema, next.unwrap_or_else(|| panic!("{place}: there is no key `{code}`")));
        }
    }
}

/// What a schema refers to, or itself.
fn resolved<'a>(schema: &'a Value, at: &'a Value) -> &'a Value {
    let items = if at["items"].is_object() { &at["items"] } else { at };
    let reference = items["$ref"].as_str().or_else(|| items["allOf"][0]["$ref"].as_str());
    reference.and_then(|text| schema.pointer(text.trim_start_matches('#'))).unwrap_or(at)
}

// No link leads nowhere.
#[test]
fn links_lead_somewhere() {
    for document in documents() {
        for (line, text) in document.prose() {
            for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let place = format!("{}:{line}: {link}", document.path);
                assert!(!link.contains("://"), "{place}: links stay in the repository");
                let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
                let beside = Path::new(&document.path).parent().expect("a document is in a folder");
                let target = if file.is_empty() { PathBuf::from(&document.path) } else { beside.join(file) };
                assert!(root().join(&target).exists(), "{place}: no such file");
                if !anchor.is_empty() {
                    let target = Document { path: String::new(), text: read(&target) };
                    assert!(target.anchors().contains(anchor), "{place}: no such heading");
                }
            }
        }
    }
}

// A command that a document names exists.
#[test]
fn commands_exist() {
    let help = std::process::Command::new(binary()).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let known: BTreeSet<&str> = help.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    for document in documents() {
        let lines = document.blocks().into_iter().filter(|block| matches!(block.info.as_str(), "sh" | "console"));
        let shell = lines.flat_map(|block| {
            block.text.lines().map(|line| (block.place.clone(), line.to_owned())).collect::<Vec<_>>()
        });
        for (place, code) in document.code().into_iter().chain(shell) {
            for rest in code.trim_start_matches("$ ").split("&& ").filter_map(|code| code.strip_prefix("probity ")) {
                let command = rest.split(' ').next().unwrap_or_default();
                let is_command = !command.is_empty() && command.chars().all(|c| c.is_ascii_lowercase());
                assert!(!is_command || known.contains(command), "{place}: no command `probity {command}`");
            }
        }
    }
}

/// The built host, beside the test binary's directory.
fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().and_then(Path::parent).unwrap().join("probity");
    assert!(
        path.is_file(),
        "{} is missing: run `cargo build -p probity` first (`cargo xtask test` does)",
        path.display()
    );
    path
}

// Every configurable limit is listed, with the default that holds and the bounds of the reference.
#[test]
fn limits_have_the_defaults_that_hold() {
    let (text, reference) = (read("docs/limits.md"), read("docs/configuration.md"));
    let (listed, reference) = (rows(&text), rows(&reference));
    let defaults = serde_json::to_value(Limits::DEFAULT).unwrap();
    for (field, value) in defaults.as_object().unwrap() {
        let key = field.replace('_', "-");
        let cell = format!("`limits.{key}`");
        let row = listed.iter().find(|row| row[0] == cell).unwrap_or_else(|| panic!("{cell} is not in docs/limits.md"));
        assert_eq!(number(row[1]), value.as_u64(), "{cell}: default {}", row[1]);
        // `timeout`, `memory` and `fuel` are keys of `[[check]]`, too; they come after.
        let kind = reference.iter().find(|row| row[0] == format!("`{key}`")).map(|row| row[1]);
        let bounds = kind.map(|kind| kind.trim_start_matches("duration, ").trim_start_matches("size, "));
        assert_eq!(Some(row[2]), bounds, "{cell}");
    }
}

// A fixed limit in a document is the constant in the code that it names.
#[test]
fn fixed_limits_are_the_constants() {
    let text = read("docs/limits.md");
    let mut compared = 0;
    for row in rows(&text) {
        let [what, value, named] = row[..] else { continue };
        let parts: Vec<&str> = named.split('`').collect();
        let [_, constant, " in ", file, ""] = parts[..] else { continue };
        assert_eq!(number(value), constant_in(&read(file), constant), "{what}: {constant} in {file}");
        compared += 1;
    }
    assert!(compared > 50, "only {compared} constants were compared: the tables are not read");
}

/// `200_000_000`, `2 s`, `100 ms`, `512 KiB`, `16MiB` as a number: bytes, milliseconds or a count.
fn number(text: &str) -> Option<u64> {
    let digits: String = text.chars().take_while(|c| c.is_ascii_digit() || *c == '_').filter(|c| *c != '_').collect();
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_').trim();
    let factor = match unit {
        "" | "B" | "ms" => 1,
        "s" => 1_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok().map(|number| number * factor)
}

/// The value of `const name` in `source`: products, shifts and durations of literals.
fn constant_in(source: &str, name: &str) -> Option<u64> {
    let after = source.split(&format!("const {name}: ")).nth(1)?;
    let value = after.split_once('=')?.1.split(';').next()?.trim();
    for (call, factor) in [("from_millis(", 1), ("from_secs(", 1_000), ("from_mins(", 60_000)] {
        if let Some((_, inner)) = value.split_once(call) {
            return Some(product(inner.trim_end_matches(')'))? * factor);
        }
    }
    product(value)
}

fn product(text: &str) -> Option<u64> {
    if let Some((left, right)) = text.split_once(" << ") {
        return Some(product(left)? << product(right)?);
    }
    text.split(" * ").map(|factor| factor.replace('_', "").parse::<u64>().ok()).product()
}

// A message in the table of troubles is one that the host can say.
#[test]
fn messages_are_said_somewhere() {
    let mut said = String::new();
    sources(&root().join("host"), &mut said);
    // A string may go on in the next line.
    let said: Vec<&str> = said.split("\\\n").collect();
    let said = said.iter().map(|part| part.trim_start()).collect::<String>();
    let text = read("docs/operating.md");
    let table = text.split("## Troubleshooting").nth(1).unwrap();
    let mut compared = 0;
    for row in rows(table) {
        for message in row[0].split('`').skip(1).step_by(2) {
            let parts = message.split(['…', ':']).flat_map(|part| part.split("NAME")).map(str::trim);
            for part in parts.filter(|part| part.len() >= 10) {
                assert!(said.contains(part), "docs/operating.md: the host never says `{part}`");
                compared += 1;
            }
        }
    }
    assert!(compared > 20, "only {compared} messages were compared: the table is not read");
}

// A promise in the document on security names tests that exist.
#[test]
fn promises_are_held_by_tests() {
    let (mut all, mut hostile, mut host) = (String::new(), String::new(), String::new());
    sources(&root().join("tests/tests/all"), &mut all);
    sources(&root().join("tests/tests/hostile"), &mut hostile);
    sources(&root().join("host"), &mut host);
    let mut held = 0;
    for row in rows(&read("docs/security.md")) {
        let [promise, tests] = row[..] else { continue };
        for test in tests.split('`').skip(1).step_by(2) {
            let (suite, name) = test.split_once(": ").unwrap_or_else(|| panic!("{promise}: `{test}` names no suite"));
            let is_there = match suite {
                "all" => all.contains(&format!("fn {name}(")),
                "hostile" => hostile.contains(&format!("fn {name}(")),
                "host" => host.contains(&format!("fn {name}(")),
                "fuzz" => root().join(format!("fuzz/fuzz_targets/{name}.rs")).is_file(),
                _ => panic!("{promise}: there is no suite `{suite}`"),
            };
            assert!(is_there, "{promise}: there is no test `{test}`");
            held += 1;
        }
    }
    assert!(held > 30, "only {held} tests: the tables are not read");
}

fn sources(dir: &Path, to: &mut String) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, to);
        } else {
            to.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}
