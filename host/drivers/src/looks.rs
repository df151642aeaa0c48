//! Looks that block a thread and may hang for ever: at a file system that is gone, at a resolver that is silent.
//!
//! They cannot be cancelled: one that is given up on keeps its thread until it returns. So there is one of a target at a
//! time, which whoever asks meanwhile shares. One that hangs keeps its target's next look and nothing else: whoever asks
//! for as long as it has hung already hears so at once. Targets of different kinds have [`Looks`] of their own.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use super::{CallError, ErrorKind};

/// A look that takes longer than this hangs: its place among those under way is another's.
pub(super) const HANGS_AFTER: Duration = Duration::from_secs(1);

/// The looks at targets of one kind. Of the process, since that is what the threads belong to: a new configuration frees
/// none of them.
#[derive(Debug)]
pub(super) struct Looks<T> {
    /// What they are called: `look-ups`.
    kind: &'static str,
    /// Under way at once, those that hang aside.
    at_once: usize,
    /// Those that hang, at most.
    hanging_max: usize,
    under_way: Mutex<BTreeMap<String, UnderWay<T>>>,
    ended: Notify,
}

type Answer<T> = Result<T, CallError>;

#[derive(Debug)]
struct UnderWay<T> {
    since: Instant,
    answer: watch::Receiver<Option<Answer<T>>>,
}

/// What comes of wanting to look.
enum Admission<T> {
    Begins(watch::Sender<Option<Answer<T>>>, watch::Receiver<Option<Answer<T>>>),
    Shares(watch::Receiver<Option<Answer<T>>>),
    /// The look at this target has hung for so long.
    Hangs(Duration),
    /// Too many are under way; one of them hangs, if it has not ended by then.
    Waits(Duration),
    /// Too many hang.
    Crowded,
}

impl<T: Clone + Send + Sync + 'static> Looks<T> {
    pub(super) const fn new(kind: &'static str, at_once: usize, hanging_max: usize) -> Self {
        Self { kind, at_once, hanging_max, under_way: Mutex::new(BTreeMap::new()), ended: Notify::const_new() }
    }

    /// Looks at `target` by `work` on a thread of its own, or shares the look that is under way, for `patience` at most;
    /// not at all where the look has been hanging for longer already. `name` is what to call it: `the look at /data`.
    ///
    /// # Errors
    /// What `work` says; `timeout` when it takes longer, `other` when too many hang.
    pub(super) async fn look(
        &'static self,
        (target, name): (&str, &str),
        patience: Duration,
        work: impl FnOnce() -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let give_up = tokio::time::Instant::now() + patience;
        let mut answer = loop {
            let ended = self.ended.notified();
            match self.admit(target, patience) {
                Admission::Shares(answer) => break answer,
                Admission::Begins(sender, answer) => {
                    self.begin(target.to_owned(), sender, work);
                    break answer;
                }
                Admission::Hangs(age) => return Err(hangs(name, age)),
                Admission::Waits(at_most) => {
                    let until = give_up.min(tokio::time::Instant::now() + at_most);
                    if tokio::time::timeout_at(until, ended).await.is_err() && until == give_up {
                        let message =
                            format!("{name} had no place among {} {} in the time given", self.at_once, self.kind);
                        return Err(CallError::new(ErrorKind::Timeout, message));
                    }
                }
                Admission::Crowded => {
                    let message = format!(
                        "{name} is not begun: {} {} hang already, each with a thread",
                        self.hanging_max, self.kind
                    );
                    return Err(CallError::new(ErrorKind::Other, message));
                }
            }
        };
        match tokio::time::timeout_at(give_up, answer.wait_for(Option::is_some)).await {
            Ok(Ok(found)) => found.clone().unwrap_or_else(|| Err(hangs(name, patience))),
            Ok(Err(_)) => Err(CallError::new(ErrorKind::Other, format!("{name} broke off"))),
            Err(_elapsed) => Err(hangs(name, self.age(target).unwrap_or(patience))),
        }
    }

    fn begin(
        &'static self,
        target: String,
        sender: watch::Sender<Option<Answer<T>>>,
        work: impl FnOnce() -> Answer<T> + Send + 'static,
    ) {
        let ending = Ending { looks: self, target, found: None, sender };
        tokio::task::spawn_blocking(move || {
            let mut ending = ending;
            ending.found = Some(work());
        });
    }

    /// How long the look at `target` has been under way.
    fn age(&self, target: &str) -> Option<Duration> {
        let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.get(target).map(|look| look.since.elapsed())
    }

    fn admit(&self, target: &str, patience: Duration) -> Admission<T> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(look) = under_way.get(target) {
            let age = now.saturating_duration_since(look.since);
            return match age < patience {
                true => Admission::Shares(look.answer.clone()),
                false => Admission::Hangs(age),
            };
        }
        let ages = under_way.values().map(|look| now.saturating_duration_since(look.since));
        let (young, hanging): (Vec<_>, Vec<_>) = ages.partition(|age| *age < HANGS_AFTER);
        if hanging.len() >= self.hanging_max {
            return Admission::Crowded;
        }
        if young.len() >= self.at_once {
            let oldest = young.into_iter().max().unwrap_or_default();
            return Admission::Waits(HANGS_AFTER.saturating_sub(oldest));
        }
        let (sender, answer) = watch::channel(None);
        under_way.insert(target.to_owned(), UnderWay { since: now, answer: answer.clone() });
        Admission::Begins(sender, answer)
    }
}

