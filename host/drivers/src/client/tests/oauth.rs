//! Tokens of an endpoint: fetched, kept, renewed, never shown.

use std::sync::atomic::{AtomicUsize, Ordering};

use probity_config::{OAuth2, SecretPlace, Secrets};

use super::*;

/// A token endpoint that gives `t-1`, `t-2`, … for so many seconds; its URL and what it was asked.
async fn tokens(expires_in: u32) -> (String, Arc<Mutex<Vec<String>>>) {
    let count = AtomicUsize::new(0);
    serve(move |_| {
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        json(&format!("{{\"access_token\":\"t-{number}\",\"token_type\":\"Bearer\",\"expires_in\":{expires_in}}}"))
    })
    .await
}

fn json(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn client(base: &str, token_base: &str) -> HttpClient {
    client_of(HttpConnection {
        oauth2: Some(Box::new(OAuth2 {
            token_url: format!("{token_base}/token?tenant=a").parse().unwrap(),
            client_id: "probity".to_owned(),
            client_secret: "hunter2 & more".to_owned(),
            scope: Some("orders.read stock".to_owned()),
            audience: None,
            secret_in: SecretPlace::Header,
            ca: None,
        })),
        ..connection(base)
    })
}

fn through_billing() -> Request {
    let mut request = Request::new("GET", "/");
    request.endpoint = Some("billing".to_owned());
    request
}

fn tokens_of(heads: &Mutex<Vec<String>>) -> Vec<String> {
    let heads = heads.lock().unwrap();
    let lines = heads.iter().filter_map(|head| head.lines().find_map(|line| line.strip_prefix("authorization: ")));
    lines.map(str::to_owned).collect()
}

// A token is fetched once, with the credentials as the standard wants them, and goes with every request.
#[tokio::test]
async fn a_token_is_fetched_and_kept() {
    let (token_base, asked) = tokens(3600).await;
    let (base, heads) = serve(|_| ok("")).await;
    let client = client(&base, &token_base);
    let mut request = through_billing();
    request.set_header("authorization", b"forged").unwrap();
    for _ in 0..3 {
        assert_eq!(send(&client, &request).await.unwrap().status, 200);
    }
    assert_eq!(tokens_of(&heads), ["Bearer t-1"; 3]);
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].starts_with("POST /token?tenant=a HTTP/1.1\r\n"), "{}", asked[0]);
    // probity:hunter2+%26+more
    assert!(asked[0].contains("authorization: Basic cHJvYml0eTpodW50ZXIyKyUyNittb3Jl\r\n"), "{}", asked[0]);
    assert!(!format!("{client:?}").contains("hunter2") && !format!("{client:?}").contains("t-1"));
}

// A token is a secret like those of the configuration: what a server says of it is redacted, also by the copies that runs and
// the log had before it was fetched.
#[tokio::test]
async fn tokens_are_redacted() {
    let (token_base, _) = serve(|_| json("{\"access_token\":\"eyJhbGciOi.of-one-hour\",\"expires_in\":3600}")).await;
    let (base, _) = serve(ok).await;
    let secrets = Secrets::new(["hunter2 & more".to_owned()]);
    let of_the_log = secrets.with_escapes();
    let client = client(&base, &token_base).keeping(&secrets);
    let answer = send(&client, &through_billing()).await.unwrap();
    let body = String::from_utf8(answer.body.unwrap().to_vec()).unwrap();
    assert!(body.contains("Bearer eyJhbGciOi.of-one-hour"), "{body}");
    for known in [secrets, of_the_log] {
        let clean = known.redact(&body).into_owned();
        assert!(clean.contains("Bearer [redacted]") && !clean.contains("eyJhbGciOi"), "{clean}");
    }
}

