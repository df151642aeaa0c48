//! Watches a host while it is attacked: whether it answers, how late, and what memory it takes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The distance of two probes.
const EVERY: Duration = Duration::from_millis(20);

/// How long a probe waits: what a kubelet waits by default. A host that is not optimised has longer, since it shares its
/// processors with who attacks it: there a probe must be answered, and how soon is measured with a release build.
pub const PROBE_MAX: Duration = Duration::from_secs(if cfg!(debug_assertions) { 5 } else { 1 });

/// Asks for `/live` over a new connection each time, until it is dropped.
pub struct Probes {
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What the probes came to.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How long each answer took, in order.
    pub took: Vec<Duration>,
    /// What went wrong, and when after the start.
    pub failed: Vec<String>,
}

impl Probes {
    /// Begins.
    #[must_use]
    pub fn start(address: &str, path: &'static str) -> Self {
        let (seen, stop) = (Arc::<Mutex<Seen>>::default(), Arc::<AtomicBool>::default());
        let (theirs, stopped, address) = (Arc::clone(&seen), Arc::clone(&stop), address.to_owned());
        let start = Instant::now();
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let began = Instant::now();
                let said = probe(&address, path);
                let took = began.elapsed();
                let mut seen = theirs.lock().unwrap_or_else(PoisonError::into_inner);
                match said {
                    Ok(200) => seen.took.push(took),
                    other => {
                        seen.failed.push(format!("{other:?} after {took:?}, {:?} from the start", start.elapsed()))
                    }
                }
                drop(seen);
                std::thread::sleep(EVERY); // the pace of the probes
            }
        });
        Self { seen, stop, thread: Some(thread) }
    }

    /// What they came to so far; they begin anew.
    #[must_use]
    pub fn take(&self) -> Seen {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It only panics with a broken lock.
            let _ = thread.join();
        }
    }
}

impl Seen {
    /// The share `of` a hundred that was answered as fast as this, in milliseconds.
    #[must_use]
    pub fn percentile_ms(&self, of: usize) -> f64 {
        let mut took = self.took.clone();
        took.sort_unstable();
        let at = (took.len() * of / 100).min(took.len().saturating_sub(1));
        took.get(at).map_or(f64::NAN, |took| took.as_secs_f64() * 1e3)
    }
}

/// The status of one answer.
fn probe(address: &str, path: &str) -> Result<u16, String> {
    let failed = |error: std::io::Error| error.to_string();
    let address = address.parse().map_err(|error| format!("{error}"))?;
    let mut stream = TcpStream::connect_timeout(&address, PROBE_MAX).map_err(failed)?;
    stream.set_read_timeout(Some(PROBE_MAX)).map_err(failed)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").map_err(failed)?;
    let mut answer = Vec::new();
    stream.take(4 << 10).read_to_end(&mut answer).map_err(failed)?;
    let line = String::from_utf8_lossy(&answer);
    let status = line.split(' ').nth(1).and_then(|word| word.parse().ok());
    status.ok_or_else(|| format!("no answer: {line:?}"))
}

/// Resident bytes of a process now.
///
/// # Panics
/// When it is gone.
#[must_use]
pub fn resident(pid: u32) -> u64 {
    field(pid, "VmRSS:")
}

/// The most that it was since [`forget_peak`].
///
/// # Panics
/// When it is gone.
#[must_use]
pub fn peak(pid: u32) -> u64 {
    field(pid, "VmHWM:")
}

/// Lets [`peak`] begin anew.
///
/// # Panics
/// When the process is gone or another user's.
pub fn forget_peak(pid: u32) {
    let path = format!("/proc/{pid}/clear_refs");
    std::fs::write(&path, "5").unwrap_or_else(|error| panic!("{path}: {error}"));
}

fn field(pid: u32, name: &str) -> u64 {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_else(|| panic!("{path} has no {name}")) << 10
}
