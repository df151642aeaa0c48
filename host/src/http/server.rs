//! Sockets: accepts, bounds, and ends connections.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tower_service::Service;

use super::activity::{Activity, InFlight, Moving, Patience, Watched};
use super::app;
use super::state::State;

/// Bytes of a request's head, for HTTP/1 also of its longest line; hyper allows 100 fields.
pub const HEADER_BYTES_MAX: usize = 16 << 10;

/// HTTP/2 requests at once on one connection.
pub const STREAMS_MAX: u32 = 64;

/// The first and the longest pause after `accept` failed, as when there are no file descriptors left.
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// How long a connection that was asked to go may be silent; some HTTP/2 peers never answer the farewell.
const FAREWELL_MAX: Duration = Duration::from_secs(1);

/// Answers until `stop`, then until every answer in flight is sent. The caller bounds that by the grace.
///
/// Connections above `max-connections` wait in the listen queue. Timeouts are read at each new connection, so a reload
/// changes them; `max-connections` and the address are those of the start.
pub async fn serve(listener: TcpListener, state: State, stop: impl Future<Output = ()>) {
    let (ending, ended) = watch::channel(false);
    let places = Arc::new(Semaphore::new(state.config.load().server.max_connections));
    let router = app::router_until(state.clone(), ended.clone());
    {
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = accept(&listener, &places) => accepted,
            };
            let (stream, place) = accepted;
            let server = &state.config.load().server;
            let limits = Limits { head: server.header_timeout, idle: server.idle_timeout };
            tokio::spawn(converse(stream, place, router.clone(), limits, ended.clone()));
        }
    }
    drop((listener, router, ended));
    // Every connection holds a receiver until it is closed.
    let _ = ending.send(true);
    ending.closed().await;
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    head: Duration,
    idle: Duration,
}

/// The next connection, once there is a place for it. Never fails: an error is waited out.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    let place = Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed");
    let mut pause = PAUSE_MIN;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are small and whole: waiting to fill a packet only delays them.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY refused");
                }
                return (stream, place);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, ?pause, "cannot accept connections for now");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}

/// The peer went away before it was accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // The time of heads is taken by `activity`: hyper's timer would also count the pause between requests.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(HEADER_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_BYTES_MAX as u32);
    builder
}

/// Serves one connection to its end.
async fn converse(
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
    router: Router,
    limits: Limits,
    mut ended: watch::Receiver<bool>,
) {
    let activity = Activity::new();
    let io = TokioIo::new(Watched { io: stream, activity: Arc::clone(&activity) });
    let theirs = Arc::clone(&activity);
    let service = service_fn(move |request| answer(theirs.begin(), router.clone(), request));
    let builder = builder();
    let mut connection = pin!(builder.serve_connection(io, service));
    let mut look = pin!(tokio::time::sleep(limits.head.min(limits.idle)));
    let mut leaving = false;
    loop {
        let leave = tokio::select! {
            biased;
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(error = %crate::text::chain(&*error), "connection ended early");
                }
                return;
            }
            _ = ended.wait_for(|ended| *ended), if !leaving => true,
            () = look.as_mut() => match activity.patience(limits.head, limits.idle) {
                _ if leaving && activity.is_quiet(FAREWELL_MAX) => return,
                Patience::Until(next) => {
                    look.as_mut().reset(if leaving { Instant::now() + FAREWELL_MAX } else { next });
                    false
                }
                Patience::SlowHead => {
                    tracing::debug!(timeout = ?limits.head, "a request's head took too long, connection closed");
                    return;
                }
                Patience::Idle => true,
            },
        };
        if leave {
            leaving = true;
            connection.as_mut().graceful_shutdown();
            look.as_mut().reset(Instant::now() + FAREWELL_MAX);
        }
    }
}

/// Answers one request; what is in flight is so until the answer's head is made.
async fn answer(
    in_flight: InFlight,
    mut router: Router,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Body>, std::convert::Infallible> {
    let response = router.call(request).await?;
    if response.body().size_hint().exact().is_some() {
        return Ok(response);
    }
    let activity = in_flight.activity();
    Ok(response.map(|body| Body::new(Moving { body, activity })))
}
