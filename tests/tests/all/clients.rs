//! What clients without a token can do: hold connections, let answers lie, say what no client says. None of it fills the
//! host's memory, takes its file descriptors, or keeps a probe waiting.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use probity_tests::host::{Host, says};
use tempfile::TempDir;

/// What a probe may take here, where the host is a debug build and the machine does other things as well.
const PROBE_MAX: Duration = Duration::from_secs(2);

/// Memory of a host that is let alone, the code of a debug build included, and what clients may make it hold beside.
const RSS_MAX: u64 = 400 << 20;

/// A check that is planned and never runs within a test.
const RARE: &str = "[defaults]\nevery = \"1h\"\n";

fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    std::fs::create_dir(dir.path().join("plugins")).unwrap();
    dir
}

/// A host below 1 GiB of data with so many checks that `/metrics` has more than a megabyte.
fn long_winded(config: &str) -> Host {
    let mut text = format!("{config}\n{RARE}");
    for at in 0..600 {
        writeln!(text, "[[check]]\nname = \"check-number-{at}\"\nplugin = \"well\"").unwrap();
    }
    let dir = folder();
    std::fs::write(dir.path().join("plugins/well.wasm"), says("ok")).unwrap();
    let host = Host::start_under("ulimit -d 1048576", dir, &text, &[]);
    host.wait_for("/metrics", |answer| answer.body.len() > 1 << 20);
    host
}

fn rss(host: &Host) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", host.pid())).expect("the host runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

