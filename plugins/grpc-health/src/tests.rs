//! The check against scripted answers; the real server is in tests/tests/all/grpc.rs.

use probity_check::serde_json::{Value, json};
use probity_check::testing::{Reply, TestHost, assert_schema_matches};

use super::*;

const URL: &str = "http://orders.test:50051/grpc.health.v1.Health/Check";

fn grpc() -> Reply {
    Reply::status(200).header("content-type", "application/grpc+proto")
}

fn answer(status: u8) -> Reply {
    grpc().body([0, 0, 0, 0, 2, 8, status]).trailer("grpc-status", "0")
}

fn run(reply: Reply, mut config: Value) -> Outcome {
    config["url"] = "http://orders.test:50051/".into();
    TestHost::new().http("POST", URL, reply).run::<GrpcHealth>(config).unwrap()
}

#[test]
fn schema_matches_the_configuration() {
    assert_schema_matches::<GrpcHealth>();
}

// Only SERVING is healthy, as for grpc_health_probe and Kubernetes; the message says which of the others it was.
#[test]
fn only_serving_is_healthy() {
    assert_eq!(run(answer(1), json!({})).message, "http://orders.test:50051 is SERVING, 1 ms");
    for (status, said) in [(0, "UNKNOWN"), (2, "NOT_SERVING"), (3, "SERVICE_UNKNOWN"), (9, "unknown status, 9")] {
        let outcome = run(answer(status), json!({"service": "a.B"}));
        assert_eq!(outcome.status, Status::Unhealthy, "{said}");
        assert!(outcome.message.starts_with("a.B: ") && outcome.message.contains(said), "{}", outcome.message);
    }
}

// A status other than OK is unhealthy, in trailers or in the head, with the server's words decoded.
#[test]
fn refusals_are_unhealthy() {
    let trailing = grpc().trailer("grpc-status", "14").trailer("grpc-message", "db%20is %C3%A4way%");
    assert!(run(trailing, json!({})).message.ends_with("UNAVAILABLE, grpc-status 14: \"db is äway%\""));
    let at_once = grpc().header("grpc-status", "5").header("grpc-message", "unknown service");
    assert!(run(at_once, json!({})).message.contains("no such service (NOT_FOUND), grpc-status 5"));
    let without = grpc().header("grpc-status", "12");
    assert!(run(without, json!({})).message.contains("does not implement grpc.health.v1 (UNIMPLEMENTED)"));
}

// What is no gRPC, or breaks off before its status, is unhealthy.
#[test]
fn nonsense_is_unhealthy() {
    let web = Reply::status(200).header("content-type", "text/html").body("hello");
    assert!(run(web, json!({})).message.ends_with("answered HTTP 200 and no gRPC"));
    assert!(run(grpc().body([0, 0, 0, 0, 2, 8, 1]), json!({})).message.ends_with("without a grpc-status"));
    assert_eq!(run(grpc().trailer("grpc-status", "0"), json!({})).message, "http://orders.test:50051: no message came");
    let endless = grpc().body_error(Error::new(ErrorKind::TooLarge, "more than 64 KiB"));
    assert_eq!(run(endless, json!({})).status, Status::Unhealthy);
    let refused = TestHost::new().run::<GrpcHealth>(json!({"url": "http://orders.test:50051"})).unwrap();
    assert_eq!(refused.status, Status::Unhealthy);
}

// The call is HTTP/2 only, names its service, and carries metadata and a deadline in gRPC's form.
#[test]
fn call_is_grpc() {
    let host = TestHost::new().http("POST", "orders:/grpc.health.v1.Health/Check", answer(1));
    let config =
        json!({"endpoint": "orders", "service": "a.B", "timeout": "1500ms", "metadata": {"x-tenant": "probe"}});
    assert_eq!(host.run::<GrpcHealth>(config).unwrap().status, Status::Healthy);
    let sent = host.requests().remove(0);
    let header = |name: &str| sent.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_slice());
    assert!(sent.http2_only);
    assert_eq!(sent.body.as_deref(), Some(&[0, 0, 0, 0, 5, 0x0a, 3, b'a', b'.', b'B'][..]));
    assert_eq!(header("grpc-timeout"), Some(&b"1500m"[..]));
    assert_eq!(header("x-tenant"), Some(&b"probe"[..]));
    assert_eq!(header("content-type"), Some(&b"application/grpc"[..]));
}

// A slow answer is degraded or unhealthy, whatever it says.
#[test]
fn latency_is_judged() {
    let status = |ms| run(answer(1).total_ms(ms), json!({"latency": {"warn": "100ms", "crit": "1s"}})).status;
    assert_eq!([50.0, 200.0, 2_000.0].map(status), [Status::Healthy, Status::Degraded, Status::Unhealthy]);
}

// The server is named once, without a path; what is not granted is no judgement.
#[test]
fn configuration_and_denial() {
    for config in [
        json!({}),
        json!({"url": "http://a.test", "endpoint": "orders"}),
        json!({"url": "a.test:50051"}),
        json!({"url": "http://a.test/path"}),
        json!({"url": "http:///"}),
    ] {
        let refused = TestHost::new().run::<GrpcHealth>(config.clone());
        assert!(matches!(refused, Err(Failure::InvalidConfig(_))), "{config}");
    }
    let denied = TestHost::new().http_error("POST", URL, Error::new(ErrorKind::Denied, "not granted"));
    let result = denied.run::<GrpcHealth>(json!({"url": "http://orders.test:50051"}));
    assert!(matches!(result, Err(Failure::Capability(error)) if error.kind == ErrorKind::Denied));
}
