//! What a connection is doing, so that one that does nothing, or never finishes asking, can be closed.
//!
//! hyper's own header timeout also counts the pause between two requests, which is allowed to be longer than a header
//! takes; so the time is taken here, from the bytes that arrive.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// The signs of life of one connection. Times are milliseconds since `base`.
#[derive(Debug)]
pub(super) struct Activity {
    base: Instant,
    /// Requests whose handler has not answered.
    in_flight: AtomicUsize,
    /// The last time a request ended, or a stream moved.
    last_ms: AtomicU64,
    /// The last time bytes were sent.
    sent_ms: AtomicU64,
    /// When the first byte of a head came, plus one; zero outside of a head.
    head_ms: AtomicU64,
    /// The peer speaks HTTP/2, whose bytes between requests are no heads.
    http2: AtomicBool,
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
}

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            base: Instant::now(),
            in_flight: AtomicUsize::new(0),
            last_ms: AtomicU64::new(0),
            sent_ms: AtomicU64::new(0),
            head_ms: AtomicU64::new(0),
            http2: AtomicBool::new(false),
        })
    }

    /// A request is here.
    pub(super) fn begin(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.head_ms.store(0, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }

    /// What to do about the connection now.
    pub(super) fn patience(&self, head_max: Duration, idle_max: Duration) -> Patience {
        let now = Instant::now();
        if self.in_flight.load(Ordering::Relaxed) > 0 {
            return Patience::Until(now + head_max.min(idle_max));
        }
        let head_ms = self.head_ms.load(Ordering::Relaxed);
        let head_end = (head_ms > 0).then(|| self.base + Duration::from_millis(head_ms - 1) + head_max);
        // Over HTTP/2 the answers to pings are sent too, and pings are no requests.
        let http2 = self.http2.load(Ordering::Relaxed);
        let sent_ms = if http2 { 0 } else { self.sent_ms.load(Ordering::Relaxed) };
        let last_ms = self.last_ms.load(Ordering::Relaxed).max(sent_ms);
        let idle_end = self.base + Duration::from_millis(last_ms) + idle_max;
        match head_end {
            Some(end) if now >= end => Patience::SlowHead,
            _ if now >= idle_end => Patience::Idle,
            // A head may begin right after this look; then the next look is in time for its end.
            Some(end) => Patience::Until(end.min(idle_end)),
            None => Patience::Until(idle_end.min(now + head_max)),
        }
    }

    /// Whether nothing is being answered, and nothing was sent for `pause`.
    pub(super) fn is_quiet(&self, pause: Duration) -> bool {
        let last_ms = self.last_ms.load(Ordering::Relaxed).max(self.sent_ms.load(Ordering::Relaxed));
        self.in_flight.load(Ordering::Relaxed) == 0
            && self.base.elapsed().saturating_sub(Duration::from_millis(last_ms)) >= pause
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.base.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn moved(&self) {
        self.last_ms.store(self.now_ms(), Ordering::Relaxed);
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
        } else {
            let begun = self.now_ms() + 1;
            // Only the first byte of a head counts.
            let _ = self.head_ms.compare_exchange(0, begun, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}

/// A request whose handler has not answered.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Activity>);

impl InFlight {
    /// The activity of a stream that goes on after the answer began.
    pub(super) fn activity(&self) -> Arc<Activity> {
        Arc::clone(&self.0)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        // Over HTTP/1 the answer is about to be sent, which counts too.
        if self.0.http2.load(Ordering::Relaxed) {
            self.0.moved();
        }
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A socket that notes what arrives.
#[derive(Debug)]
pub(super) struct Watched<T> {
    pub(super) io: T,
    pub(super) activity: Arc<Activity>,
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        if let Some(bytes) = buf.filled().get(before..).filter(|bytes| !bytes.is_empty()) {
            self.activity.read(bytes);
        }
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

/// A body of unknown length whose progress keeps its connection from being idle. When the peer stops reading, nothing
/// polls it, and the connection is idle after all.
pub(super) struct Moving {
    pub(super) body: Body,
    pub(super) activity: Arc<Activity>,
}

impl HttpBody for Moving {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if polled.is_ready() {
            self.activity.moved();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
