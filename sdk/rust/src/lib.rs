//! Author kit for checks in Rust.
