//! What the targets share: a server on loopback that plays arbitrary bytes, and a runtime.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// Between two turns of the server: it waits for the client's in between.
const TURN: &[u8] = b"\xff\xfe";

/// How long the server waits for the client's turn. A client that has given up costs no more.
const WAIT_MAX: Duration = Duration::from_millis(5);

/// A runtime of one thread.
#[must_use]
pub fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("the machine can run a runtime")
}

/// A server whose every connection gets the same script.
pub struct Played {
    /// Where it listens.
    pub address: SocketAddr,
    script: Arc<Mutex<Vec<u8>>>,
}

impl Played {
    /// Over TCP: turn by turn, then the end.
    #[must_use]
    pub fn tcp() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let script = Arc::<Mutex<Vec<u8>>>::default();
        let theirs = Arc::clone(&script);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let script = theirs.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // A client that goes away is what half of the scripts are for.
                let _ = stream.set_read_timeout(Some(WAIT_MAX));
                for turn in turns(&script) {
                    if stream.write_all(turn).is_err() {
                        break;
                    }
                    let _ = stream.read(&mut [0; 4096]);
                }
            }
        });
        Self { address, script }
    }

    /// Over UDP: the whole script answers each datagram, with the datagram's first two bytes before it, as name servers
    /// repeat the number of a question.
    #[must_use]
    pub fn udp() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = socket.local_addr().expect("it is bound");
        let script = Arc::<Mutex<Vec<u8>>>::default();
        let theirs = Arc::clone(&script);
        std::thread::spawn(move || {
            let mut asked = [0; 512];
            while let Ok((_, from)) = socket.recv_from(&mut asked) {
                let mut answer = asked[..2].to_vec();
                answer.extend_from_slice(&theirs.lock().unwrap_or_else(PoisonError::into_inner));
                // One that is too long for a datagram is not sent.
                let _ = socket.send_to(&answer, from);
            }
        });
        Self { address, script }
    }

    /// What connections get from now on.
    pub fn play(&self, script: &[u8]) {
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) = script.to_vec();
    }
}

fn turns(mut script: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut done = false;
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        let end = script.windows(TURN.len()).position(|window| window == TURN);
        let turn = &script[..end.unwrap_or(script.len())];
        match end {
            Some(end) => script = &script[end + TURN.len()..],
            None => done = true,
        }
        Some(turn)
    })
}
