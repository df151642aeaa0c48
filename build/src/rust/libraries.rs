//! Crates that want what a component has not, and what to use in their place.

use std::fs;
use std::path::Path;

/// Crates by what they want; what to use instead.
const CRATES: [(&[&str], &str, &str); 8] = [
    (&["reqwest", "ureq", "hyper", "isahc", "curl", "attohttpc", "minreq"], "sockets", "probity_check::http"),
    (
        &["sqlx", "postgres", "tokio-postgres", "mysql", "mysql_async", "diesel", "sea-orm", "rusqlite"],
        "sockets or files",
        "probity_check::sql",
    ),
    (&["redis", "fred"], "sockets", "probity_check::redis"),
    (&["lapin", "async-nats", "rdkafka"], "sockets", "probity_check::queue"),
    (&["native-tls", "openssl", "rustls"], "sockets", "probity_check::tls, or an https URL"),
    (&["hickory-resolver", "trust-dns-resolver"], "sockets", "probity_check::dns"),
    (
        &["tokio", "async-std", "smol", "rayon"],
        "threads",
        "probity_check::http::send_all, which asks side by side; the other calls wait",
    ),
    (&["sysinfo", "procfs"], "files and processes", "probity_check::system"),
];

/// Crates that ask JavaScript for something, unless a feature is turned off.
const BROWSER: [(&str, &str); 4] = [
    (
        "chrono",
        "depend on it with `default-features = false` and without `wasmbind`, and take the time from probity_check::clock",
    ),
    ("jiff", "depend on it without the feature `js`, and take the time from probity_check::clock"),
    (
        "getrandom",
        "nothing in a component is random: take probity_check::context::run_id where a unique value is wanted",
    ),
    ("uuid", "depend on it without the features `js` and `v4`: probity_check::context::run_id is unique per run"),
];

/// Crates of bindings to JavaScript themselves.
const BINDINGS: [&str; 4] = ["wasm-bindgen", "js-sys", "web-sys", "web-time"];

/// What to know about the dependencies that `Cargo.toml` names.
pub(super) fn notes(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    let table: toml::Table = text.parse().unwrap_or_default();
    let dependencies =
        table.get("dependencies").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys);
    dependencies
        .filter_map(|name| {
            let (_, wants, instead) = CRATES.iter().find(|(crates, _, _)| crates.contains(&name.as_str()))?;
            Some(format!("Cargo.toml names {name}, which wants {wants}: a component has none; use {instead}"))
        })
        .collect()
}

/// Macros of the standard library that write to a standard output or error which a component has not.
const PRINTING: [&str; 5] = ["println!", "eprintln!", "print!", "eprint!", "dbg!"];

/// A note on what the author's sources print, which nobody would see.
pub(super) fn printing(folder: &Path) -> Option<String> {
    let mut files: Vec<_> =
        fs::read_dir(folder.join("src")).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    files.iter().filter(|file| file.extension().is_some_and(|is| is == "rs")).find_map(|file| {
        let text = fs::read_to_string(file).ok()?;
        let (line, name) = silent(&text)?;
        let file = file.file_name()?.to_string_lossy();
        let macros = "println, eprintln and dbg of probity_check, imported by name, write log lines in their place";
        Some(format!("src/{file}:{line} uses {name}, which is silent in a component: {macros}"))
    })
}

/// The first line, before the tests, that uses such a macro without an import of the kit's.
fn silent(text: &str) -> Option<(usize, &'static str)> {
    let lines = text.lines().take_while(|line| line.trim() != "#[cfg(test)]").enumerate();
    let imported = |name: &str| {
        let name = name.trim_end_matches('!');
        let imports = text.lines().filter(|line| line.trim_start().starts_with("use probity_check::"));
        imports.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_')).any(|word| word == name)
    };
    lines.filter(|(_, line)| !line.trim_start().starts_with("//")).find_map(|(at, line)| {
        let used = |name: &&&str| {
            line.match_indices(**name)
                .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == ':' || c == '_'))
        };
        PRINTING.iter().find(used).filter(|name| !imported(name)).map(|name| (at + 1, *name))
    })
}

