//! Servers that fail on purpose, on loopback: what networks and dying processes do, without waiting for either.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::sync::oneshot;

/// How a server treats whoever connects.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Accepts, reads what comes, and never says anything.
    Hangs,
    /// Says this a byte at a time, 20 in a second, and the last byte for ever.
    Drips(Words),
    /// Says this, and that it will say no more.
    HalfCloses(Words),
    /// None: waits for a request, says this, and hangs up.
    Answers(&'static [u8]),
}

/// What a server says first.
#[derive(Clone, Copy, Debug)]
pub enum Words {
    /// As soon as it accepts.
    Greeting(&'static [u8]),
    /// Once the client has said something.
    Answer(&'static [u8]),
}

impl Words {
    /// The words, when it is time for them.
    async fn when_due(self, stream: &mut tokio::net::TcpStream) -> &'static [u8] {
        match self {
            Self::Greeting(bytes) => bytes,
            Self::Answer(bytes) => {
                // Whoever has gone is found out about with the first byte.
                let _ = stream.read(&mut [0; 1024]).await;
                bytes
            }
        }
    }
}

/// The time between two bytes of [`Fault::Drips`].
const DRIP: Duration = Duration::from_millis(50);

/// A server with a fault, on a thread of its own. Dropped it closes its connections as a process that dies does.
#[derive(Debug)]
pub struct Faulty {
    port: u16,
    counts: Arc<Counts>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Counts {
    accepted: AtomicUsize,
    open: AtomicUsize,
}

impl Faulty {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When loopback has none.
    #[must_use]
    pub fn start(fault: Fault) -> Self {
        Self::start_on(0, fault)
    }

    /// Starts one where another was.
    ///
    /// # Panics
    /// When the port is taken.
    #[must_use]
    pub fn start_on(port: u16, fault: Fault) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
        listener.set_nonblocking(true).expect("sockets may be non-blocking");
        let port = listener.local_addr().expect("it is bound").port();
        let counts = Arc::new(Counts::default());
        let (stop, stopped) = oneshot::channel();
        let known = Arc::clone(&counts);
        // Made here, so that a test that counts files finds all of its files as soon as it has started.
        let runtime = runtime();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, fault, known) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { port, counts, stop: Some(stop), thread: Some(thread) }
    }

    /// Its port on loopback.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Connections that were made so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.counts.accepted.load(Ordering::SeqCst)
    }

    /// Connections that their clients have not closed.
    #[must_use]
    pub fn open(&self) -> usize {
        self.counts.open.load(Ordering::SeqCst)
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of it was shown already.
            let _ = thread.join();
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .expect("the machine can run a thread")
}

async fn serve(listener: TcpListener, fault: Fault, counts: Arc<Counts>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("it is non-blocking");
    while let Ok((stream, _)) = listener.accept().await {
        counts.open.fetch_add(1, Ordering::SeqCst);
        counts.accepted.fetch_add(1, Ordering::SeqCst);
        let counts = Arc::clone(&counts);
        tokio::spawn(async move {
            treat(stream, fault).await;
            counts.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// Ends when the client has gone.
async fn treat(mut stream: tokio::net::TcpStream, fault: Fault) {
    match fault {
        Fault::Hangs => {}
        Fault::Drips(words) => {
            let bytes = words.when_due(&mut stream).await;
            let last = bytes.last().copied().unwrap_or_default();
            for byte in bytes.iter().copied().chain(std::iter::repeat(last)) {
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(DRIP).await; // the fault itself
            }
        }
        Fault::HalfCloses(words) => {
            let bytes = words.when_due(&mut stream).await;
            if stream.write_all(bytes).await.is_err() || stream.shutdown().await.is_err() {
                return;
            }
        }
        Fault::Answers(bytes) => {
            let bytes = Words::Answer(bytes).when_due(&mut stream).await;
            if stream.write_all(bytes).await.is_err() || stream.shutdown().await.is_err() {
                return;
            }
        }
    }
    while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
}

/// An address that drops what is sent to it: a listener whose queue is full, for which Linux ignores further SYNs.
#[derive(Debug)]
pub struct BlackHole {
    port: u16,
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

/// Connections that may be needed to fill a queue of none: kernels let in a few more than they were told.
const QUEUE_MAX: usize = 8;

impl BlackHole {
    /// Starts one.
    ///
    /// # Panics
    /// When the kernel goes on accepting.
    #[must_use]
    pub fn start() -> Self {
        let runtime = runtime();
        let _inside = runtime.enter();
        let socket = TcpSocket::new_v4().expect("the machine has sockets");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("loopback has a free port");
        let listener = socket.listen(0).and_then(tokio::net::TcpListener::into_std).expect("it is bound");
        let address = listener.local_addr().expect("it is bound");
        // Loopback answers at once or, when the queue is full, not at all.
        let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok();
        let queue: Vec<TcpStream> = std::iter::from_fn(connect).take(QUEUE_MAX).collect();
        assert!(queue.len() < QUEUE_MAX, "this kernel has no full queue");
        Self { port: address.port(), _listener: listener, _queue: queue }
    }

    /// Its port on loopback.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}
