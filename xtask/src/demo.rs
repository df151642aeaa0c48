//! `cargo xtask demo`: the quickstart, running.
use anyhow::Result;
pub(crate) fn run(_listen: &str) -> Result<()> {
    anyhow::bail!("not yet")
}
