//! The host's functions, in our types. Every function is called by one public
//! function, so that an unused capability leaves no import behind.

use super::bindings::probity::check as raw;
use crate::Error;
use crate::context::PreviousRun;
use crate::dns::Answer;
use crate::heartbeats::{Beat, OpenRun};
use crate::http::{Certificate, Request, Timing, TlsInfo};
use crate::log::Level;
use crate::peers::Snapshot;
use crate::queue::Stats;
use crate::redis::Token;
use crate::sql::{RowSet, Value};
use crate::system::{CpuInfo, DiskInfo, FileInfo, LoadAverage, MemoryInfo, PressureInfo, PressureKind, ProcessInfo};
use crate::udp::Reply;

pub(crate) use raw::clock::{monotonic_ns, now_unix_ms, sleep_ms};
pub(crate) use raw::context::{check_id, consecutive_failures, remaining_ms, run_id, traceparent};

pub(crate) fn previous() -> Option<PreviousRun> {
    raw::context::previous().map(Into::into)
}

pub(crate) fn log(level: Level, message: &str, fields: &[(String, String)]) {
    raw::log::write(level.into(), message, fields);
}

pub(crate) fn state_get(key: &str) -> Result<Option<Vec<u8>>, Error> {
    Ok(raw::state::get(key)?)
}

