//! Processor use between two samples of `/proc/stat`.

use std::path::Path;
use std::time::{Duration, Instant};

use super::cgroup::{self, Periods};
use super::unsupported;
use crate::CallError;

/// Time between two samples at least; a first look waits for it.
const WINDOW_MIN: Duration = Duration::from_millis(100);

/// Older samples say nothing about now.
const WINDOW_MAX: Duration = Duration::from_mins(1);

/// How long one result serves everybody.
const FRESH: Duration = Duration::from_secs(1);

/// Processor use, percent of all processors' time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cpu {
    /// Processors of the machine.
    pub logical: u32,
    /// Neither idle nor waiting for a disk.
    pub busy_percent: f64,
    /// Waiting for a disk.
    pub iowait_percent: Option<f64>,
    /// Taken by the hypervisor.
    pub steal_percent: Option<f64>,
    /// Periods in which the control group's quota ran out; none without a quota.
    pub throttled_percent: Option<f64>,
}

/// The last sample and the last result.
#[derive(Debug, Default)]
pub(super) struct Meter {
    last: Option<(Instant, Sample)>,
    result: Option<(Instant, Cpu)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample {
    logical: u32,
    total: u64,
    idle: u64,
    iowait: u64,
    steal: u64,
    periods: Option<Periods>,
}

impl Meter {
    /// Blocks for up to [`WINDOW_MIN`].
    pub(super) fn read(&mut self) -> Result<Cpu, CallError> {
        if let Some((at, cpu)) = self.result
            && at.elapsed() < FRESH
        {
            return Ok(cpu);
        }
        let (at, before) = match self.last {
            Some((at, sample)) if at.elapsed() < WINDOW_MAX => (at, sample),
            _ => (Instant::now(), sample()?),
        };
        std::thread::sleep(WINDOW_MIN.saturating_sub(at.elapsed()));
        let now = sample()?;
        let cpu = between(&before, &now);
        self.last = Some((Instant::now(), now));
        self.result = Some((Instant::now(), cpu));
        Ok(cpu)
    }
}

fn sample() -> Result<Sample, CallError> {
    let text = std::fs::read_to_string("/proc/stat").map_err(|_| unsupported("processor use"))?;
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let periods = cgroup::periods(Path::new(cgroup::ROOT), &own);
    parse(&text).map(|sample| Sample { periods, ..sample }).ok_or_else(|| unsupported("processor use"))
}

fn parse(text: &str) -> Option<Sample> {
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line.split_ascii_whitespace().map_while(|number| number.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal; guest time is part of user time.
    let [_, _, _, idle, iowait, _, _, steal, ..] = ticks[..] else { return None };
    let logical = text.lines().filter(|line| line.starts_with("cpu") && !line.starts_with("cpu ")).count();
    Some(Sample {
        logical: u32::try_from(logical).unwrap_or(u32::MAX),
        total: ticks[..8].iter().sum(),
        idle,
        iowait,
        steal,
        periods: None,
    })
}

fn between(before: &Sample, now: &Sample) -> Cpu {
    let total = now.total.saturating_sub(before.total);
    // Counters of a virtual machine may run backwards.
    let share = |before: u64, now: u64| percent(now.saturating_sub(before), total);
    let not_busy = (now.idle + now.iowait).saturating_sub(before.idle + before.iowait);
    let throttled = before.periods.zip(now.periods).map(|(before, now)| {
        percent(now.throttled.saturating_sub(before.throttled), now.all.saturating_sub(before.all))
    });
    Cpu {
        logical: now.logical,
        busy_percent: percent(total.saturating_sub(not_busy), total),
        iowait_percent: Some(share(before.iowait, now.iowait)),
        steal_percent: Some(share(before.steal, now.steal)),
        throttled_percent: throttled,
    }
}

/// Ticks fit into an `f64` for longer than machines run.
#[expect(clippy::cast_precision_loss, reason = "a percentage needs no more than 52 bits")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 100.0).min(100.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(ticks: &str) -> Sample {
        parse(&format!("cpu  {ticks} 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\ncpu1 1 1 1 1 1 1 1 1 0 0\nintr 5\n")).unwrap()
    }

    // Of 100 ticks between the samples 60 were idle, 10 waited, 5 were stolen; half of the periods were throttled.
    #[test]
    fn shares_of_the_window() {
        let before = Sample { periods: Some(Periods { all: 10, throttled: 1 }), ..stat("100 0 100 1000 50 0 0 10") };
        let now = Sample { periods: Some(Periods { all: 20, throttled: 6 }), ..stat("115 0 110 1060 60 0 0 15") };
        let cpu = between(&before, &now);
        assert_eq!(cpu.logical, 2);
        assert!((cpu.busy_percent - 30.0).abs() < 1e-9, "{cpu:?}");
        assert_eq!(cpu.iowait_percent.map(f64::round), Some(10.0));
        assert_eq!(cpu.steal_percent.map(f64::round), Some(5.0));
        assert_eq!(cpu.throttled_percent.map(f64::round), Some(50.0));
    }

    // Counters that stand still or run backwards give numbers, not panics.
    #[test]
    fn odd_counters() {
        let sample = stat("100 0 100 1000 50 0 0 10");
        assert_eq!(between(&sample, &sample).busy_percent.to_bits(), 0.0_f64.to_bits());
        let back = stat("100 0 100 900 50 0 0 10");
        assert!((0.0..=100.0).contains(&between(&sample, &back).busy_percent));
        assert_eq!(parse("cpu  1 2 3\n"), None);
        assert_eq!(parse(""), None);
    }
}
