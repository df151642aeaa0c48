//! What a connection is doing, so that one that does nothing, never finishes asking or never reads can be closed.
//!
//! hyper's own header timeout also counts the pause between two requests, which is allowed to be longer than a header
//! takes; so the time is taken here, from the bytes that arrive.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::places::Doing;
use super::unsent::{Budget, CONNECTION_UNSENT_BYTES_MAX};

/// How long an answer may be on its way, however steadily it is read. Longer ones end their connection.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);

/// The signs of life of one connection. Times are milliseconds since `base`.
#[derive(Debug)]
pub(super) struct Activity {
    base: Instant,
    /// Requests whose handler has not answered.
    in_flight: AtomicUsize,
    /// Streams that go on after their answer began.
    streams: AtomicUsize,
    /// The last time a request ended, or a stream moved; at first, when the connection was accepted.
    last_ms: AtomicU64,
    /// The last time bytes were sent, or handed over to be sent.
    sent_ms: AtomicU64,
    /// When a head began, plus one; zero outside of a head. The first one begins with the connection.
    head_ms: AtomicU64,
    /// The peer speaks HTTP/2, whose bytes between requests are no heads.
    http2: AtomicBool,
    /// Bytes of answers that the socket did not take yet.
    pub(super) unsent: Budget,
    deliveries: Mutex<Deliveries>,
}

/// Answers on their way that hold a share of what may be unsent. Few: their bytes are bounded.
#[derive(Debug, Default)]
struct Deliveries {
    next: u64,
    /// Which, and since when.
    open: Vec<(u64, u64)>,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// A head, from its first byte; the first one from the start of the connection.
    pub(super) head: Duration,
    /// The pause between two requests.
    pub(super) idle: Duration,
    /// The pause between two pieces of an answer, while the peer does not read.
    pub(super) stall: Duration,
}

/// How long a connection may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Look again then.
    Until(Instant),
    /// It has been idle for too long: ask it to go.
    Idle,
    /// A head has been arriving for too long: cut it.
    SlowHead,
    /// An answer is not read: cut it.
    Stalled,
}

impl Activity {
    /// Of a connection accepted now. All that are compared have the same `base`.
    pub(super) fn new(base: Instant) -> Arc<Self> {
        let now = ms_since(base);
        Arc::new(Self {
            base,
            in_flight: AtomicUsize::new(0),
            streams: AtomicUsize::new(0),
            last_ms: AtomicU64::new(now),
            sent_ms: AtomicU64::new(now),
            head_ms: AtomicU64::new(now + 1),
            http2: AtomicBool::new(false),
            unsent: Budget::new(CONNECTION_UNSENT_BYTES_MAX),
            deliveries: Mutex::default(),
        })
    }

