//! Where the functions of a module begin in their author's files, as debug information has it.
//!
//! It goes when the module becomes a component, for no engine here reads it; the places stay, in the names of functions, so
//! that a run which ends by a limit names a line of its author.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};

use gimli::{Dwarf, EndianSlice, LineProgramHeader, LineRow, LittleEndian, Unit};
use wasmparser::{BinaryReaderError, Parser, Payload, TypeRef};

type Reader<'a> = EndianSlice<'a, LittleEndian>;

/// Folders in an author's that hold what others wrote.
const OTHERS: [&str; 4] = ["target", "node_modules", ".venv", "venv"];

/// `check.c:13` by the indices of functions, for those that begin in a file below `own`. None without debug information.
///
/// # Errors
/// Only for what is no module: debug information that cannot be read tells nothing.
pub(crate) fn places(module: &[u8], own: &Path) -> Result<BTreeMap<u32, String>, BinaryReaderError> {
    let mut sections = HashMap::new();
    let (mut code, mut bodies, mut imported) = (0, Vec::new(), 0);
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    imported += u32::from(matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)));
                }
            }
            Payload::CodeSectionStart { unchecked_range, .. } => code = unchecked_range.start,
            Payload::CodeSectionEntry(body) => bodies.push(body.range()),
            Payload::CustomSection(section) => {
                sections.insert(section.name(), section.data());
            }
            _ => {}
        }
    }
    let rows = rows(&sections, own).unwrap_or_default();
    let indices = imported..;
    let found = indices.zip(bodies).filter_map(|(index, body)| {
        // Addresses count from where the section's content begins.
        let (start, end) = (body.start - code, body.end - code);
        let (_, place) = rows.range(start..end).next()?;
        Some((index, place.clone()))
    });
    Ok(found.collect())
}

/// The places in the author's own files by address.
fn rows(sections: &HashMap<&str, &[u8]>, own: &Path) -> gimli::Result<BTreeMap<u64, String>> {
    let load = |id: gimli::SectionId| {
        let bytes = sections.get(id.name()).copied().unwrap_or_default();
        Ok::<_, gimli::Error>(EndianSlice::new(bytes, LittleEndian))
    };
    let dwarf = Dwarf::load(load)?;
    let mut found = BTreeMap::new();
    let mut units = dwarf.units();
    while let Some(header) = units.next()? {
        let unit = dwarf.unit(header)?;
        let Some(program) = unit.line_program.clone() else { continue };
        let mut files = HashMap::new();
        let mut rows = program.rows();
        while let Some((header, row)) = rows.next_row()? {
            let Some(line) = row.line().filter(|_| !row.end_sequence()) else { continue };
            let file = files.entry(row.file_index()).or_insert_with(|| {
                let path = path_of(&dwarf, &unit, header, row)?;
                relative(&path, own)
            });
            if let Some(file) = file {
                found.entry(row.address()).or_insert_with(|| format!("{file}:{line}"));
            }
        }
    }
    Ok(found)
}

/// The file of a row, from the folder of its compilation.
fn path_of<'a>(
    dwarf: &Dwarf<Reader<'a>>,
    unit: &Unit<Reader<'a>>,
    header: &LineProgramHeader<Reader<'a>>,
    row: &LineRow,
) -> Option<PathBuf> {
    let text = |value| Some(PathBuf::from(dwarf.attr_string(unit, value).ok()?.to_string().ok()?));
    let file = row.file(header)?;
    let mut path = unit.comp_dir.and_then(|dir| dir.to_string().ok()).map(PathBuf::from).unwrap_or_default();
    path.push(file.directory(header).and_then(text).unwrap_or_default());
    path.push(text(file.path_name())?);
    Some(path)
}

/// The file as its author calls it; none for one that somebody else wrote.
fn relative(path: &Path, own: &Path) -> Option<String> {
    let path: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
    // A relative one was remapped, so that the folder's own path is nowhere: it is from there, or from its workspace.
    let from = |folder: &Path| Some(folder.join(&path)).filter(|file| path.is_relative() && file.is_file());
    let path = own.ancestors().find_map(from).unwrap_or(path);
    let name = path.strip_prefix(own).ok()?;
    let is_others = |part: Component<'_>| OTHERS.iter().any(|folder| part.as_os_str() == *folder);
    let is_own = !name.components().any(|part| part == Component::ParentDir || is_others(part));
    is_own.then(|| name.to_str().map(|name| name.replace('\\', "/"))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    // A file of the author's is called as in the folder; those of others, wherever they lie, are nobody's place.
    #[test]
    fn files_of_others_are_no_place() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("src")).unwrap();
        std::fs::write(dir.path().join("src/lib.rs"), "").unwrap();
        let of = |path: &str| relative(Path::new(path), dir.path());
        let inside = |path: &str| relative(&dir.path().join(path), dir.path());
        assert_eq!(inside("check.c").as_deref(), Some("check.c"));
        assert_eq!(inside("./src/lib.rs").as_deref(), Some("src/lib.rs"));
        assert_eq!(of("src/lib.rs").as_deref(), Some("src/lib.rs"));
        assert_eq!(of("./src/lib.rs").as_deref(), Some("src/lib.rs"));
        let member = relative(Path::new("src/lib.rs"), &dir.path().join("src"));
        assert_eq!(member.as_deref(), Some("lib.rs"));
        for others in ["src/other.rs", "cargo/registry/x/src/lib.rs", "/rustc/1/library/core/src/lib.rs"] {
            assert_eq!(of(others), None, "{others}");
        }
        for others in ["target/rust/x.rs", "node_modules/x.c", "../check.c"] {
            assert_eq!(inside(others), None, "{others}");
        }
    }

    // A module without debug information, or with some that cannot be read, has no places and is no error.
    #[test]
    fn debug_information_that_cannot_be_read_tells_nothing() {
        let mut module = wasm_encoder::Module::new();
        assert!(places(&module.clone().finish(), Path::new("/")).unwrap().is_empty());
        for name in [".debug_info", ".debug_line"] {
            module.section(&wasm_encoder::CustomSection { name: name.into(), data: (&[7; 64]).into() });
        }
        assert!(places(&module.finish(), Path::new("/")).unwrap().is_empty());
        assert!(places(b"hello", Path::new("/")).is_err());
    }
}
