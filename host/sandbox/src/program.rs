//! From bytes to something that can be instantiated: recognised, compiled, imports checked.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use probity_core::CONTRACT;
use probity_core::check::Capability;
use probity_core::text::{clean, rough_size};
use serde::{Deserialize, Serialize};
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use super::Sandbox;
use super::cache::{self, Origin};
use super::compiler::Flavor;
use super::engine::Linked;
use super::examine::{INSTANCES_MAX, NAME_BYTES_MAX, NAMES_MAX, NESTING_MAX, PARTS_MAX};
use crate::capabilities::HostState;
use crate::capabilities::bindings::OfferedPre;

/// Imports or exports that a refusal names.
const NAMES_SHOWN: usize = 8;

/// Bytes of what the linker complains about.
const COMPLAINT_BYTES_MAX: usize = 1_024;

/// A plugin's code, ready to be instantiated any number of times. Cheap to share behind an `Arc`.
pub struct Program {
    /// SHA-256 of the component's bytes, lower-case hex.
    pub digest: Arc<str>,
    /// Every import, as written in the component but that control characters are spaces.
    pub imports: Vec<String>,
    /// What the imports amount to, the free ones included.
    pub capabilities: BTreeSet<Capability>,
    /// Where the compiled code came from.
    pub origin: Origin,
    pub(crate) pre: OfferedPre<HostState>,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("digest", &self.digest).field("imports", &self.imports).finish_non_exhaustive()
    }
}

/// Why bytes are not a plugin. Every text in it is cut and cleaned.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
pub enum CompileError {
    /// Something else entirely.
    #[error("not a WebAssembly component: {0}")]
    NotWasm(String),
    /// A core module.
    #[error(
        "a core WebAssembly module, not a component; make one with `probity build`, or with \
         `wasm-tools component new` from a module that embeds the world of {CONTRACT}"
    )]
    CoreModule,
    /// Native code, which is never accepted from a plugin directory.
    #[error("precompiled native code; a plugin is a portable component, the host compiles it itself")]
    Precompiled,
    /// Malformed, or uses a proposal that is off.
    #[error("the component does not compile: {0}")]
    Invalid(String),
    /// Compiling it was stopped.
    #[error("compiling took more than {} ms and was stopped (key `plugins.compile-timeout`)", .0.as_millis())]
    TooLong(Duration),
    /// The compiler's process died, most likely of its memory limit.
    #[error(
        "the compiler's process died: {status}; it may use {memory} bytes of memory (key `plugins.compile-memory`): {said}"
    )]
    WorkerDied {
        /// How it ended.
        status: String,
        /// What it may allocate, bytes.
        memory: u64,
        /// The end of what it wrote.
        said: String,
    },
    /// The compiler's process could not be used.
    #[error("cannot compile: {0}")]
    Worker(String),
    /// The host's own compiled code does not load.
    #[error("the compiled code does not load: {0}")]
    Code(String),
    /// Unfolds to more than a compiler should be given.
    #[error("the component unfolds to {0} instances of nested components, at most {INSTANCES_MAX} are accepted")]
    TooLarge(u64),
    /// Components within components within components.
    #[error("the component nests others more than {NESTING_MAX} levels deep")]
    TooDeep,
    /// Made of too many.
    #[error("the component is made of more than {PARTS_MAX} components and modules")]
    TooManyParts,
    /// Too many imports and exports, or too long ones.
    #[error(
        "the component imports and exports more than {NAMES_MAX} names, or one of more than {NAME_BYTES_MAX} bytes"
    )]
    Names,
    /// [`Sandbox::stop_compiling`] was called: the host is ending.
    #[error("not compiled: the host is ending")]
    Stopped,
    /// The compiler itself broke.
    #[error("the compiler panicked on this component: {0}")]
    CompilerPanic(String),
    /// Wants something the host does not have.
    #[error("imports what this host does not offer: {}", .0.join("; "))]
    Imports(Vec<String>),
    /// Does not export `checker`, or with other types.
    #[error("does not implement {CONTRACT}: {0}")]
    World(String),
}

