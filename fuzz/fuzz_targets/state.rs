//! A state file that is damaged anywhere is opened, or set aside for an empty one; keeping and writing go on either way.
//!
//! The input is a list of patches to a good file: where, how many bytes, and what they become.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use probity_core::clock::Moment;
use probity_drivers::{Push, Report, StateStore};

static DIR: LazyLock<PathBuf> = LazyLock::new(|| {
    let dir = std::env::temp_dir().join(format!("probity-fuzz-state-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("there is a place for temporary files");
    dir
});

static GOOD: LazyLock<Vec<u8>> = LazyLock::new(|| {
    // The database panics over some damages, which the store holds. libFuzzer's hook would end the process at once; a panic
    // that nobody holds still ends it.
    std::panic::set_hook(Box::new(|_| {}));
    let path = DIR.join("good.redb");
    let store = StateStore::open(&path).expect("a damaged file is set aside");
    for name in ["one", "two", "three"] {
        store.set(name, "key", vec![7; 900], None, Moment::now(), 1 << 20).expect("there is room");
        store.heartbeats().push(name, Report { push: Push::Ok, run: None, message: "well".to_owned() }, 1, 10);
    }
    store.flush().expect("the disk takes it");
    drop(store);
    fs::read(&path).expect("it was written")
});

/// A patch: five bytes of place and length, then what is written.
const HEAD: usize = 5;

fn patched(mut bytes: Vec<u8>, mut patches: &[u8]) -> Vec<u8> {
    while patches.len() > HEAD {
        let at = u32::from_le_bytes([patches[0], patches[1], patches[2], patches[3]]) as usize % bytes.len();
        let length = usize::from(patches[4]).min(patches.len() - HEAD).min(bytes.len() - at);
        if length == 0 {
            bytes.truncate(at.max(1));
        }
        let end = (at + length).min(bytes.len());
        let at = at.min(end);
        bytes[at..end].copy_from_slice(&patches[HEAD..HEAD + end - at]);
        patches = &patches[HEAD + length..];
    }
    bytes
}

fuzz_target!(|bytes: &[u8]| {
    let path = DIR.join("state.redb");
    fs::write(&path, patched(GOOD.clone(), bytes)).expect("the disk takes it");
    let store = StateStore::open(&path).expect("a damaged file is set aside");
    // What was read may fill the quota already.
    let _ = store.set("one", "other", b"value".to_vec(), None, Moment::now(), 1 << 20);
    store.flush().expect("a store that was opened can be written");
    drop(store);
    for entry in fs::read_dir(&*DIR).expect("it is there").flatten() {
        if entry.file_name() != "good.redb" {
            fs::remove_file(entry.path()).expect("it is ours");
        }
    }
});
