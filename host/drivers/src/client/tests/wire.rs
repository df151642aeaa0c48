//! What servers really send: encodings, characters, cookies, odd redirects.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

/// A server that answers with whole bytes.
async fn serve_bytes(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let head = read_head(&mut stream).await;
            let bytes = answer(&head);
            kept.lock().unwrap().push(head);
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
    });
    (base, heads)
}

fn answer(headers: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    answer
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

// A check sees the words of a compressed page, and the headers as they were sent; `wasi:http` sees the bytes.
#[tokio::test]
async fn compressed_pages_are_read() {
    let page =
        answer("Content-Encoding: gzip\r\nContent-Type: text/html; charset=latin1\r\n", &gzip(b"gest\xf6rt: an error"));
    let (base, heads) = serve_bytes(move |_| page.clone()).await;
    let mut request = Request::new("GET", &base);
    let response = send(&plain_client(), &request).await.unwrap();
    assert_eq!(response.body.unwrap(), "gestört: an error");
    assert!(response.headers.contains(&("content-encoding".to_owned(), b"gzip".to_vec())));
    // What is not asked for is not measured either: servers answer as they do to whoever says nothing.
    assert!(!heads.lock().unwrap()[0].contains("accept-encoding"));
    request.raw = true;
    assert_eq!(send(&plain_client(), &request).await.unwrap().body.unwrap(), gzip(b"gest\xf6rt: an error"));
}

// A bomb and an encoding that nobody knows leave the status readable, and no body.
#[tokio::test]
async fn unreadable_bodies_are_no_bodies() {
    for (encoding, body, kind) in [
        ("gzip", gzip(&vec![0; 4 << 20]), ErrorKind::TooLarge),
        ("compress", b"x".to_vec(), ErrorKind::Unsupported),
        ("gzip", b"plain".to_vec(), ErrorKind::Protocol),
    ] {
        let page = answer(&format!("Content-Encoding: {encoding}\r\n"), &body);
        let (base, _) = serve_bytes(move |_| page.clone()).await;
        let response = send(&plain_client(), &Request::new("GET", &base)).await.unwrap();
        assert_eq!((response.status, response.body.unwrap_err().kind), (200, kind));
    }
}

// Raw UTF-8 in a redirect is followed as browsers follow it, other bytes as they are.
#[tokio::test]
async fn redirects_in_utf8_are_followed() {
    for (location, path) in [("/störung?ä=1".as_bytes(), "/st%C3%B6rung?%C3%A4=1"), (b"/st\xf6rung", "/st%F6rung")] {
        let redirect = [b"HTTP/1.1 302 Found\r\nLocation: ", location, b"\r\nContent-Length: 0\r\n\r\n"].concat();
        let (base, heads) =
            serve_bytes(move |head| if head.starts_with("GET / ") { redirect.clone() } else { answer("", b"end") })
                .await;
        let mut request = Request::new("GET", &base);
        request.redirects_max = 1;
        assert_eq!(send(&plain_client(), &request).await.unwrap().body.unwrap(), "end");
        assert!(heads.lock().unwrap()[1].starts_with(&format!("GET {path} ")), "{:?}", heads.lock().unwrap()[1]);
    }
}

// Where a redirect leads does not matter to whoever does not follow it.
#[tokio::test]
async fn redirects_that_are_not_followed_are_not_read() {
    let (base, _) = serve(|_| redirect("http://[nonsense")).await;
    let mut request = Request::new("GET", &base);
    assert_eq!(send(&plain_client(), &request).await.unwrap().status, 302);
    request.redirects_max = 1;
    assert_eq!(send(&plain_client(), &request).await.unwrap_err().kind, ErrorKind::Protocol);
}

// When all redirects that may be followed were, the answer says how many and that there is more.
#[tokio::test]
async fn more_redirects_are_told() {
    let (base, _) = serve(|_| redirect("/again?token=secret")).await;
    let mut request = Request::new("GET", &base);
    assert!(send(&plain_client(), &request).await.unwrap().notes.is_empty());
    request.redirects_max = 10;
    let notes = send(&plain_client(), &request).await.unwrap().notes;
    assert_eq!(notes, [format!("10 redirects followed, and {base}/again redirects once more")]);
    request.redirects_max = 1;
    assert!(send(&plain_client(), &request).await.unwrap().notes[0].starts_with("1 redirect followed"));
}

fn cookies_of(head: &str) -> Vec<&str> {
    head.lines().filter_map(|line| line.strip_prefix("cookie: ")).collect()
}

// What a login sets on its way goes with the next hop and the next request of the run, and not to another host.
#[tokio::test]
async fn cookies_are_kept_for_their_host() {
    let (other, strays) = serve(|_| ok("")).await;
    let other = other.replace("127.0.0.1", "localhost");
    let away = other.clone();
    let (base, heads) = serve(move |head| match head.split(' ').nth(1).unwrap() {
        "/login" => "HTTP/1.1 302 Found\r\nLocation: /home\r\nSet-Cookie: session=7; HttpOnly; Path=/\r\n\
                     Set-Cookie: lang=en\r\nContent-Length: 0\r\n\r\n"
            .to_owned(),
        "/away" => redirect(&away),
        _ => ok(""),
    })
    .await;
    let jar = Jar::default();
    let ask = |path: &str| {
        let mut request = Request::new("GET", &format!("{base}{path}"));
        request.redirects_max = 1;
        request.with_cookies(jar.clone())
    };
    let client = HttpClient::new(Net::new(Egress::default(), script(&[&["127.0.0.1"]])), &BTreeMap::new());
    let grants = grants(&["http://127.0.0.1:*/*", "http://localhost:*/*"]);
    for path in ["/login", "/orders", "/away"] {
        client.send(&ask(path), &grants, &Limits::DEFAULT, within(5_000)).await.unwrap();
    }
    // Another run knows nothing of it.
    let fresh = Request::new("GET", &format!("{base}/orders"));
    assert_eq!(send(&plain_client(), &fresh).await.unwrap().status, 200);
    let heads = heads.lock().unwrap();
    let (login, both) = (Vec::<&str>::new(), vec!["session=7; lang=en"]);
    assert_eq!(
        heads.iter().map(|head| cookies_of(head)).collect::<Vec<_>>(),
        [login.clone(), both.clone(), both.clone(), both, login.clone()]
    );
    assert_eq!(cookies_of(&strays.lock().unwrap()[0]), login);
}
