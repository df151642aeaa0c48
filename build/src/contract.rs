//! The contract, embedded: worlds made of it, and what a component owes it.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use wit_component::{DecodedWasm, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, SourceMap, WorldId};

use crate::component::{ComponentError, chain, encode_error, write_if_changed};

/// The files of `wit/`.
const FILES: [(&str, &str); 6] = [
    ("types.wit", include_str!("../../wit/types.wit")),
    ("checker.wit", include_str!("../../wit/checker.wit")),
    ("net.wit", include_str!("../../wit/net.wit")),
    ("backends.wit", include_str!("../../wit/backends.wit")),
    ("system.wit", include_str!("../../wit/system.wit")),
    ("worlds.wit", include_str!("../../wit/worlds.wit")),
];

/// The version of the contract that this program embeds.
pub const VERSION: &str = "0.1.0";

/// The package of the worlds that [`World::write`] writes.
pub const PACKAGE: &str = "probity:author";

/// The world that every check is built for, so that generated names are the same in each: `guest`.
pub const WORLD: &str = "guest";

/// The interfaces beyond the least ones (`context`, `log`, `clock`) that a world may import.
pub const CAPABILITIES: [&str; 13] =
    ["state", "http", "tcp", "udp", "tls", "dns", "sql", "redis", "queue", "secrets", "system", "heartbeats", "peers"];

/// Imported by every world.
pub const LEAST: [&str; 3] = ["context", "log", "clock"];

/// A world: the least a check needs, and some capabilities.
#[derive(Clone, Debug)]
pub struct World {
    text: String,
    resolve: Resolve,
    id: WorldId,
}

impl World {
    /// The least and these capabilities; [`LEAST`] and `types` among them change nothing. For toolchains that keep
    /// every import of their world (Python, JavaScript): only what the check uses, found in its source.
    ///
    /// # Errors
    /// The name that no interface of the contract has.
    pub fn narrow<'a>(capabilities: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownCapability> {
        let mut wanted = BTreeSet::new();
        for name in capabilities {
            if CAPABILITIES.contains(&name) {
                wanted.insert(name);
            } else if !LEAST.contains(&name) && name != "types" {
                return Err(UnknownCapability { name: name.to_owned() });
            }
        }
        Ok(Self::of(&wanted))
    }

    /// Everything the contract has, for toolchains that drop the imports that a check does not call.
    #[must_use]
    pub fn full() -> Self {
        Self::of(&CAPABILITIES.into())
    }

    fn of(capabilities: &BTreeSet<&str>) -> Self {
        let imports: String =
            capabilities.iter().map(|name| format!("  import probity:check/{name}@{VERSION};\n")).collect();
        let text = format!(
            "// Written by `probity build`.\npackage {PACKAGE};\n\nworld {WORLD} {{\n  include probity:check/check@{VERSION};\n{imports}}}\n"
        );
        let mut resolve = contract();
        let package = resolve.push_str("world.wit", &text).expect("a world of known interfaces resolves");
        let id = resolve.select_world(&[package], Some(WORLD)).expect("the text above has this world");
        Self { text, resolve, id }
    }

    /// Writes the world and the contract to `dir` (`target/wit`), as tools expect a WIT folder: `world.wit`, and the
    /// contract below `deps/`. What is there already is left alone.
    ///
    /// # Errors
    /// Any I/O error.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        write_if_changed(&dir.join("world.wit"), self.text.as_bytes())?;
        for (file, text) in FILES {
            write_if_changed(&dir.join("deps/probity-check").join(file), text.as_bytes())?;
        }
        Ok(())
    }

    /// The world's types and its id, for generators of bindings.
    #[must_use]
    pub fn parts(&self) -> (&Resolve, WorldId) {
        (&self.resolve, self.id)
    }

    /// Puts the world's type into a core module whose toolchain does not (Go, Zig).
    ///
    /// # Errors
    /// [`ComponentError`] when the type cannot be encoded.
    pub fn embed(&self, module: &mut Vec<u8>) -> Result<(), ComponentError> {
        embed_component_metadata(module, &self.resolve, self.id, StringEncoding::UTF8, false).map_err(encode_error)
    }
}

/// No interface of the contract has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no capability is called `{name}`; there are {}", CAPABILITIES.join(", "))]
pub struct UnknownCapability {
    /// The name.
    pub name: String,
}

/// The contract alone.
fn contract() -> Resolve {
    let mut sources = SourceMap::new();
    for (name, text) in FILES {
        sources.push_str(name, text);
    }
    let mut resolve = Resolve::default();
    let group = sources.parse().map_err(|(_, error)| error).expect("the contract parses");
    resolve.push_group(group).expect("the contract resolves");
    resolve
}

/// What a component imports, having been found to be a check for this contract: it exports `checker`, imports nothing
/// that hosts do not offer, and means by each name what the contract means.
///
/// # Errors
/// [`ComponentError`] that says what the author has to change.
pub fn check(component: &[u8]) -> Result<Vec<String>, ComponentError> {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component).map_err(encode_error)? else {
        return Err(ComponentError::Encode { reason: "this is a WIT package, not a component".into() });
    };
    let imports: Vec<String> = resolve.worlds[world].imports.keys().map(|key| resolve.name_world_key(key)).collect();
    let exports: Vec<String> = resolve.worlds[world].exports.keys().map(|key| resolve.name_world_key(key)).collect();
    let foreign: Vec<String> = imports.iter().filter_map(|import| refuse_import(import)).collect();
    if !foreign.is_empty() {
        return Err(ComponentError::Imports { imports: foreign.join("; ") });
    }
    if !exports.iter().any(|export| interface(export) == Some("checker")) {
        let exports = if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") };
        return Err(ComponentError::World { exports });
    }
    // Names agree; now what they mean does.
    let agreed = contract().merge(resolve);
    agreed.map_err(|error| ComponentError::Types { reason: chain(&*Box::<dyn std::error::Error>::from(error)) })?;
    Ok(imports)
}

