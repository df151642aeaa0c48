//! Whatever a client sends, as HTTP/1 or as frames of HTTP/2: the host answers or closes the connection, and goes on
//! answering others.
#![no_main]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use probity_config::{Source, parse};
use probity_sandbox::Compiler;
use probity_server::daemon::Daemon;

/// How long an answer is waited for. Some requests get none, and the connection stays open for a while.
const WAIT_MAX: Duration = Duration::from_millis(20);

static HOST: LazyLock<SocketAddr> = LazyLock::new(|| {
    let text = "[server]\nlisten = \"127.0.0.1:0\"\nheader-timeout = \"200ms\"\n[plugins]\ndir = \"none\"\n\
                [state]\ndir = \"/dev/null/none\"\n[heartbeats.job]\n";
    let source = Source { path: "probity.toml".into(), text: text.to_owned() };
    let config = parse(&[source], Path::new("/"), &|_| None, &|_| Err(std::io::ErrorKind::NotFound.into()));
    let config = config.unwrap_or_else(|errors| panic!("{errors}"));
    let daemon = Daemon::build(config, None, Compiler::InProcess).expect("the machine can run a host");
    let address = daemon.address().expect("it listens");
    std::thread::spawn(move || daemon.run(std::future::pending()));
    address
});

/// Sends bytes, and no more where `ends`, and reads what comes back.
fn ask(bytes: &[u8], wait: Duration, ends: bool) -> Vec<u8> {
    let mut answer = Vec::new();
    let Ok(mut stream) = TcpStream::connect(*HOST) else { panic!("the host does not accept connections") };
    // The host may have closed it: then there is nothing to read.
    let _ = stream.set_read_timeout(Some(wait));
    let _ = stream.write_all(bytes);
    if ends {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let _ = stream.take(1 << 20).read_to_end(&mut answer);
    answer
}

fuzz_target!(|bytes: &[u8]| {
    ask(bytes, WAIT_MAX, true);
    let probe =
        ask(b"GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", Duration::from_secs(5), false);
    assert!(probe.starts_with(b"HTTP/1.1 200"), "the host no longer answers: {:?}", String::from_utf8_lossy(&probe));
});
