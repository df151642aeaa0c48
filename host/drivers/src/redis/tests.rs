//! The client against a server that a test plays.

use probity_config::{Egress, ServerConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::net::Resolver;
use crate::net::tests::within;

const CAPS: Caps = Caps { bytes: 1_000, tokens: 10 };

/// A client of the connection `cache` at `listener`, with `rest` after the scheme and the credentials before the host.
fn client(listener: &TcpListener, credentials: &str, path: &str) -> RedisClient {
    keeping(IDLE_MAX, listener, credentials, path)
}

fn keeping(idle_max: Duration, listener: &TcpListener, credentials: &str, path: &str) -> RedisClient {
    let url = format!("redis://{credentials}127.0.0.1:{}{path}", listener.local_addr().unwrap().port());
    let connection =
        Connection::Redis(ServerConnection { url: url.parse().unwrap(), tls: false, ca: None, identity: None });
    RedisClient::keeping(
        idle_max,
        &Net::new(Egress::default(), Resolver::default()),
        &[("cache".to_owned(), connection)].into_iter().collect(),
    )
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// Reads what the client sent, which must hold `expected`, and answers.
async fn answer(stream: &mut TcpStream, expected: &str, reply: &[u8]) {
    let mut heard = vec![0; 4096];
    let read = stream.read(&mut heard).await.unwrap();
    let heard = String::from_utf8_lossy(&heard[..read]).replace("\r\n", " ");
    assert!(heard.contains(expected), "{heard}");
    stream.write_all(reply).await.unwrap();
}

// A connection logs in once, serves one lease after the other, and is closed with the client.
#[tokio::test]
async fn connections_are_kept() {
    let listener = listener().await;
    let client = client(&listener, "me:pa%20ss@", "/7");
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        answer(&mut stream, "AUTH $2 me $5 pa ss $7 SETNAME", b"%0\r\n").await;
        answer(&mut stream, "SELECT $1 7", b"+OK\r\n").await;
        answer(&mut stream, "GET $1 a", b"$1\r\nx\r\n").await;
        answer(&mut stream, "GET $1 b", b"_\r\n").await;
        stream
    };
    let work = async {
        for (key, value) in [("a", Token::Bulk(b"x".to_vec())), ("b", Token::Nil)] {
            let mut lease = client.lease("cache", within(2_000)).await.unwrap();
            let reply = lease.run(&[b"GET", key.as_bytes()], true, CAPS, within(2_000)).await.unwrap();
            assert_eq!(reply, [value]);
        }
    };
    let (mut stream, ()) = tokio::join!(server, work);
    drop(client);
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0, "closed with the client");
}

// A connection that nobody uses is closed after its time; the next lease opens another, which is closed likewise.
#[tokio::test]
async fn idle_connections_are_closed() {
    let listener = listener().await;
    let client = keeping(Duration::from_millis(100), &listener, "", "");
    for _ in 0..2 {
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            answer(&mut stream, "HELLO", b"%0\r\n").await;
            stream
        };
        let (mut stream, lease) = tokio::join!(server, client.lease("cache", within(2_000)));
        drop(lease.unwrap());
        let end = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut [0; 1])).await;
        assert_eq!(end.expect("it is closed").unwrap(), 0);
    }
}

// A kept connection that the server closed meanwhile is replaced before anybody notices.
#[tokio::test]
async fn dead_connections_are_replaced() {
    let listener = listener().await;
    let client = client(&listener, "", "");
    let server = async {
        let (mut first, _) = listener.accept().await.unwrap();
        answer(&mut first, "HELLO", b"%0\r\n").await;
        answer(&mut first, "GET", b":1\r\n").await;
        // Closes only once the next command has come: the connection looked alive when it was taken.
        let _ = first.read(&mut [0; 64]).await.unwrap();
        drop(first);
        let (mut second, _) = listener.accept().await.unwrap();
        answer(&mut second, "HELLO", b"%0\r\n").await;
        answer(&mut second, "GET", b":2\r\n").await;
    };
    let work = async {
        for value in 1..=2 {
            let mut lease = client.lease("cache", within(2_000)).await.unwrap();
            let reply = lease.run(&[b"GET", b"a"], true, CAPS, within(2_000)).await.unwrap();
            assert_eq!(reply, [Token::Integer(value)]);
        }
    };
    tokio::join!(server, work);
}