pub(crate) fn state_set(key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<(), Error> {
    Ok(raw::state::set(key, value, ttl_ms)?)
}

pub(crate) fn state_delete(key: &str) -> Result<(), Error> {
    Ok(raw::state::delete(key)?)
}

pub(crate) fn state_increment(key: &str, delta: i64) -> Result<i64, Error> {
    Ok(raw::state::increment(key, delta)?)
}

pub(crate) fn state_keys(prefix: &str) -> Result<Vec<String>, Error> {
    Ok(raw::state::keys(prefix)?)
}

pub(crate) fn http_send(request: Request) -> Result<HttpResponse, Error> {
    Ok(HttpResponse(lower(request)?.send()?))
}

/// Requests that cannot even be built keep their place in the answers.
pub(crate) fn http_send_all(requests: Vec<Request>) -> Vec<Result<HttpResponse, Error>> {
    let mut answers = Vec::with_capacity(requests.len());
    let mut sent = Vec::with_capacity(requests.len());
    for request in requests {
        match lower(request) {
            Ok(request) => {
                sent.push(request);
                answers.push(None);
            }
            Err(error) => answers.push(Some(Err(error))),
        }
    }
    let mut received = raw::http::send_all(sent).into_iter();
    let mut next = || received.next().expect("the host answers every request").map(HttpResponse).map_err(Into::into);
    answers.into_iter().map(|refused| refused.unwrap_or_else(&mut next)).collect()
}

fn lower(request: Request) -> Result<raw::http::Request, Error> {
    let lowered = raw::http::Request::new(&request.method, &request.url);
    if let Some(name) = &request.endpoint {
        lowered.use_endpoint(name)?;
    }
    for (name, value) in &request.headers {
        lowered.set_header(name, value)?;
    }
    if let Some(body) = &request.body {
        lowered.set_body(body);
    }
    if let Some(ms) = request.timeout_ms {
        lowered.set_timeout_ms(ms);
    }
    if let Some(max) = request.max_redirects {
        lowered.set_max_redirects(max);
    }
    if let Some(max) = request.max_body_bytes {
        lowered.set_max_body_bytes(max);
    }
    if request.http2_only {
        lowered.require_http2();
    }
    Ok(lowered)
}

/// A response the host holds.
#[derive(Debug)]
pub(crate) struct HttpResponse(raw::http::Response);

impl HttpResponse {
    pub(crate) fn status(&self) -> u16 {
        self.0.status()
    }

    pub(crate) fn version(&self) -> String {
        self.0.version()
    }

    pub(crate) fn headers(&self) -> Vec<(String, Vec<u8>)> {
        self.0.headers()
    }

    pub(crate) fn header(&self, name: &str) -> Option<Vec<u8>> {
        self.0.header(name)
    }

    pub(crate) fn body(&self) -> Result<Vec<u8>, Error> {
        Ok(self.0.body()?)
    }

    pub(crate) fn trailers(&self) -> Vec<(String, Vec<u8>)> {
        self.0.trailers()
    }

    pub(crate) fn timing(&self) -> Timing {
        self.0.timing().into()
    }

    pub(crate) fn tls(&self) -> Option<TlsInfo> {
        self.0.tls().map(Into::into)
    }

    pub(crate) fn remote_address(&self) -> Option<String> {
        self.0.remote_address()
    }
}

/// A connection the host holds.
#[derive(Debug)]
pub(crate) struct TcpSocket(raw::tcp::Socket);

impl TcpSocket {
    pub(crate) fn connect(host: &str, port: u16, timeout_ms: Option<u32>) -> Result<Self, Error> {
        Ok(Self(raw::tcp::Socket::connect(host, port, timeout_ms)?))
    }

    pub(crate) fn connect_ms(&self) -> f64 {
        self.0.connect_ms()
    }

    pub(crate) fn remote_address(&self) -> String {
        self.0.remote_address()
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        Ok(self.0.write(bytes)?)
    }

    pub(crate) fn read(&self, max: u32, timeout_ms: Option<u32>) -> Result<Vec<u8>, Error> {
        Ok(self.0.read(max, timeout_ms)?)
    }

    pub(crate) fn read_until(&self, delimiter: &[u8], max: u32, timeout_ms: Option<u32>) -> Result<Vec<u8>, Error> {
        Ok(self.0.read_until(delimiter, max, timeout_ms)?)
    }

    pub(crate) fn start_tls(
        &self,
        server_name: Option<&str>,
        authority: Option<&str>,
        timeout_ms: Option<u32>,
    ) -> Result<TlsInfo, Error> {
        Ok(self.0.start_tls(server_name, authority, timeout_ms)?.into())
    }
}

pub(crate) fn udp_exchange(
    host: &str,
    port: u16,
    payload: &[u8],
    max_reply_bytes: u32,
    timeout_ms: Option<u32>,
) -> Result<Reply, Error> {
    Ok(raw::udp::exchange(host, port, payload, max_reply_bytes, timeout_ms)?.into())
}

/// A Redis connection the host holds.
#[derive(Debug)]
pub(crate) struct RedisConnection(raw::redis::Connection);

impl RedisConnection {
    pub(crate) fn open(name: &str) -> Result<Self, Error> {
        Ok(Self(raw::redis::Connection::open(name)?))
    }

    pub(crate) fn ping(&self) -> Result<f64, Error> {
        Ok(self.0.ping()?)
    }

    pub(crate) fn command(&self, name: &str, args: &[Vec<u8>]) -> Result<Vec<Token>, Error> {
        Ok(self.0.command(name, args)?.into_iter().map(Into::into).collect())
    }
}

pub(crate) fn queue_inspect(name: &str) -> Result<Stats, Error> {
    Ok(raw::queue::inspect(name)?.into())
}

pub(crate) fn queue_publish(name: &str, payload: &[u8]) -> Result<(), Error> {
    Ok(raw::queue::publish(name, payload)?)
}

pub(crate) fn secret_hmac_sha256(name: &str, data: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(raw::secrets::hmac_sha256(name, data)?)
}

pub(crate) fn secret_matches(name: &str, candidate: &[u8]) -> Result<bool, Error> {
    Ok(raw::secrets::matches(name, candidate)?)
}

pub(crate) fn secret_reveal(name: &str) -> Result<String, Error> {
    Ok(raw::secrets::reveal(name)?)
}

/// A database session the host holds.
#[derive(Debug)]
pub(crate) struct SqlConnection(raw::sql::Connection);

impl SqlConnection {
    pub(crate) fn open(name: &str) -> Result<Self, Error> {
        Ok(Self(raw::sql::Connection::open(name)?))
    }

    pub(crate) fn engine(&self) -> String {
        self.0.engine()
    }

    pub(crate) fn ping(&self) -> Result<f64, Error> {
        Ok(self.0.ping()?)
    }

    pub(crate) fn query(&self, statement: &str, params: &[Value]) -> Result<RowSet, Error> {
        Ok(self.0.query(statement, &lower_params(params))?.into())
    }

    pub(crate) fn execute(&self, statement: &str, params: &[Value]) -> Result<u64, Error> {
        Ok(self.0.execute(statement, &lower_params(params))?)
    }

    pub(crate) fn begin(&self) -> Result<SqlTransaction, Error> {
        Ok(SqlTransaction(self.0.begin()?))
    }
}

/// A transaction the host holds.
#[derive(Debug)]
pub(crate) struct SqlTransaction(raw::sql::Transaction);

impl SqlTransaction {
    pub(crate) fn query(&self, statement: &str, params: &[Value]) -> Result<RowSet, Error> {
        Ok(self.0.query(statement, &lower_params(params))?.into())
    }

    pub(crate) fn execute(&self, statement: &str, params: &[Value]) -> Result<u64, Error> {
        Ok(self.0.execute(statement, &lower_params(params))?)
    }

    pub(crate) fn commit(self) -> Result<(), Error> {
        Ok(self.0.commit()?)
    }

    pub(crate) fn rollback(self) -> Result<(), Error> {
        Ok(self.0.rollback()?)
    }
}

fn lower_params(params: &[Value]) -> Vec<raw::sql::Value> {
    params.iter().map(Into::into).collect()
}

pub(crate) fn memory() -> Result<MemoryInfo, Error> {
    Ok(raw::system::memory()?.into())
}

pub(crate) fn cpu() -> Result<CpuInfo, Error> {
    Ok(raw::system::cpu()?.into())
}

pub(crate) fn load() -> Result<LoadAverage, Error> {
    Ok(raw::system::load()?.into())
}

pub(crate) fn pressure(kind: PressureKind) -> Result<PressureInfo, Error> {
    Ok(raw::system::pressure(kind.into())?.into())
}

pub(crate) fn uptime_ms() -> Result<u64, Error> {
    Ok(raw::system::uptime_ms()?)
}

pub(crate) fn disk(path: &str) -> Result<DiskInfo, Error> {
    Ok(raw::system::disk(path)?.into())
}

pub(crate) fn disks() -> Result<Vec<DiskInfo>, Error> {
    Ok(raw::system::disks()?.into_iter().map(Into::into).collect())
}

pub(crate) fn processes(name: &str) -> Result<Vec<ProcessInfo>, Error> {
    Ok(raw::system::processes(name)?.into_iter().map(Into::into).collect())
}

pub(crate) fn stat(path: &str) -> Result<FileInfo, Error> {
    Ok(raw::system::stat(path)?.into())
}

pub(crate) fn tls_inspect(host: &str, port: u16, server_name: Option<&str>) -> Result<TlsInfo, Error> {
    Ok(raw::tls::inspect(host, port, server_name)?.into())
}

pub(crate) fn tls_inspect_trusting(
    host: &str,
    port: u16,
    server_name: Option<&str>,
    authority: &str,
) -> Result<TlsInfo, Error> {
    Ok(raw::tls::inspect_trusting(host, port, server_name, authority)?.into())
}

pub(crate) fn tls_inspect_named(name: &str) -> Result<Vec<Certificate>, Error> {
    Ok(raw::tls::inspect_named(name)?.into_iter().map(Into::into).collect())
}

pub(crate) fn dns_resolve(name: &str, record_type: &str, server: Option<&str>) -> Result<Vec<Answer>, Error> {
    Ok(raw::dns::resolve(name, record_type, server)?.into_iter().map(Into::into).collect())
}

pub(crate) fn heartbeat_last(name: &str) -> Result<Option<Beat>, Error> {
    Ok(raw::heartbeats::last(name)?.map(Into::into))
}

pub(crate) fn heartbeat_recent(name: &str, max: u32) -> Result<Vec<Beat>, Error> {
    Ok(raw::heartbeats::recent(name, max)?.into_iter().map(Into::into).collect())
}

pub(crate) fn heartbeat_open(name: &str) -> Result<Vec<OpenRun>, Error> {
    Ok(raw::heartbeats::open(name)?.into_iter().map(Into::into).collect())
}

pub(crate) fn peer_latest(id: &str) -> Result<Snapshot, Error> {
    Ok(raw::peers::latest(id)?.into())
}

pub(crate) fn peers_by_tag(tag: &str) -> Result<Vec<(String, Snapshot)>, Error> {
    Ok(raw::peers::by_tag(tag)?.into_iter().map(|(name, peer)| (name, peer.into())).collect())
}
