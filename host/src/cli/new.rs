//! `probity new`: a folder with a check that builds, tests and runs as it is.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::ValueEnum;

use super::terminal;
use crate::config;

/// File in the new folder, and its template.
const RUST: [(&str, &str); 7] = [
    ("Cargo.toml", include_str!("templates/rust/Cargo.toml.in")),
    ("src/lib.rs", include_str!("templates/rust/lib.rs.in")),
    ("schema.json", include_str!("templates/rust/schema.json.in")),
    ("example.json", include_str!("templates/rust/example.json.in")),
    ("probity.toml", include_str!("templates/rust/probity.toml.in")),
    ("README.md", include_str!("templates/rust/README.md.in")),
    (".gitignore", include_str!("templates/rust/gitignore.in")),
];

/// Names that cargo or Rust keep for themselves, as far as they would be a check's name.
const RESERVED: [&str; 26] = [
    "abstract",
    "async",
    "await",
    "box",
    "break",
    "build",
    "const",
    "core",
    "deps",
    "do",
    "dyn",
    "enum",
    "examples",
    "final",
    "incremental",
    "loop",
    "macro",
    "match",
    "probity-sdk",
    "serde",
    "std",
    "test",
    "type",
    "use",
    "virtual",
    "yield",
];

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probity new queue-depth                     makes ./queue-depth
  probity new queue-depth --lang rust --dir checks/queue-depth

Then, in the folder: cargo test, probity build, probity run. Its README.md has the lines to copy.")]
pub(super) struct Args {
    /// Name of the check: lower-case letters, digits, `-`, `_`
    name: String,
    /// Language to write it in
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,
    /// The folder to make; the name when not given
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Language {
    Rust,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if let Some(problem) = refuse_name(&args.name) {
        bail!("`{}` cannot name a check: {problem}", args.name);
    }
    let dir = args.dir.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    make_dir(&dir)?;
    match args.lang {
        Language::Rust => rust(&args.name, &dir)?,
    }
    let shown = dir.display();
    let name = &args.name;
    terminal::print(&format!(
        "made {shown}\n\nnext:\n  cd {shown}\n  cargo test\n  probity build\n  \
         probity run target/components/{name}.wasm --config @example.json --grant 'http=http://127.0.0.1:9000/*'\n"
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// What a check's name has to be, when it is not that.
fn refuse_name(name: &str) -> Option<&'static str> {
    let first = name.chars().next();
    if !config::is_name(name) || name.contains('.') || !first.is_some_and(|c| c.is_ascii_lowercase()) {
        return Some("use lower-case letters, digits, `-` and `_`, a letter first, at most 63 characters");
    }
    RESERVED.contains(&name).then_some("the word is reserved by Rust or cargo; add to it, as in `my-check`")
}

/// Makes the folder, or takes an empty one; never writes over anything.
fn make_dir(dir: &Path) -> anyhow::Result<()> {
    match fs::read_dir(dir) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => bail!("{} is not empty; choose another name, or a folder with --dir", dir.display()),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))
        }
        Err(error) => Err(error).with_context(|| format!("make {}", dir.display())),
    }
}

fn rust(name: &str, dir: &Path) -> anyhow::Result<()> {
    let sdk = Sdk::find()?;
    for (file, template) in RUST {
        let text = fill(template, name, &sdk.dependency());
        let path = dir.join(file);
        let parent = path.parent().unwrap_or(dir);
        fs::create_dir_all(parent).with_context(|| format!("make {}", parent.display()))?;
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
    }
    match &sdk {
        Sdk::Folder(folder) => copy_lock(folder, dir)?,
        Sdk::Published => terminal::complain(
            "note: the SDK was not found on this machine, so Cargo.toml names the published one; until it is published, \
             set PROBITY_SDK_PATH to the folder sdk/rust of Probity's repository and make the check again",
        ),
    }
    Ok(())
}