// A command that changes something is not sent twice.
#[tokio::test]
async fn writes_are_not_repeated() {
    let listener = listener().await;
    let client = client(&listener, "", "");
    let server = async {
        let (mut first, _) = listener.accept().await.unwrap();
        answer(&mut first, "HELLO", b"%0\r\n").await;
        answer(&mut first, "GET", b":1\r\n").await;
        let _ = first.read(&mut [0; 64]).await.unwrap();
    };
    let work = async {
        let get: &[&[u8]] = &[b"GET", b"a"];
        client.lease("cache", within(2_000)).await.unwrap().run(get, true, CAPS, within(2_000)).await.unwrap();
        let mut lease = client.lease("cache", within(2_000)).await.unwrap();
        let error = lease.run(&[b"INCR", b"a"], false, CAPS, within(2_000)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Refused, "{error}");
    };
    tokio::join!(server, work);
}

// A call that is cut off takes its connection with it: the reply that comes late is nobody's.
#[tokio::test]
async fn cut_off_calls_close_the_connection() {
    let listener = listener().await;
    let client = client(&listener, "", "");
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        answer(&mut stream, "HELLO", b"%0\r\n").await;
        answer(&mut stream, "GET", b"").await;
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
    };
    let work = async {
        let mut lease = client.lease("cache", within(2_000)).await.unwrap();
        let call = lease.run(&[b"GET", b"a"], true, CAPS, within(2_000));
        assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
        drop(lease);
    };
    tokio::join!(server, work);
}

// Error replies keep their prefix and the connection; those about credentials are `auth`, and quote none.
#[tokio::test]
async fn errors_have_prefixes() {
    let listener = listener().await;
    let client = client(&listener, ":swordfish@", "");
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        answer(&mut stream, "HELLO", b"-WRONGPASS invalid username-password pair\r\n").await;
        let (mut stream, _) = listener.accept().await.unwrap();
        answer(&mut stream, "HELLO", b"-ERR unknown command `HELLO`, with args: `3` `AUTH` `swordfish`\r\n").await;
        answer(&mut stream, "AUTH $9 swordfish", b"-ERR invalid password swordfish\r\n").await;
        let (mut stream, _) = listener.accept().await.unwrap();
        answer(&mut stream, "HELLO", b"%0\r\n").await;
        answer(&mut stream, "GET", b"-WRONGTYPE Operation against a key\r\n").await;
        answer(&mut stream, "GET", b"+OK\r\n").await;
    };
    let work = async {
        for code in ["WRONGPASS", "ERR"] {
            let error = client.lease("cache", within(2_000)).await.unwrap_err();
            assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Auth, Some(code)), "{error}");
            assert!(!error.message.contains("swordfish"), "{error}");
        }
        let mut lease = client.lease("cache", within(2_000)).await.unwrap();
        let error = lease.run(&[b"GET", b"a"], true, CAPS, within(2_000)).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Remote, Some("WRONGTYPE")), "{error}");
        lease.run(&[b"GET", b"a"], true, CAPS, within(2_000)).await.unwrap();
    };
    tokio::join!(server, work);
}

// More runs than connections wait for one, and say so when none comes free.
#[tokio::test]
async fn connections_are_bounded() {
    let listener = listener().await;
    let client = client(&listener, "", "");
    let server = async {
        let mut streams = Vec::new();
        for _ in 0..OPEN_MAX {
            let (mut stream, _) = listener.accept().await.unwrap();
            answer(&mut stream, "HELLO", b"%0\r\n").await;
            streams.push(stream);
        }
        streams
    };
    let work = async {
        let mut leases = Vec::new();
        for _ in 0..OPEN_MAX {
            leases.push(client.lease("cache", within(2_000)).await.unwrap());
        }
        let error = client.lease("cache", within(20)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Timeout);
        assert!(error.message.contains("in use"), "{error}");
        leases.pop();
        client.lease("cache", within(2_000)).await.unwrap();
    };
    let (_streams, ()) = tokio::join!(server, work);
}

// A server that accepts and says nothing is told from one that refuses.
#[tokio::test]
async fn silence_and_refusal_differ() {
    let listener = listener().await;
    let client = client(&listener, "", "");
    let error = client.lease("cache", within(50)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout);
    drop(listener);
    let error = client.lease("cache", within(2_000)).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Refused, Some("ECONNREFUSED")));
    assert_eq!(client.lease("other", within(50)).await.unwrap_err().kind, ErrorKind::NotFound);
}