// Whoever comes while a token is fetched waits for that one.
#[tokio::test]
async fn many_wait_for_one_token() {
    let (token_base, asked) = tokens(3600).await;
    let (base, heads) = serve(|_| ok("")).await;
    let client = client(&base, &token_base);
    let requests = [through_billing(), through_billing(), through_billing(), through_billing()];
    let answers = futures_util::future::join_all(requests.iter().map(|request| send(&client, request))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!((asked.lock().unwrap().len(), tokens_of(&heads)), (1, vec!["Bearer t-1".to_owned(); 4]));
}

// One that gave up does not take the token from those who still wait.
#[tokio::test]
async fn giving_up_costs_nobody_else() {
    let (token_base, asked) = tokens(3600).await;
    let (base, _) = serve(|_| ok("")).await;
    let client = client(&base, &token_base);
    let mut hasty = through_billing();
    hasty.timeout = Some(Duration::ZERO);
    assert_eq!(send(&client, &hasty).await.unwrap_err().kind, ErrorKind::Timeout);
    assert_eq!(send(&client, &through_billing()).await.unwrap().status, 200);
    assert_eq!(asked.lock().unwrap().len(), 1);
}

// A token is renewed before it ends: one that is as good as over is not sent again.
#[tokio::test]
async fn tokens_are_renewed_in_time() {
    let (token_base, _) = tokens(0).await;
    let (base, heads) = serve(|_| ok("")).await;
    let client = client(&base, &token_base);
    for _ in 0..2 {
        send(&client, &through_billing()).await.unwrap();
    }
    assert_eq!(tokens_of(&heads), ["Bearer t-1", "Bearer t-2"]);
}

// A server that does not take a kept token gets a new one, once; what it says then is the answer.
#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    const REFUSED: &str = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    let (token_base, asked) = tokens(3600).await;
    let (base, heads) = serve(|head| if head.contains("Bearer t-2") { ok("") } else { REFUSED.to_owned() }).await;
    let client = client(&base, &token_base);
    // Fetched for this request: another one would be no better.
    assert_eq!(send(&client, &through_billing()).await.unwrap().status, 401);
    assert_eq!(send(&client, &through_billing()).await.unwrap().status, 200);
    assert_eq!(tokens_of(&heads), ["Bearer t-1", "Bearer t-1", "Bearer t-2"]);
    let (base, heads) = serve(|_| REFUSED.to_owned()).await;
    let client = self::client(&base, &token_base);
    for _ in 0..2 {
        assert_eq!(send(&client, &through_billing()).await.unwrap().status, 401);
    }
    assert_eq!((heads.lock().unwrap().len(), asked.lock().unwrap().len()), (3, 4));
}

// Errors of the token endpoint are told as such, without the secret; nothing is sent to the service.
#[tokio::test]
async fn errors_of_the_token_endpoint_are_named() {
    let (base, heads) = serve(|_| ok("")).await;
    let refusal = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 56\r\n\r\n{\"error\":\"invalid_client\",\"error_description\":\"hunter2\"}";
    let (token_base, _) = serve(|_| refusal.to_owned()).await;
    let error = send(&client(&base, &token_base), &through_billing()).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Auth, Some("invalid_client")));
    assert!(error.message.starts_with(&format!("token endpoint {token_base}/token: ")), "{}", error.message);
    assert!(!error.message.contains("hunter2"), "{}", error.message);
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = send(&client(&base, &format!("http://{gone}")), &through_billing()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
    assert!(error.message.starts_with("token endpoint "), "{}", error.message);
    let error = send(&client(&base, "http://169.254.169.254"), &through_billing()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{}", error.message);
    assert!(heads.lock().unwrap().is_empty());
}

// A token stays at its endpoint: a redirect elsewhere goes without.
#[tokio::test]
async fn tokens_stay_at_their_endpoint() {
    let (token_base, _) = tokens(3600).await;
    let (other, strays) = serve(|_| ok("")).await;
    let to = other.clone();
    let (base, _) = serve(move |_| redirect(&to)).await;
    let mut request = through_billing();
    request.redirects_max = 1;
    assert_eq!(send(&client(&base, &token_base), &request).await.unwrap().status, 200);
    assert!(!strays.lock().unwrap()[0].contains("t-1"), "{:?}", strays.lock().unwrap());
}