/// The crates because of which a module asks for JavaScript, found in `Cargo.lock`; `None` when it does not.
pub(super) fn blame(error: &str, folder: &Path) -> Option<String> {
    if !error.contains("__wbindgen") && !error.contains("wasm-bindgen") {
        return None;
    }
    let lock = folder.ancestors().map(|folder| folder.join("Cargo.lock")).find(|lock| lock.is_file());
    let text = lock.and_then(|lock| fs::read_to_string(lock).ok()).unwrap_or_default();
    let wanted = "functions of JavaScript (wasm-bindgen), which no host has";
    let advice: Vec<String> = users_of_bindings(&text)
        .into_iter()
        .map(|name| {
            let known = BROWSER.iter().find(|(known, _)| *known == name);
            let instead =
                known.map_or("turn off the feature that asks for them, or use another crate", |(_, instead)| instead);
            format!("`{name}` wants {wanted}: {instead}")
        })
        .collect();
    Some(if advice.is_empty() { format!("a dependency wants {wanted}") } else { advice.join("; ") })
}

/// The packages of a lock file that depend on bindings to JavaScript, and are none themselves.
fn users_of_bindings(lock: &str) -> Vec<String> {
    let table: toml::Table = lock.parse().unwrap_or_default();
    let packages = table.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    packages
        .filter_map(|package| {
            let name = package.get("name")?.as_str()?;
            let dependencies = package.get("dependencies")?.as_array()?;
            // With a version behind it where there are several.
            let mut names = dependencies.iter().filter_map(|named| named.as_str()?.split(' ').next());
            let is_user = !name.starts_with("wasm-bindgen") && !BINDINGS.contains(&name);
            (is_user && names.any(|named| BINDINGS.contains(&named))).then(|| name.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // A crate that cannot work is named, with what does.
    #[test]
    fn dependencies_that_cannot_work_are_noted() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = "[package]\nname = \"a\"\n[dependencies]\nregex = \"1\"\nreqwest = { version = \"0.13\" }\n";
        fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
        let told = "Cargo.toml names reqwest, which wants sockets: a component has none; use probity_check::http";
        assert_eq!(notes(dir.path()), [told]);
        assert!(notes(Path::new("/nowhere")).is_empty());
    }

    // What prints into the void is noted with its line, unless the kit's macro is imported; tests may print.
    #[test]
    fn silent_macros_are_noted() {
        assert_eq!(silent("fn f() {\n    println!(\"x\");\n}"), Some((2, "println!")));
        assert_eq!(silent("use probity_check::{eprintln, println};\nfn f() { println!(); eprintln!() }"), None);
        assert_eq!(silent("// println!()\nfn f() { my_println!(); log::eprint!() }"), None);
        assert_eq!(silent("fn f() {}\n#[cfg(test)]\nmod tests { fn g() { dbg!(1); } }"), None);
        assert_eq!(silent("fn f() { eprintln!() }"), Some((1, "eprintln!")));
    }

    // Who asks for JavaScript is found in the lock file; other errors are nobody's.
    #[test]
    fn whoever_asks_for_javascript_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let lock = r#"
            [[package]]
            name = "chrono"
            version = "0.4.0"
            dependencies = ["js-sys", "wasm-bindgen 0.2.100"]
            [[package]]
            name = "js-sys"
            version = "0.3.0"
            dependencies = ["wasm-bindgen"]
            [[package]]
            name = "regex"
            version = "1.0.0"
            dependencies = ["memchr"]
        "#;
        fs::write(dir.path().join("Cargo.lock"), lock).unwrap();
        let error =
            "not a check: failed to resolve import `__wbindgen_externref_xform__::__wbindgen_externref_table_grow`";
        let said = blame(error, dir.path()).unwrap();
        assert!(said.starts_with("`chrono` wants functions of JavaScript") && said.contains("wasmbind"), "{said}");
        assert!(!said.contains("js-sys") && !said.contains("regex"), "{said}");
        assert_eq!(blame("not a check: no exports", dir.path()), None);
        assert!(blame(error, Path::new("/nowhere")).unwrap().starts_with("a dependency wants"));
    }
}