fn connect(host: &Host) -> TcpStream {
    // Not accepted within this time: kept out.
    let stream = TcpStream::connect_timeout(&host.address().parse().unwrap(), Duration::from_secs(5)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Asks for `/live` on a new connection and says how long the answer took.
fn live(host: &Host) -> Duration {
    let start = Instant::now();
    let mut stream = connect(host);
    stream.write_all(b"GET /live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap_or_else(|error| panic!("{error} after {said:?}\n{}", host.log()));
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    start.elapsed()
}

/// The slowest of some probes while something goes on.
fn slowest_probe(host: &Host, probes: usize) -> Duration {
    let probes = (0..probes).map(|_| {
        std::thread::sleep(Duration::from_millis(20)); // the distance of two probes, not a wait for an effect
        live(host)
    });
    probes.max().unwrap()
}

fn assert_unharmed(host: &Host, what: &str) {
    let (probe, memory) = (slowest_probe(host, 20), rss(host));
    assert!(probe < PROBE_MAX, "{what}: a probe took {probe:?}");
    assert!(memory < RSS_MAX, "{what}: {} MiB", memory >> 20);
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, body: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(body.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(body);
    frame
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// The beginning of a connection whose client takes `window` bytes of each answer.
fn greeting(window: u32) -> Vec<u8> {
    let mut settings = vec![0, 4];
    settings.extend(window.to_be_bytes());
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, &settings)].concat()
}

/// The head of `GET path` in HPACK.
fn head(path: &str) -> Vec<u8> {
    let mut head = vec![0x82, 0x86, 0x01, 1, b'x', 0x04, u8::try_from(path.len()).unwrap()];
    head.extend(path.as_bytes());
    head
}

fn get(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &head(path))
}

// Clients of HTTP/2 that ask for 64 long answers each and open no window hold a bounded part of the memory.
#[test]
fn closed_windows_fill_no_memory() {
    let host = long_winded("");
    let mut open = Vec::new();
    for _ in 0..12 {
        let mut stream = connect(&host);
        let mut said = greeting(0);
        (0..64).for_each(|at| said.extend(get(1 + 2 * at, "/metrics")));
        stream.write_all(&said).unwrap();
        open.push(stream);
        assert!(live(&host) < PROBE_MAX);
    }
    assert_unharmed(&host, "closed windows");
    // Who reads gets an answer, if not at once: what is not read makes room within seconds.
    host.wait_for("/metrics", |answer| answer.status == 200);
    let closed = host.wait_for("/metrics", |answer| answer.body.contains("closed_total{reason=\"unread\"}"));
    assert!(closed.body.contains("route=\"/metrics\",method=\"GET\",status=\"503\""), "nothing was refused");
}

// More clients than there are places that ask for a long answer and do not read it.
#[test]
fn slow_readers_fill_no_memory() {
    may_open(3_000);
    let host = long_winded("");
    let mut open = Vec::new();
    for at in 0..1_100 {
        let mut stream = connect(&host);
        // It may be closed for a later one by now.
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n");
        open.push(stream);
        if at % 100 == 99 {
            assert!(live(&host) < PROBE_MAX, "{at}");
        }
    }
    assert_unharmed(&host, "slow readers");
}

// A thousand requests in one go on one connection, and nothing of the answers is read.
#[test]
fn pipelined_requests_wait_for_their_reader() {
    let host = long_winded("");
    let mut open = Vec::new();
    for path in ["/metrics", "/health?summary", "/live", "/nothing"] {
        let stream = connect(&host);
        stream.set_nonblocking(true).unwrap();
        let requests = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").repeat(20_000);
        let (mut left, end) = (requests.as_bytes(), Instant::now() + Duration::from_secs(2));
        while !left.is_empty() && Instant::now() < end {
            match (&stream).write(left) {
                Ok(taken) => left = &left[taken..],
                Err(_) => std::thread::sleep(Duration::from_millis(10)), // until the host reads on, or not
            }
        }
        open.push(stream);
    }
    assert_unharmed(&host, "pipelined requests");
}

// Thousands of connections that say nothing: each new client gets in at once.
#[test]
fn silent_connections_keep_nobody_out() {
    may_open(6_000);
    let host = Host::start(RARE);
    let mut open = Vec::new();
    for at in 0..5_000 {
        open.push(connect(&host));
        if at % 500 == 499 {
            let took = live(&host);
            assert!(took < PROBE_MAX, "{took:?} with {at} connections");
        }
    }
    assert_unharmed(&host, "silent connections");
    let text = host.get("/metrics").body;
    assert!(text.contains("connections_closed_total{reason=\"gave_way\"}"), "{text}");
}

// Idle connections leave the descriptors that the host needs: what fails goes on to fail, and new plugins are seen.
#[test]
fn idle_connections_leave_descriptors() {
    may_open(3_000);
    let dir = folder();
    std::fs::write(dir.path().join("plugins/bad.wasm"), probity_tests::guests::encode(UNHEALTHY).unwrap()).unwrap();
    let config = "[plugins]\nrescan = \"200ms\"\n[[check]]\nname = \"database\"\nplugin = \"bad\"\nevery = \"200ms\"\n";
    let host = Host::start_under("ulimit -n 1024", dir, config, &[]);
    host.wait_until("database", "unhealthy");
    assert!(host.log().contains("file descriptors are too few for"), "{}", host.log());
    let open: Vec<TcpStream> = (0..1_015).map(|_| connect(&host)).collect();
    let taken = std::fs::read_dir(format!("/proc/{}/fd", host.pid())).unwrap().count();
    assert!(taken < 900, "{taken} descriptors of 1,024");
    host.copy_in("new", &says("new"));
    let end = Instant::now() + Duration::from_secs(4);
    while Instant::now() < end {
        assert_eq!(host.get("/ready").status, 503);
        assert!(live(&host) < PROBE_MAX);
        std::thread::sleep(Duration::from_millis(50)); // the distance of two looks
    }
    host.wait_until("new", "healthy");
    drop(open);
}

const UNHEALTHY: &str = "(func (export \"probity:check/checker@0.1.0#run\") (param i32 i32) (result i32) (call $expect_zero (i32.const 1)))";

/// The frames of a flood, by their number.
type Next = Box<dyn Fn(u32) -> Vec<u8>>;

// What the standard allows and no client does: the host answers, or ends the connection, and stays as it is.
#[test]
fn floods_of_frames_are_nothing() {
    let host = long_winded("");
    let reset = |at: u32| [get(1 + 2 * at, "/metrics"), frame(RST_STREAM, 0, 1 + 2 * at, &[0, 0, 0, 8])].concat();
    let field = |at: u32| {
        let mut field = vec![0x00, 8];
        field.extend(format!("{at:08}").bytes());
        field.extend([0x7f, 0x81, 0x06]); // 896 bytes
        field.extend([b'v'; 896]);
        frame(CONTINUATION, 0, 1, &field)
    };
    let bomb = |at: u32| {
        // A field that goes to the table, and 4,000 times the same from there.
        let mut block = head("/health");
        block.extend([0x40, 1, b'a', 0x7f, 0x81, 0x1e]); // 3,968 bytes
        block.extend([b'v'; 3_968]);
        block.extend([0xbe; 4_000]);
        frame(HEADERS, END_STREAM | END_HEADERS, 1 + 2 * at, &block)
    };
    let begun = |path: &str| frame(HEADERS, 0, 1, &head(path));
    let floods: [(&str, Vec<u8>, Next); 9] = [
        ("resets", Vec::new(), Box::new(reset)),
        ("continuations", begun("/health"), Box::new(field)),
        ("empty continuations", begun("/health"), Box::new(|_| frame(CONTINUATION, 0, 1, &[]))),
        ("bombs", Vec::new(), Box::new(bomb)),
        ("pings", Vec::new(), Box::new(|_| frame(PING, 0, 0, b"12345678"))),
        ("settings", Vec::new(), Box::new(|_| frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 255, 255]))),
        ("priorities", Vec::new(), Box::new(|_| frame(PRIORITY, 0, 3, &[0, 0, 0, 1, 1]))),
        ("windows", Vec::new(), Box::new(|_| frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]))),
        ("empty data", frame(HEADERS, END_HEADERS, 1, &head("/health")), Box::new(|_| frame(DATA, 0, 1, &[]))),
    ];
    for (what, first, next) in floods {
        let mut stream = connect(&host);
        stream.write_all(&[greeting(65_535), first].concat()).unwrap();
        let end = Instant::now() + Duration::from_secs(1);
        for batch in 0.. {
            let said: Vec<u8> = (batch * 100..batch * 100 + 100).flat_map(&next).collect();
            // An error is the host's end of the connection.
            if Instant::now() > end || stream.write_all(&said).is_err() {
                break;
            }
        }
        assert_unharmed(&host, what);
    }
}

/// Raises what this process may open.
fn may_open(files: u64) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < files) {
        limit.current = Some(files.min(limit.maximum.unwrap_or(files)));
        setrlimit(Resource::Nofile, limit).unwrap();
    }
}
