//! The plugins of the corpus, given to commands that look at a file.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use probity_tests::host::binary;
use probity_tests::hostile::corpus;

/// KiB that a command may use.
const UNDER: &str = "ulimit -d 2097152";

/// A compilation is stopped after a minute.
const COMMAND_MAX: Duration = Duration::from_secs(90);

// A command that looks at a hostile file says what it is and ends by itself, in bounded memory and time.
#[test]
fn commands_survive_the_corpus() {
    let _alone = super::alone();
    let dir = tempfile::tempdir().unwrap();
    for (name, case) in corpus() {
        let Some(plugin) = case.plugin else { continue };
        let path = dir.path().join(format!("{name}.wasm"));
        std::fs::write(&path, plugin.bytes()).unwrap();
        for words in [&["inspect"][..], &["run", "--timeout", "1s"]] {
            let start = Instant::now();
            let output = Command::new("timeout")
                .arg(COMMAND_MAX.as_secs().to_string())
                .args(["/bin/sh", "-c", &format!("{UNDER}; exec \"$0\" \"$@\"")])
                .arg(binary())
                .args(words)
                .arg(&path)
                .current_dir(dir.path())
                .env("XDG_CACHE_HOME", dir.path())
                .stdin(Stdio::null())
                .output()
                .unwrap();
            // 124 is `timeout`'s own, 128 and above are signals.
            let code = output.status.code().unwrap_or(-1);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                (0..=3).contains(&code),
                "{name}: probity {words:?}: {:?} after {:?}: {said}",
                output.status,
                start.elapsed()
            );
            let length = output.stdout.len() + output.stderr.len();
            assert!(length < 128 << 10, "{name}: probity {words:?} says {length} bytes");
            let is_clean = |text: &[u8]| !text.contains(&0x1b) && std::str::from_utf8(text).is_ok();
            assert!(is_clean(&output.stdout) && is_clean(&output.stderr), "{name}: probity {words:?}: {said:?}");
        }
        std::fs::remove_file(&path).unwrap();
    }
}