fn fill(template: &str, name: &str, sdk: &str) -> String {
    template.replace("{{name}}", name).replace("{{Type}}", &type_name(name)).replace("{{sdk}}", sdk)
}

/// `QueueDepth` for `queue-depth`.
fn type_name(name: &str) -> String {
    let parts = name.split(['-', '_']).filter(|part| !part.is_empty());
    parts.map(|part| part[..1].to_ascii_uppercase() + &part[1..]).collect()
}

/// Where the SDK comes from.
#[derive(Debug)]
enum Sdk {
    Folder(PathBuf),
    Published,
}

impl Sdk {
    /// `PROBITY_SDK_PATH`, else the repository this program was built in, as long as it is there.
    fn find() -> anyhow::Result<Self> {
        let usable = |folder: &Path| folder.join("Cargo.toml").is_file();
        if let Some(folder) = std::env::var_os("PROBITY_SDK_PATH").filter(|value| !value.is_empty()) {
            let folder = PathBuf::from(folder);
            if !usable(&folder) {
                bail!(
                    "PROBITY_SDK_PATH is {}, where there is no Cargo.toml; name the folder sdk/rust",
                    folder.display()
                );
            }
            return Ok(Self::Folder(fs::canonicalize(&folder).unwrap_or(folder)));
        }
        let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/rust");
        Ok(if usable(&built_in) {
            Self::Folder(fs::canonicalize(&built_in).unwrap_or(built_in))
        } else {
            Self::Published
        })
    }

    /// The part of the dependency between its braces.
    fn dependency(&self) -> String {
        match self {
            Self::Folder(folder) => format!("path = {}", toml::Value::String(folder.display().to_string())),
            Self::Published => format!("version = {:?}", env!("CARGO_PKG_VERSION")),
        }
    }
}

/// Starts with the versions that the SDK is tested with: they are on this machine, so the first build needs no network.
/// cargo drops the entries that the check does not need.
fn copy_lock(sdk: &Path, dir: &Path) -> anyhow::Result<()> {
    let lock = sdk.ancestors().map(|folder| folder.join("Cargo.lock")).find(|lock| lock.is_file());
    if let Some(lock) = lock {
        let text = fs::read(&lock).with_context(|| format!("read {}", lock.display()))?;
        fs::write(dir.join("Cargo.lock"), text)
            .with_context(|| format!("write {}", dir.join("Cargo.lock").display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // A name becomes a crate, a Rust type, a file and a check: it has to do for all of them.
    #[test]
    fn names_that_do_not_do_are_refused() {
        for name in ["queue-depth", "a", "q2_x"] {
            assert_eq!(refuse_name(name), None, "{name}");
        }
        for name in ["", "Queue", "2fast", "a.b", "-a", "a/b", "../a", "ä", "type", &"a".repeat(64)] {
            assert!(refuse_name(name).is_some(), "{name}");
        }
    }

    #[test]
    fn type_names_are_in_camel_case() {
        assert_eq!(type_name("queue-depth"), "QueueDepth");
        assert_eq!(type_name("a_b--c2"), "ABC2");
    }

    // Nothing is left to fill in, and the manifest is TOML whatever the folder is called.
    #[test]
    fn templates_are_filled() {
        let sdk = Sdk::Folder(PathBuf::from(r#"/odd "folder"\x"#)).dependency();
        for (file, template) in RUST {
            let text = fill(template, "queue-depth", &sdk);
            assert!(!text.contains("{{") || file == "src/lib.rs", "{file}");
            assert!(!text.contains("{{name}}") && !text.contains("{{Type}}") && !text.contains("{{sdk}}"), "{file}");
        }
        let manifest: toml::Table = fill(RUST[0].1, "queue-depth", &sdk).parse().unwrap();
        assert_eq!(manifest["dependencies"]["probity-sdk"]["path"].as_str(), Some(r#"/odd "folder"\x"#));
    }
}