impl Sandbox {
    /// Compiles `bytes`, or takes the code from the cache. Takes tens of milliseconds per 100 KB, seconds for an
    /// interpreter, so call it from a blocking thread; from several at once if need be.
    ///
    /// # Errors
    /// [`CompileError`]: the bytes are no plugin for this host.
    pub fn compile(&self, bytes: &[u8], digest: &str) -> Result<Program, CompileError> {
        recognise(bytes)?;
        // Code in the cache was made of these very bytes, after they had passed all that is below.
        if let Some((flavor, component)) = self.cached(digest) {
            return prepare(self.engines.of(flavor), &component, digest, Origin::Cache);
        }
        tracing::info!(digest, size = rough_size(bytes.len() as u64), "compiling the plugin");
        let engine = |flavor| self.engines.of(flavor).engine.clone();
        let (flavor, code) = self.workshop.compile(bytes, engine)?;
        let linked = self.engines.of(flavor);
        if let Some(functions) = &self.functions {
            functions.keep();
        }
        if let Some(cache) = &self.cache {
            cache.store(&linked.engine, digest, &code);
        }
        // Mapped from the file the code is shared with the page cache; from the bytes it is memory of ours.
        let mapped = self.cache.as_ref().and_then(|cache| cache.load(&linked.engine, digest));
        let component = mapped.map_or_else(|| cache::deserialize_bytes(&linked.engine, &code), Ok);
        let component =
            component.map_err(|error| CompileError::Code(clean(&format!("{error:#}"), COMPLAINT_BYTES_MAX)))?;
        prepare(linked, &component, digest, Origin::Compiled)
    }

    fn cached(&self, digest: &str) -> Option<(Flavor, Component)> {
        let cache = self.cache.as_ref()?;
        [Flavor::Plain, Flavor::Concurrent]
            .into_iter()
            .find_map(|flavor| Some((flavor, cache.load(&self.engines.of(flavor).engine, digest)?)))
    }
}

/// Tells what the bytes are before a compiler sees them.
fn recognise(bytes: &[u8]) -> Result<(), CompileError> {
    if Engine::detect_precompiled(bytes).is_some() {
        return Err(CompileError::Precompiled);
    }
    if wasmparser::Parser::is_core_wasm(bytes) {
        return Err(CompileError::CoreModule);
    }
    if wasmparser::Parser::is_component(bytes) {
        return Ok(());
    }
    let what = if bytes.is_empty() {
        "the file is empty"
    } else if bytes.iter().all(|byte| *byte == 0) {
        "the file is all zeros"
    } else if bytes.starts_with(b"(") {
        "this is WebAssembly text; convert it to binary first"
    } else {
        "it does not start with the WebAssembly magic number"
    };
    Err(CompileError::NotWasm(what.into()))
}

fn prepare(linked: &Linked, component: &Component, digest: &str, origin: Origin) -> Result<Program, CompileError> {
    let ty = component.component_type();
    let imports: Vec<(String, bool)> = ty
        .imports(&linked.engine)
        .map(|(name, item)| {
            // Not all names are made of letters: there are URLs.
            let name = clean(name, NAME_BYTES_MAX);
            let functions = match &item.ty {
                ComponentItem::ComponentInstance(instance) => instance
                    .exports(&linked.engine)
                    .any(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_) | ComponentItem::Resource(_))),
                _ => true,
            };
            (name, functions)
        })
        .collect();
    // Those that were just compiled were counted before; code in the cache may be of a host that did not.
    if imports.len() > NAMES_MAX {
        return Err(CompileError::Names);
    }
    let foreign = imports.iter().filter_map(|(name, functions)| refuse_import(name, *functions));
    let foreign = shown(foreign.collect());
    if !foreign.is_empty() {
        return Err(CompileError::Imports(foreign));
    }
    let exports: Vec<&str> = ty.exports(&linked.engine).map(|(name, _)| name).collect();
    if let Some(problem) = refuse_exports(&exports) {
        return Err(CompileError::World(problem));
    }
    let unlinked = |error: wasmtime::Error| CompileError::World(clean(&format!("{error:#}"), COMPLAINT_BYTES_MAX));
    let pre = linked.linker.instantiate_pre(component).map_err(unlinked)?;
    let pre = OfferedPre::new(pre).map_err(unlinked)?;
    Ok(Program {
        digest: digest.into(),
        capabilities: imports.iter().filter_map(|(name, _)| capability(name)).collect(),
        imports: imports.into_iter().map(|(name, _)| name).collect(),
        origin,
        pre,
    })
}

