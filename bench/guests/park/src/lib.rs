//! Sleeps in the host, or spins: whatever a deadline has to end.

use probity_check::prelude::*;
use serde::Deserialize;

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Config {
    /// Milliseconds to sleep; 0 = spin for ever.
    sleep_ms: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { sleep_ms: 1 }
    }
}

/// The check.
struct Park;

impl Check for Park {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("park", env!("CARGO_PKG_VERSION")).description("Sleeps in the host, or spins")
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        if config.sleep_ms == 0 {
            let mut turns = 0_u64;
            loop {
                turns = std::hint::black_box(turns.wrapping_add(1));
            }
        }
        clock::sleep_ms(config.sleep_ms);
        Ok(Outcome::healthy("slept"))
    }
}

probity_check::export!(Park);
