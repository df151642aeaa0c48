//! Console blocks of documents: which commands they show, and what came out.
//!
//! A block after `<!-- run -->` or `<!-- run: WORD -->` is run: its lines that start with `$ ` in order, and the lines
//! below each become its output. Nothing else of a document is touched.

use std::fmt::Write;

use anyhow::{Result, ensure};

/// One command of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step<'a> {
    /// What the marker of its block says.
    pub(crate) word: &'a str,
    /// Its place in the block.
    pub(crate) at: usize,
    /// What is typed.
    pub(crate) command: &'a str,
}

/// `document` with the output of its commands as `run` has it.
pub(crate) fn renew(document: &str, mut run: impl FnMut(Step) -> Result<String>) -> Result<String> {
    let mut new = String::with_capacity(document.len());
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        put(&mut new, line);
        let Some(word) = marker(line) else { continue };
        let fence = lines.next().unwrap_or_default();
        ensure!(fence == "```console", "`{line}` stands before `{fence}`, not before a console block");
        put(&mut new, fence);
        let commands: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        for (at, command) in commands.iter().filter_map(|line| line.strip_prefix("$ ")).enumerate() {
            put(&mut new, &format!("$ {command}"));
            for line in run(Step { word, at, command })?.lines() {
                put(&mut new, line.trim_end());
            }
        }
        put(&mut new, "```");
    }
    Ok(new)
}

/// What stands between the lines `<!-- BEGIN… -->` and `<!-- BEGIN: end -->` becomes `text`.
pub(crate) fn paste(document: &str, begin: &str, text: &str) -> Result<String> {
    let (head, rest) = document.split_once(&format!("<!-- {begin}")).unwrap_or_default();
    let (marker, rest) = rest.split_once("-->\n").unwrap_or_default();
    let (_, tail) = rest.split_once(&format!("<!-- {begin}: end -->")).unwrap_or_default();
    ensure!(!tail.is_empty(), "no lines `<!-- {begin} … -->` and `<!-- {begin}: end -->`");
    Ok(format!("{head}<!-- {begin}{marker}-->\n{text}<!-- {begin}: end -->{tail}"))
}

/// The word of a marker; empty when it has none.
fn marker(line: &str) -> Option<&str> {
    let inner = line.strip_prefix("<!-- run")?.strip_suffix(" -->")?;
    if inner.is_empty() { Some("") } else { inner.strip_prefix(": ") }
}

fn put(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a string does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    // Old output goes; commands and prose stay, and so do blocks without a marker.
    #[test]
    fn output_is_renewed() {
        let old = "Prose\n<!-- run: degraded -->\n```console\n$ a\nold\nlines\n$ b\n```\n<!-- run -->\n```console\n$ c\n\
                   ```\n```console\n$ d\nkept\n```\n";
        let mut did = Vec::new();
        let run = |step: Step| {
            did.push(format!("{} {} {}", step.word, step.at, step.command));
            Ok(format!("out of {}", step.command))
        };
        let expected = "Prose\n<!-- run: degraded -->\n```console\n$ a\nout of a\n$ b\nout of b\n```\n<!-- run -->\n\
                        ```console\n$ c\nout of c\n```\n```console\n$ d\nkept\n```\n";
        assert_eq!(renew(old, run).unwrap(), expected);
        assert_eq!(did, ["degraded 0 a", "degraded 1 b", " 0 c"]);
    }

    // A marker that stands before nothing to run is a mistake in the document.
    #[test]
    fn stray_marker_is_refused() {
        assert!(renew("<!-- run: healthy -->\ntext\n", |_| Ok(String::new())).is_err());
    }

    // What is pasted replaces what was there, and a document without a place for it is a mistake.
    #[test]
    fn text_is_pasted_between_its_markers() {
        let old = "a\n<!-- times: of today -->\nold\n<!-- times: end -->\nb\n";
        let new = "a\n<!-- times: of today -->\nnew\n<!-- times: end -->\nb\n";
        assert_eq!(paste(old, "times", "new\n").unwrap(), new);
        assert!(paste("a\n", "times", "new\n").is_err());
    }
}
