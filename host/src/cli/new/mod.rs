//! `probity new`: a folder with a check that builds, tests and runs as it is.

mod template;

use std::fs;
use std::io::ErrorKind;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use probity_build::{Language, sdk};

use self::template::Template;
use super::terminal;

/// Names that cargo or Rust keep for themselves, as far as they would be a check's name. A name does for every language.
const RESERVED: [&str; 27] = [
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
    "probity-check",
    "probity_check",
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
  probity new queue-depth                     makes ./queue-depth, in Rust
  probity new checks/queue-depth --lang py     makes that folder
  probity new . --lang ts                      in this empty folder, whose name is the check's

Then, in the folder: probity dev. Its README.md has the lines to copy.")]
pub(super) struct Args {
    /// Name of the check: lower-case letters, digits, `-`, `_`; or the folder to make, whose name it is; or `.`
    name: String,
    /// Language to write it in
    #[arg(long, value_parser = languages(), default_value = "rust")]
    lang: Language,
    /// The folder to make; the name when not given
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

fn languages() -> impl TypedValueParser<Value = Language> {
    let words = Language::ALL.map(|language| PossibleValue::new(language.word()).aliases(language.aliases()));
    let words = PossibleValuesParser::new(words);
    words.map(|word| Language::from_word(&word).expect("clap lets only these words through"))
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (name, dir) = place(args)?;
    if let Some(problem) = refuse_name(&name) {
        let other = if name == args.name { "" } else { "; or name it yourself: probity new NAME --dir DIR" };
        bail!("`{name}` cannot name a check: {problem}{other}");
    }
    let Some(template) = template::of(args.lang) else {
        bail!("there is no author kit for {} yet", args.lang.as_str());
    };
    let kit = sdk::find(args.lang)?;
    make_dir(&dir)?;
    write(&dir, &name, template, kit.as_deref())?;
    match &kit {
        Some(kit) if args.lang == Language::Rust => copy_lock(kit, &dir)?,
        Some(_) => {}
        None => terminal::note(&format!(
            "note: the author kit was not found on this machine, so the check names the published one; until it is \
             published, set {} to the folder sdk of Probity's repository and make the check again",
            sdk::VARIABLE
        )),
    }
    let shown = dir.display();
    let enter = if dir == Path::new(".") { String::new() } else { format!("  cd {shown}\n") };
    let first = template.first.map(|first| format!("  {first}\n")).unwrap_or_default();
    terminal::print(&format!(
        "made {shown}\n\nnext:\n{enter}{first}  probity build\n  probity test\n  \
         probity run target/components/{name}.wasm --check-config @example.json --grant 'http=http://127.0.0.1:19000/*'\n  \
         probity dev\n"
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// The check's name and its folder. A folder that is given instead of a name is called as the check is.
fn place(args: &Args) -> anyhow::Result<(String, PathBuf)> {
    let typed = Path::new(&args.name);
    let is_path = args.name == "." || args.name.contains(['/', MAIN_SEPARATOR]);
    if args.dir.is_some() || !is_path {
        return Ok((args.name.clone(), args.dir.clone().unwrap_or_else(|| typed.to_owned())));
    }
    let whole = std::path::absolute(typed).with_context(|| format!("find {}", typed.display()))?;
    let name = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((name, typed.to_owned()))
}

/// What a check's name has to be, when it is not that.
fn refuse_name(name: &str) -> Option<&'static str> {
    let first = name.chars().next();
    if !probity_config::is_name(name) || name.contains('.') || !first.is_some_and(|c| c.is_ascii_lowercase()) {
        return Some("use lower-case letters, digits, `-` and `_`, a letter first, at most 63 characters");
    }
    RESERVED.contains(&name).then_some("the word is reserved by Rust or cargo; add to it, as in `my-check`")
}

/// Makes the folder, or takes an empty one; never writes over anything.
fn make_dir(dir: &Path) -> anyhow::Result<()> {
    match fs::read_dir(dir) {
        // A repository that has nothing yet is empty, too.
        Ok(entries) => match entries.flatten().find(|entry| entry.file_name() != ".git") {
            None => Ok(()),
            Some(_) => bail!("{} is not empty; choose another name, or a folder with --dir", dir.display()),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))
        }
        Err(error) => Err(error).with_context(|| format!("make {}", dir.display())),
    }
}

fn write(dir: &Path, name: &str, template: &Template, kit: Option<&Path>) -> anyhow::Result<()> {
    for (file, text) in template.all() {
        let path = dir.join(file);
        let parent = path.parent().unwrap_or(dir);
        fs::create_dir_all(parent).with_context(|| format!("make {}", parent.display()))?;
        fs::write(&path, fill(text, name, template, kit)).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

fn fill(text: &str, name: &str, template: &Template, kit: Option<&Path>) -> String {
    text.replace("{{name}}", name)
        .replace("{{Type}}", &type_name(name))
        .replace("{{source}}", template.source)
        .replace("{{schema}}", template.schema())
        .replace("{{sdk}}", &(template.sdk)(kit))
        .replace("{{ignored}}\n", template.ignored)
        .replace("{{first}}", &template.first.map(|first| format!("{first}\n")).unwrap_or_default())
}

/// `QueueDepth` for `queue-depth`.
fn type_name(name: &str) -> String {
    let parts = name.split(['-', '_']).filter(|part| !part.is_empty());
    parts.map(|part| part[..1].to_ascii_uppercase() + &part[1..]).collect()
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

    // A folder names its check: the one that is typed, or the one that one is in.
    #[test]
    fn a_folder_names_its_check() {
        let place = |name: &str, dir: Option<&str>| {
            super::place(&Args { name: name.into(), lang: Language::Rust, dir: dir.map(PathBuf::from) }).unwrap()
        };
        assert_eq!(place("a", None), ("a".into(), "a".into()));
        assert_eq!(place("a", Some("x/y")), ("a".into(), "x/y".into()));
        assert_eq!(place("checks/b/", None), ("b".into(), "checks/b/".into()));
        let here = std::env::current_dir().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(place(".", None), (here, ".".into()));
    }

    // The words that people type for a language mean it.
    #[test]
    fn languages_have_their_short_words() {
        let typed = ["rs", "py", "js", "ts", "c++", "golang", "zig"].map(Language::from_word);
        let meant = [
            Language::Rust,
            Language::Python,
            Language::JavaScript,
            Language::TypeScript,
            Language::Cpp,
            Language::Go,
            Language::Zig,
        ];
        assert_eq!(typed, meant.map(Some));
    }

    #[test]
    fn type_names_are_in_camel_case() {
        assert_eq!(type_name("queue-depth"), "QueueDepth");
        assert_eq!(type_name("a_b--c2"), "ABC2");
    }

    // Nothing is left to fill in, and the manifest is TOML whatever the folder is called.
    #[test]
    fn templates_are_filled() {
        let kit = Path::new(r#"/odd "folder"\x"#);
        for template in Language::ALL.into_iter().filter_map(template::of) {
            for (file, text) in template.all() {
                let text = fill(text, "queue-depth", template, Some(kit));
                assert!(
                    !["{{name}}", "{{Type}}", "{{sdk}}", "{{source}}", "{{schema}}", "{{first}}", "{{ignored}}"]
                        .iter()
                        .any(|hole| text.contains(hole)),
                    "{file}"
                );
            }
            assert!(template.files.iter().any(|(file, _)| *file == template.source), "{}", template.source);
        }
        let rust = template::of(Language::Rust).unwrap();
        let manifest: toml::Table = fill(rust.files[0].1, "queue-depth", rust, Some(kit)).parse().unwrap();
        assert_eq!(manifest["dependencies"]["probity-check"]["path"].as_str(), Some(r#"/odd "folder"\x"#));
    }

    // What a template has makes a folder of its language, which `probity build` will know.
    #[test]
    fn templates_are_recognised() {
        for language in Language::ALL {
            let Some(template) = template::of(language) else { continue };
            let dir = tempfile::tempdir().unwrap();
            write(dir.path(), "queue-depth", template, None).unwrap();
            assert_eq!(Language::detect(dir.path()).unwrap(), language);
        }
    }
}