// A thousand calls that ran out of time leave no connection open, and no place taken.
#[tokio::test]
async fn timeouts_leave_nothing_behind() {
    const CALLS: usize = 1_000;
    let listener = listener().await;
    let client = client(&listener, "", "");
    let server = tokio::spawn(async move {
        let mut closed = 0;
        let mut open = Vec::new();
        loop {
            // Whoever was accepted is listened to until it goes; none gets an answer.
            let accepted = tokio::time::timeout(Duration::from_millis(500), listener.accept()).await;
            let Ok(Ok((mut stream, _))) = accepted else { break };
            open.push(tokio::spawn(async move { stream.read_to_end(&mut Vec::new()).await.is_ok() }));
        }
        for stream in open {
            let ended = tokio::time::timeout(Duration::from_secs(5), stream).await;
            closed += usize::from(ended.is_ok());
            assert!(ended.is_ok(), "a connection is open after all calls ended");
        }
        closed
    });
    for _ in 0..CALLS / OPEN_MAX {
        let calls = (0..OPEN_MAX).map(|_| client.lease("cache", within(2)));
        for answer in futures_util::future::join_all(calls).await {
            assert_eq!(answer.unwrap_err().kind, ErrorKind::Timeout);
        }
    }
    assert!(server.await.unwrap() > 0, "no call got as far as the server");
    let pool = client.pools["cache"].as_ref().unwrap();
    assert_eq!(pool.places.available_permits(), OPEN_MAX);
    assert!(pool.idle.lock().unwrap().is_empty());
}

// What a sentinel names is judged by the egress policy before a byte of the credentials goes there.
#[tokio::test]
async fn sentinels_lead_nowhere_forbidden() {
    let sentinel = listener().await;
    let reached = |url: String| {
        let url = url.parse().unwrap();
        ServerConnection { url, tls: false, ca: None, identity: None }
    };
    let port = sentinel.local_addr().unwrap().port();
    let connection = Connection::Sentinel(probity_config::SentinelConnection {
        sentinels: vec![reached(format!("redis://127.0.0.1:{port}"))],
        primary: "mymaster".into(),
        server: reached(format!("redis://me:swordfish@127.0.0.1:{port}")),
    });
    let client = RedisClient::new(
        &Net::new(Egress::default(), Resolver::default()),
        &[("cache".to_owned(), connection)].into_iter().collect(),
    );
    let server = async {
        for reply in [&b"*2\r\n$15\r\n169.254.169.254\r\n$2\r\n80\r\n"[..], b"*-1\r\n", b"*1\r\n:1\r\n"] {
            let (mut stream, _) = sentinel.accept().await.unwrap();
            answer(&mut stream, "get-master-addr-by-name $8 mymaster", reply).await;
        }
    };
    let work = async {
        for kind in [ErrorKind::Denied, ErrorKind::NotFound, ErrorKind::Protocol] {
            let error = client.lease("cache", within(2_000)).await.unwrap_err();
            assert_eq!(error.kind, kind, "{error}");
            assert!(error.message.starts_with("connection `cache`: ") && !error.message.contains("fish"), "{error}");
        }
    };
    tokio::join!(server, work);
}

// A ping is one round trip, also on a kept connection; one that died meanwhile is replaced outside of the time.
#[tokio::test]
async fn pings_are_one_round_trip() {
    let listener = listener().await;
    let client = client(&listener, "", "");
    let server = async {
        let (mut first, _) = listener.accept().await.unwrap();
        answer(&mut first, "HELLO", b"%0\r\n").await;
        answer(&mut first, "PING", b"+PONG\r\n").await;
        answer(&mut first, "PING", b"+PONG\r\n").await;
        // The third one: closed only when it has come.
        let _ = first.read(&mut [0; 64]).await.unwrap();
        drop(first);
        let (mut second, _) = listener.accept().await.unwrap();
        answer(&mut second, "HELLO", b"%0\r\n").await;
        answer(&mut second, "PING", b"+PONG\r\n").await;
        assert!(first_byte_never_comes(&mut second).await, "a ping more than was asked for");
    };
    let work = async {
        for _ in 0..3 {
            client.lease("cache", within(2_000)).await.unwrap().ping(within(2_000)).await.unwrap();
        }
        drop(client);
    };
    tokio::join!(server, work);
}

/// Whether the client closes without another word.
async fn first_byte_never_comes(stream: &mut TcpStream) -> bool {
    stream.read(&mut [0; 1]).await.unwrap() == 0
}
