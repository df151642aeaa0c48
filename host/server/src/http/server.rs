//! Sockets: accepts, bounds, and ends connections.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Version};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tower_service::Service;

use super::activity::{Activity, Limits, Patience, Watched};
use super::app::{self, App};
use super::front::Front;
use super::gate::{self, Pass};
use super::observe::Over;
use super::places::{Admission, Place, Places, RESERVE_MAX};
use super::state::State;
use super::unsent::{Budget, UNSENT_BYTES_MAX};

/// Bytes of a request's head, for HTTP/1 also of its longest line; hyper allows 100 fields.
pub const HEADER_BYTES_MAX: usize = 16 << 10;

/// HTTP/2 requests at once on one connection.
pub const STREAMS_MAX: u32 = 64;

/// Bytes that an HTTP/2 peer may send ahead, of a stream and of all: the standard's own, more than any body here.
const WINDOW_BYTES: u32 = 65_535;

/// Connections that were told to go and are not gone yet. More would be more descriptors than were counted on.
const LEAVING_MAX: usize = 64;

/// Descriptors that connections take beside `server.max-connections`.
pub const CONNECTIONS_BESIDE: usize = RESERVE_MAX + LEAVING_MAX;

/// Bytes that the system keeps of what was sent and not read, and of what was received; Linux takes twice as much. Left to
/// itself it keeps megabytes for each connection, which nobody counts.
const SOCKET_BUFFER_BYTES: u32 = 64 << 10;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1_024;

/// How long an answer may lie with nobody reading it, unless `idle-timeout` is shorter.
const STALL_MAX: Duration = Duration::from_secs(10);

/// How long an answer may take in any case, also when others want its room.
const READING_MIN: Duration = Duration::from_secs(2);

/// How long a connection of the reserve may take for its one probe.
const PROBE_TIME_MAX: Duration = Duration::from_secs(2);

/// The first and the longest pause after `accept` failed, as when there are no file descriptors left.
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// How long a connection that was asked to go may be silent; some HTTP/2 peers never answer the farewell.
const FAREWELL_MAX: Duration = Duration::from_secs(1);

/// Listens on `address`. Call inside of the runtime.
///
/// # Errors
/// What the operating system says.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for what is left of earlier connections. On Windows it would mean something else.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    // Connections inherit these.
    socket.set_send_buffer_size(SOCKET_BUFFER_BYTES)?;
    socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Answers until `stop`, then until every answer in flight is sent. The caller bounds that by the grace.
///
/// Above `max-connections` the connection that is idle for longest gives way to a new one. Timeouts and hosts are read
/// at each connection or request, so a reload changes them; `max-connections` and the address are those of the start.
pub async fn serve(listener: TcpListener, state: State, stop: impl Future<Output = ()>) {
    let (ending, ended) = watch::channel(false);
    let house = Arc::new(House::new(state, ended.clone()));
    {
        let mut stop = pin!(stop);
        loop {
            let (stream, slot) = tokio::select! {
                biased;
                () = &mut stop => break,
                () = house.unsent.missed.notified() => {
                    house.make_room_for_answers();
                    continue;
                }
                accepted = accept(&listener, &house) => accepted,
            };
            tokio::spawn(converse(stream, house.admit(), ended.clone(), slot));
        }
    }
    drop((listener, ended, house));
    // Every connection holds a receiver until it is closed.
    let _ = ending.send(true);
    ending.closed().await;
}

/// What connections share.
struct House {
    front: Front,
    router: Router,
    state: State,
    /// The zero of all times.
    base: Instant,
    places: Mutex<Places<Arc<Guest>>>,
    unsent: Arc<Budget>,
    /// One permit per socket, of those that are leaving, too.
    slots: Arc<Semaphore>,
}

/// A connection as the others see it.
struct Guest {
    activity: Arc<Activity>,
    /// It has to go, since others want its place or its room.
    gone: Notify,
    told: AtomicBool,
}

/// One connection, with its place, which is given back when this is dropped.
struct Visit {
    house: Arc<House>,
    guest: Arc<Guest>,
    place: Place,
    id: u64,
}

impl House {
    fn new(state: State, ended: watch::Receiver<bool>) -> Self {
        let max = state.config.load().server.max_connections;
        let unsent = Arc::new(Budget::new(UNSENT_BYTES_MAX));
        let app = App::new(state.clone(), ended, Arc::clone(&unsent));
        Self {
            front: Front::new(&app),
            router: app::router_of(&app),
            unsent,
            state,
            base: Instant::now(),
            places: Mutex::new(Places::new(max)),
            slots: Arc::new(Semaphore::new(max + CONNECTIONS_BESIDE)),
        }
    }

    fn places(&self) -> MutexGuard<'_, Places<Arc<Guest>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a new connection, whoever has to go for it.
    fn admit(self: &Arc<Self>) -> Arc<Visit> {
        let guest =
            Arc::new(Guest { activity: Activity::new(self.base), gone: Notify::new(), told: AtomicBool::new(false) });
        let now = guest.activity.now_ms();
        let Admission { id, place, gives_way } =
            self.places().admit(Arc::clone(&guest), now, |guest| guest.activity.doing());
        self.show_out(gives_way, "gave_way");
        self.state.metrics.connections(1);
        Arc::new(Visit { house: Arc::clone(self), guest, place, id })
    }

    /// Lets the connection that is idle for longest go, so that its descriptor is free.
    fn make_room(&self) {
        let now = u64::try_from(self.base.elapsed().as_millis()).unwrap_or(u64::MAX);
        let gives_way = self.places().give_way(now, |guest| guest.activity.doing());
        self.show_out(gives_way, "gave_way");
    }

