//! A schema of a plugin with a configuration for it, both arbitrary: refused, or judged, in bounded time and memory. The
//! first half of the input is the schema, the other the configuration.
#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use probity::plugins::Schema;

/// Far above what a judgement takes on a machine that does other things.
const JUDGEMENT_MAX: Duration = Duration::from_secs(5);

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some((schema, config)) = text.split_once('\n') else { return };
    let Ok(config) = serde_json::from_str(config) else { return };
    let start = Instant::now();
    if let Ok(schema) = Schema::bounded(schema) {
        let problem = schema.refuse(&config);
        assert!(problem.is_none_or(|text| text.len() <= 4_096), "a complaint is cut");
    }
    assert!(start.elapsed() < JUDGEMENT_MAX, "it took {:?}", start.elapsed());
});
