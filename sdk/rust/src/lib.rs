//! Author kit for Probity checks in Rust.
//!
//! A check is a type that implements [`Check`], handed to [`export!`]. Its
//! capabilities are the modules [`context`], [`log`], [`clock`], [`state`],
//! [`http`], [`tcp`], [`udp`], [`tls`], [`dns`], [`sql`], [`redis`], [`queue`], [`secrets`], [`system`], [`heartbeats`] and [`peers`]; a component imports those that it calls and no other, so what it uses is what an operator must grant.
//!
//! ```
//! use probity_check::prelude::*;
//!
//! #[derive(serde::Deserialize)]
//! #[serde(rename_all = "kebab-case", deny_unknown_fields)]
//! struct Config {
//!     /// One-minute load per CPU.
//!     #[serde(default)]
//!     load: AtMost,
//! }
//!
//! struct Load;
//!
//! impl Check for Load {
//!     type Config = Config;
//!
//!     fn describe() -> Metadata {
//!         Metadata::new("load", "0.1.0").description("Load per CPU")
//!     }
//!
//!     fn run(config: &Config) -> Result<Outcome, Failure> {
//!         let load = system::load()?.one / f64::from(system::cpu()?.logical);
//!         Ok(Outcome::healthy("load is fine").judge("load", load, "1", &config.load))
//!     }
//! }
//!
//! probity_check::export!(Load);
//!
//! // The same check, natively, against fake capabilities:
//! use probity_check::testing::TestHost;
//! let host = TestHost::new().load(6.0, 2.0, 1.0).cpus(2);
//! let outcome = host.run::<Load>(serde_json::json!({"load": {"warn": 1.5}})).unwrap();
//! assert_eq!(outcome.status, Status::Degraded);
//! ```
//!
//! Bad news has three shapes: [`Status::Unhealthy`] is a judgement about the
//! system, [`Failure`] says that no judgement was possible (the host reports
//! `unknown`), and a panic ends the run as a trap whose message the host logs.

#[cfg(any(test, all(target_arch = "wasm32", feature = "arena")))]
mod arena;
pub mod clock;
mod config;
pub mod context;
pub mod dns;
#[doc(hidden)]
pub mod entry;
mod error;
pub mod heartbeats;
pub mod http;
pub mod json;
pub mod log;
mod metadata;
mod number;
mod outcome;
pub mod peers;
pub mod queue;
pub mod redis;
pub mod secrets;
pub mod sql;
pub mod state;
pub mod system;
pub mod tcp;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod threshold;
pub mod tls;
pub mod udp;
pub mod units;
#[cfg(target_arch = "wasm32")]
mod wasm;

pub use error::{Error, ErrorKind, Failure};
pub use metadata::{Metadata, Probe};
pub use outcome::{Measurement, Observed, Outcome, Status, UnknownStatus};
pub use threshold::{AtLeast, AtMost, Judge};
#[cfg(target_arch = "wasm32")]
pub use wasm::bindings as raw;
#[cfg(target_arch = "wasm32")]
pub(crate) use wasm::host;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use testing::host;

pub use serde;
pub use serde_json;

/// What most checks use: `use probity_check::prelude::*;`.
pub mod prelude {
    pub use crate::units::{Size, Span};
    pub use crate::{AtLeast, AtMost, Check, Error, ErrorKind, Failure, Judge, Metadata, Outcome, Probe, Status};
    pub use crate::{
        clock, context, dns, heartbeats, http, log, peers, queue, redis, secrets, sql, state, system, tcp, tls, udp,
    };
}

/// A health check.
pub trait Check {
    /// The check's configuration, from the `[check.config]` table of the host.
    ///
    /// Write it with `rename_all = "kebab-case"` and `deny_unknown_fields`. A
    /// document that does not fit ends the run as [`Failure::InvalidConfig`]
    /// with the path of the offending value; the host stops scheduling the
    /// check until its configuration changes.
    type Config: serde::de::DeserializeOwned;

    /// Static facts: name, version, configuration schema, defaults.
    ///
    /// Called once after loading, with no capability granted.
    fn describe() -> Metadata;

    /// One run, in a fresh instance by default; an operator may let one serve
    /// several runs (`runs-per-instance`), so keep nothing in statics: what is to
    /// last goes through [`state`].
    ///
    /// # Errors
    /// A [`Failure`] when no judgement is possible. `?` on a capability's
    /// [`Error`] gives [`Failure::Capability`]; catch the error instead when it
    /// *is* the answer (a refused connection in a check of that service).
    fn run(config: &Self::Config) -> Result<Outcome, Failure>;
}

/// Exports a [`Check`] from this crate, which must be a `cdylib`.
///
/// ```ignore
/// probity_check::export!(MyCheck);
/// ```
///
/// Natively it expands to nothing but a type check, so the same crate links
/// for `cargo test`.
#[macro_export]
macro_rules! export {
    ($check:ty) => {
        const _: () = {
            const fn is_a_check<C: $crate::Check>() {}
            is_a_check::<$check>();
        };

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Exported;

            impl $crate::raw::exports::probity::check::checker::Guest for Exported {
                fn describe() -> $crate::raw::exports::probity::check::checker::Metadata {
                    $crate::entry::describe::<$check>().into()
                }

                fn run(
                    config: $crate::__String,
                ) -> $crate::__Result<
                    $crate::raw::exports::probity::check::checker::Outcome,
                    $crate::raw::exports::probity::check::checker::Failure,
                > {
                    match $crate::entry::run::<$check>(&config) {
                        Ok(outcome) => Ok(outcome.into()),
                        Err(failure) => Err(failure.into()),
                    }
                }
            }

    $crate::__export_checker!(Exported with_types_in $crate::raw);
        };
    };
}

#[doc(hidden)]
pub use std::{result::Result as __Result, string::String as __String};

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub use wasm::bindings::__export_checker;

/// The Rust of the documents compiles and runs.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../../README.md")]
    struct Readme;

    #[doc = include_str!("../../../docs/writing-a-check.md")]
    struct WritingACheck;
}
