//! The client against servers on loopback that behave and servers that do not.

mod egress;
mod oauth;
mod proxy;
mod tls;
mod trailers;
mod wire;

use std::future::pending;
use std::sync::Mutex;

use probity_config::grants::HttpGrant;
use probity_config::{Egress, HttpConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::*;
use crate::net::Resolver;
use crate::net::tests::{script, within};

fn grants(texts: &[&str]) -> Grants {
    Grants { http: texts.iter().map(|text| HttpGrant::parse(text).unwrap()).collect(), ..Grants::default() }
}

fn plain_client() -> HttpClient {
    HttpClient::new(Net::new(Egress::default(), Resolver::default()), &BTreeMap::new())
}

fn client_of(connection: HttpConnection) -> HttpClient {
    let connection = Connection::Http(connection);
    let net = Net::new(Egress::default(), Resolver::default());
    HttpClient::new(net, &BTreeMap::from([("billing".to_owned(), connection)]))
}

pub(crate) fn connection(url: &str) -> HttpConnection {
    HttpConnection {
        url: url.parse().unwrap(),
        headers: vec![],
        ca: None,
        identity: None,
        proxy: None,
        address: None,
        verify: probity_config::Verify::Full,
        oauth2: None,
        traceparent: false,
    }
}

/// Sends with a grant for all of loopback.
async fn send(client: &HttpClient, request: &Request) -> Result<Response, CallError> {
    let grants = grants(&["http://127.0.0.0/8:*/*", "https://127.0.0.0/8:*/*", "https://localhost:*/*", "billing"]);
    client.send(request, &grants, &Limits::DEFAULT, within(5_000)).await
}

/// A server that reads each request's head and answers it with raw bytes. The heads it read are kept.
async fn serve(answer: impl Fn(&str) -> String + Send + 'static) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let head = read_head(&mut stream).await;
            let bytes = answer(&head);
            kept.lock().unwrap().push(head);
            let _ = stream.write_all(bytes.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (base, heads)
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nX-Seen: yes\r\n\r\n{body}", body.len())
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

// A plain request arrives as sent, and the answer is complete.
#[tokio::test]
async fn get_answers() {
    let (base, heads) = serve(|_| ok("pong")).await;
    let mut request = Request::new("GET", &format!("{base}/ping?x=1#f"));
    request.set_header("X-Ask", b"why").unwrap();
    let response = send(&plain_client(), &request).await.unwrap();
    assert_eq!((response.status, response.version, response.body.unwrap().as_ref()), (200, "1.1", b"pong".as_ref()));
    assert!(response.headers.contains(&("x-seen".to_owned(), b"yes".to_vec())));
    assert_eq!(format!("http://{}", response.remote_address), base);
    assert_eq!((response.timing.dns, response.timing.tls), (None, None));
    assert!(response.timing.total >= response.timing.first_byte);
    let head = heads.lock().unwrap()[0].clone();
    assert!(head.starts_with("GET /ping?x=1 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("x-ask: why\r\n") && head.contains(&format!("host: {}\r\n", &base[7..])), "{head}");
}

// A body is sent whole with its length.
#[tokio::test]
async fn post_carries_the_body() {
    let (base, heads) = serve(|_| ok("")).await;
    let mut request = Request::new("POST", &base);
    request.body = Bytes::from_static(b"{}");
    assert_eq!(send(&plain_client(), &request).await.unwrap().status, 200);
    assert!(heads.lock().unwrap()[0].contains("content-length: 2\r\n"));
}

// Without a grant nothing is sent, and the message is the line to add.
#[tokio::test]
async fn denial_names_the_grant() {
    let (base, heads) = serve(|_| ok("")).await;
    let request = Request::new("GET", &format!("{base}/orders?token=secret"));
    let error = plain_client()
        .send(&request, &grants(&["http://127.0.0.2:*/*"]), &Limits::DEFAULT, within(1_000))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.message.ends_with(&format!("grants = {{ http = [\"{base}/*\"] }}")), "{}", error.message);
    assert!(!error.message.contains("secret"), "{}", error.message);
    assert!(heads.lock().unwrap().is_empty());
}

// A wildcard does not open this machine, and the message says what does.
#[tokio::test]
async fn wildcard_does_not_reach_loopback() {
    let (base, heads) = serve(|_| ok("")).await;
    let request = Request::new("GET", &base);
    let error =
        plain_client().send(&request, &grants(&["http://*:*/*"]), &Limits::DEFAULT, within(1_000)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.message.contains(&format!("grants = {{ http = [\"{base}/*\"] }}")), "{}", error.message);
    assert!(heads.lock().unwrap().is_empty());
}

// What a guest types cannot make the client send somewhere or something else.
#[tokio::test]
async fn senseless_requests_are_the_guests_fault() {
    for url in ["", "/path", "ftp://127.0.0.1/", "http://", "http://user:pass@127.0.0.1/", "http://127.0.0.1:99999/"] {
        let error = send(&plain_client(), &Request::new("GET", url)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidArgument, "{url}: {}", error.message);
    }
}

// A redirect is returned unless the guest asked to follow, and the last one allowed is.
#[tokio::test]
async fn redirects_are_followed_on_request() {
    let (base, heads) = serve(|head| if head.contains(" /end ") { ok("end") } else { redirect("/end") }).await;
    let mut request = Request::new("GET", &base);
    assert_eq!(send(&plain_client(), &request).await.unwrap().status, 302);
    request.redirects_max = 1;
    let response = send(&plain_client(), &request).await.unwrap();
    assert_eq!((response.status, response.final_url.path()), (200, "/end"));
    assert_eq!(heads.lock().unwrap().len(), 3);
    let (looping, heads) = serve(|_| redirect("/again")).await;
    let mut request = Request::new("GET", &looping);
    request.redirects_max = u32::MAX;
    assert_eq!(send(&plain_client(), &request).await.unwrap().status, 302);
    assert_eq!(heads.lock().unwrap().len(), 11);
}

// A server cannot send a check to the metadata service, whatever the check is granted.
#[tokio::test]
async fn redirect_to_metadata_is_denied() {
    for target in ["http://169.254.169.254/latest", "http://[::ffff:169.254.169.254]/", "http://2852039166/"] {
        let (base, _) = serve(move |_| redirect(target)).await;
        let mut request = Request::new("GET", &base);
        request.redirects_max = 3;
        let grants = grants(&["http://127.0.0.1:*/*", "http://*:*/*"]);
        let error = plain_client().send(&request, &grants, &Limits::DEFAULT, within(1_000)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied, "{target}: {}", error.message);
        assert!(error.message.contains("no grant reaches"), "{}", error.message);
    }
}

// A server cannot send a check to a host that is not granted.
#[tokio::test]
async fn redirect_to_ungranted_host_is_denied() {
    let (other, heads) = serve(|_| ok("")).await;
    let to = other.clone();
    let (base, _) = serve(move |_| redirect(&to)).await;
    let mut request = Request::new("GET", &base);
    request.redirects_max = 3;
    let grants = grants(&[&format!("{base}/*")]);
    let error = plain_client().send(&request, &grants, &Limits::DEFAULT, within(1_000)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.message.contains(&other), "{}", error.message);
    assert!(heads.lock().unwrap().is_empty());
}

// Credentials stay at the origin they were meant for; a redirected POST becomes a GET without its body.
#[tokio::test]
async fn credentials_stay_at_their_origin() {
    let (other, heads) = serve(|_| ok("")).await;
    let to = other.clone();
    let (base, _) = serve(move |_| redirect(&to)).await;
    let mut request = Request::new("POST", &base);
    request.body = Bytes::from_static(b"body");
    request.redirects_max = 1;
    for name in ["authorization", "cookie", "content-type", "x-kept"] {
        request.set_header(name, b"value").unwrap();
    }
    assert_eq!(send(&plain_client(), &request).await.unwrap().status, 200);
    let head = heads.lock().unwrap()[0].clone();
    assert!(head.starts_with("GET ") && head.contains("x-kept"), "{head}");
    assert!(!head.contains("authorization") && !head.contains("cookie") && !head.contains("content-"), "{head}");
}

// An endpoint brings base URL and credentials; they win over the guest's headers and never leave its origin.
#[tokio::test]
async fn endpoint_brings_credentials() {
    let (other, strays) = serve(|_| ok("")).await;
    let to = other.clone();
    let (base, heads) = serve(move |head| if head.contains("/away") { redirect(&to) } else { ok("") }).await;
    let mut billing = connection(&base.replace("http://", "http://probe:pa%3Ass@"));
    billing.url.set_path("/v1");
    billing.headers = vec![("X-Api-Key".to_owned(), "k-123".to_owned())];
    let client = client_of(billing);
    let mut request = Request::new("GET", "/orders");
    request.endpoint = Some("billing".to_owned());
    request.redirects_max = 1;
    request.set_header("x-api-key", b"forged").unwrap();
    assert_eq!(send(&client, &request).await.unwrap().status, 200);
    let head = heads.lock().unwrap()[0].clone();
    assert!(head.starts_with("GET /v1/orders "), "{head}");
    assert!(
        head.contains("authorization: Basic cHJvYmU6cGE6c3M=\r\n") && head.contains("x-api-key: k-123\r\n"),
        "{head}"
    );
    assert!(!head.contains("forged"), "{head}");
    request.url = "/away".to_owned();
    assert_eq!(send(&client, &request).await.unwrap().status, 200);
    let stray = strays.lock().unwrap()[0].clone();
    assert!(!stray.contains("k-123") && !stray.contains("authorization"), "{stray}");
}

// A connection is used only by name and only when granted.
#[tokio::test]
async fn endpoint_must_be_granted_and_declared() {
    let client = client_of(connection("http://127.0.0.1:1"));
    let error = client.check_endpoint("billing", &grants(&["http://*:*/*"])).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.message.contains("grants = { http = [\"billing\"] }"), "{}", error.message);
    let broken = client_of(HttpConnection { ca: Some(b"no PEM".to_vec()), ..connection("https://127.0.0.1:1") });
    let error = broken.check_endpoint("billing", &grants(&["billing"])).unwrap_err();
    assert!(error.message.contains("BEGIN CERTIFICATE"), "{}", error.message);
    assert_eq!(broken.unusable().count(), 1);
    let error = client.check_endpoint("shipping", &grants(&["shipping"])).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}

// A body over the limit is `too-large`, announced or not, and the status stays readable.
#[tokio::test]
async fn body_over_the_limit() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    for answer in [ok("hello world"), chunked.to_owned()] {
        let (base, _) = serve(move |_| answer.clone()).await;
        let mut request = Request::new("GET", &base);
        request.body_bytes_max = Some(10);
        let response = send(&plain_client(), &request).await.unwrap();
        assert_eq!((response.status, response.body.unwrap_err().kind), (200, ErrorKind::TooLarge));
        request.body_bytes_max = Some(11);
        assert_eq!(send(&plain_client(), &request).await.unwrap().body.unwrap(), "hello world");
        // The host's own limit is below the guest's.
        let limits = Limits { response_bytes: 10, ..Limits::DEFAULT };
        let grants = grants(&["http://127.0.0.1:*/*"]);
        let response = plain_client().send(&request, &grants, &limits, within(5_000)).await.unwrap();
        assert_eq!(response.body.unwrap_err().kind, ErrorKind::TooLarge);
    }
}

// A head without end is cut.
#[tokio::test]
async fn endless_head_is_too_large() {
    let (base, _) = serve(|_| format!("HTTP/1.1 200 OK\r\nX-Long: {}\r\n\r\n", "a".repeat(200_000))).await;
    let error = send(&plain_client(), &Request::new("GET", &base)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge, "{}", error.message);
    let (base, _) = serve(|_| format!("HTTP/1.1 200 OK\r\n{}\r\n", "X-Many: a\r\n".repeat(200))).await;
    let error = send(&plain_client(), &Request::new("GET", &base)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge, "{}", error.message);
}

// Other protocols, early ends and truncated bodies are `protocol`.
#[tokio::test]
async fn broken_answers() {
    for answer in ["SSH-2.0-OpenSSH_9.9\r\n", "", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"] {
        let (base, _) = serve(move |_| answer.to_owned()).await;
        let error = send(&plain_client(), &Request::new("GET", &base)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Protocol, "{answer:?}: {}", error.message);
    }
}

/// Runs `peer` with the first connection and `request` against it, both plain and encrypted.
async fn times_out<F: Future<Output = ()> + Send + 'static>(scheme: &str, peer: fn(TcpStream) -> F) -> CallError {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("{scheme}://{}/", listener.local_addr().unwrap());
    let task = tokio::spawn(async move { peer(listener.accept().await.unwrap().0).await });
    let mut request = Request::new("GET", &url);
    request.timeout = Some(Duration::from_millis(200));
    let start = Instant::now();
    let error = send(&plain_client(), &request).await.unwrap_err();
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(200) && took < Duration::from_secs(2), "{took:?}");
    task.abort();
    error
}

