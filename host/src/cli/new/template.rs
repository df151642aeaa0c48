//! What `probity new` writes, language by language.
//!
//! Every language's template is the same check: it reads a number from a service over HTTP and judges it. So what is
//! not in the language (configuration, its schema, a host to try it in, test cases) is the same file for all.
//!
//! In a template `{{name}}` is the check's name, `{{Type}}` the same in camel case, `{{source}}` the file the check is
//! written in, `{{sdk}}` what the language's manifest says about the author kit, and `{{schema}}` the schema's file where
//! the author writes one, `{{first}}` the line that gets what the first build needs, and `{{ignored}}`
//! what `.gitignore` names beside.

use std::path::Path;

use probity_build::{Language, go_path};

/// A file in the new folder, and its text.
pub(super) type File = (&'static str, &'static str);

/// What is particular to a language.
#[derive(Debug)]
pub(super) struct Template {
    /// Beside [`COMMON`].
    pub(super) files: &'static [File],
    /// The file the check is written in.
    pub(super) source: &'static str,
    /// What its tools leave in the folder, beside what is generated in every language.
    pub(super) ignored: &'static str,
    /// What gets its dependencies, once, where `probity build` does not.
    pub(super) first: Option<&'static str>,
    /// What the manifest says about the author kit, which is in that folder, or published.
    pub(super) sdk: fn(Option<&Path>) -> String,
}

/// In every language's folder.
const COMMON: [File; 6] = [
    ("tests/value.toml", include_str!("../templates/common/tests/value.toml.in")),
    ("schema.json", include_str!("../templates/common/schema.json.in")),
    ("example.json", include_str!("../templates/common/example.json.in")),
    ("probity.toml", include_str!("../templates/common/probity.toml.in")),
    ("README.md", include_str!("../templates/common/README.md.in")),
    (".gitignore", include_str!("../templates/common/gitignore.in")),
];

/// The schema's file, for languages whose author kit does not make it of the configuration's type.
const SCHEMA: &str = "schema.json";

impl Template {
    /// Every file of the new folder.
    pub(super) fn all(&self) -> impl Iterator<Item = &File> {
        let common = COMMON.iter().filter(|(file, _)| *file != SCHEMA || !self.makes_schema());
        common.chain(self.files)
    }

    /// What the README says before `example.json`.
    pub(super) fn schema(&self) -> &'static str {
        if self.makes_schema() { "" } else { "`schema.json`, " }
    }

    /// Whether the author writes the configuration once, as a type: Python's kit does the rest.
    fn makes_schema(&self) -> bool {
        self.source.ends_with(".py")
    }
}

/// The template of a language; none where there is no author kit yet.
pub(super) fn of(language: Language) -> Option<&'static Template> {
    match language {
        Language::Rust => Some(&RUST),
        Language::Python => Some(&PYTHON),
        Language::JavaScript => Some(&JAVASCRIPT),
        Language::TypeScript => Some(&TYPESCRIPT),
        Language::Go => Some(&GO),
        Language::C => Some(&C),
        Language::Cpp => Some(&CPP),
        Language::Zig => Some(&ZIG),
    }
}

const RUST: Template = Template {
    files: &[
        ("Cargo.toml", include_str!("../templates/rust/Cargo.toml.in")),
        ("src/lib.rs", include_str!("../templates/rust/lib.rs.in")),
    ],
    source: "src/lib.rs",
    ignored: "",
    first: None,
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
    ignored: "/.venv\n/venv\n__pycache__/\n*.py[cod]\n*.egg-info/\n/build\n/dist\n/.pytest_cache\n/.mypy_cache\n/.ruff_cache\n/.coverage\n",
    first: Some("python3 -m venv .venv && .venv/bin/pip install -e '.[dev]'"),
    // The whole requirement, as a TOML string.
    sdk: |folder| {
        let requirement = match folder {
            Some(folder) => format!("probity-check @ file://{}", folder.display()),
            None => format!("probity-check=={}", env!("CARGO_PKG_VERSION")),
        };
        toml::Value::String(requirement).to_string()
    },
};

const JAVASCRIPT: Template = Template {
    files: &[
        ("package.json", include_str!("../templates/javascript/package.json.in")),
        ("check.js", include_str!("../templates/javascript/check.js.in")),
        ("check.test.js", include_str!("../templates/javascript/check.test.js.in")),
    ],
    source: "check.js",
    ignored: "node_modules/\n/coverage\n",
    first: Some("npm install"),
    sdk: npm,
};

const TYPESCRIPT: Template = Template {
    files: &[
        ("package.json", include_str!("../templates/typescript/package.json.in")),
        ("tsconfig.json", include_str!("../templates/typescript/tsconfig.json.in")),
        ("check.ts", include_str!("../templates/typescript/check.ts.in")),
    ],
    source: "check.ts",
    ignored: "node_modules/\n/coverage\n/dist\n*.tsbuildinfo\n",
    first: Some("npm install"),
    sdk: npm,
};

/// The dependency's version, as a JSON string.
fn npm(folder: Option<&Path>) -> String {
    let version = match folder {
        Some(folder) => format!("file:{}", folder.display()),
        None => env!("CARGO_PKG_VERSION").to_owned(),
    };
    serde_json::Value::String(version).to_string()
}

/// Where the kit is, `probity build` knows without the manifest of these.
fn unsaid(_: Option<&Path>) -> String {
    String::new()
}

const GO: Template = Template {
    files: &[
        ("go.mod", include_str!("../templates/go/go.mod.in")),
        ("check.go", include_str!("../templates/go/check.go.in")),
        ("check_test.go", include_str!("../templates/go/check_test.go.in")),
    ],
    source: "check.go",
    ignored: "*.test\n",
    first: None,
    // What the manifest says after the requirement, so that go's own commands find the kit as well.
    sdk: |folder| {
        folder.map_or_else(String::new, |folder| format!("\nreplace probity.dev/sdk => {}\n", go_path(folder)))
    },
};

const C: Template = Template {
    files: &[("check.c", include_str!("../templates/c/check.c.in"))],
    source: "check.c",
    ignored: "*.o\n/.venv\n",
    first: None,
    sdk: unsaid,
};

const CPP: Template = Template {
    files: &[("check.cpp", include_str!("../templates/cpp/check.cpp.in"))],
    source: "check.cpp",
    ignored: "*.o\n/.venv\n",
    first: None,
    sdk: unsaid,
};

const ZIG: Template = Template {
    files: &[("check.zig", include_str!("../templates/zig/check.zig.in"))],
    source: "check.zig",
    ignored: "/.zig-cache\n/zig-out\n/.venv\n",
    first: None,
    sdk: unsaid,
};
