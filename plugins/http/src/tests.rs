//! The check against fake servers.

use probity_check::http::{Certificate, TlsInfo};
use probity_check::serde_json::json;
use probity_check::testing::{Reply, TestHost, assert_schema_matches};

use super::*;

const URL: &str = "http://shop.test/health";

fn run(reply: Reply, mut config: Value) -> Outcome {
    config["url"] = URL.into();
    TestHost::new().http("GET", URL, reply).run::<Http>(config).unwrap()
}

fn verdict(reply: Reply, config: Value) -> (Status, String) {
    let outcome = run(reply, config);
    (outcome.status, outcome.message)
}

#[test]
fn schema_matches_the_configuration() {
    assert_schema_matches::<Http>();
}

// Any 2xx is healthy by default; a list of codes and ranges replaces that.
#[test]
fn status_is_judged() {
    assert_eq!(run(Reply::status(204), json!({})).status, Status::Healthy);
    let wrong = verdict(Reply::status(500), json!({}));
    assert_eq!(wrong, (Status::Unhealthy, "status 500, expected 200-299".into()));
    let config = json!({"status": [418, "500-503"]});
    assert_eq!(run(Reply::status(502), config.clone()).status, Status::Healthy);
    assert_eq!(verdict(Reply::status(200), config).1, "status 200, expected 418 or 500-503");
}

// A slow answer is degraded, a very slow one unhealthy.
#[test]
fn latency_is_judged() {
    let config = json!({"latency": {"warn": "250ms", "crit": "1s"}});
    let status = |ms| run(Reply::status(200).total_ms(ms), config.clone()).status;
    assert_eq!([200.0, 300.0, 1200.0].map(status), [Status::Healthy, Status::Degraded, Status::Unhealthy]);
}

// Expected headers must be there, whatever their case, and contain the text.
#[test]
fn headers_are_judged() {
    let config = json!({"expect-headers": {"content-type": "json", "x-version": ""}});
    let reply = |kind| Reply::status(200).header("Content-Type", kind);
    assert_eq!(run(reply("application/json").header("X-Version", "7"), config.clone()).status, Status::Healthy);
    let (status, message) = verdict(reply("text/html"), config);
    assert_eq!(status, Status::Unhealthy);
    assert_eq!(message, "header content-type is \"text/html\", expected \"json\"; header x-version is missing");
}

// Of several headers of one name any may hold the text; when none does, all are told.
#[test]
fn repeated_headers_are_all_looked_at() {
    let reply = || Reply::status(200).header("Set-Cookie", "lang=en").header("set-cookie", "session=7; HttpOnly");
    assert_eq!(run(reply(), json!({"expect-headers": {"set-cookie": "session="}})).status, Status::Healthy);
    let (status, message) = verdict(reply(), json!({"expect-headers": {"set-cookie": "token="}}));
    assert_eq!(status, Status::Unhealthy);
    assert_eq!(message, "header set-cookie is \"lang=en\" and \"session=7; HttpOnly\", expected \"token=\"");
}

// A redirect that is still one after all that were followed says how many were.
#[test]
fn followed_redirects_are_told() {
    let reply = || Reply::status(302).header("location", "/again");
    assert_eq!(verdict(reply(), json!({"max-redirects": 10})).1, "status 302, expected 200-299; 10 redirects followed");
    assert_eq!(verdict(reply(), json!({})).1, "status 302, expected 200-299");
    assert_eq!(verdict(Reply::status(302), json!({"max-redirects": 10})).1, "status 302, expected 200-299");
}

// Texts must be in the body, or must not.
#[test]
fn body_texts_are_judged() {
    let config = json!({"contains": ["ready"], "excludes": ["error"]});
    assert_eq!(run(Reply::status(200).body("ready"), config.clone()).status, Status::Healthy);
    assert_eq!(
        verdict(Reply::status(200).body("error"), config).1,
        "body does not contain \"ready\"; body contains \"error\""
    );
}

