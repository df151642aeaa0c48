//! Rows that this version does not measure.

use anyhow::Result;

use super::Bench;
use crate::report::Row;

pub(super) fn extism(_bench: &Bench) -> Result<Vec<Row>> {
    let why = "its current release needs another compiler and another wasmtime than this workspace. Measured apart on \
               the machine of the targets, November 2026: a fresh `Plugin` costs 147 µs, 59 µs with our pool settings";
    Ok(vec![Row::absent(5, "Extism fresh ÷ ours", why)])
}
