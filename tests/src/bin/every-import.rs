//! Writes a component that imports every function of the contract to the file named: how `fixtures/contract-0.1.0` was made.

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let file = std::env::args_os().nth(1).map(PathBuf::from).unwrap_or_else(|| "every-import.wasm".into());
    std::fs::write(file, probity_tests::guests::every_import())
}
