//! Clocks of CPU time, and who else uses the machine.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};

/// CPU time of this thread.
pub(crate) fn thread_cpu() -> Duration {
    time_of(ClockId::ThreadCPUTime)
}

/// CPU time of all threads of this process.
pub(crate) fn process_cpu() -> Duration {
    time_of(ClockId::ProcessCPUTime)
}

fn time_of(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    // CPU clocks start at zero and never go back.
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// CPU time of every child that was waited for.
#[allow(unsafe_code, reason = "getrusage has no safe wrapper in what we use")]
pub(crate) fn children_cpu() -> Duration {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is valid for one `rusage`, for which all zeros is a value.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr());
        usage.assume_init()
    };
    let of = |time: libc::timeval| {
        Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0))
            + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
    };
    of(usage.ru_utime) + of(usage.ru_stime)
}

/// User and system time of another process, all threads, in steps of 10 ms.
pub(crate) fn cpu_of(pid: u32) -> Result<Duration> {
    const TICKS_PER_SECOND: u64 = 100;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("process {pid} is gone"))?;
    // The second field is the name, in parentheses, and may hold anything.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).context("read /proc/PID/stat");
    Ok(Duration::from_millis((ticks(11)? + ticks(12)?) * 1_000 / TICKS_PER_SECOND))
}

/// CPU time of this process's threads whose name starts with `name`.
pub(crate) fn threads_cpu(name: &str) -> Result<Duration> {
    let mut sum = Duration::ZERO;
    for task in fs::read_dir("/proc/self/task").context("list threads")? {
        let path = task.context("list threads")?.path();
        // A thread may end meanwhile.
        let Ok(comm) = fs::read_to_string(path.join("comm")) else { continue };
        if comm.starts_with(name) {
            let stat = fs::read_to_string(path.join("schedstat")).context("read a thread's schedstat")?;
            let nanos = stat.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
            sum += Duration::from_nanos(nanos.context("read a thread's schedstat")?);
        }
    }
    Ok(sum)
}

/// What a process holds, in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) resident: f64,
    pub(crate) anonymous: f64,
    pub(crate) page_tables: f64,
}

/// What a process holds now.
pub(crate) fn memory_of(pid: u32) -> Result<Memory> {
    let dir = format!("/proc/{pid}");
    let status =
        fs::read_to_string(Path::new(&dir).join("status")).with_context(|| format!("process {pid} is gone"))?;
    let of = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.and_then(|rest| rest.trim_start_matches(':').split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
    };
    Ok(Memory { resident: of("VmRSS"), anonymous: of("RssAnon"), page_tables: of("VmPTE") })
}

/// The load averages, as the kernel prints them.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// Share of the machine that must be idle, and for how long, before what depends on it is measured.
const IDLE_SHARE: f64 = 0.92;
const IDLE_FOR: Duration = Duration::from_secs(3);

/// Waits until the machine is idle, at most `max`. Answers whether it is, and the last share seen.
pub(crate) fn wait_idle(max: Duration) -> (bool, f64) {
    let end = Instant::now() + max;
    loop {
        let before = busy_and_idle();
        std::thread::sleep(IDLE_FOR);
        let after = busy_and_idle();
        let (busy, idle) = (after.0 - before.0, after.1 - before.1);
        let share = if busy + idle > 0.0 { idle / (busy + idle) } else { 0.0 };
        if share >= IDLE_SHARE || Instant::now() >= end {
            return (share >= IDLE_SHARE, share);
        }
    }
}

fn busy_and_idle() -> (f64, f64) {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    let idle = ticks.get(3).copied().unwrap_or(0.0) + ticks.get(4).copied().unwrap_or(0.0);
    (ticks.iter().take(8).sum::<f64>() - idle, idle)
}
