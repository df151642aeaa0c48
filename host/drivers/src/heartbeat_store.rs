//! What jobs reported: the latest beats of each heartbeat, in memory, written behind by [`super::StateStore`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use probity_core::text::clean;
use serde::{Deserialize, Serialize};

/// Bytes of what a job says that are kept.
pub const HEARTBEAT_MESSAGE_BYTES_MAX: usize = 2 << 10;

/// Beats of one heartbeat that are kept, whatever `history` says.
pub(crate) const HEARTBEAT_HISTORY_MAX: usize = 1_000;

/// Runs of one heartbeat that are under way at once and known apart.
pub(crate) const OPEN_RUNS_MAX: usize = 32;

/// Bytes of what a job calls a run.
pub const RUN_ID_BYTES_MAX: usize = 128;

/// Beats of all heartbeats. Which of them are declared is the configuration's business.
#[derive(Debug, Default)]
pub struct HeartbeatStore {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    pulses: BTreeMap<String, Pulse>,
    changed: BTreeSet<String>,
}

/// What is known of one heartbeat.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pulse {
    /// The one run that hosts before per-run ids knew, as they stored it; moved to `open` when it is read.
    #[serde(default, skip_serializing)]
    started_unix_ms: Option<u64>,
    /// Runs that were said to start and have not ended, the oldest first.
    #[serde(default)]
    open: Vec<OpenRun>,
    /// The newest last.
    beats: VecDeque<Beat>,
}

/// A run that was said to start and has not ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenRun {
    /// What the job calls it; none for a job that does not tell its runs apart.
    pub id: Option<String>,
    /// When the start came in.
    pub at_unix_ms: u64,
    #[serde(skip)]
    taken: Taken,
}

/// One end of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beat {
    /// When it came in.
    pub at_unix_ms: u64,
    /// False for `/fail`.
    pub ok: bool,
    /// What the job said, in one line.
    pub message: String,
    /// From the `/start` before it, in milliseconds.
    pub duration_ms: Option<f64>,
    /// When this host, or its store, took it in.
    #[serde(skip)]
    taken: Taken,
}

/// A moment that no clock changes afterwards, and that tells beats apart from no other.
#[derive(Clone, Copy, Debug)]
struct Taken(Instant);

impl Default for Taken {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl PartialEq for Taken {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Taken {
    /// How long ago `at_unix_ms` is, which was now when this was made. A clock that was set back since makes nothing younger:
    /// what is from the future is as old as the host has known it.
    fn age_ms(self, at_unix_ms: u64, now_unix_ms: u64) -> u64 {
        let known = u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX);
        now_unix_ms.saturating_sub(at_unix_ms).max(known)
    }
}

impl Beat {
    /// How long ago it came in.
    #[must_use]
    pub fn age_ms(&self, now_unix_ms: u64) -> u64 {
        self.taken.age_ms(self.at_unix_ms, now_unix_ms)
    }
}

impl OpenRun {
    /// How long it has been under way.
    #[must_use]
    pub fn age_ms(&self, now_unix_ms: u64) -> u64 {
        self.taken.age_ms(self.at_unix_ms, now_unix_ms)
    }
}

/// One request of a job.
#[derive(Clone, Debug)]
pub struct Report {
    /// What it says.
    pub push: Push,
    /// Of which run, for jobs that tell theirs apart.
    pub run: Option<String>,
    /// In one line.
    pub message: String,
}

/// What a job says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push {
    /// It begins.
    Start,
    /// It is done, and well.
    Ok,
    /// It is done, and not well.
    Fail,
}

impl Push {
    /// The word of metrics and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Ok => "ok",
            Self::Fail => "fail",
        }
    }
}

impl Pulse {
    /// The latest beat.
    #[must_use]
    pub fn last(&self) -> Option<&Beat> {
        self.beats.back()
    }

    /// The latest beats, newest first.
    pub fn recent(&self) -> impl Iterator<Item = &Beat> {
        self.beats.iter().rev()
    }

    /// Runs that were said to start and have not ended, the oldest first.
    #[must_use]
    pub fn open(&self) -> &[OpenRun] {
        &self.open
    }

    fn push(&mut self, report: Report, now_unix_ms: u64, history: usize) {
        let Report { push, run, message } = report;
        // An end ends the run that it names, and a start begins it anew; neither says anything of other runs.
        let named = self.open.iter().position(|open| open.id == run).map(|at| self.open.remove(at));
        let ok = match push {
            Push::Start => {
                // The oldest is what a threshold is for, so it is the newest that has no place.
                self.open.truncate(OPEN_RUNS_MAX - 1);
                self.open.push(OpenRun { id: run, at_unix_ms: now_unix_ms, taken: Taken::default() });
                return;
            }
            Push::Ok => true,
            Push::Fail => false,
        };
        let duration_ms = named.map(|open| open.age_ms(now_unix_ms) as f64);
        self.beats.push_back(Beat { at_unix_ms: now_unix_ms, ok, message, duration_ms, taken: Taken::default() });
        while self.beats.len() > history.max(1) {
            self.beats.pop_front();
        }
    }

