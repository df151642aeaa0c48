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
    body: Arc<str>,
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
        Self::answering("ok\n")
    }

    /// The same with this body.
    ///
    /// # Panics
    /// Likewise.
    #[must_use]
    pub fn answering(body: &str) -> Self {
        let port = super::free_port();
        let mut upstream =
            Self { port, body: body.into(), delay_ms: Arc::default(), down: Arc::default(), accepting: None };
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
        let (delay, down, body) = (Arc::clone(&self.delay_ms), Arc::clone(&self.down), Arc::clone(&self.body));
        self.accepting = Some(std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if down.load(Ordering::SeqCst) {
                    return;
                }
                let delay = Duration::from_millis(delay.load(Ordering::SeqCst));
                // Ends with its connection, whose reads are bounded.
                let body = Arc::clone(&body);
                std::thread::spawn(move || answer(stream, delay, &body));
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

fn answer(mut stream: TcpStream, delay: Duration, body: &str) {
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
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let _ = stream.write_all((head + body).as_bytes());
}