// Values of a JSON body are compared, and numbers judged in three states.
#[test]
fn json_is_judged() {
    let config = json!({"json": [
        {"pointer": "/status", "equals": "ok"},
        {"pointer": "/queue/0", "at-most": {"warn": 100, "crit": 1000}, "at-least": {"crit": 1}},
    ]});
    let status = |body: Value| run(Reply::json(body), config.clone()).status;
    assert_eq!(status(json!({"status": "ok", "queue": [5]})), Status::Healthy);
    assert_eq!(status(json!({"status": "ok", "queue": [101]})), Status::Degraded);
    assert_eq!(status(json!({"status": "ok", "queue": [0]})), Status::Unhealthy);
    assert_eq!(status(json!({"status": "ok", "queue": []})), Status::Unhealthy);
    assert_eq!(status(json!({"status": "ok", "queue": ["many"]})), Status::Unhealthy);
    let wrong = verdict(Reply::json(json!({"status": "down", "queue": [5]})), config.clone());
    assert_eq!(wrong.1, "/status is \"down\", expected \"ok\"");
    assert_eq!(run(Reply::status(200).body("<html>"), config).status, Status::Unhealthy);
}

fn tls(days: i64, verified: Result<(), String>) -> Reply {
    // The test host's clock stands at 2025-01-01.
    let until = 1_735_689_600 + days * 86_400;
    let certificate = |subject: &str, not_after_unix| Certificate {
        subject: subject.into(),
        not_after_unix,
        ..Certificate::default()
    };
    // The one that ends first is needed, wherever it is.
    let chain = vec![certificate("CN=leaf", until + 100 * 86_400), certificate("CN=shop", until)];
    Reply::status(200).tls(TlsInfo {
        protocol: "TLSv1.3".into(),
        cipher: String::new(),
        alpn: None,
        handshake_ms: 1.0,
        chain,
        verified,
    })
}

// A certificate near its end degrades the check before it breaks the service; an untrusted one is unhealthy.
#[test]
fn certificate_is_judged() {
    let status = |days| run(tls(days, Ok(())), json!({})).status;
    assert_eq!([21, 20, 2].map(status), [Status::Healthy, Status::Degraded, Status::Unhealthy]);
    assert_eq!(run(tls(2, Ok(())), json!({})).message, "certificate CN=shop 2 d, less than 3 d");
    let untrusted = verdict(tls(90, Err("unknown issuer".into())), json!({}));
    assert_eq!(untrusted, (Status::Unhealthy, "certificate is not trusted: unknown issuer".into()));
}

// The request is what the configuration says.
#[test]
fn request_follows_the_configuration() {
    let host = TestHost::new().http("POST", "shop:/orders", Reply::status(201));
    let config = json!({"url": "/orders", "endpoint": "shop", "method": "POST", "headers": {"accept": "text/plain"},
        "body": "{}", "timeout": "2s", "max-redirects": 3});
    assert_eq!(host.run::<Http>(config).unwrap().status, Status::Healthy);
    let sent = &host.requests()[0];
    assert_eq!(sent.headers, [("accept".to_owned(), b"text/plain".to_vec())]);
    assert_eq!((sent.body.as_deref(), sent.timeout_ms, sent.max_redirects), (Some(&b"{}"[..]), Some(2000), Some(3)));
}

// A service that does not answer is unhealthy; one that may not be asked is not judged.
#[test]
fn errors_are_judged_by_whom_they_are_about() {
    let run = |kind| {
        let host = TestHost::new().http_error("GET", URL, Error::new(kind, "no"));
        host.run::<Http>(json!({"url": URL}))
    };
    let refused = run(ErrorKind::Refused).unwrap();
    assert_eq!(
        (refused.status, refused.message.as_str()),
        (Status::Unhealthy, "GET http://shop.test/health: refused: no")
    );
    assert!(matches!(run(ErrorKind::Denied), Err(Failure::Capability(_))));
    let broken = Reply::status(200).body_error(Error::new(ErrorKind::TooLarge, "2 MiB"));
    let host = TestHost::new().http("GET", URL, broken);
    assert!(host.run::<Http>(json!({"url": URL, "contains": ["x"]})).is_err());
}

// Without a URL there is nothing to ask, and the configuration says so.
#[test]
fn missing_url_is_invalid_configuration() {
    let result = TestHost::new().run::<Http>(json!({}));
    assert!(matches!(result, Err(Failure::InvalidConfig(text)) if text.contains("missing field `url`")));
}
