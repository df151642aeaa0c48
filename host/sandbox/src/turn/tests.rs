//! Runs that wait, come back and compute, without a guest.

use std::cell::Cell;

use tokio::sync::oneshot;

use super::*;

const LONG: Duration = Duration::from_secs(60);

fn turns(runs: usize, runs_per_plugin: usize, waiting: usize) -> Arc<Turns> {
    Arc::new(Turns::new(Bounds { runs, runs_per_plugin, waiting, waiting_memory: 1 << 20 }))
}

/// The turn of a run that begins, if it may.
fn begin(turns: &Arc<Turns>, lane: &Arc<Lane>) -> Option<Turn> {
    Some(turns.turn(lane, turns.any()?, lane.begin()?))
}

/// A run with this turn and memory that waits for `answer`, then sets `resumed`.
async fn waits(mut turn: Turn, memory: u64, answer: oneshot::Receiver<()>, resumed: Arc<AtomicBool>) {
    let leash = Leash::default();
    leash.begin(LONG);
    leash.grown(memory);
    let work = async {
        let _ = answer.await;
        resumed.store(true, Ordering::SeqCst);
    };
    turn.spend(&leash, Instant::now() + LONG, work).await.unwrap();
}

fn hang(turns: &Arc<Turns>, lane: &Arc<Lane>, memory: u64) -> Option<(oneshot::Sender<()>, Arc<AtomicBool>)> {
    let (sender, answer) = oneshot::channel();
    let resumed = Arc::new(AtomicBool::new(false));
    tokio::spawn(waits(begin(turns, lane)?, memory, answer, Arc::clone(&resumed)));
    Some((sender, resumed))
}

/// Lets every task that can go on do so.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

// Runs that wait hold no turn: many times more of one plugin may hang than may compute, and the next one begins.
#[tokio::test]
async fn waiting_takes_no_turn() {
    let turns = turns(4, 2, 100);
    let lane = Arc::new(turns.lane());
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(hang(&turns, &lane, 1).expect("a turn is free"));
        settle().await;
    }
    assert_eq!((turns.waiting(), lane.free(), turns.all.free()), (100, 2, 4));
    for (answer, _) in &mut held {
        drop(std::mem::replace(answer, oneshot::channel().0));
    }
    settle().await;
    assert!(held.iter().all(|(_, resumed)| resumed.load(Ordering::SeqCst)), "some never went on");
    assert_eq!((turns.waiting(), lane.free(), turns.all.free()), (0, 2, 4));
}

// Who finds no room to wait in keeps its turn, so that no more begin; half of the room is not for slow ones.
#[tokio::test]
async fn room_to_wait_is_bounded() {
    for (memory, waiting, fit) in [(1, 4, 4), (300 << 10, 100, 3)] {
        let turns = turns(2, 2, waiting);
        let lane = Arc::new(turns.lane());
        assert!(turns.has_room_for_slow());
        let mut held = Vec::new();
        while let Some(run) = hang(&turns, &lane, memory) {
            held.push(run);
            settle().await;
            assert_eq!(turns.has_room_for_slow(), held.len() * 2 < fit, "{}", held.len());
        }
        assert_eq!((held.len(), turns.waiting()), (fit + 2, fit));
        held.clear();
        settle().await;
        assert!(turns.has_room_for_slow() && begin(&turns, &lane).is_some());
    }
}

// With no room at all to wait in, a run holds its turn from its beginning to its end.
#[tokio::test]
async fn without_room_a_turn_is_kept() {
    let turns = turns(2, 1, 0);
    let lane = Arc::new(turns.lane());
    let held = hang(&turns, &lane, 1);
    settle().await;
    assert!(held.is_some() && hang(&turns, &lane, 1).is_none());
    assert!(turns.has_room_for_slow(), "nobody would ever run a slow check");
}

