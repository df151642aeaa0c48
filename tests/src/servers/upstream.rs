//! A dependency of a service: answers over HTTP, slowly or not at all.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A running one; its port stays the same whatever is done to it.
pub struct Upstream {
    port: u16,
    delay_ms: Arc<AtomicU64>,
    down: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Upstream {
    /// Starts one that answers 200 at once.
    ///
    /// # Panics
    /// When loopback has no free port.
    #[must_use]
    pub fn start() -> Self {
        let port = super::free_port();
        let mut upstream = Self { port, delay_ms: Arc::default(), down: Arc::default(), accepting: None };
        upstream.up();
        upstream
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Lets each answer take so long from now on.
    pub fn slow(&self, delay: Duration) {
        self.delay_ms.store(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Stops listening: connections are refused.
    ///
    /// # Panics
    /// When it was down already.
    pub fn down(&mut self) {
        self.down.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        self.accepting.take().expect("it was up").join().expect("accepting does not panic");
    }

    /// Listens again.
    ///
    /// # Panics
    /// When somebody else took the port.
    pub fn up(&mut self) {
        self.down.store(false, Ordering::SeqCst);
        let listener = TcpListener::bind(("127.0.0.1", self.port)).expect("the port is ours");
        let (delay, down) = (Arc::clone(&self.delay_ms), Arc::clone(&self.down));
        self.accepting = Some(std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if down.load(Ordering::SeqCst) {
                    return;
                }
                let delay = Duration::from_millis(delay.load(Ordering::SeqCst));
                // Ends with its connection, whose reads are bounded.
                std::thread::spawn(move || answer(stream, delay));
            }
        }));
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if self.accepting.is_some() {
            self.down();
        }
    }
}

fn answer(mut stream: TcpStream, delay: Duration) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let mut request = Vec::new();
    let mut part = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < 16 << 10 {
        match stream.read(&mut part) {
            Ok(read @ 1..) => request.extend_from_slice(&part[..read]),
            _ => return,
        }
    }
    std::thread::sleep(delay); // the slowness itself, not a wait for anything
    // The other side may have given up.
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nok\n");
}
