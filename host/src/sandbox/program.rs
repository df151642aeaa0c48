//! From bytes to something that can be instantiated: recognised, compiled, imports checked.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use super::Sandbox;
use super::cache::Origin;
use super::engine::Linked;
use super::run::panic_text;
use super::size;
use crate::capabilities::HostState;
use crate::capabilities::bindings::OfferedPre;
use crate::check::Capability;

/// The contract this host offers.
pub const CONTRACT: &str = "probity:check@0.1.0";

/// A plugin's code, ready to be instantiated any number of times. Cheap to share behind an `Arc`.
pub struct Program {
    /// SHA-256 of the component's bytes, lower-case hex.
    pub digest: Arc<str>,
    /// Every import, as written in the component.
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

/// Why bytes are not a plugin.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// Something else entirely.
    #[error("not a WebAssembly component: {0}")]
    NotWasm(&'static str),
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
    #[error("the component does not compile")]
    Invalid(#[source] wasmtime::Error),
    /// Unfolds to more than a compiler should be given.
    #[error("the component unfolds to {0} instances of nested components, at most {max} are accepted", max = size::INSTANCES_MAX)]
    TooLarge(u64),
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
    /// interpreter, so call it from a blocking thread, one at a time.
    ///
    /// # Errors
    /// [`CompileError`]: the bytes are no plugin for this host.
    pub fn compile(&self, bytes: &[u8], digest: &str) -> Result<Program, CompileError> {
        recognise(bytes)?;
        let instances = size::instances(bytes);
        if instances > size::INSTANCES_MAX {
            return Err(CompileError::TooLarge(instances));
        }
        let linked = if needs_concurrency(bytes) { &self.engines.concurrent } else { &self.engines.plain };
        let cached = || self.cache.as_ref().and_then(|cache| cache.load(&linked.engine, digest));
        let (component, origin) = match cached() {
            Some(component) => (component, Origin::Cache),
            None => {
                let component = compile(&linked.engine, bytes)?;
                if let Some(cache) = &self.cache {
                    cache.store(&linked.engine, digest, &component);
                }
                // Mapped from the file the code is shared with the page cache; from the compiler it is memory of ours.
                (cached().unwrap_or(component), Origin::Compiled)
            }
        };
        prepare(linked, &component, digest, origin)
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
    Err(CompileError::NotWasm(if bytes.is_empty() {
        "the file is empty"
    } else if bytes.iter().all(|byte| *byte == 0) {
        "the file is all zeros"
    } else if bytes.starts_with(b"(") {
        "this is WebAssembly text; convert it to binary first"
    } else {
        "it does not start with the WebAssembly magic number"
    }))
}

/// Whether a component uses component-model-async, which the cheaper engine refuses.
fn needs_concurrency(bytes: &[u8]) -> bool {
    let without = wasmparser::WasmFeatures::default().difference(wasmparser::WasmFeatures::CM_ASYNC);
    wasmparser::Validator::new_with_features(without).validate_all(bytes).is_err()
        && wasmparser::Validator::new_with_features(without | wasmparser::WasmFeatures::CM_ASYNC)
            .validate_all(bytes)
            .is_ok()
}

fn compile(engine: &Engine, bytes: &[u8]) -> Result<Component, CompileError> {
    match catch_unwind(AssertUnwindSafe(|| Component::from_binary(engine, bytes))) {
        Ok(compiled) => compiled.map_err(CompileError::Invalid),
        Err(panic) => Err(CompileError::CompilerPanic(panic_text(&*panic).to_owned())),
    }
}

fn prepare(linked: &Linked, component: &Component, digest: &str, origin: Origin) -> Result<Program, CompileError> {
    let ty = component.component_type();
    let imports: Vec<(String, bool)> = ty
        .imports(&linked.engine)
        .map(|(name, item)| {
            let functions = match &item.ty {
                ComponentItem::ComponentInstance(instance) => instance
                    .exports(&linked.engine)
                    .any(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_) | ComponentItem::Resource(_))),
                _ => true,
            };
            (name.to_owned(), functions)
        })
        .collect();
    let foreign: Vec<String> = imports.iter().filter_map(|(name, functions)| refuse_import(name, *functions)).collect();
    if !foreign.is_empty() {
        return Err(CompileError::Imports(foreign));
    }
    let exports: Vec<&str> = ty.exports(&linked.engine).map(|(name, _)| name).collect();
    if let Some(problem) = refuse_exports(&exports) {
        return Err(CompileError::World(problem));
    }
    let pre = linked.linker.instantiate_pre(component).map_err(|error| CompileError::World(format!("{error:#}")))?;
    let pre = OfferedPre::new(pre).map_err(|error| CompileError::World(format!("{error:#}")))?;
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
                Some(capability) if capability.offered() => None,
                Some(_) => Some(format!("{import} (not offered by this version of the host)")),
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
                version.unwrap_or("without a version")
            )),
        },
        None => Some(format!(
            "it does not export `probity:check/checker@0.1.0`; it exports {}",
            if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") }
        )),
    }
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