    /// A request is here.
    pub(super) fn begin(&self, is_http2: bool) -> InFlight<'_> {
        if is_http2 {
            self.http2.store(true, Ordering::Relaxed);
        }
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.head_ms.store(0, Ordering::Relaxed);
        InFlight(self)
    }

    /// What to do about the connection now.
    pub(super) fn patience(&self, limits: Limits) -> Patience {
        let now = Instant::now();
        // First: whoever lets an answer lie must not excuse it by asking on.
        if let Some(begun_ms) = self.oldest_delivery() {
            let end =
                (self.at(self.sent_ms.load(Ordering::Relaxed)) + limits.stall).min(self.at(begun_ms) + ANSWER_TIME_MAX);
            return if now >= end { Patience::Stalled } else { Patience::Until(end) };
        }
        if self.in_flight.load(Ordering::Relaxed) > 0 {
            return Patience::Until(now + limits.head.min(limits.idle));
        }
        let head_ms = self.head_ms.load(Ordering::Relaxed);
        let head_end = (head_ms > 0).then(|| self.at(head_ms - 1) + limits.head);
        let idle_end = self.at(self.idle_since_ms()) + limits.idle;
        match head_end {
            Some(end) if now >= end => Patience::SlowHead,
            _ if now >= idle_end => Patience::Idle,
            // A head or an answer may begin right after this look; then the next look is in time for its end.
            Some(end) => Patience::Until(end.min(idle_end)),
            None => Patience::Until(idle_end.min(now + limits.head.min(limits.stall))),
        }
    }

    /// Whether somebody waits for something on this connection.
    pub(super) fn doing(&self) -> Doing {
        let is_busy = self.in_flight.load(Ordering::Relaxed) > 0
            || self.streams.load(Ordering::Relaxed) > 0
            || self.oldest_delivery().is_some();
        if is_busy { Doing::Busy } else { Doing::Idle(self.idle_since_ms()) }
    }

    /// Whether nothing is being answered, and nothing was for `pause`.
    pub(super) fn is_quiet(&self, pause: Duration) -> bool {
        self.in_flight.load(Ordering::Relaxed) == 0
            && self.oldest_delivery().is_none()
            && Instant::now() >= self.at(self.idle_since_ms()) + pause
    }

    /// Milliseconds since `base`.
    pub(super) fn now_ms(&self) -> u64 {
        ms_since(self.base)
    }

    /// An answer is on its way. The number is for [`Self::delivered`].
    pub(super) fn delivering(&self) -> u64 {
        self.moved();
        let now = self.now_ms();
        let mut deliveries = self.deliveries();
        let id = deliveries.next;
        deliveries.next += 1;
        deliveries.open.push((id, now));
        id
    }

    /// Its last byte was sent, or nobody wants it any more.
    pub(super) fn delivered(&self, id: u64) {
        self.deliveries().open.retain(|(open, _)| *open != id);
        self.last_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    /// A piece of an answer was handed over.
    pub(super) fn moved(&self) {
        self.sent_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    /// A stream begins.
    pub(super) fn stream(self: &Arc<Self>) -> Streaming {
        self.streams.fetch_add(1, Ordering::Relaxed);
        Streaming(Arc::clone(self))
    }

    fn deliveries(&self) -> MutexGuard<'_, Deliveries> {
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the answer began that is on its way for longest.
    pub(super) fn oldest_delivery(&self) -> Option<u64> {
        self.deliveries().open.iter().map(|(_, since)| *since).min()
    }

    /// Over HTTP/2 the answers to pings are sent too, and pings are no requests.
    fn idle_since_ms(&self) -> u64 {
        let http2 = self.http2.load(Ordering::Relaxed);
        let sent_ms = if http2 { 0 } else { self.sent_ms.load(Ordering::Relaxed) };
        self.last_ms.load(Ordering::Relaxed).max(sent_ms)
    }

    fn at(&self, ms: u64) -> Instant {
        self.base + Duration::from_millis(ms)
    }

    fn sent(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if polled.is_ready() {
            self.sent_ms.store(self.now_ms(), Ordering::Relaxed);
        }
        polled
    }

    /// Bytes arrived.
    fn read(&self, bytes: &[u8]) {
        if self.http2.load(Ordering::Relaxed) || self.in_flight.load(Ordering::Relaxed) > 0 {
            return;
        }
        if bytes.starts_with(b"PRI ") {
            self.http2.store(true, Ordering::Relaxed);
            self.head_ms.store(0, Ordering::Relaxed);
        } else {
            let begun = self.now_ms() + 1;
            // Only the first byte of a head counts.
            let _ = self.head_ms.compare_exchange(0, begun, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}

fn ms_since(base: Instant) -> u64 {
    u64::try_from(base.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// A request whose handler has not answered.
#[derive(Debug)]
pub(super) struct InFlight<'a>(&'a Activity);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        // Over HTTP/1 the answer is about to be sent, which counts too.
        if self.0.http2.load(Ordering::Relaxed) {
            self.0.last_ms.store(self.0.now_ms(), Ordering::Relaxed);
        }
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream that goes on after its answer began.
#[derive(Debug)]
pub(super) struct Streaming(Arc<Activity>);

impl Streaming {
    /// It said something.
    pub(super) fn moved(&self) {
        self.0.last_ms.store(self.0.now_ms(), Ordering::Relaxed);
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Bytes that a connection reads before the others have their turn. What arrives without a pause is a flood of small frames, and
/// a thousand of them are milliseconds of work.
const TURN_BYTES: usize = 4 << 10;

/// A socket that notes what arrives, and lets other connections have their turn.
#[derive(Debug)]
pub(super) struct Watched<T> {
    io: T,
    activity: Arc<Activity>,
    /// Bytes read in this turn.
    turn: usize,
}

impl<T> Watched<T> {
    pub(super) const fn new(io: T, activity: Arc<Activity>) -> Self {
        Self { io, activity, turn: 0 }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.turn >= TURN_BYTES {
            self.turn = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        // hyper takes one request after the other, and yields between them; only frames need a bound here.
        if !self.activity.http2.load(Ordering::Relaxed) {
            let before = buf.filled().len();
            let polled = Pin::new(&mut self.io).poll_read(cx, buf);
            let read = buf.filled().get(before..).unwrap_or_default();
            if !read.is_empty() {
                self.activity.read(read);
            }
            return polled;
        }
        let room = buf.remaining().min(TURN_BYTES - self.turn);
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(room));
        let polled = Pin::new(&mut self.io).poll_read(cx, &mut part);
        let read = part.filled().len();
        if read > 0 {
            self.activity.read(part.filled());
        }
        buf.advance(read);
        self.turn = if polled.is_pending() { 0 } else { self.turn + read };
        polled
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, buf);
        self.activity.sent(polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.activity.sent(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
