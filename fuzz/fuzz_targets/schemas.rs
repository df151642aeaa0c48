//! A schema of a plugin with a configuration for it, both arbitrary: what is judged in the host's own process takes bounded
//! time and memory; the rest is for a process of its own. The first line of the input is the schema, the other the configuration.
#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use probity_sandbox::judge_here;

/// Far above what a judgement takes on a machine that does other things.
const JUDGEMENT_MAX: Duration = Duration::from_secs(5);

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some((schema, config)) = text.split_once('\n') else { return };
    let Ok(config) = serde_json::from_str(config) else { return };
    let start = Instant::now();
    if let Some(problem) = judge_here(schema, &config) {
        assert!(problem.is_none_or(|text| text.len() <= 4_096), "a complaint is cut");
    }
    assert!(start.elapsed() < JUDGEMENT_MAX, "it took {:?}", start.elapsed());
});
