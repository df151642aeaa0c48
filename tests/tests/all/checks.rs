//! Each first-party check has a page, the page names its options, and the examples fit its schema.

use std::path::Path;

use probity_config::Source;
use serde_json::Value;

use super::docs::{Document, read, root, rows};

/// The folders in `plugins`, in order.
pub(crate) fn names() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("plugins")).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.path().join("Cargo.toml").is_file());
    let mut names: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(names.len() > 5, "plugins is not read: {names:?}");
    names
}

fn schema(name: &str) -> Value {
    serde_json::from_str(&read(format!("plugins/{name}/schema.json"))).unwrap()
}

// Whoever adds a check writes its page, and a row in both lists.
#[test]
fn checks_have_a_page_and_rows() {
    let (plugins, index) = (read("plugins/README.md"), read("docs/checks/README.md"));
    let (plugins, index) = (rows(&plugins), rows(&index));
    for name in names() {
        let page = format!("docs/checks/{name}.md");
        assert!(root().join(&page).is_file(), "{page} is missing");
        let text = read(&page);
        for part in [&format!("# `{name}`\n"), "\n## Options\n", "\n## Grants\n", "\n## Status\n", "```toml\n"] {
            assert!(text.contains(part), "{page} has no {part:?}");
        }
        let cell = format!("`{name}`");
        assert!(plugins.iter().any(|row| row[0] == cell), "plugins/README.md has no row {cell}");
        let link = format!("[`{name}`]({name}.md)");
        assert!(index.iter().any(|row| row[0] == link), "docs/checks/README.md has no row {link}");
    }
}

// A page's table of options is the schema's list of properties.
#[test]
fn pages_list_the_options() {
    for name in names() {
        let page = read(format!("docs/checks/{name}.md"));
        let options = page.split("\n## Options\n").nth(1).unwrap().split("\n## ").next().unwrap();
        let mut listed: Vec<&str> = rows(options).iter().skip(1).map(|row| row[0].trim_matches('`')).collect();
        listed.sort_unstable();
        let schema = schema(&name);
        let mut properties: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        properties.sort_unstable();
        assert_eq!(listed, properties, "docs/checks/{name}.md");
    }
}

// Whoever copies an example out of a page has a configuration that the check accepts.
#[test]
fn examples_fit_the_schemas() {
    let env = |name: &str| name.starts_with("PROBITY_").then(|| "a-long-secret".to_owned());
    let file = |_: &Path| Ok("another-long-secret".to_owned());
    for name in names() {
        let path = format!("docs/checks/{name}.md");
        let page = Document { text: read(&path), path };
        let mut checked = 0;
        for block in page.blocks().into_iter().filter(|block| block.info == "toml") {
            let source = Source { path: block.place.clone().into(), text: block.text };
            let config = probity_config::parse(&[source], Path::new(""), &env, &file)
                .unwrap_or_else(|errors| panic!("{}:\n{errors}", block.place));
            for check in config.checks.values().filter(|check| check.plugin == name) {
                let validator = jsonschema::draft202012::new(&schema(&name)).unwrap();
                if let Err(error) = validator.validate(&check.config) {
                    panic!("{}: {}: {error}", block.place, error.instance_path());
                }
                checked += 1;
            }
        }
        assert!(checked > 0, "{} configures no {name}", page.path);
    }
}
