//! The contract only grows within 0.1: components built against its first version still link and run.
//!
//! `fixtures/contract-0.1.0` holds the first-party checks `http` and `tcp`, and a component that imports every function, all
//! three as they were made from the first 0.1.0.

use std::path::Path;

use probity_core::check::Capability;
use probity_tests::bench;
use probity_tests::guests::{every_import, fixture};
use probity_tests::host::Host;

// Whatever the contract gains, none of the functions and types that it had are taken away or changed.
#[test]
fn all_of_the_first_contract_still_links() {
    let then = bench::compile(&fixture("contract-0.1.0/every-import.wasm")).unwrap();
    assert!(then.imports.len() > 14, "{:?}", then.imports);
    let now = bench::compile(&every_import()).unwrap();
    let lost: Vec<_> = then.imports.iter().filter(|import| !now.imports.contains(import)).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

// The host offers every interface of the contract, and the world `full` names them all.
#[test]
fn the_world_of_everything_holds_every_capability() {
    let now = bench::compile(&every_import()).unwrap();
    let missing: Vec<_> = Capability::ALL.iter().filter(|capability| !now.capabilities.contains(capability)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

// Checks that were built against the first contract answer as they did, on a real host.
#[test]
fn checks_of_the_first_contract_still_run() {
    let host = Host::start("");
    let authority = host.address().to_owned();
    let port = authority.rsplit_once(':').unwrap().1;
    for name in ["http", "tcp"] {
        host.copy_in(name, &fixture(&format!("contract-0.1.0/{name}.wasm")));
    }
    host.reconfigure(&format!(
        "[[check]]
name = \"http\"
every = \"200ms\"
grants = {{ http = [\"http://{authority}/live\"] }}
config = {{ url = \"http://{authority}/live\" }}
[[check]]
name = \"tcp\"
every = \"200ms\"
grants = {{ tcp = [\"{authority}\"] }}
config = {{ host = \"127.0.0.1\", port = {port} }}
"
    ));
    for name in ["http", "tcp"] {
        let check = host.wait_until(name, "healthy");
        assert_eq!(
            check["plugin"]["digest"],
            bench::digest(&fixture(&format!("contract-0.1.0/{name}.wasm"))),
            "{check:#}"
        );
    }
}

// The kit for Rust carries the contract, so that it can be packaged: the same, file by file.
#[test]
fn the_kit_for_rust_carries_the_contract() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |folder: &str| {
        let files = std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        let texts = files.map(|path| (path.file_name().unwrap().to_owned(), std::fs::read_to_string(path).unwrap()));
        texts.collect::<std::collections::BTreeMap<_, _>>()
    };
    assert!(read("wit") == read("sdk/rust/wit"), "`cargo xtask languages --bindings` renews the kits");
}
