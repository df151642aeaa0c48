//! File descriptors: raised to what is needed, and shared out before anybody takes them.
//!
//! A host without descriptors cannot read its plugins, run its checks or write its state, so connections get only what
//! the rest does not need.

use probity_config::Config;

use crate::http::CONNECTIONS_BESIDE;

/// Descriptors for what does not grow: runtimes, log, listener, state, file events, plugins and configurations being read,
/// workers that compile, and kept connections to databases and brokers.
const RESERVED: usize = 192;

/// Descriptors for each run that the schedule allows at once. Most have one socket open, or none; `limits.sockets` is an
/// upper bound of one run, not what all take.
const RESERVED_PER_RUN: usize = 2;

/// The part of all descriptors that runs which only wait may have, one each: one in so many.
const PART_WAITING: u64 = 4;

/// What is asked for where the system allows more than is needed.
const WANTED_MIN: u64 = 16_384;

/// The smallest share of connections: even a host that has too little can be asked.
const CONNECTIONS_MIN: usize = 16;

/// Raises the process's limit and lowers `server.max-connections` to what fits below it, and says so. Answers how many
/// runs may wait.
pub(super) fn share_out(config: &mut Config) -> usize {
    let (runs, waiting) = (config.schedule.concurrency, config.schedule.waiting);
    let wanted = needed(config);
    let Some(limit) = raise(u64::try_from(wanted).unwrap_or(u64::MAX).max(WANTED_MIN)) else { return waiting };
    let waiting = waiting.min(usize::try_from(limit / PART_WAITING).unwrap_or(usize::MAX));
    let beside = beside(runs, waiting);
    let fits = fitting(limit, beside);
    if fits < config.server.max_connections {
        tracing::warn!(
            descriptors = limit,
            wanted,
            reserved = beside,
            max_connections = fits,
            waiting,
            "file descriptors are too few for `server.max-connections`: it is lower until the next start; raise `LimitNOFILE` or `ulimit -n`"
        );
        config.server.max_connections = fits;
    }
    waiting
}

/// Descriptors of all that the configuration allows at once.
pub fn needed(config: &Config) -> usize {
    config.server.max_connections + beside(config.schedule.concurrency, config.schedule.waiting)
}

/// Descriptors of everything but the regular connections.
fn beside(concurrency: usize, waiting: usize) -> usize {
    RESERVED + RESERVED_PER_RUN.saturating_mul(concurrency) + waiting + CONNECTIONS_BESIDE
}

/// Connections that fit below `limit`.
fn fitting(limit: u64, beside: usize) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(beside).max(CONNECTIONS_MIN)
}

/// The soft limit after raising it to `wanted` or to what is allowed; none when there is no limit.
#[cfg(unix)]
fn raise(wanted: u64) -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let current = current?;
    let possible = maximum.map_or(wanted, |maximum| wanted.min(maximum));
    if possible <= current {
        return Some(current);
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(possible), maximum }) {
        Ok(()) => Some(possible),
        Err(error) => {
            tracing::warn!(%error, current, wanted, "the limit of file descriptors cannot be raised");
            Some(current)
        }
    }
}

#[cfg(not(unix))]
fn raise(_wanted: u64) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    // With the defaults and 1,024 descriptors, runs and files have theirs, and connections the rest.
    #[test]
    fn connections_get_what_is_left() {
        let beside = beside(64, 256);
        assert_eq!(beside, 192 + 128 + 256 + 96);
        assert_eq!(fitting(1_024, beside), 352);
        assert_eq!(fitting(65_536, beside), 64_864);
        assert_eq!(fitting(64, beside), CONNECTIONS_MIN);
    }
}
