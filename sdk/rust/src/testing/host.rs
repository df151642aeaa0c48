//! The functions of the component side, answered by the fake of the current run.

use std::cell::RefCell;
use std::rc::Rc;

use super::LogRecord;
use super::fake::Fake;
pub(crate) use super::http::HttpResponse;
pub(crate) use super::names::{
    dns_resolve, heartbeat_last, heartbeat_open, heartbeat_recent, peer_latest, peers_by_tag, tls_inspect,
    tls_inspect_named, tls_inspect_trusting,
};
pub(crate) use super::queue::{inspect as queue_inspect, publish as queue_publish};
pub(crate) use super::redis::RedisConnection;
pub(crate) use super::secrets::{
    hmac_sha256 as secret_hmac_sha256, matches as secret_matches, reveal as secret_reveal,
};
pub(crate) use super::sql::{SqlConnection, SqlTransaction};
pub(crate) use super::tcp::TcpSocket;
pub(crate) use super::udp::exchange as udp_exchange;
use crate::context::PreviousRun;
use crate::http::Request;
use crate::log::Level;
use crate::system::{CpuInfo, DiskInfo, FileInfo, LoadAverage, MemoryInfo, PressureInfo, PressureKind, ProcessInfo};
use crate::{Error, ErrorKind};

/// Bytes of a key of state.
const STATE_KEY_BYTES_MAX: usize = 256;

thread_local! {
    static CURRENT: RefCell<Option<Rc<RefCell<Fake>>>> = const { RefCell::new(None) };
}

/// Ends the run when dropped, also by a panic.
pub(crate) struct Installed;

impl Drop for Installed {
    fn drop(&mut self) {
        CURRENT.with(|current| current.borrow_mut().take());
    }
}

/// Makes `fake` answer until the guard is dropped.
pub(crate) fn install(fake: Rc<RefCell<Fake>>) -> Installed {
    fake.borrow_mut().begin_run();
    CURRENT.with(|current| current.borrow_mut().replace(fake));
    Installed
}

/// The fake of the current run.
pub(crate) fn fake<T>(use_it: impl FnOnce(&mut Fake) -> T) -> T {
    let current = CURRENT.with(|current| current.borrow().clone());
    let fake = current.expect("natively, capabilities answer only inside TestHost::run");
    let mut fake = fake.borrow_mut();
    use_it(&mut fake)
}

pub(crate) fn check_id() -> String {
    fake(|fake| fake.check_id.clone())
}

pub(crate) fn run_id() -> String {
    "019a0000-0000-7000-8000-000000000000".to_owned()
}

pub(crate) fn traceparent() -> Option<String> {
    None
}

pub(crate) fn remaining_ms() -> u32 {
    fake(|fake| fake.remaining_ms())
}

pub(crate) fn consecutive_failures() -> u32 {
    fake(|fake| fake.consecutive_failures)
}

pub(crate) fn previous() -> Option<PreviousRun> {
    fake(|fake| fake.previous.clone())
}

pub(crate) fn log(level: Level, message: &str, fields: &[(String, String)]) {
    let record = LogRecord { level, message: message.to_owned(), fields: fields.to_vec() };
    fake(|fake| fake.logs.push(record));
}

pub(crate) fn now_unix_ms() -> u64 {
    fake(|fake| fake.now_unix_ms)
}

pub(crate) fn monotonic_ns() -> u64 {
    fake(|fake| fake.monotonic_ns)
}

pub(crate) fn sleep_ms(ms: u32) {
    fake(|fake| fake.advance_ms(ms.into()));
}

pub(crate) fn state_get(key: &str) -> Result<Option<Vec<u8>>, Error> {
    check_key(key)?;
    Ok(fake(|fake| fake.state_get(key)))
}

