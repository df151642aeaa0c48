//! Turns a check into a WebAssembly component, whatever its language.
//!
//! - [`language`]: which languages there are, and how a folder tells its own.
//! - [`project`]: a check's folder; [`Project::build`] is the whole way, with its cache.
//! - `rust`, `python`, `javascript`, `go`, `c`: one file per toolchain, each with `name` (what the manifest calls the
//!   check) and `build` (its sources → a core module or a component), and nothing else that others see.
//! - [`contract`]: the WIT, embedded; worlds made of it; what a component owes it.
//! - [`component`]: core module → component, checked against the contract, written whole and only when it changed.
//! - [`tool`]: programs of toolchains, found and run.
//! - [`tools`]: whether a language's tools are there.
//! - [`sdk`]: where the author kits are.
//!
//! One rule for what is generated: it lies in the folder's `target/` and nowhere else. `components/NAME.wasm` is the
//! component, `wit/` the world it was built for, `bindings/` what a generator made of that world; a language may have a
//! folder of its own name for the rest. Nothing in there is edited or committed, and nothing outside is written.
//!
//! Prints nothing itself (the tools' own output goes to standard error), knows nothing of the host and does not pull in
//! the runtime: `cargo xtask guests` and `probity build` share it.

pub mod bindings;
pub mod component;
pub mod contract;
mod error;
pub mod language;
mod names;
mod places;
pub mod project;
pub mod sdk;
mod sections;
mod sources;
pub mod tool;
mod tools;

mod c;
mod go;
mod javascript;
mod python;
pub mod rust;

use std::path::{Path, PathBuf};

pub use error::BuildError;
pub use go::{go_path, kit_bindings as go_kit_bindings};
pub use language::Language;
pub use project::{Built, Project};
pub use sources::Sources;
pub use tools::tools;

/// What a language is asked to build: one check.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The check's folder, absolute. Nothing is written into it but below `target`.
    pub folder: &'a Path,
    /// The check's name: the component's file is called after it.
    pub name: &'a str,
    /// Where everything generated goes; it exists.
    pub target: &'a Path,
}

impl Job<'_> {
    /// Where the world goes: `target/wit`. Write it with [`contract::World::write`].
    #[must_use]
    pub fn wit(&self) -> PathBuf {
        self.target.join("wit")
    }

    /// Where generated bindings go: `target/bindings`.
    #[must_use]
    pub fn bindings(&self) -> PathBuf {
        self.target.join("bindings")
    }
}

/// What a language made of a [`Job`].
#[derive(Clone, Debug)]
pub struct Made {
    /// The code.
    pub code: Code,
    /// Files and folders outside of the check's folder that went in, such as the author kit: when one of them changes,
    /// the check is built again. What lies inside of the folder is known without.
    pub inputs: Vec<PathBuf>,
    /// What the author should know: libraries that a component cannot serve, with what to use instead.
    pub notes: Vec<String>,
    /// The interpreter that the component holds, with its version; `None` where there is none.
    pub runtime: Option<String>,
}

impl Made {
    /// Of a language without an interpreter, with nothing to say.
    pub(crate) fn compiled(code: Code, inputs: Vec<PathBuf>) -> Self {
        Self { code, inputs, notes: Vec::new(), runtime: None }
    }
}

/// Code in one of the two forms that toolchains end with.
#[derive(Clone, Debug)]
pub enum Code {
    /// A core module that holds the type of its component: in a `component-type` section, as Rust's and C's bindings
    /// leave it, or put there by [`contract::World::embed`]. It may import WASI preview 1; the adapter is added.
    Module(Vec<u8>),
    /// A component.
    Component(Vec<u8>),
}
