//! The quickstarts of `docs/quickstart`, followed literally: one language after the other, each from an empty folder, with
//! nothing of this repository at hand but the program and the author kits.

mod shell;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use self::shell::Shell;
use crate::console::{self, Step};
use crate::ports::Ports;
use crate::workspace::{Workspace, shown};

const FOLDER: &str = "docs/quickstart";

/// Has the table of times.
const INDEX: &str = "README.md";

/// The ports that the documents show: of the service and of the host. Free ones are used in their place.
const PORTS: [u16; 2] = [19_000, 18_080];

/// What one quickstart took.
#[derive(Debug, Default)]
struct Times {
    /// Getting what the language needs.
    dependencies: Duration,
    build: Duration,
    test: Duration,
    /// From the empty folder to the last command of the document.
    whole: Duration,
}

/// Follows each quickstart with this program, pastes what came out and how long it took. One alone renews no table.
pub(crate) fn renew(workspace: &Workspace, host: &Path, only: Option<&str>) -> Result<()> {
    let mut table = String::from(
        "| language | its tools and packages | first build | first test | the whole page |\n| --- | ---: | ---: | ---: | ---: |\n",
    );
    for page in pages(workspace)? {
        let name = page.file_stem().unwrap_or_default().to_string_lossy();
        if only.is_some_and(|only| only != name) {
            continue;
        }
        let (old, new, times) = follow(workspace, host, &page, false)?;
        fs::write(&page, &new).with_context(|| format!("write {}", shown(&page)))?;
        println!("{}: {}", shown(&page), if new == old { "unchanged" } else { "renewed" });
        let title = new.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or(&name);
        let seconds = |time: Duration| match time.as_secs_f64() {
            none if none < 0.05 => "–".to_owned(),
            some => format!("{some:.1} s"),
        };
        table += &format!(
            "| [{title}]({name}.md) | {} | {} | {} | {} |\n",
            seconds(times.dependencies),
            seconds(times.build),
            seconds(times.test),
            seconds(times.whole)
        );
    }
    if only.is_some() {
        return Ok(());
    }
    let index = workspace.root.join(FOLDER).join(INDEX);
    let old = fs::read_to_string(&index).with_context(|| format!("read {}", shown(&index)))?;
    fs::write(&index, console::paste(&old, "timed", &table)?).with_context(|| format!("write {}", shown(&index)))
}

/// Follows each quickstart and wants what the page shows, numbers and times apart.
pub(crate) fn check(workspace: &Workspace, host: &Path) -> Result<()> {
    for page in pages(workspace)? {
        let (shows, said, times) = follow(workspace, host, &page, true)?;
        if let Some((shows, said)) = difference(&shows, &said) {
            let page = shown(&page);
            anyhow::bail!(
                "{page} shows\n  {shows}\nand what came out is\n  {said}\n`cargo xtask docs` renews the page"
            );
        }
        println!("{}: as it says, in {:.1} s", shown(&page), times.whole.as_secs_f64());
    }
    Ok(())
}

fn pages(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(workspace.root.join(FOLDER)).with_context(|| format!("read {FOLDER}"))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_page =
        |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md") && !path.ends_with(INDEX);
    let mut pages: Vec<PathBuf> = paths.filter(is_page).collect();
    pages.sort();
    Ok(pages)
}

/// The page as it is, the page with what came out now, and how long that took.
fn follow(workspace: &Workspace, host: &Path, page: &Path, caches: bool) -> Result<(String, String, Times)> {
    let old = fs::read_to_string(page).with_context(|| format!("read {}", shown(page)))?;
    let mut shell = Shell::new(&workspace.target.join("tmp"), host, caches, Ports::free(&PORTS)?)?;
    shell.set("PROBITY_SDK_PATH", &workspace.root.join("sdk"));
    let mut times = Times::default();
    let step = |step: Step| {
        let (said, took) = shell.run(step.command)?;
        times.whole += took;
        match step.command {
            "probity build" if times.build.is_zero() => times.build = took,
            "probity test" if times.test.is_zero() => times.test = took,
            _ if step.word == "dependencies" => times.dependencies += took,
            _ => {}
        }
        Ok(said.replace(&*workspace.root.to_string_lossy(), "/opt/probity"))
    };
    let new = console::renew(&old, step).with_context(|| format!("follow {}", shown(page)))?;
    Ok((old, new, times))
}

/// The first lines that are not the same but for numbers, digests and times.
fn difference<'a>(shows: &'a str, said: &'a str) -> Option<(&'a str, &'a str)> {
    let (mut shows, mut said) = (shows.lines(), said.lines());
    loop {
        match (shows.next(), said.next()) {
            (None, None) => return None,
            (one, other) => {
                let (one, other) = (one.unwrap_or("(nothing)"), other.unwrap_or("(nothing)"));
                if plain(one) != plain(other) {
                    return Some((one, other));
                }
            }
        }
    }
}

/// A line without what differs from one time to the next: words with a digit in them, and their units.
fn plain(line: &str) -> String {
    const UNITS: [&str; 8] = ["s", "ms", "µs", "m", "B", "KiB", "MiB", "bytes"];
    let words = line.split_whitespace().map(|word| word.trim_matches(|c: char| "(),:;".contains(c)));
    let kept = words.filter(|word| !word.contains(|c: char| c.is_ascii_digit()) && !UNITS.contains(word));
    kept.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    // What is said of sizes, digests and times may differ; words may not, and neither may lines be more or fewer.
    #[test]
    fn numbers_may_differ_and_words_may_not() {
        let shows = "  size     66.1 KiB (67,731 bytes)\n  sha256   ae88\nok      a case (5.0 ms)\n";
        assert_eq!(difference(shows, "  size  2 MiB (1 bytes)\n  sha256 7fb2\nok a case (12 µs)\n"), None);
        let failed = shows.replace("ok ", "FAILED ");
        assert_eq!(difference(shows, &failed), Some(("ok      a case (5.0 ms)", "FAILED      a case (5.0 ms)")));
        assert_eq!(difference("a\nb\n", "a\n"), Some(("b", "(nothing)")));
    }
}
