//! Bytes of answers that no socket took yet: bounded for each connection and in all.
//!
//! An answer is made whole before its first byte is sent, so whoever asks and does not read makes the host keep it. Each
//! answer that is more than a word therefore holds a [`Share`] of two budgets, its connection's and everybody's, until
//! the last of its bytes was written or dropped. Where there is none, there is no answer: 503, ask again.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::response::Response;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::Notify;

use super::activity::Activity;
use super::answer::Refusal;

/// Unsent bytes of all answers together.
pub(super) const UNSENT_BYTES_MAX: usize = 64 << 20;

/// Unsent bytes of the answers of one connection.
pub(super) const CONNECTION_UNSENT_BYTES_MAX: usize = 4 << 20;

/// Answers up to this size hold no share: their number bounds them, 64 over HTTP/2 and one over HTTP/1.
const WORD_BYTES_MAX: u64 = 512;

/// Bytes handed to the connection at once, so that progress is seen.
const PIECE_BYTES_MAX: usize = 64 << 10;

/// So many bytes, and always one answer, however large.
#[derive(Debug)]
pub(super) struct Budget {
    max: usize,
    taken: AtomicUsize,
    /// Somebody wanted more than there is.
    pub(super) missed: Notify,
}

impl Budget {
    pub(super) fn new(max: usize) -> Self {
        Self { max, taken: AtomicUsize::new(0), missed: Notify::new() }
    }

    /// Takes `bytes`; false when there is no room beside what is taken.
    fn take(&self, bytes: usize) -> bool {
        let fits = |taken: usize| {
            let after = taken.saturating_add(bytes);
            (taken == 0 || after <= self.max).then_some(after)
        };
        let took = self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits).is_ok();
        if !took {
            self.missed.notify_one();
        }
        took
    }

    fn give_back(&self, bytes: usize) {
        self.taken.fetch_sub(bytes, Ordering::AcqRel);
    }

    /// Whether nothing more fits.
    fn is_full(&self) -> bool {
        let is_full = self.taken() >= self.max;
        if is_full {
            self.missed.notify_one();
        }
        is_full
    }

    /// Bytes taken now.
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }
}

