//! Arbitrary text is a valid configuration or a list of errors that can be shown; never a panic.
//!
//! Seeds: the configurations of the examples.
#![no_main]

use std::io;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use probity_config::{Source, parse};

fuzz_target!(|bytes: &[u8]| {
    let Ok(source) = Source::new(Path::new("probity.toml"), bytes.to_vec()) else { return };
    let env = |name: &str| name.starts_with('P').then(|| format!("value of {name}"));
    let file = |path: &Path| if path.ends_with("x") { Ok("text".into()) } else { Err(io::ErrorKind::NotFound.into()) };
    if let Err(errors) = parse(&[source], Path::new("/etc/probity"), &env, &file) {
        assert!(!errors.to_string().is_empty(), "a refusal says why");
    }
});