    /// Lets the connection go whose answer is on its way for longest, so that others get theirs.
    fn make_room_for_answers(&self) {
        let now = u64::try_from(self.base.elapsed().as_millis()).unwrap_or(u64::MAX);
        let oldest = {
            let places = self.places();
            let reading = places.iter().filter(|guest| !guest.told.load(Ordering::Relaxed));
            let since = reading.filter_map(|guest| Some((guest.activity.oldest_delivery()?, guest)));
            since.min_by_key(|(since, _)| *since).map(|(since, guest)| (since, Arc::clone(guest)))
        };
        let oldest = oldest.filter(|(since, _)| Duration::from_millis(now.saturating_sub(*since)) >= READING_MIN);
        self.show_out(oldest.map(|(_, guest)| guest), "unread");
    }

    fn show_out(&self, guest: Option<Arc<Guest>>, why: &'static str) {
        if let Some(guest) = guest {
            guest.told.store(true, Ordering::Relaxed);
            guest.gone.notify_one();
            self.closed(why);
        }
    }

    fn closed(&self, why: &'static str) {
        tracing::debug!(why, "connection closed");
        self.state.metrics.connection_closed(why);
    }

    /// The answer to a request that may have one. `over` is its connection, where the answer holds a share of what may be
    /// unsent.
    async fn answer(&self, request: hyper::Request<Incoming>, over: Option<&Arc<Activity>>) -> hyper::Response<Body> {
        match self.front.answer(request, over).await {
            Ok(response) => response,
            Err(mut request) => {
                if let Some(activity) = over {
                    request.extensions_mut().insert(Over(Arc::clone(activity)));
                }
                let Ok(response) = self.router.clone().call(request).await;
                response
            }
        }
    }

    fn limits(&self) -> Limits {
        let server = &self.state.config.load().server;
        Limits { head: server.header_timeout, idle: server.idle_timeout, stall: STALL_MAX.min(server.idle_timeout) }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.house.places().leave(self.id);
        self.house.state.metrics.connections(-1);
    }
}

/// The next connection. Never fails: an error is waited out.
async fn accept(listener: &TcpListener, house: &House) -> (TcpStream, OwnedSemaphorePermit) {
    // There are more than places, so this waits for connections that were told to go, never for a peer.
    let slot = Arc::clone(&house.slots).acquire_owned().await.expect("the semaphore is never closed");
    let mut pause = PAUSE_MIN;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are whole: waiting to fill a packet only delays them.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY refused");
                }
                return (stream, slot);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, ?pause, "cannot accept connections for now");
                house.make_room();
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

fn builder(place: Place) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // The time of heads is taken by `activity`: hyper's timer would also count the pause between requests.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(HEADER_BYTES_MAX);
    builder.http1().keep_alive(place == Place::Regular);
    // Resets are bounded by h2 itself: 20 of requests not yet seen, 1,024 of wrong ones, then the connection ends.
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_header_list_size(HEADER_BYTES_MAX as u32);
    builder
}

/// Serves one connection to its end.
async fn converse(stream: TcpStream, visit: Arc<Visit>, mut ended: watch::Receiver<bool>, _slot: OwnedSemaphorePermit) {
    let (house, activity) = (&visit.house, &visit.guest.activity);
    let io = TokioIo::new(Watched::new(stream, Arc::clone(activity)));
    let service = service_fn(|request| answer(Arc::clone(&visit), request));
    let builder = builder(visit.place);
    let mut connection = pin!(builder.serve_connection(io, service));
    let limits = house.limits();
    let is_reserve = visit.place == Place::Reserve;
    let first_look = if is_reserve { PROBE_TIME_MAX } else { limits.head.min(limits.idle) };
    let mut look = pin!(tokio::time::sleep(first_look));
    let mut gone = pin!(visit.guest.gone.notified());
    let mut leaving = false;
    loop {
        let leave = tokio::select! {
            biased;
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(error = %probity_core::text::chain(&*error), "connection ended early");
                }
                return;
            }
            () = gone.as_mut() => return,
            _ = ended.wait_for(|ended| *ended), if !leaving => true,
            () = look.as_mut() => match activity.patience(limits) {
                _ if is_reserve => return house.closed("slow_probe"),
                _ if leaving && activity.is_quiet(FAREWELL_MAX) => return,
                Patience::Until(next) => {
                    look.as_mut().reset(if leaving { Instant::now() + FAREWELL_MAX } else { next });
                    false
                }
                Patience::SlowHead => return house.closed("slow_head"),
                Patience::Stalled => return house.closed("unread"),
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

/// Answers one request; it is in flight until the answer's head is made.
async fn answer(visit: Arc<Visit>, request: hyper::Request<Incoming>) -> Result<hyper::Response<Body>, Infallible> {
    let (house, activity) = (&visit.house, &visit.guest.activity);
    let version = request.version();
    let _in_flight = activity.begin(version == Version::HTTP_2);
    let passed = gate::pass(&request, visit.place, &house.state.config.load().server);
    match passed {
        Ok(Pass::Word) => Ok(house.answer(request, None).await),
        Ok(Pass::Answer) => Ok(house.answer(request, Some(activity)).await),
        Err((reason, refusal)) => {
            house.state.metrics.refused(reason);
            let mut response = refusal.into_response();
            if version != Version::HTTP_2 {
                // Nothing of the body was read.
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response)
        }
    }
}
