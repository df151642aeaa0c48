//! Endpoints behind a proxy.

use tokio::io::copy_bidirectional;

use super::tls::{pki, serve_tls, through_billing};
use super::*;

/// A proxy that tunnels to what it is asked for when the head holds `password`. The heads it read are kept.
async fn tunnel_proxy(password: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let head = read_head(&mut client).await;
            kept.lock().unwrap().push(head.clone());
            if !head.contains(password) {
                let refusal = format!("HTTP/1.1 407 No\r\nX-Echo: {}\r\n\r\n", head.replace("\r\n", " "));
                let _ = client.write_all(refusal.as_bytes()).await;
                continue;
            }
            tokio::spawn(async move {
                let port = head.split(' ').nth(1).unwrap().rsplit_once(':').unwrap().1.to_owned();
                let mut server = TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
                client.write_all(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n").await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (address, heads)
}

/// Of nothing but this connection, and a resolver that knows no name: only the proxy may be connected to.
fn client_behind(proxy: &str, billing: HttpConnection) -> HttpClient {
    let billing = HttpConnection { proxy: Some(proxy.parse().unwrap()), ..billing };
    let net = Net::new(Egress::default(), script(&[&[]]));
    HttpClient::new(net, &BTreeMap::from([("billing".to_owned(), Connection::Http(billing))]))
}

// An https endpoint is reached through a tunnel; TLS is the server's, and the proxy's credentials stay with the proxy.
#[tokio::test]
async fn https_goes_through_a_tunnel() {
    for alpn in ["h2", "http/1.1"] {
        let pki = pki(30, &[alpn]);
        let base = serve_tls(pki.config).await;
        // base64 of `me:swordfish`.
        let (proxy, heads) = tunnel_proxy("Proxy-Authorization: Basic bWU6c3dvcmRmaXNo\r\n").await;
        let billing = HttpConnection { ca: Some(pki.authority.into_bytes()), ..connection(&base) };
        let client = client_behind(&format!("http://me:swordfish@{proxy}"), billing);
        let response = send(&client, &through_billing()).await.unwrap();
        assert_eq!((response.status, response.body.unwrap().as_ref()), (200, b"pong".as_ref()));
        assert_eq!(response.tls.unwrap().chain[0].dns_names, ["localhost"]);
        assert_eq!(response.remote_address.to_string(), proxy);
        let port = base.rsplit_once(':').unwrap().1;
        let head = heads.lock().unwrap()[0].clone();
        assert!(
            head.starts_with(&format!("CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n")),
            "{head}"
        );
    }
}

// A plain endpoint is asked of the proxy by its whole URL, though its name means nothing here.
#[tokio::test]
async fn http_is_asked_of_the_proxy() {
    let (proxy, heads) = serve(|_| ok("pong")).await;
    let client = client_behind(&proxy.replace("http://", "http://me:swordfish@"), connection("http://shop.example/v1"));
    let mut request = through_billing();
    request.url = "/orders?x=1".to_owned();
    assert_eq!(send(&client, &request).await.unwrap().body.unwrap(), "pong");
    let head = heads.lock().unwrap()[0].clone();
    assert!(head.starts_with("GET http://shop.example/v1/orders?x=1 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("host: shop.example\r\n"), "{head}");
    assert!(head.contains("proxy-authorization: Basic bWU6c3dvcmRmaXNo\r\n"), "{head}");
}

// What a proxy refuses says so, and neither its credentials nor its own words are in the message.
#[tokio::test]
async fn refusals_are_told_without_credentials() {
    let (proxy, _) = tunnel_proxy("the right password").await;
    let client = client_behind(&format!("http://me:swordfish@{proxy}"), connection("https://shop.example"));
    let error = send(&client, &through_billing()).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Auth, Some("407")));
    assert!(error.message.contains("CONNECT shop.example:443: status 407"), "{}", error.message);
    let shown = format!("{error:?} {client:?}");
    assert!(!shown.contains("swordfish") && !shown.contains("bWU6"), "{shown}");
}

// A proxy that is silent, endless or no proxy ends in time and says what it was.
#[tokio::test]
async fn broken_proxies() {
    let (silent, endless) = ("", "HTTP/1.1 200 OK\r\nX: ".to_owned() + &"a".repeat(20_000));
    for (answer, kind) in [
        (silent, ErrorKind::Protocol),
        (endless.as_str(), ErrorKind::Protocol),
        ("SSH-2.0-x\r\n\r\n", ErrorKind::Protocol),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", ErrorKind::Refused),
    ] {
        let answer = answer.to_owned();
        let (proxy, _) = serve(move |_| answer.clone()).await;
        let error = send(&client_behind(&proxy, connection("https://shop.example")), &through_billing()).await;
        assert_eq!(error.unwrap_err().kind, kind);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client =
        client_behind(&format!("http://{}", listener.local_addr().unwrap()), connection("https://shop.example"));
    let mut request = through_billing();
    request.timeout = Some(Duration::from_millis(200));
    let error = send(&client, &request).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout, "{}", error.message);
    assert!(error.message.contains("did not open a tunnel to shop.example"), "{}", error.message);
}

// The egress policy judges the proxy's address, and a target that is written as an address.
#[tokio::test]
async fn egress_judges_the_proxy() {
    let metadata = client_behind("http://169.254.169.254:80", connection("https://shop.example"));
    let error = send(&metadata, &through_billing()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{}", error.message);
    let (proxy, heads) = serve(|_| ok("")).await;
    for target in ["http://169.254.169.254/latest", "http://[::ffff:169.254.169.254]/"] {
        let error = send(&client_behind(&proxy, connection(target)), &through_billing()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied, "{target}: {}", error.message);
    }
    assert!(heads.lock().unwrap().is_empty());
}

// A redirect out of the endpoint leaves its proxy behind, and is judged like any other.
#[tokio::test]
async fn redirects_leave_the_proxy() {
    let (proxy, _) = serve(|_| redirect("http://elsewhere.example/")).await;
    let client = client_behind(&proxy, connection("http://shop.example"));
    let mut request = through_billing();
    request.redirects_max = 1;
    let error = send(&client, &request).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.message.contains("http://elsewhere.example/ is not granted"), "{}", error.message);
}