// Who comes back from waiting goes before who begins, and the time until then is not its own.
#[tokio::test]
async fn who_comes_back_goes_first() {
    let turns = turns(1, 1, 10);
    let lane = Arc::new(turns.lane());
    let (answer, resumed) = hang(&turns, &lane, 1).unwrap();
    settle().await;
    let computing = begin(&turns, &lane).expect("the other one waits");
    drop(answer);
    settle().await;
    assert!(!resumed.load(Ordering::SeqCst), "two compute where one may");
    drop(computing);
    assert!(begin(&turns, &lane).is_none(), "a run began before one that came back");
    settle().await;
    assert!(resumed.load(Ordering::SeqCst));
}

// A guest that computes for long lets one that comes back go first, however long it goes on; without one it keeps its
// turn, so that nobody begins beside it.
#[tokio::test]
async fn computing_lets_others_go_first() {
    let turns = turns(1, 1, 10);
    let lane = Arc::new(turns.lane());
    let (answer, resumed) = hang(&turns, &lane, 1).unwrap();
    settle().await;
    let mut turn = begin(&turns, &lane).unwrap();
    let leash = Leash::default();
    leash.begin(LONG);
    let (rounds, wanted) = (Cell::new(0), Cell::new(Some(answer)));
    let spins = std::future::poll_fn(|cx| {
        rounds.set(rounds.get() + 1);
        if rounds.get() == 10 {
            assert!(begin(&turns, &lane).is_none(), "one began beside it");
            drop(wanted.take());
        }
        if resumed.load(Ordering::SeqCst) || rounds.get() == 1_000 {
            return Poll::Ready(());
        }
        leash.interrupt();
        cx.waker().wake_by_ref();
        Poll::Pending
    });
    turn.spend(&leash, Instant::now() + LONG, spins).await.unwrap();
    assert!(resumed.load(Ordering::SeqCst), "it never had its turn");
}

// The time that a run is kept from going on moves its end; the time that it waits for an answer does not.
#[tokio::test]
async fn time_without_a_turn_moves_the_end() {
    let (turns, time) = (turns(1, 1, 10), Duration::from_millis(50));
    let lane = Arc::new(turns.lane());
    let mut turn = begin(&turns, &lane).unwrap();
    let leash = Leash::default();
    leash.begin(time);
    let start = Instant::now();
    let ended = turn.spend(&leash, start + time, std::future::pending::<()>()).await;
    assert_eq!(ended, Err(Elapsed));
    assert!(start.elapsed() >= time && leash.late() < time / 2, "{:?}", leash.late());

    drop(turn);
    let mut turn = begin(&turns, &lane).unwrap();
    leash.begin(time);
    let (answer, answered) = oneshot::channel::<()>();
    let blocker = async {
        // Holds the only turn until after the end of the other.
        let held = begin(&turns, &lane).expect("the other one waits");
        drop(answer);
        tokio::time::sleep(time * 3 / 2).await;
        drop(held);
    };
    let start = Instant::now();
    let run = turn.spend(&leash, start + time, async { drop(answered.await) });
    let (ended, ()) = tokio::join!(run, blocker);
    assert_eq!(ended, Ok(()), "it was over while it could have gone on");
    assert!(leash.late() >= time / 2, "{:?}", leash.late());

    // But not for ever.
    drop(turn);
    let mut turn = begin(&turns, &lane).unwrap();
    turn.0.as_mut().unwrap().give_back();
    let _held = begin(&turns, &lane).unwrap();
    leash.begin(time);
    let start = Instant::now();
    assert_eq!(turn.spend(&leash, start + time, std::future::pending::<()>()).await, Err(Elapsed));
    assert!(start.elapsed() >= time, "{:?}", start.elapsed());
}

// Whoever starts runs is woken once a quarter is free, once, and always by the last one.
#[test]
fn starters_are_told_once_a_quarter_is_free() {
    for bound in 1..40 {
        let turns = turns(100, bound, 0);
        let lane = Arc::new(turns.lane());
        let mut runs: Vec<Turn> = (0..bound).map(|_| begin(&turns, &lane).unwrap()).collect();
        assert!(begin(&turns, &lane).is_none());
        let mut told = 0;
        while runs.pop().is_some() {
            // What `tells` would have said is gone once it told.
            told += usize::from(!lane.awaited.load(Ordering::SeqCst) && told == 0);
            let quarter = lane.free() >= bound.div_ceil(PART);
            assert_eq!(told > 0, quarter, "{bound}: {} free", lane.free());
        }
        assert_eq!(told, 1, "{bound}");
    }
}

