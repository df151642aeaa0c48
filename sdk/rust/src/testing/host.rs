//! The functions of the component side, answered by the fake of the current run.

use std::cell::RefCell;
use std::rc::Rc;

use super::LogRecord;
use super::fake::Fake;
pub(crate) use super::http::HttpResponse;
pub(crate) use super::names::{
    dns_resolve, heartbeat_last, heartbeat_recent, peer_latest, peers_by_tag, tls_inspect, tls_inspect_named,
    tls_inspect_trusting,
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
    fake(|fake| fake.remaining_ms)
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
    Ok(fake(|fake| fake.state_get(key)))
}

pub(crate) fn state_set(key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<(), Error> {
    fake(|fake| {
        let expires = ttl_ms.map(|ttl| fake.now_unix_ms + ttl);
        fake.state.insert(key.to_owned(), (value.to_vec(), expires));
    });
    Ok(())
}

pub(crate) fn state_delete(key: &str) -> Result<(), Error> {
    fake(|fake| fake.state.remove(key));
    Ok(())
}

pub(crate) fn state_increment(key: &str, delta: i64) -> Result<i64, Error> {
    let not_a_number = || Error::new(ErrorKind::InvalidArgument, format!("state {key:?} is not a number"));
    let text = String::from_utf8(state_get(key)?.unwrap_or_else(|| b"0".to_vec())).map_err(|_| not_a_number())?;
    let sum = text.parse::<i64>().map_err(|_| not_a_number())?.saturating_add(delta);
    state_set(key, sum.to_string().as_bytes(), None)?;
    Ok(sum)
}

pub(crate) fn state_keys(prefix: &str) -> Result<Vec<String>, Error> {
    Ok(fake(|fake| fake.state.keys().filter(|key| key.starts_with(prefix)).cloned().collect()))
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