/// So many bytes of everybody's budget, given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Share {
    /// None when there is no room.
    pub(super) fn take(budget: &Arc<Budget>, bytes: usize) -> Option<Self> {
        budget.take(bytes).then(|| Self { budget: Arc::clone(budget), bytes })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

/// A share that an answer holds already. One rendering that several asked for holds one.
#[derive(Clone, Debug)]
pub(super) struct Held(#[expect(dead_code, reason = "given back when the last one is dropped")] Arc<Share>);

impl Held {
    /// A share for `bytes`.
    ///
    /// # Errors
    /// When there is no room.
    pub(super) fn take(budget: &Arc<Budget>, bytes: usize) -> Result<Self, Refusal> {
        Share::take(budget, bytes).map(|share| Self(Arc::new(share))).ok_or_else(no_room)
    }
}

/// Bytes on their way to one connection.
struct OnTheirWay {
    bytes: Bytes,
    activity: Arc<Activity>,
    id: u64,
    _held: Held,
}

impl AsRef<[u8]> for OnTheirWay {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for OnTheirWay {
    fn drop(&mut self) {
        self.activity.unsent.give_back(self.bytes.len());
        self.activity.delivered(self.id);
    }
}

/// The refusal of an answer that has no room.
fn no_room() -> Refusal {
    Refusal::busy("too_much_unsent", "too much of earlier answers is not read yet; read it, or ask again")
}

/// The answer that `make` makes, with its share where it goes `over` a connection that counts.
pub(super) async fn within(
    over: Option<&Arc<Activity>>,
    all: &Arc<Budget>,
    make: impl Future<Output = Result<Response, Refusal>>,
) -> Result<Response, Refusal> {
    let Some(activity) = over else { return make.await };
    room(activity, all)?;
    hold(make.await?, activity, all).await
}

/// Refuses when an answer could not be held anyway, before it is made.
fn room(activity: &Activity, all: &Budget) -> Result<(), Refusal> {
    if activity.unsent.is_full() || all.is_full() { Err(no_room()) } else { Ok(()) }
}

/// `response` with its share of everybody's budget, if it needs one and has none.
pub(super) fn count(mut response: Response, all: &Arc<Budget>) -> Result<Response, Refusal> {
    let size = response.body().size_hint().exact().unwrap_or(0);
    if size > WORD_BYTES_MAX && response.extensions().get::<Held>().is_none() {
        let held = Held::take(all, usize::try_from(size).unwrap_or(usize::MAX))?;
        response.extensions_mut().insert(held);
    }
    Ok(response)
}

/// `response` on its way to a connection, or a refusal. One without a known length is watched only.
async fn hold(response: Response, activity: &Arc<Activity>, all: &Arc<Budget>) -> Result<Response, Refusal> {
    if response.body().size_hint().exact().is_none() {
        let moving = activity.stream();
        return Ok(response.map(|body| Body::new(Moving { body, moving })));
    }
    let (mut parts, body) = count(response, all)?.into_parts();
    let Some(held) = parts.extensions.remove::<Held>() else { return Ok(Response::from_parts(parts, body)) };
    // Whole already: it has a length, and nothing here streams with one.
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    if !activity.unsent.take(bytes.len()) {
        return Err(no_room());
    }
    let id = activity.delivering();
    let bytes = Bytes::from_owner(OnTheirWay { bytes, activity: Arc::clone(activity), id, _held: held });
    Ok(Response::from_parts(parts, Body::new(Pieces { rest: bytes, activity: Arc::clone(activity) })))
}

/// A whole body, handed over piece by piece.
struct Pieces {
    rest: Bytes,
    activity: Arc<Activity>,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        self.activity.moved();
        let size = self.rest.len().min(PIECE_BYTES_MAX);
        // The last piece takes what it is cut from with it.
        let piece = if size == self.rest.len() { std::mem::take(&mut self.rest) } else { self.rest.split_to(size) };
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

/// A body of unknown length whose progress keeps its connection from being idle. When the peer stops reading, nothing
/// polls it, and the connection is idle after all.
struct Moving {
    body: Body,
    moving: super::activity::Streaming,
}

impl HttpBody for Moving {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if polled.is_ready() {
            self.moving.moved();
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

#[cfg(test)]
mod tests {
    use super::*;

    // One answer always fits; beside it only what is within the budget; what was sent makes room.
    #[test]
    fn a_budget_admits_one_and_then_counts() {
        let budget = Arc::new(Budget::new(100));
        let large = Share::take(&budget, 1_000).expect("the first one fits, however large");
        assert!(Share::take(&budget, 1).is_none() && budget.is_full());
        drop(large);
        let some = Share::take(&budget, 60).unwrap();
        assert!(Share::take(&budget, 41).is_none());
        let rest = Share::take(&budget, 40).unwrap();
        drop((some, rest));
        assert_eq!(budget.taken(), 0);
    }

    // An answer gives its shares back with the last of its pieces, wherever those went; a word holds none.
    #[tokio::test]
    async fn pieces_hold_the_share_to_the_last() {
        let all = Arc::new(Budget::new(UNSENT_BYTES_MAX));
        let activity = Activity::new(tokio::time::Instant::now());
        let size = 2 * PIECE_BYTES_MAX + 1;
        let mut response = hold(Response::new(Body::from(vec![7; size])), &activity, &all).await.unwrap();
        let mut pieces = Vec::new();
        while let Some(frame) = response.body_mut().frame().await {
            pieces.push(frame.unwrap().into_data().unwrap());
        }
        drop(response);
        assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), [PIECE_BYTES_MAX, PIECE_BYTES_MAX, 1]);
        assert_eq!((all.taken(), activity.unsent.taken()), (size, size));
        assert_eq!(activity.doing(), super::super::places::Doing::Busy);
        pieces.truncate(1);
        assert_eq!(all.taken(), size);
        pieces.clear();
        assert_eq!((all.taken(), activity.unsent.taken()), (0, 0));
        let word = hold(Response::new(Body::from("ok")), &activity, &all).await.unwrap();
        assert_eq!((all.taken(), word.body().size_hint().exact()), (0, Some(2)));
    }

    // A connection may hold one answer of any size, and no second one beside it.
    #[tokio::test]
    async fn one_connection_holds_one_large_answer() {
        let all = Arc::new(Budget::new(UNSENT_BYTES_MAX));
        let activity = Activity::new(tokio::time::Instant::now());
        let large = || Response::new(Body::from(vec![7; CONNECTION_UNSENT_BYTES_MAX + 1]));
        let first = hold(large(), &activity, &all).await.unwrap();
        assert!(room(&activity, &all).is_err());
        assert!(hold(large(), &activity, &all).await.is_err());
        assert_eq!(all.taken(), CONNECTION_UNSENT_BYTES_MAX + 1, "what was refused holds nothing");
        drop(first);
        assert!(hold(large(), &activity, &all).await.is_ok());
    }
}