fn hangs(name: &str, age: Duration) -> CallError {
    let message = format!("{name} has been hanging for {:.1} s", age.as_secs_f64());
    CallError::new(ErrorKind::Timeout, message)
}

/// The end of a look, whatever came of it.
struct Ending<T: 'static> {
    looks: &'static Looks<T>,
    target: String,
    /// None when it panicked.
    found: Option<Answer<T>>,
    sender: watch::Sender<Option<Answer<T>>>,
}

impl<T: 'static> Drop for Ending<T> {
    fn drop(&mut self) {
        // Before the answer is there: who has it may look again at once.
        self.looks.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.target);
        self.looks.ended.notify_waiters();
        self.sender.send_replace(self.found.take());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(1);

    /// Looks of its own for a test.
    fn looks(at_once: usize, hanging_max: usize) -> &'static Looks<u32> {
        Box::leak(Box::new(Looks::new("looks", at_once, hanging_max)))
    }

    /// A look at each of `targets` that hangs until the sender goes, given up on when it is known to.
    async fn hang(looks: &'static Looks<u32>, targets: &[&str]) -> Vec<mpsc::Sender<()>> {
        let mut held = Vec::new();
        for target in targets {
            let (hold, wait) = mpsc::channel::<()>();
            held.push(hold);
            let work = move || {
                let _ = wait.recv();
                Ok(0)
            };
            let given_up = looks.look((target, target), HANGS_AFTER, work).await.unwrap_err();
            assert_eq!(given_up.kind, ErrorKind::Timeout, "{given_up}");
        }
        held
    }

    // Targets that hang, more than may be looked at together, keep nobody else from looking; who asks for one of them hears
    // at once for how long it has been hanging; and once it answers it is looked at anew.
    #[tokio::test]
    async fn what_hangs_keeps_only_itself() {
        let looks = looks(2, 8);
        let held = hang(looks, &["dead-1", "dead-2", "dead-3"]).await;
        for number in 0..4 {
            let target = format!("good-{number}");
            let asked = Instant::now();
            assert_eq!(looks.look((&target, &target), HANGS_AFTER, move || Ok(number)).await, Ok(number));
            assert!(asked.elapsed() < HANGS_AFTER, "{:?}", asked.elapsed());
        }
        let hung = looks.look(("dead-1", "dead-1"), PATIENCE, || panic!("looked at twice")).await.unwrap_err();
        assert_eq!(hung.kind, ErrorKind::Timeout);
        assert!(hung.message.starts_with("dead-1 has been hanging for ") && !hung.message.contains(" 0."), "{hung}");
        drop(held);
        let bound = Instant::now() + Duration::from_secs(10);
        while looks.look(("dead-1", "dead-1"), HANGS_AFTER, || Ok(7)).await != Ok(7) {
            assert!(Instant::now() < bound, "dead-1 is never looked at again");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    // Who asks while a look is under way gets its answer; who would wait for longer than it hung so far waits.
    #[tokio::test]
    async fn a_look_under_way_is_shared() {
        let looks = looks(1, 8);
        let (hold, wait) = mpsc::channel::<()>();
        let long = Duration::from_secs(60);
        let first = tokio::spawn(looks.look(("disk", "disk"), long, move || {
            let _ = wait.recv();
            Ok(1)
        }));
        while looks.under_way.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(HANGS_AFTER).await;
        let mut second = Box::pin(looks.look(("disk", "disk"), long, || Ok(2)));
        assert!(tokio::time::timeout(PATIENCE, &mut second).await.is_err());
        drop(hold);
        assert_eq!((first.await.unwrap(), second.await), (Ok(1), Ok(1)));
    }

    // The threads that may hang are bounded, and the message says what they do.
    #[tokio::test]
    async fn those_that_hang_are_bounded() {
        let looks = looks(4, 2);
        let _held = hang(looks, &["dead-1", "dead-2"]).await;
        let error = looks.look(("good", "good"), PATIENCE, || Ok(1)).await.unwrap_err();
        assert_eq!(error.message, "good is not begun: 2 looks hang already, each with a thread");
    }

    // A look that panics is an error, and leaves its target to the next.
    #[tokio::test]
    async fn a_look_that_panics_ends() {
        let looks = looks(1, 1);
        let broken = looks.look(("disk", "disk"), HANGS_AFTER, || panic!("on purpose")).await.unwrap_err();
        assert_eq!(broken.message, "disk broke off");
        assert_eq!(looks.look(("disk", "disk"), HANGS_AFTER, || Ok(1)).await, Ok(1));
    }
}