/// `package:namespace/interface@version`, taken apart.
fn parts(import: &str) -> (&str, &str, Option<&str>) {
    let (path, version) = import.split_once('@').map_or((import, None), |(path, version)| (path, Some(version)));
    let (package, interface) = path.split_once('/').unwrap_or((path, ""));
    (package, interface, version)
}

/// The capability an import amounts to.
#[must_use]
pub fn capability(import: &str) -> Option<Capability> {
    match parts(import) {
        ("probity:check", interface, _) => Capability::parse(interface),
        ("wasi:http", "outgoing-handler", _) => Some(Capability::Http),
        _ => None,
    }
}

/// Why an import cannot be had, if it cannot. Wrong types within an offered interface are left to the linker.
fn refuse_import(import: &str, functions: bool) -> Option<String> {
    let (package, interface, version) = parts(import);
    match package {
        "probity:check" => {
            let wanted = version.unwrap_or("no version");
            if !version.is_some_and(|version| version.starts_with("0.1.") && !version.contains('-')) {
                return Some(format!("{import} (contract {wanted}; this host offers 0.1.0)"));
            }
            match Capability::parse(interface) {
                Some(_) => None,
                None if interface == "types" => None,
                None => Some(format!("{import} (no such interface in {CONTRACT})")),
            }
        }
        "wasi:cli" | "wasi:clocks" | "wasi:io" | "wasi:random" | "wasi:filesystem" | "wasi:sockets" | "wasi:http" => {
            (!version.is_some_and(|version| version.starts_with("0.2.")))
                .then(|| format!("{import} (this host offers WASI 0.2)"))
        }
        _ => functions.then(|| format!("{import} (unknown; this host offers {CONTRACT} and WASI 0.2)")),
    }
}

/// Why the exports are not those of a check.
fn refuse_exports(exports: &[&str]) -> Option<String> {
    let checker = exports.iter().find(|export| export.starts_with("probity:check/checker"));
    match checker {
        Some(export) => match parts(export) {
            (_, _, Some(version)) if version.starts_with("0.1.") && !version.contains('-') => None,
            (_, _, version) => Some(format!(
                "it exports the checker of contract {}, this host wants 0.1.x",
                clean(version.unwrap_or("without a version"), NAME_BYTES_MAX)
            )),
        },
        None => Some(format!(
            "it does not export `probity:check/checker@0.1.0`; it exports {}",
            if exports.is_empty() { "nothing".to_owned() } else { listed(exports) }
        )),
    }
}

/// The first few of `texts`, and how many more there are.
fn shown(mut texts: Vec<String>) -> Vec<String> {
    if let Some(more @ 1..) = texts.len().checked_sub(NAMES_SHOWN) {
        texts.truncate(NAMES_SHOWN);
        texts.push(format!("and {more} more"));
    }
    texts
}

fn listed(names: &[&str]) -> String {
    shown(names.iter().map(|name| clean(name, NAME_BYTES_MAX)).collect()).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    // A plugin built for a later contract is told which one was wanted and which is offered.
    #[test]
    fn newer_contract_is_named() {
        let said = refuse_import("probity:check/http@0.2.0", true).unwrap();
        assert!(said.contains("0.2.0") && said.contains("offers 0.1.0"), "{said}");
        assert_eq!(refuse_import("probity:check/http@0.1.7", true), None);
        assert!(refuse_import("probity:check/http@0.1.0-rc.1", true).is_some());
    }

    // The HTTP client of WASI is the same capability as ours.
    #[test]
    fn wasi_http_counts_as_http() {
        assert_eq!(capability("wasi:http/outgoing-handler@0.2.9"), Some(Capability::Http));
        assert_eq!(capability("wasi:io/streams@0.2.9"), None);
    }
}
