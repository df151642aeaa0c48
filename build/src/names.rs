//! Readable function names, in a third of the space, and no debug information: no engine here reads it. What it says of
//! the author's own functions, where they begin, is put into their names.
//!
//! A trap's backtrace is only as good as the names in the module. Mangled, the
//! names of generic Rust take as much space as a third of a component.

use std::collections::BTreeMap;
use std::path::Path;

use wasm_encoder::{NameMap, NameSection};
use wasmparser::{BinaryReaderError, KnownCustom, Name, Payload};

use crate::places::places;
use crate::sections::rewrite;

/// Longest name kept, in characters: enough for a path and its type.
const NAME_MAX_CHARS: usize = 72;

/// What the sections of debug information begin with.
const DEBUG: &str = ".debug_";

/// The module with demangled, shortened function names, no other names, and no debug information. Functions that begin in
/// a file below `own` have its name and the line behind theirs: `loop (check.c:13)`.
pub(crate) fn shorten(module: &[u8], own: &Path) -> Result<Vec<u8>, BinaryReaderError> {
    let places = places(module, own)?;
    rewrite(module, |payload, rewritten| {
        let Payload::CustomSection(section) = payload else { return Ok(false) };
        if let KnownCustom::Name(names) = section.as_known() {
            let mut functions = NameMap::new();
            for name in names {
                append_functions(name?, &places, &mut functions)?;
            }
            let mut section = NameSection::new();
            section.functions(&functions);
            rewritten.section(&section);
            return Ok(true);
        }
        Ok(section.name().starts_with(DEBUG))
    })
}

fn append_functions(
    name: Name<'_>,
    places: &BTreeMap<u32, String>,
    functions: &mut NameMap,
) -> Result<(), BinaryReaderError> {
    if let Name::Function(map) = name {
        for naming in map {
            let naming = naming?;
            let name = readable(naming.name);
            match places.get(&naming.index) {
                Some(place) => functions.append(naming.index, &format!("{name} ({place})")),
                None => functions.append(naming.index, &name),
            }
        }
    }
    Ok(())
}

/// Demangled, without hashes, cut in the middle: a path's end says most, its
/// start says whose it is.
fn readable(name: &str) -> String {
    let name = format!("{:#}", rustc_demangle::demangle(name));
    let chars = name.chars().count();
    if chars <= NAME_MAX_CHARS {
        return name;
    }
    let half = (NAME_MAX_CHARS - 1) / 2;
    let start: String = name.chars().take(half).collect();
    let end: String = name.chars().skip(chars - half).collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    // Names lose their mangling; long ones keep both ends.
    #[test]
    fn names_are_readable() {
        assert_eq!(readable("_ZN4disk3run17h0123456789abcdefE"), "disk::run");
        assert_eq!(readable("memcpy"), "memcpy");
        let long = readable(&format!("a{}z", "b".repeat(200)));
        assert_eq!(long.chars().count(), 71);
        assert!(long.starts_with('a') && long.ends_with('z'));
    }

    // Debug information goes; everything else but the names stays as it was, byte for byte.
    #[test]
    fn other_sections_are_untouched() {
        let mut names = NameSection::new();
        let mut functions = NameMap::new();
        functions.append(0, "_ZN4disk3run17h0123456789abcdefE");
        names.functions(&functions);
        let mut module = wasm_encoder::Module::new();
        let mut memories = wasm_encoder::MemorySection::new();
        memories.memory(wasm_encoder::MemoryType {
            minimum: 1,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        module.section(&memories);
        let untouched = module.clone().finish();
        assert_eq!(shorten(&untouched, Path::new("/")).unwrap(), untouched);
        let debug = wasm_encoder::CustomSection { name: ".debug_info".into(), data: (&[7; 64]).into() };
        let rewritten = shorten(&module.section(&debug).section(&names).clone().finish(), Path::new("/")).unwrap();
        assert!(rewritten.starts_with(&untouched));
        assert!(rewritten.ends_with(b"disk::run"));
    }

    // What is not a module is refused.
    #[test]
    fn garbage_is_refused() {
        assert!(shorten(b"hello", Path::new("/")).is_err());
    }
}