pub(crate) fn state_set(key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<(), Error> {
    check_key(key)?;
    fake(|fake| {
        let expires = ttl_ms.map(|ttl| fake.now_unix_ms.saturating_add(ttl));
        fake.state.insert(key.to_owned(), (value.to_vec(), expires));
    });
    Ok(())
}

pub(crate) fn state_delete(key: &str) -> Result<(), Error> {
    check_key(key)?;
    fake(|fake| fake.state.remove(key));
    Ok(())
}

/// A key that expires still does, at the same time.
pub(crate) fn state_increment(key: &str, delta: i64) -> Result<i64, Error> {
    let not_a_number = || Error::new(ErrorKind::InvalidArgument, format!("state {key:?} is not a number"));
    let text = String::from_utf8(state_get(key)?.unwrap_or_else(|| b"0".to_vec())).map_err(|_| not_a_number())?;
    let sum = text.parse::<i64>().map_err(|_| not_a_number())?.saturating_add(delta);
    fake(|fake| {
        let expires = fake.state_expiry(key);
        fake.state.insert(key.to_owned(), (sum.to_string().into_bytes(), expires));
    });
    Ok(sum)
}

pub(crate) fn state_keys(prefix: &str) -> Result<Vec<String>, Error> {
    Ok(fake(|fake| fake.state_keys(prefix)))
}

/// As the host has it.
fn check_key(key: &str) -> Result<(), Error> {
    if key.is_empty() || key.len() > STATE_KEY_BYTES_MAX {
        let message = format!("a state key has 1 to {STATE_KEY_BYTES_MAX} bytes");
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    Ok(())
}

pub(crate) fn http_send(request: Request) -> Result<HttpResponse, Error> {
    fake(|fake| fake.http.send(request))
}

pub(crate) fn http_send_all(requests: Vec<Request>) -> Vec<Result<HttpResponse, Error>> {
    requests.into_iter().map(http_send).collect()
}

pub(crate) fn memory() -> Result<MemoryInfo, Error> {
    fake(|fake| fake.system(|fake| Ok(fake.memory)))
}

pub(crate) fn cpu() -> Result<CpuInfo, Error> {
    fake(|fake| fake.system(|fake| Ok(fake.cpu)))
}

pub(crate) fn load() -> Result<LoadAverage, Error> {
    fake(|fake| fake.system(|fake| Ok(fake.load)))
}

pub(crate) fn pressure(_kind: PressureKind) -> Result<PressureInfo, Error> {
    fake(|fake| fake.system(|fake| Ok(fake.pressure)))
}

pub(crate) fn uptime_ms() -> Result<u64, Error> {
    fake(|fake| fake.system(|fake| Ok(fake.uptime_ms)))
}

pub(crate) fn disk(path: &str) -> Result<DiskInfo, Error> {
    fake(|fake| fake.system(|fake| fake.disks.get(path).cloned().ok_or_else(|| no_such("path", path))))
}

pub(crate) fn disks() -> Result<Vec<DiskInfo>, Error> {
    fake(|fake| fake.system(|fake| Ok(fake.disks.values().cloned().collect())))
}

pub(crate) fn processes(name: &str) -> Result<Vec<ProcessInfo>, Error> {
    fake(|fake| fake.system(|fake| Ok(fake.processes.iter().filter(|process| process.name == name).cloned().collect())))
}

pub(crate) fn stat(path: &str) -> Result<FileInfo, Error> {
    fake(|fake| fake.system(|fake| fake.files.get(path).copied().ok_or_else(|| no_such("file", path))))
}

pub(super) fn no_such(what: &str, path: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("the test host has no {what} {path:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed() -> Installed {
        install(Rc::new(RefCell::new(Fake::default())))
    }

    // Counting neither lengthens the life of a key nor makes it live for good.
    #[test]
    fn a_counter_expires_when_it_was_to() {
        let _run = installed();
        state_set("count", b"1", Some(1_000)).unwrap();
        sleep_ms(600);
        assert_eq!(state_increment("count", 1).unwrap(), 2);
        sleep_ms(400);
        assert_eq!(state_get("count").unwrap(), None);
        assert_eq!(state_increment("count", 5).unwrap(), 5);
        sleep_ms(3_600_000);
        assert_eq!(state_get("count").unwrap(), Some(b"5".to_vec()));
    }

    #[test]
    fn expired_keys_are_not_listed() {
        let _run = installed();
        state_set("a-brief", b"", Some(1_000)).unwrap();
        state_set("a-kept", b"", None).unwrap();
        state_set("b", b"", None).unwrap();
        assert_eq!(state_keys("a-").unwrap(), ["a-brief", "a-kept"]);
        sleep_ms(1_000);
        assert_eq!(state_keys("a-").unwrap(), ["a-kept"]);
    }

    // A key that is none is told by every function that takes one.
    #[test]
    fn a_key_that_is_none_is_refused_everywhere() {
        let _run = installed();
        for key in [String::new(), "k".repeat(257)] {
            let errors = [
                state_get(&key).map(drop).unwrap_err(),
                state_set(&key, b"", None).unwrap_err(),
                state_delete(&key).unwrap_err(),
                state_increment(&key, 1).map(drop).unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.kind, ErrorKind::InvalidArgument);
                assert_eq!(error.message, "a state key has 1 to 256 bytes");
            }
        }
        state_set(&"k".repeat(256), b"", None).unwrap();
    }

    // Each run has its time, less what it slept, and never less than none.
    #[test]
    fn sleeping_takes_time_of_its_run_only() {
        let shared = Rc::new(RefCell::new(Fake::default()));
        for _ in 0..2 {
            let _run = install(Rc::clone(&shared));
            assert_eq!(remaining_ms(), 2_000);
            sleep_ms(1_500);
            assert_eq!(remaining_ms(), 500);
            sleep_ms(u32::MAX);
            sleep_ms(u32::MAX);
            assert_eq!(remaining_ms(), 0);
        }
    }
}
