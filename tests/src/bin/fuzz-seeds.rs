//! Writes what the fuzz targets start from into `fuzz/corpus`: the fixtures as components, and the examples'
//! configurations.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let components = corpus(&root, "component_bytes")?;
    for (name, bytes) in probity_tests::guests::all() {
        fs::write(components.join(name), bytes)?;
    }
    let configurations = corpus(&root, "configuration")?;
    for example in fs::read_dir(root.join("examples"))? {
        let example = example?;
        let file = example.path().join("probity.toml");
        if file.is_file() {
            fs::copy(file, configurations.join(example.file_name()))?;
        }
    }
    Ok(())
}

fn corpus(root: &Path, target: &str) -> io::Result<PathBuf> {
    let dir = root.join("fuzz/corpus").join(target);
    fs::create_dir_all(&dir)?;
    Ok(dir)
}