/// The interface of the contract that an import or export of this version names.
fn interface(name: &str) -> Option<&str> {
    let (interface, version) = name.strip_prefix("probity:check/")?.split_once('@')?;
    (version.starts_with("0.1.") && !version.contains('-')).then_some(interface)
}

/// What is wrong with an import, if hosts do not offer it.
fn refuse_import(import: &str) -> Option<String> {
    if import.starts_with("wasi:") {
        let ours = ["cli", "clocks", "io", "random", "filesystem", "sockets", "http"];
        let package = import.trim_start_matches("wasi:").split('/').next().unwrap_or_default();
        let fits = ours.contains(&package) && import.contains("@0.2.");
        return (!fits).then(|| format!("{import} (hosts offer WASI 0.2: {})", ours.join(", ")));
    }
    if !import.starts_with("probity:check/") {
        return Some(format!("{import} (hosts offer probity:check@{VERSION} and WASI 0.2)"));
    }
    match interface(import) {
        None => Some(format!("{import} (hosts offer probity:check@{VERSION})")),
        Some("types") => None,
        Some(name) if CAPABILITIES.contains(&name) || LEAST.contains(&name) => None,
        Some(_) => Some(format!("{import} (no such interface in probity:check@{VERSION})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::componentize;

    /// A component that exports and imports what `wit` says, and does nothing.
    fn component(wit: &str) -> Vec<u8> {
        let mut resolve = contract();
        let package = resolve.push_str("test.wit", wit).unwrap();
        let world = resolve.select_world(&[package], None).unwrap();
        let mut module = wit_component::dummy_module(&resolve, world, wit_parser::ManglingAndAbi::Standard32);
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
        componentize(&module, std::path::Path::new("/")).unwrap()
    }

    // A world has what is asked for and nothing else, and a check built for it passes.
    #[test]
    fn worlds_import_what_is_asked_for() {
        let world = World::narrow(["http", "log", "types", "http"]).unwrap();
        let imports = check(&component(&world.text)).unwrap();
        let named: BTreeSet<&str> = imports.iter().filter_map(|import| interface(import)).collect();
        assert_eq!(named, ["clock", "context", "http", "log", "types"].into());
        assert_eq!(check(&component(&World::full().text)).unwrap().len(), CAPABILITIES.len() + LEAST.len() + 1);
        let unknown = World::narrow(["htp"]).unwrap_err().to_string();
        assert!(unknown.contains("`htp`") && unknown.contains("http"), "{unknown}");
    }

    // The list of capabilities is that of the contract's own `full` world.
    #[test]
    fn every_interface_is_listed() {
        let resolve = contract();
        let (_, full) = resolve.worlds.iter().find(|(_, world)| world.name == "full").unwrap();
        let names: BTreeSet<String> = full.imports.keys().map(|key| resolve.name_world_key(key)).collect();
        let ours = CAPABILITIES.iter().chain(&LEAST).chain(&["types"]);
        assert_eq!(names, ours.map(|name| format!("probity:check/{name}@{VERSION}")).collect());
    }

    // Tools read the folder as it is written, and it is written once.
    #[test]
    fn a_world_is_written_as_tools_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let world = World::narrow(["redis"]).unwrap();
        world.write(dir.path()).unwrap();
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(dir.path()).unwrap();
        assert!(resolve.select_world(&[package], Some(WORLD)).is_ok());
        let modified = || std::fs::metadata(dir.path().join("world.wit")).unwrap().modified().unwrap();
        let before = modified();
        world.write(dir.path()).unwrap();
        assert_eq!(modified(), before);
    }

    // A component that is no check, wants what is not there, or means something else, is told so.
    #[test]
    fn other_components_are_refused_with_the_reason() {
        let said = |wit: &str| check(&component(wit)).unwrap_err().to_string();
        let world = said("package a:b; interface x { f: func(); } world w { export x; }");
        assert!(world.contains("a:b/x") && world.contains("include probity:check/check@0.1.0"), "{world}");
        let import =
            said("package a:b; interface x { f: func(); } world w { include probity:check/check@0.1.0; import x; }");
        assert!(import.contains("a:b/x (hosts offer"), "{import}");
    }

    // Versions of the 0.1 line fit, others do not.
    #[test]
    fn versions_are_told_apart() {
        assert_eq!(refuse_import("probity:check/http@0.1.7"), None);
        assert!(refuse_import("probity:check/http@0.2.0").unwrap().contains("offer probity:check@0.1.0"));
        assert!(refuse_import("probity:check/htp@0.1.0").unwrap().contains("no such interface"));
        assert_eq!(refuse_import("wasi:io/streams@0.2.9"), None);
        assert!(refuse_import("wasi:nn/graph@0.2.0").is_some() && refuse_import("wasi:io/streams@0.3.0").is_some());
    }
}
