//! Fixtures for the tests of the host: hostile guests as text, built without any toolchain, and a bench to run them on.

pub mod alone;
mod answer;
pub mod bench;
pub mod guests;
pub mod host;
pub mod hostile;
#[cfg(target_os = "linux")]
pub mod mounts;
#[cfg(unix)]
pub mod python;
#[cfg(unix)]
pub mod reference;
pub mod servers;
