//! What jobs reported: the latest beats of each heartbeat, in memory, written behind by [`super::StateStore`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

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
    /// When the run under way was said to start; none when none was, or it has ended.
    pub started_unix_ms: Option<u64>,
    /// The newest last.
    beats: VecDeque<Beat>,
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

    fn push(&mut self, push: Push, message: String, now_unix_ms: u64, history: usize) {
        let ok = match push {
            Push::Start => {
                self.started_unix_ms = Some(now_unix_ms);
                return;
            }
            Push::Ok => true,
            Push::Fail => false,
        };
        // A clock that was set back would give a negative duration, which is none.
        let started = self.started_unix_ms.take();
        let duration_ms = started.and_then(|start| now_unix_ms.checked_sub(start)).map(|ms| ms as f64);
        self.beats.push_back(Beat { at_unix_ms: now_unix_ms, ok, message, duration_ms });
        while self.beats.len() > history.max(1) {
            self.beats.pop_front();
        }
    }
}

impl HeartbeatStore {
    /// Takes in what a job says, keeping its `history` latest beats, and answers what is known now.
    pub fn push(&self, name: &str, push: Push, message: String, now_unix_ms: u64, history: usize) -> Pulse {
        let mut inner = self.lock();
        let pulse = inner.pulses.entry(name.to_owned()).or_default();
        pulse.push(push, message, now_unix_ms, history);
        let pulse = pulse.clone();
        inner.changed.insert(name.to_owned());
        pulse
    }

    /// What is known of a heartbeat; nothing when it never came.
    #[must_use]
    pub fn pulse(&self, name: &str) -> Pulse {
        self.lock().pulses.get(name).cloned().unwrap_or_default()
    }

    /// Takes in what [`Self::take_changed`] gave out before a restart.
    pub(super) fn restore(&self, name: &str, bytes: &[u8]) -> serde_json::Result<()> {
        let pulse = serde_json::from_slice(bytes)?;
        self.lock().pulses.insert(name.to_owned(), pulse);
        Ok(())
    }

    /// What changed since the last call, as it is to be stored.
    pub(super) fn take_changed(&self) -> Vec<(String, Vec<u8>)> {
        let mut inner = self.lock();
        let changed = std::mem::take(&mut inner.changed);
        let bytes = |name: String| Some((serde_json::to_vec(inner.pulses.get(&name)?).ok()?, name));
        changed.into_iter().filter_map(bytes).map(|(bytes, name)| (name, bytes)).collect()
    }

    /// Storing those did not work: they are to be given out again.
    pub(super) fn changed_still(&self, names: impl Iterator<Item = String>) {
        self.lock().changed.extend(names);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(store: &HeartbeatStore, push: Push, at: u64) -> Pulse {
        store.push("backup", push, format!("at {at}"), at, 2)
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