    /// Within the bounds of what comes in over HTTP, whatever a file said.
    fn bounded(mut self) -> Self {
        while self.beats.len() > HEARTBEAT_HISTORY_MAX {
            self.beats.pop_front();
        }
        for beat in &mut self.beats {
            beat.message = clean(&beat.message, HEARTBEAT_MESSAGE_BYTES_MAX);
            beat.duration_ms = beat.duration_ms.filter(|ms| ms.is_finite() && *ms >= 0.0);
        }
        let nameless = |at_unix_ms| OpenRun { id: None, at_unix_ms, taken: Taken::default() };
        self.open.extend(self.started_unix_ms.take().map(nameless));
        self.open.truncate(OPEN_RUNS_MAX);
        for open in &mut self.open {
            open.id = open.id.take().map(|id| clean(&id, RUN_ID_BYTES_MAX));
        }
        self
    }
}

impl HeartbeatStore {
    /// Takes in what a job says, keeping its `history` latest beats, and answers what is known now.
    pub fn push(&self, name: &str, report: Report, now_unix_ms: u64, history: usize) -> Pulse {
        let mut inner = self.lock();
        let pulse = inner.pulses.entry(name.to_owned()).or_default();
        pulse.push(report, now_unix_ms, history);
        let pulse = pulse.clone();
        inner.changed.insert(name.to_owned());
        pulse
    }

    /// What is known of a heartbeat; nothing when it never came.
    #[must_use]
    pub fn pulse(&self, name: &str) -> Pulse {
        self.lock().pulses.get(name).cloned().unwrap_or_default()
    }

    /// Takes in what [`Self::rows`] gave out before a restart, within the bounds of what comes in otherwise.
    pub(super) fn restore(&self, name: &str, bytes: &[u8]) -> serde_json::Result<()> {
        let pulse = serde_json::from_slice::<Pulse>(bytes)?.bounded();
        self.lock().pulses.insert(name.to_owned(), pulse);
        Ok(())
    }

