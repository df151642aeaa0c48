//! Integration tests: one binary, a module per subject. Guests come from `tests/guests`, see [`probity_tests::guests`].

#![allow(clippy::unwrap_used, reason = "all of this binary is tests; clippy exempts only the functions marked as such")]

mod answers; // outcomes that are malformed or too large
mod author; // from an empty folder to a component, and every save after
mod backends; // databases and brokers over TLS, with certificates on both sides
#[cfg(unix)]
mod cache; // compiled code on disk, and what makes it untrusted
mod calls; // floods of host calls and log lines; sleeping for ever
#[cfg(unix)]
mod capabilities; // every function of the contract, in every language
mod cases; // the author's cases: what the world answers is written down
mod checks; // each first-party check has its page, and what the page says is so
#[cfg(target_os = "linux")]
mod clients; // what clients without a token can do to the others
#[cfg(unix)]
mod conformance; // every language means the same
mod contract; // what was built against an earlier 0.1 keeps working
mod crowd; // many runs at once, and what they leave behind
#[cfg(unix)]
mod directory; // what the plugin directory may hold, and what becomes of it, hurts nobody
mod dns; // records, missing names and silent servers
mod docs; // what the documents say is so
mod examples; // what the examples configure works as they say
mod explain; // what one check may touch, where that leads, and what leads nowhere
mod faults; // refused, dropped, slow, half-closed: each check against each
#[cfg(target_os = "linux")]
mod foreign; // what a plugin's file or words cannot do to the host
#[cfg(unix)]
mod greeters; // mail, files and shells, in the clear and inside TLS
#[cfg(unix)]
mod grpc; // the health of real gRPC servers
mod hanging; // what hangs blinds nobody
mod heartbeats; // jobs report, and the check of them says so
#[cfg(unix)]
mod kits; // what a component of the kit for C imports, and what it leaves behind
mod leaks; // no secret of the configuration in anything that comes out
#[cfg(target_os = "linux")]
mod leftovers; // what a thousand timed-out runs leave behind, for each capability
mod limits; // every limit ends the run, by name and in time
mod loading; // bytes that are no plugin, and plugins that are stranger than most
mod machine; // the checks of the machine in a real host
#[cfg(target_os = "linux")]
mod machine_faults; // nobody reads the log, a full disk, pipes for files, small limits, signals
mod migrations; // what the lists of migration tools say
#[cfg(unix)]
mod ntp; // clocks that are right, wrong, and nobody's
mod peers; // checks of other checks
mod ports; // ports and greetings against servers that others wrote
#[cfg(unix)]
mod python; // what the ends of a check in Python become
mod queue; // the same of queues and their brokers
mod redis; // the capability and the check against a real server
mod reload; // files become versions, and a bad one never replaces a good one
mod replication; // databases that follow another, or fail to
mod reuse; // what one instance may serve in a row
mod schedule; // when checks run, and what a full house may not delay
mod secrets; // what is revealed to a check goes no further
mod sentinel; // the primary of Redis before and after a failover
mod serve; // start, probes, drain, restart
#[cfg(unix)]
mod services; // Flask, FastAPI, Django, Express and Go with their real servers, and what goes wrong with them
mod sql; // the capability and the checks against real servers
mod sql_truth; // what a database hides, its types, and a pooler in between
#[cfg(target_os = "linux")]
mod stuck; // servers, disks, locks and workers that never answer, and the others
mod systems; // one check for each system, for the tests of faults
mod tested; // the table of what each check was tested against
mod tidy; // what the crates of the host depend on, and what each file says of itself
mod tls; // certificates that are good, expired, for another name, self-signed
mod tracing; // runs as traces, and where they are told
mod wasi; // nothing in WASI leads anywhere
mod web; // the checks over HTTP against servers that others wrote
