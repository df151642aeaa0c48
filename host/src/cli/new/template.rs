//! What `probity new` writes, language by language.
//!
//! Every language's template is the same check: it reads a number from a service over HTTP and judges it. So what is
//! not in the language (configuration, its schema, a host to try it in, test cases) is the same file for all.
//!
//! In a template `{{name}}` is the check's name, `{{Type}}` the same in camel case, `{{source}}` the file the check is
//! written in, and `{{sdk}}` what the language's manifest says about the author kit.

use std::path::Path;

use probity_build::Language;

/// A file in the new folder, and its text.
pub(super) type File = (&'static str, &'static str);

/// What is particular to a language.
#[derive(Debug)]
pub(super) struct Template {
    /// Beside [`COMMON`].
    pub(super) files: &'static [File],
    /// The file the check is written in.
    pub(super) source: &'static str,
    /// What the manifest says about the author kit, which is in that folder, or published.
    pub(super) sdk: fn(Option<&Path>) -> String,
}

/// In every language's folder.
pub(super) const COMMON: [File; 6] = [
    ("tests/value.toml", include_str!("../templates/common/tests/value.toml.in")),
    ("schema.json", include_str!("../templates/common/schema.json.in")),
    ("example.json", include_str!("../templates/common/example.json.in")),
    ("probity.toml", include_str!("../templates/common/probity.toml.in")),
    ("README.md", include_str!("../templates/common/README.md.in")),
    (".gitignore", include_str!("../templates/common/gitignore.in")),
];

/// The template of a language; none where there is no author kit yet.
pub(super) fn of(language: Language) -> Option<&'static Template> {
    match language {
        Language::Rust => Some(&RUST),
        Language::Python => Some(&PYTHON),
        Language::JavaScript
        | Language::TypeScript
        | Language::Go
        | Language::C
        | Language::Cpp
        | Language::Zig => None,
    }
}

const RUST: Template = Template {
    files: &[
        ("Cargo.toml", include_str!("../templates/rust/Cargo.toml.in")),
        ("src/lib.rs", include_str!("../templates/rust/lib.rs.in")),
    ],
    source: "src/lib.rs",
    // The part of the dependency between its braces.
    sdk: |folder| match folder {
        Some(folder) => format!("path = {}", toml::Value::String(folder.display().to_string())),
        None => format!("version = {:?}", env!("CARGO_PKG_VERSION")),
    },
};

const PYTHON: Template = Template {
    files: &[
        ("pyproject.toml", include_str!("../templates/python/pyproject.toml.in")),
        ("check.py", include_str!("../templates/python/check.py.in")),
        ("test_check.py", include_str!("../templates/python/test_check.py.in")),
    ],
    source: "check.py",
    // The whole requirement, as a TOML string.
    sdk: |folder| {
        let requirement = match folder {
            Some(folder) => format!("probity @ file://{}", folder.display()),
            None => format!("probity=={}", env!("CARGO_PKG_VERSION")),
        };
        toml::Value::String(requirement).to_string()
    },
};
