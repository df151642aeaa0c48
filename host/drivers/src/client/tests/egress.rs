//! Attempts to get where no grant leads: by redirect, by name, by spelling, by `Host`.

use super::*;

/// All of loopback but one address is denied: what listens there may not be reached, whatever is tried.
fn fenced(resolver: Resolver) -> HttpClient {
    let egress = Egress { allow: vec!["127.0.0.0/8".parse().unwrap()], deny: vec!["127.0.0.66/32".parse().unwrap()] };
    HttpClient::new(Net::new(egress, resolver), &BTreeMap::new())
}

/// A server inside the fence, and the number of connections that reached it.
async fn hidden() -> (u16, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.66:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let reached = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&reached);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            *counted.lock().unwrap() += 1;
            let _ = stream.write_all(ok("secret").as_bytes()).await;
        }
    });
    (port, reached)
}

async fn try_all(client: &HttpClient, url: &str, redirects_max: u32) -> Result<Response, CallError> {
    let mut request = Request::new("GET", url);
    request.redirects_max = redirects_max;
    client.send(&request, &grants(&["http://*:*/*", "http://127.0.0.0/8:*/*"]), &Limits::DEFAULT, within(2_000)).await
}

// A server cannot redirect a check into a range that the operator denied, in any spelling of the address.
#[tokio::test]
async fn redirect_into_a_denied_range() {
    let (port, reached) = hidden().await;
    for spelling in
        ["127.0.0.66", "127.66", "0x7f000042", "2130706498", "0177.0.0.0102", "[::ffff:127.0.0.66]", "[::ffff:7f00:42]"]
    {
        let to = format!("http://{spelling}:{port}/");
        let (base, _) = serve(move |_| redirect(&to)).await;
        let error = try_all(&fenced(Resolver::default()), &base, 1).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied, "{spelling}: {}", error.message);
    }
    assert_eq!(*reached.lock().unwrap(), 0);
}

// The same address asked for directly, mapped into IPv6 or not, is denied before a connection is made.
#[tokio::test]
async fn mapped_addresses_are_judged_as_what_they_are() {
    let (port, reached) = hidden().await;
    for spelling in ["127.0.0.66", "[::ffff:127.0.0.66]", "[64:ff9b::7f00:42]", "[2002:7f00:42::]"] {
        let error = try_all(&fenced(Resolver::default()), &format!("http://{spelling}:{port}/"), 0).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied, "{spelling}: {}", error.message);
    }
    let mapped = fenced(script(&[&["::ffff:127.0.0.66"]]));
    let error = try_all(&mapped, &format!("http://mapped.example:{port}/"), 0).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert_eq!(*reached.lock().unwrap(), 0);
}

// A name that turns to a denied address between two looks is connected to where it was judged, and no longer after.
#[tokio::test]
async fn rebinding_reaches_nothing() {
    let (port, reached) = hidden().await;
    let open = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let client = fenced(script(&[&["127.0.0.1"], &["127.0.0.66"]]));
    let url = format!("http://rebind.example:{port}/");
    let server = async {
        let (mut stream, _) = open.accept().await.unwrap();
        read_head(&mut stream).await;
        stream.write_all(ok("open").as_bytes()).await.unwrap();
    };
    let (response, ()) = tokio::join!(try_all(&client, &url, 0), server);
    assert_eq!(response.unwrap().body.unwrap(), "open");
    assert_eq!(try_all(&client, &url, 0).await.unwrap_err().kind, ErrorKind::Denied);
    assert_eq!(*reached.lock().unwrap(), 0);
}

// Of a name with an open and a denied address only the open one is tried, even when it is closed.
#[tokio::test]
async fn denied_address_is_no_second_choice() {
    let (port, reached) = hidden().await;
    let client = fenced(script(&[&["127.0.0.1", "127.0.0.66"]]));
    let error = try_all(&client, &format!("http://both.example:{port}/"), 0).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused, "{}", error.message);
    assert_eq!(*reached.lock().unwrap(), 0);
}

// The `Host` that a server sees is that of the URL that was judged: a guest cannot set it, hop by hop it follows.
#[tokio::test]
async fn host_header_is_of_the_judged_url() {
    let (end, ends) = serve(|_| ok("")).await;
    let to = end.clone();
    let (base, heads) = serve(move |_| redirect(&to)).await;
    let mut request = Request::new("GET", &base);
    for name in ["host", "Host", "HOST"] {
        assert_eq!(request.set_header(name, b"admin.internal").unwrap_err().kind, ErrorKind::InvalidArgument);
        assert_eq!(request.add_header(name, b"admin.internal").unwrap_err().kind, ErrorKind::InvalidArgument);
    }
    for (name, value) in [("x", "y\r\nhost: admin.internal"), ("x\r\nhost", "admin.internal"), ("host ", "x")] {
        assert!(request.set_header(name, value.as_bytes()).is_err(), "{name:?}");
    }
    request.redirects_max = 1;
    assert_eq!(send(&plain_client(), &request).await.unwrap().status, 200);
    for (heads, base) in [(heads, base), (ends, end)] {
        let head = heads.lock().unwrap()[0].to_lowercase();
        let hosts: Vec<&str> = head.lines().filter(|line| line.starts_with("host:")).collect();
        assert_eq!(hosts, [format!("host: {}", &base["http://".len()..])], "{head}");
    }
}

// What looks like one host to a reader and another to a parser goes nowhere that was not judged.
#[tokio::test]
async fn doubtful_urls_reach_nothing() {
    let (port, reached) = hidden().await;
    for url in [
        format!("http://127.0.0.1@127.0.0.66:{port}/"),
        format!("http://127.0.0.66:{port}\\@127.0.0.1/"),
        format!("http://127.0.0.66:{port}#@127.0.0.1/"),
        format!("http://127.0.0.66:{port}?@127.0.0.1/"),
        format!("http:127.0.0.66:{port}/"),
        format!("http:////127.0.0.66:{port}/"),
        format!("http://127。0。0。66:{port}/"),
        format!("http://①②⑦.0.0.66:{port}/"),
        format!("\thttp://127.0.0.66:{port}/\n"),
    ] {
        let error = try_all(&fenced(Resolver::default()), &url, 3).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Denied | ErrorKind::InvalidArgument), "{url}: {error:?}");
    }
    assert_eq!(*reached.lock().unwrap(), 0);
}