async fn hang(stream: TcpStream) {
    pending::<()>().await;
    drop(stream);
}

// A peer that accepts and says nothing ends at the request's timeout, in the TLS handshake too.
#[tokio::test]
async fn silent_peers_time_out() {
    let error = times_out("http", hang).await;
    assert_eq!(error.kind, ErrorKind::Timeout);
    assert!(error.message.contains("did not answer"), "{}", error.message);
    let error = times_out("https", hang).await;
    assert_eq!(error.kind, ErrorKind::Timeout);
    assert!(error.message.contains("TLS handshake"), "{}", error.message);
}

// A peer that keeps sending a little never gets more time for it.
#[tokio::test]
async fn dribbling_peers_time_out() {
    async fn dribble(mut stream: TcpStream, first: &str) {
        let _ = stream.write_all(first.as_bytes()).await;
        while stream.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let error = times_out("http", |stream| dribble(stream, "HTTP/1.1 200 OK\r\nX-Slow: ")).await;
    assert_eq!(error.kind, ErrorKind::Timeout);
    let error = times_out("http", |stream| dribble(stream, "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")).await;
    assert_eq!(error.kind, ErrorKind::Timeout);
    assert!(error.message.contains("body"), "{}", error.message);
}

// Dropping a request in flight closes its socket: the server sees the end.
#[tokio::test]
async fn dropping_closes_the_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let request = Request::new("GET", &format!("http://{}/", listener.local_addr().unwrap()));
    let (arrived, has_arrived) = oneshot::channel();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        arrived.send(()).unwrap();
        stream.read(&mut [0; 1]).await
    });
    {
        let client = plain_client();
        let sending = send(&client, &request);
        tokio::select! {
            _ = sending => panic!("nobody answered"),
            arrived = has_arrived => arrived.unwrap(),
        }
    }
    let end = tokio::time::timeout(Duration::from_secs(2), server).await.expect("the server sees the end");
    assert_eq!(end.unwrap().unwrap(), 0);
}

// A name that changes its address between hops is judged again at each hop.
#[tokio::test]
async fn every_hop_is_judged() {
    let (base, _) = serve(|_| redirect("/again")).await;
    let port = base.rsplit_once(':').unwrap().1;
    let egress = Egress { allow: vec!["127.0.0.1/32".parse().unwrap()], deny: vec![] };
    let net = Net::new(egress, script(&[&["127.0.0.1"], &["169.254.169.254"]]));
    let client = HttpClient::new(net, &BTreeMap::new());
    let mut request = Request::new("GET", &format!("http://rebind.example:{port}/"));
    request.redirects_max = 1;
    let grants = grants(&["http://rebind.example:*/*"]);
    let error = client.send(&request, &grants, &Limits::DEFAULT, within(1_000)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
}
