//! A plugin directory with arbitrary files: what is loaded has a name that a check may have, what is refused is told in one
//! clean, short line. The first line of the input is the file's name, the second the name of an import of the component.
#![no_main]

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use probity_config::Config;
use probity_sandbox::Sandbox;
use probity_server::plugins::load_dir;
use tokio::runtime::Runtime;

/// Bytes of a rejection's message.
const MESSAGE_BYTES_MAX: usize = 4_096;

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::new(1, None).expect("the machine can run a sandbox"));
static RUNTIME: LazyLock<Runtime> = LazyLock::new(probity_fuzz::runtime);

static DIR: LazyLock<PathBuf> = LazyLock::new(|| {
    let dir = std::env::temp_dir().join(format!("probity-fuzz-names-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("there is a place for temporary files");
    dir
});

/// A component with one import of this name, which may be none.
fn component(import: &[u8]) -> Vec<u8> {
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    // A function type without parameters, and an import of it.
    let types = [1, 0x40, 0, 1, 0].as_slice();
    let mut imports = vec![1, 0];
    leb(import.len(), &mut imports);
    imports.extend_from_slice(import);
    imports.extend_from_slice(&[1, 0]);
    for (id, content) in [(7, types), (10, &imports)] {
        bytes.push(id);
        leb(content.len(), &mut bytes);
        bytes.extend_from_slice(content);
    }
    bytes
}

fn leb(mut value: usize, to: &mut Vec<u8>) {
    while value >= 128 {
        to.push((value % 128) as u8 | 128);
        value /= 128;
    }
    to.push(value as u8);
}

fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let (Some(name), Some(import)) = (lines.next(), lines.next()) else { return };
    if name.contains(&b'/') || name.contains(&0) || name.len() > 200 || import.len() > 60_000 {
        return;
    }
    let path = DIR.join(std::ffi::OsStr::from_bytes(&[name, b".wasm"].concat()));
    if fs::write(&path, component(import)).is_err() {
        return;
    }
    let config = Config::default_in(&DIR);
    let settings = probity_config::Plugins { dir: DIR.clone(), ..config.plugins };
    let plugins = load_dir(&SANDBOX, RUNTIME.handle(), &settings).expect("the directory can be read");
    for (name, plugin) in &plugins {
        assert!(!name.chars().any(char::is_control), "{name:?}");
        let message = plugin.rejected.as_ref().map(|rejection| rejection.message.to_string()).unwrap_or_default();
        assert!(message.len() <= MESSAGE_BYTES_MAX, "{} bytes", message.len());
        assert!(!message.chars().any(char::is_control), "{message:?}");
    }
    fs::remove_file(&path).expect("it is ours");
});
