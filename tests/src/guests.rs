//! Guests from `guests/*.wat`: core modules as text, made into components in the test's own process.
//!
//! A file holds the fields of one core module, with the core names that the canonical ABI gives to the contract. What
//! every guest needs (memory, `cabi_realloc`, a valid `describe`, a healthy `run`) comes from `guests/prelude.wat`, item
//! by item, where the guest does not bring its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use wasm_encoder::{ComponentExportKind, ComponentInstanceSection, ComponentSection, ComponentSectionId, Encode};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, PackageId, Resolve};

/// Marks the start of a prelude item; the rest of the line is the export that makes it superfluous.
const ITEM: &str = ";;; ";

/// The contract with the parts of WASI that fixtures call, and the package of their worlds.
static WORLDS: LazyLock<(Resolve, PackageId)> = LazyLock::new(|| {
    let mut resolve = Resolve::default();
    resolve.push_dir(root().join("../wit")).expect("the contract parses");
    let package = resolve.push_file(root().join("guests/wasi.wit")).expect("the fixtures' worlds parse");
    (resolve, package)
});

/// The component built from `guests/NAME.wat`.
///
/// # Panics
/// When there is no such file or it is not a guest: a mistake in the test.
#[must_use]
pub fn component(name: &str) -> Vec<u8> {
    let path = root().join("guests").join(name).with_extension("wat");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
    encode(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A check of `plugins/`, as `cargo xtask guests` built it.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn first_party(name: &str) -> Vec<u8> {
    let test = std::env::current_exe().expect("the test knows its own path");
    let target = test.ancestors().nth(3).expect("tests are built in target/<profile>/deps");
    let path = target.join("components").join(name).with_extension("wasm");
    let hint = "run `cargo xtask guests` first (`cargo xtask test` does)";
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; {hint}", path.display()))
}

/// Every fixture, by name.
///
/// # Panics
/// When one of them does not build.
#[must_use]
pub fn all() -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(root().join("guests"))
        .expect("the fixtures are part of the repository")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "wat"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|name| name != "prelude")
        .map(|name| (name.clone(), component(&name)))
        .collect()
}

/// A component that imports every function of the contract as it is now, and does nothing: what links or does not.
///
/// # Panics
/// When the contract does not parse: a mistake in it.
#[must_use]
pub fn every_import() -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("../wit")).expect("the contract parses");
    let world = resolve.select_world(&[package], Some("full")).expect("it has the world of everything");
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
        .and_then(|()| ComponentEncoder::default().module(&module)?.encode())
        .expect("a module made from a world is one of it")
}

/// The binary `NAME` of `fixtures/`: made once, never again.
///
/// # Panics
/// When there is no such file.
#[must_use]
pub fn fixture(name: &str) -> Vec<u8> {
    let path = root().join("fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A component from the fields of a core module, for guests that a test generates.
///
/// # Errors
/// What the text or its types have against that.
pub fn encode(fields: &str) -> Result<Vec<u8>, String> {
    let world = if fields.starts_with(";; World: extra.") { "extra" } else { "guest" };
    let text = format!("(module\n{fields}\n{}\n)", prelude_for(fields));
    let mut module = wat::parse_str(&text).map_err(|error| error.to_string())?;
    let (resolve, package) = &*WORLDS;
    let world = resolve.select_world(&[*package], Some(world)).map_err(|error| format!("{error:#}"))?;
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8, false)
        .and_then(|()| ComponentEncoder::default().validate(false).module(&module)?.encode())
        .map_err(|error| format!("{error:#}"))
}

/// A healthy guest whose `describe` gives this text as the schema of its configuration.
///
/// # Panics
/// When the text is longer than two pages.
#[must_use]
pub fn with_schema(schema: &str) -> Vec<u8> {
    assert!(schema.len() <= 2 << 16, "the memory below has room for two pages of it");
    let bytes: String = schema.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    encode(&format!(
        "(memory (export \"memory\") 4)
         (data (i32.const 131072) \"{bytes}\")
         (func (export \"probity:check/checker@0.1.0#describe\") (result i32)
           (i32.store8 (i32.const 108) (i32.const 1))
           (i32.store (i32.const 112) (i32.const 131072))
           (i32.store (i32.const 116) (i32.const {}))
           (i32.const 64))",
        schema.len()
    ))
    .unwrap_or_else(|error| panic!("{error}"))
}

/// `component` with one more component inside it, given as text and instantiated once, before any export is called.
///
/// # Panics
/// When either is malformed: a mistake in the test.
#[must_use]
pub fn with_inner(component: &[u8], inner: &str) -> Vec<u8> {
    let inner = wat::parse_str(inner).unwrap_or_else(|error| panic!("{error}"));
    let mut whole = component.to_vec();
    whole.push(ComponentSectionId::Component.into());
    inner.encode(&mut whole);
    let mut instances = ComponentInstanceSection::new();
    let arguments: [(&str, ComponentExportKind, u32); 0] = [];
    instances.instantiate(inner_components(component), arguments);
    instances.append_to_component(&mut whole);
    whole
}

/// How many components a component holds directly: the index of the next one.
fn inner_components(component: &[u8]) -> u32 {
    let (mut depth, mut count) = (0, 0);
    for payload in wasmparser::Parser::new(0).parse_all(component) {
        match payload.expect("fixtures are well-formed") {
            wasmparser::Payload::ComponentSection { .. } => {
                count += u32::from(depth == 0);
                depth += 1;
            }
            wasmparser::Payload::ModuleSection { .. } => depth += 1,
            wasmparser::Payload::End(_) => depth -= 1,
            _ => {}
        }
    }
    count
}

/// The items of the prelude that `fields` does not bring.
fn prelude_for(fields: &str) -> String {
    let prelude = include_str!("../guests/prelude.wat");
    prelude
        .split(ITEM)
        .skip(1)
        .filter_map(|item| item.split_once('\n'))
        .filter(|(export, _)| !fields.contains(&format!("(export {export})")))
        .map(|(_, text)| text)
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
