//! Bindings in languages whose generators are libraries (C, Go), so that nobody has to install one.

use std::fs;
use std::path::Path;

use wit_bindgen_core::{Files, WorldGenerator};

use crate::BuildError;
use crate::component::write_if_changed;
use crate::contract::World;

/// Writes what `generator` makes of the world to `dir` (`target/bindings`). Files of an earlier world go; those that
/// stay as they are keep their time, so that compilers which look at times build nothing again.
///
/// # Errors
/// [`BuildError::Source`] when there is no such binding, [`BuildError::Io`] when a file cannot be written.
pub fn generate(world: &World, generator: &mut dyn WorldGenerator, dir: &Path) -> Result<(), BuildError> {
    let (resolve, id) = world.parts();
    let mut files = Files::default();
    generator
        .generate(&mut resolve.clone(), id, &mut files)
        .map_err(|error| BuildError::source(dir, format!("cannot generate bindings: {error:#}")))?;
    let names: Vec<&str> = files.iter().map(|(name, _)| name).collect();
    remove_others(dir, dir, &names)?;
    for (name, bytes) in files.iter() {
        let path = dir.join(name);
        write_if_changed(&path, bytes).map_err(BuildError::write(&path))?;
    }
    Ok(())
}

fn remove_others(root: &Path, dir: &Path, keep: &[&str]) -> Result<(), BuildError> {
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.map_err(BuildError::read(dir))?.path();
        if path.is_dir() {
            remove_others(root, &path, keep)?;
        } else if !keep.iter().any(|name| root.join(name) == path) {
            fs::remove_file(&path).map_err(BuildError::write(&path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // C gets its header, source and type; what an earlier world left goes, what is the same is not touched.
    #[test]
    fn bindings_are_written_once() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("old.h"), "").unwrap();
        let world = World::narrow(["http"]).unwrap();
        let run = || generate(&world, &mut *wit_bindgen_c::Opts::default().build(), dir.path()).unwrap();
        run();
        for file in ["guest.h", "guest.c", "guest_component_type.o"] {
            assert!(dir.path().join(file).is_file(), "{file}");
        }
        assert!(!dir.path().join("old.h").exists());
        let modified = || fs::metadata(dir.path().join("guest.c")).unwrap().modified().unwrap();
        let before = modified();
        run();
        assert_eq!(modified(), before);
    }
}
