//! Load average per CPU.
use probity_sdk::prelude::*;

/// Configuration.
#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// One-minute load per CPU.
    #[serde(default)]
    pub load1: AtMost,
}

/// The check.
pub struct Load;

impl Check for Load {
    type Config = Config;
    fn describe() -> Metadata {
        Metadata::new("load", env!("CARGO_PKG_VERSION")).description("Load average per CPU")
    }
    fn run(config: &Config) -> Result<Outcome, Failure> {
        let load = system::load()?.one / f64::from(system::cpu()?.logical.max(1));
        Ok(Outcome::healthy("load is fine").judge("load1", load, "1", &config.load1))
    }
}

probity_sdk::export!(Load);