// What a guest waits for is done beside it, never on its stack, and needs no turn: another run computes meanwhile, and the
// guest is only asked again when it is done.
#[tokio::test]
async fn errands_are_done_beside_the_guest() {
    let turns = turns(1, 1, 10);
    let lane = Arc::new(turns.lane());
    let mut turn = begin(&turns, &lane).unwrap();
    let leash = Leash::default();
    leash.begin(LONG);
    let in_guest = Arc::new(AtomicBool::new(false));
    let (first, second) = (oneshot::channel::<()>(), oneshot::channel::<()>());
    let (steps, seen) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&in_guest));
    let counted = Arc::clone(&steps);
    let errand = leash.errand(Box::pin(async move {
        for answer in [first.1, second.1] {
            assert!(!seen.load(Ordering::SeqCst), "it is done on the guest's stack");
            let _ = answer.await;
            counted.fetch_add(1, Ordering::SeqCst);
        }
        7
    }));
    let mut errand = Box::pin(errand);
    let polls = Cell::new(0);
    let guest = std::future::poll_fn(|cx| {
        polls.set(polls.get() + 1);
        in_guest.store(true, Ordering::SeqCst);
        let polled = errand.as_mut().poll(cx);
        in_guest.store(false, Ordering::SeqCst);
        polled
    });
    let others = async {
        settle().await;
        let computing = begin(&turns, &lane).expect("the other one waits");
        drop(first.0);
        settle().await;
        assert_eq!(steps.load(Ordering::SeqCst), 1, "it waits for a turn");
        drop(second.0);
        settle().await;
        assert_eq!((steps.load(Ordering::SeqCst), polls.get()), (2, 1), "the guest went on without a turn");
        drop(computing);
    };
    let (value, ()) = tokio::join!(turn.spend(&leash, Instant::now() + LONG, guest), others);
    assert_eq!((value, polls.get()), (Ok(7), 2));
}

// An errand that does not wait takes no turn from its run.
#[tokio::test]
async fn a_quick_errand_keeps_the_turn() {
    let turns = turns(1, 1, 10);
    let lane = Arc::new(turns.lane());
    let mut turn = begin(&turns, &lane).unwrap();
    let leash = Leash::default();
    leash.begin(LONG);
    let (others, lanes) = (Arc::clone(&turns), Arc::clone(&lane));
    let guest = async {
        leash.errand(Box::pin(async {})).await;
        assert!(begin(&others, &lanes).is_none(), "one began beside it");
    };
    turn.spend(&leash, Instant::now() + LONG, guest).await.unwrap();
}

// The end of a run is the end of its errand: what it holds is dropped, whether or not somebody carries the run out.
#[tokio::test]
async fn an_errand_ends_with_its_run() {
    let leash = Leash::default();
    leash.begin(Duration::from_millis(20));
    let hold = |answer: oneshot::Sender<()>| async move {
        std::future::pending::<()>().await;
        drop(answer);
    };
    let (held, dropped) = oneshot::channel();
    let alone = tokio::time::timeout(Duration::from_millis(20), leash.errand(Box::pin(hold(held))));
    assert!(alone.await.is_err());
    assert!(dropped.await.is_err(), "it goes on without its run");
    let (held, dropped) = oneshot::channel();
    let end = Instant::now() + Duration::from_millis(20);
    assert_eq!(Turn::alone().spend(&leash, end, leash.errand(Box::pin(hold(held)))).await, Err(Elapsed));
    assert!(dropped.await.is_err(), "it goes on after its run");
}

// Two errands of one guest at once are both done.
#[tokio::test]
async fn a_second_errand_does_not_drop_the_first() {
    let leash = Leash::default();
    leash.begin(LONG);
    let slow = |answer| {
        leash.errand(Box::pin(async move {
            settle().await;
            answer
        }))
    };
    let both = async { tokio::join!(slow(1), slow(2)) };
    assert_eq!(Turn::alone().spend(&leash, Instant::now() + LONG, both).await, Ok((1, 2)));
}
