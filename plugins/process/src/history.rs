//! What earlier runs saw, in the check's state.

use probity_check::prelude::*;
use serde::{Deserialize, Serialize};

/// Samples of memory kept for one window; and starts remembered, so that the state has a bound.
const SAMPLES: u64 = 60;

/// What is kept.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct History {
    /// Of which processes: another name in the configuration starts anew.
    name: String,
    /// Number and start of the oldest process.
    oldest: Option<(u32, u64)>,
    /// When another process became the oldest, in milliseconds since 1970.
    restarts: Vec<u64>,
    /// When, and resident bytes of all processes then; the oldest sample first.
    samples: Vec<(u64, u64)>,
    /// The current run's.
    #[serde(skip)]
    now: (u64, u64),
}

const KEY: &str = "history";

impl History {
    /// Of the runs before; empty at the first, after a change of `name`, and where another version wrote it.
    pub(crate) fn load(name: &str) -> Result<Self, Error> {
        let kept = match state::get_json::<Self>(KEY) {
            Ok(kept) => kept,
            Err(error) if error.kind == ErrorKind::Protocol => None,
            Err(error) => return Err(error),
        };
        let own = kept.filter(|history| history.name == name);
        Ok(own.unwrap_or_else(|| Self { name: name.to_owned(), ..Self::default() }))
    }

    pub(crate) fn save(&self) -> Result<(), Error> {
        state::set_json(KEY, self, None)
    }

    /// Adds what this run saw.
    pub(crate) fn record(&mut self, oldest: (u32, u64), rss: u64, window: Span, now_ms: u64) {
        let window_ms = window.as_ms();
        if self.oldest.is_some_and(|before| before != oldest) {
            self.restarts.push(now_ms);
            // The memory of another process is no base to grow from.
            self.samples.clear();
        }
        self.oldest = Some(oldest);
        self.now = (now_ms, rss);
        let is_recent = |at: &u64, times: u64| now_ms.saturating_sub(*at) <= window_ms.saturating_mul(times);
        self.restarts.retain(|at| is_recent(at, 1));
        let surplus = self.restarts.len().saturating_sub(SAMPLES as usize);
        self.restarts.drain(..surplus);
        // After a long pause the old samples tell nothing about this window.
        self.samples.retain(|(at, _)| *at <= now_ms && is_recent(at, 2));
        // One sample at the window's edge or beyond is the base.
        while self.samples.get(1).is_some_and(|(at, _)| now_ms - at >= window_ms) {
            self.samples.remove(0);
        }
        let is_due = self.samples.last().is_none_or(|(at, _)| now_ms - at >= window_ms / SAMPLES);
        if is_due {
            self.samples.push(self.now);
        }
    }

    /// Bytes more than one window ago, negative when it shrank; none until a whole window was seen.
    pub(crate) fn growth(&self, window: Span) -> Option<f64> {
        let (at, base) = self.samples.first()?;
        let (now_ms, rss) = self.now;
        (now_ms - at >= window.as_ms()).then_some(rss as f64 - *base as f64)
    }

    /// How often within the window another process became the oldest.
    pub(crate) fn restarts(&self) -> f64 {
        self.restarts.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Span = Span::from_ms(3_600_000);
    const START_MS: u64 = 1_735_689_600_000;

    // However long and often it runs, it keeps about one sample per minute of an hour.
    #[test]
    fn history_is_bounded() {
        let mut history = History::default();
        for run in 0..20_000_u64 {
            let pid = u32::try_from(run / 3).unwrap();
            history.record((if run < 10_000 { pid } else { 1 }, 0), run, WINDOW, START_MS + run * 5_000);
        }
        assert!(history.samples.len() <= 62, "{}", history.samples.len());
        assert_eq!(history.restarts, [] as [u64; 0]);
        // 720 runs of 5 seconds lie between both ends of the window, a sample every 12 runs.
        let growth = history.growth(WINDOW).unwrap();
        assert!((720.0..=732.0).contains(&growth), "{growth}");
    }

    // Restarts are counted up to a bound, and forgotten after the window.
    #[test]
    fn restarts_are_bounded() {
        let mut history = History::default();
        for run in 0..1_000_u32 {
            history.record((run, 0), 0, WINDOW, START_MS + u64::from(run) * 1_000);
        }
        assert_eq!(history.restarts.len(), 60);
    }
}