    /// Names of what changed since the last call.
    pub(super) fn take_changed(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.lock().changed)
    }

    /// Storing those did not work: they changed still.
    pub(super) fn changed_still(&self, mut names: BTreeSet<String>) {
        self.lock().changed.append(&mut names);
    }

    /// How many changed and are not stored.
    pub(super) fn changed(&self) -> usize {
        self.lock().changed.len()
    }

    /// What is known of `names`, or of all, as it is to be stored.
    pub(super) fn rows(&self, names: Option<&BTreeSet<String>>) -> Vec<(String, Vec<u8>)> {
        let inner = self.lock();
        let wanted = inner.pulses.iter().filter(|(name, _)| names.is_none_or(|names| names.contains(*name)));
        wanted.filter_map(|(name, pulse)| Some((name.clone(), serde_json::to_vec(pulse).ok()?))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push_run(store: &HeartbeatStore, push: Push, run: Option<&str>, at: u64) -> Pulse {
        let report = Report { push, run: run.map(str::to_owned), message: format!("at {at}") };
        store.push("backup", report, at, 2)
    }

    fn push(store: &HeartbeatStore, push: Push, at: u64) -> Pulse {
        push_run(store, push, None, at)
    }

    fn open(pulse: &Pulse) -> Vec<(Option<&str>, u64)> {
        pulse.open().iter().map(|open| (open.id.as_deref(), open.at_unix_ms)).collect()
    }

    // A duration runs from the start to the end that follows it, and to no later one.
    #[test]
    fn duration_is_from_the_start_before() {
        let store = HeartbeatStore::default();
        assert_eq!(push(&store, Push::Start, 1_000).last(), None);
        assert_eq!(push(&store, Push::Ok, 3_500).last().unwrap().duration_ms, Some(2_500.0));
        let last = push(&store, Push::Fail, 9_000).last().unwrap().clone();
        assert_eq!((last.ok, last.duration_ms, last.message.as_str()), (false, None, "at 9000"));
    }

    // Runs with ids do not mix: the end of one leaves the others open, and each has the duration of its own.
    #[test]
    fn overlapping_runs_are_told_apart() {
        let store = HeartbeatStore::default();
        for (run, at) in [(Some("A"), 1_000), (Some("B"), 2_000), (None, 3_000)] {
            push_run(&store, Push::Start, run, at);
        }
        let ended = push_run(&store, Push::Ok, Some("B"), 5_000);
        assert_eq!(ended.last().unwrap().duration_ms, Some(3_000.0));
        assert_eq!(open(&ended), [(Some("A"), 1_000), (None, 3_000)]);
        let failed = push_run(&store, Push::Fail, None, 6_000);
        assert_eq!((failed.last().unwrap().duration_ms, open(&failed)), (Some(3_000.0), vec![(Some("A"), 1_000)]));
        let other = push_run(&store, Push::Ok, Some("never begun"), 7_000);
        assert_eq!((other.last().unwrap().duration_ms, open(&other)), (None, vec![(Some("A"), 1_000)]));
        assert_eq!(open(&push_run(&store, Push::Start, Some("A"), 8_000)), [(Some("A"), 8_000)], "it begins anew");
    }

    // However many runs begin, so many are known, the oldest of them always.
    #[test]
    fn open_runs_are_bounded() {
        let store = HeartbeatStore::default();
        for at in 0..3 * OPEN_RUNS_MAX as u64 {
            push_run(&store, Push::Start, Some(&format!("run {at}")), at);
        }
        let pulse = store.pulse("backup");
        let ids: Vec<_> = open(&pulse).into_iter().map(|(_, at)| at).collect();
        assert_eq!((ids.len(), ids[0], ids[OPEN_RUNS_MAX - 1]), (OPEN_RUNS_MAX, 0, 3 * OPEN_RUNS_MAX as u64 - 1));
    }

    // A run that is under way is under way after a restart, also one that a host wrote which knew of one run alone.
    #[test]
    fn open_runs_survive_a_restart() {
        let store = HeartbeatStore::default();
        push_run(&store, Push::Start, Some("A"), 1_000);
        let rows = store.rows(None);
        let next = HeartbeatStore::default();
        next.restore("backup", &rows[0].1).unwrap();
        assert_eq!(open(&next.pulse("backup")), [(Some("A"), 1_000)]);
        let ended = push_run(&next, Push::Ok, Some("A"), 9_000);
        assert_eq!((ended.last().unwrap().duration_ms, open(&ended)), (Some(8_000.0), vec![]));
        next.restore("older", br#"{"started_unix_ms":5000,"beats":[]}"#).unwrap();
        assert_eq!(open(&next.pulse("older")), [(None, 5_000)]);
    }

    // What a file holds is taken in within the bounds of what comes in over HTTP.
    #[test]
    fn what_is_restored_is_bounded() {
        let store = HeartbeatStore::default();
        let beat = serde_json::json!({
            "at_unix_ms": u64::MAX, "ok": true, "message": format!("a\u{1b}\n{}", "b".repeat(5_000)), "duration_ms": -1.0
        });
        let beats = vec![beat; HEARTBEAT_HISTORY_MAX + 5];
        let pulse = serde_json::json!({ "started_unix_ms": u64::MAX, "beats": beats, "of_a_later_host": 1 });
        store.restore("backup", &serde_json::to_vec(&pulse).unwrap()).unwrap();
        let pulse = store.pulse("backup");
        let last = pulse.last().unwrap();
        assert_eq!((pulse.recent().count(), last.duration_ms), (HEARTBEAT_HISTORY_MAX, None));
        assert!(last.message.len() <= HEARTBEAT_MESSAGE_BYTES_MAX && !last.message.contains(['\u{1b}', '\n']));
        assert!(push(&store, Push::Ok, 5).last().unwrap().duration_ms.unwrap() < 10_000.0, "a start from the future");
        let open = vec![serde_json::json!({ "id": "\u{1b}".repeat(500), "at_unix_ms": 1 }); OPEN_RUNS_MAX + 5];
        let pulse = serde_json::json!({ "open": open, "beats": [] });
        store.restore("backup", &serde_json::to_vec(&pulse).unwrap()).unwrap();
        let pulse = store.pulse("backup");
        assert_eq!(pulse.open().len(), OPEN_RUNS_MAX);
        assert!(pulse.open().iter().all(|open| open.id.as_ref().is_some_and(|id| !id.contains('\u{1b}'))));
        for broken in ["", "{}", "[]", "{\"beats\":[{}]}", "{\"beats\":[],\"started_unix_ms\":-1}"] {
            assert!(store.restore("backup", broken.as_bytes()).is_err(), "{broken}");
        }
    }

    // A clock that is set back makes no beat young again, neither one of this host nor one that it restored.
    #[test]
    fn beats_grow_old_by_no_clock() {
        let store = HeartbeatStore::default();
        push(&store, Push::Ok, 90_000_000);
        let rows = store.rows(None);
        store.restore("restored", &rows[0].1).unwrap();
        let aged = |name: &str, now| store.pulse(name).last().unwrap().age_ms(now);
        assert!((5_000..10_000).contains(&aged("backup", 90_005_000)));
        let end = Instant::now() + std::time::Duration::from_secs(5);
        while aged("backup", 0) < 20 || aged("restored", 0) < 20 {
            assert!(Instant::now() < end, "it stays as young as it was");
            std::thread::yield_now();
        }
    }

    // Only so many beats are kept, and the newest comes first.
    #[test]
    fn history_is_bounded() {
        let store = HeartbeatStore::default();
        for at in 1..=5 {
            push(&store, Push::Ok, at);
        }
        let times: Vec<u64> = store.pulse("backup").recent().map(|beat| beat.at_unix_ms).collect();
        assert_eq!(times, [5, 4]);
        assert_eq!(store.pulse("other"), Pulse::default());
    }
}
