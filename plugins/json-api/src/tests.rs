//! Scenarios against a fake API.

use probity_check::Observed;
use probity_check::serde_json::{Value, json};
use probity_check::testing::{Reply, TestHost, assert_schema_matches};

use super::*;

const TOKEN: &str = "s3cr3t-token";

/// Log in, order, verify, cancel.
fn shop() -> Value {
    json!({"endpoint": "shop", "steps": [
        {"name": "login", "method": "POST", "url": "/login", "json": {"user": "probe"}, "capture": {"token": "/token"}},
        {"name": "order", "method": "POST", "url": "/orders", "headers": {"authorization": "Bearer {{token}}"},
            "json": {"item": 1, "note": "probe {{run-id}}"}, "status": [201], "capture": {"id": "/order/id"}},
        {"name": "verify", "url": "/orders/{{id}}", "headers": {"authorization": "Bearer {{token}}"},
            "expect": [{"pointer": "/id", "equals": "{{id}}"}, {"pointer": "/total", "at-most": {"warn": 100}}]},
        {"name": "cancel", "method": "DELETE", "url": "/orders/{{id}}", "always": true},
    ]})
}

fn login() -> TestHost {
    TestHost::new().http("POST", "shop:/login", Reply::json(json!({"token": TOKEN})))
}

fn ordered() -> TestHost {
    let created = Reply::status(201).body(json!({"order": {"id": 17}}).to_string());
    login().http("POST", "shop:/orders", created).http("DELETE", "shop:/orders/17", Reply::status(204))
}

fn sent(host: &TestHost) -> Vec<String> {
    host.requests().iter().map(|request| format!("{} {}", request.method, request.url)).collect()
}

#[test]
fn schema_matches_the_configuration() {
    assert_schema_matches::<JsonApi>();
}

// What one step captures the next ones use, in path, headers, body and expectations, with its type.
#[test]
fn scenario_plays_to_its_end() {
    let host = ordered().http("GET", "shop:/orders/17", Reply::json(json!({"id": 17, "total": 5})));
    let outcome = host.run::<JsonApi>(shop()).unwrap();
    assert_eq!((outcome.status, outcome.message.as_str()), (Status::Healthy, "4 steps in 4 ms"));
    assert_eq!(sent(&host), ["POST /login", "POST /orders", "GET /orders/17", "DELETE /orders/17"]);
    let order = &host.requests()[1];
    assert_eq!(order.headers[0], ("content-type".to_owned(), b"application/json".to_vec()));
    assert_eq!(order.headers[1].1, format!("Bearer {TOKEN}").into_bytes());
    let note: Value = serde_json::from_slice(order.body.as_deref().unwrap()).unwrap();
    assert!(note["note"].as_str().unwrap().starts_with("probe 019a"), "{note}");
    let names: Vec<&str> = outcome.measurements.iter().map(|measurement| measurement.name.as_str()).collect();
    assert_eq!(names[2..4], ["verify /total", "verify latency"]);
}

// A step that fails ends the scenario, but for what cleans up after it.
#[test]
fn failed_step_ends_the_scenario() {
    let host = ordered().http("GET", "shop:/orders/17", Reply::status(404));
    let outcome = host.run::<JsonApi>(shop()).unwrap();
    assert_eq!((outcome.status, outcome.message.as_str()), (Status::Unhealthy, "verify: status 404, expected 200-299"));
    assert_eq!(sent(&host).last().unwrap(), "DELETE /orders/17");
    let host = login().http("POST", "shop:/orders", Reply::status(500));
    assert_eq!(host.run::<JsonApi>(shop()).unwrap().message, "order: status 500, expected 201");
    assert_eq!(sent(&host), ["POST /login", "POST /orders"], "there is no order to cancel");
}

// A value past its threshold degrades the check, and the scenario goes on.
#[test]
fn degraded_step_goes_on() {
    let host = ordered().http("GET", "shop:/orders/17", Reply::json(json!({"id": 17, "total": 101})));
    let outcome = host.run::<JsonApi>(shop()).unwrap();
    assert_eq!((outcome.status, outcome.message.as_str()), (Status::Degraded, "verify: /total 101, more than 100"));
    assert_eq!(sent(&host).len(), 4);
}

// What was captured may be a secret: it shows in no message, whoever quotes it.
#[test]
fn captured_values_do_not_show() {
    let echo = Reply::json(json!({"id": TOKEN}));
    let outcome = ordered().http("GET", "shop:/orders/17", echo).run::<JsonApi>(shop()).unwrap();
    assert_eq!(
        outcome.message,
        "verify: /id is \"{{token}}\", expected 17; verify: JSON has no /total".replace("; verify: ", "; ")
    );
    let refused = Error::new(ErrorKind::Refused, format!("GET /x?t={TOKEN}"));
    let outcome = ordered().http_error("GET", "shop:/orders/17", refused).run::<JsonApi>(shop()).unwrap();
    assert_eq!(outcome.message, "verify: refused: GET /x?t={{token}}");
    let denied = Error::new(ErrorKind::Denied, format!("/orders/{TOKEN}"));
    let failure = ordered().http_error("GET", "shop:/orders/17", denied).run::<JsonApi>(shop()).unwrap_err();
    assert_eq!(failure.to_string(), "denied: /orders/{{token}}");
}

// What cannot be captured is unhealthy: the answer was not what the scenario needs.
#[test]
fn captures_must_be_there() {
    for (answer, finding) in [
        (json!({}), "login: /token, to be captured as token, is missing"),
        (json!({"token": {}}), "login: /token, to be captured as token, is no text, number or boolean"),
        (
            json!({"token": "x".repeat(20_000)}),
            "login: /token, to be captured as token, has 20000 bytes, at most 16384 are kept",
        ),
    ] {
        let host = TestHost::new().http("POST", "shop:/login", Reply::json(answer));
        assert_eq!(host.run::<JsonApi>(shop()).unwrap().message, finding);
    }
    let host = TestHost::new().http("POST", "shop:/login", Reply::status(200).body("<html>"));
    assert!(host.run::<JsonApi>(shop()).unwrap().message.starts_with("login: body is not JSON"));
}

// Each step has a threshold, and so has the sum.
#[test]
fn latency_is_judged() {
    let host = || {
        TestHost::new().http("GET", "http://a.test/", Reply::status(200).total_ms(300.0)).http(
            "GET",
            "http://b.test/",
            Reply::status(200).total_ms(400.0),
        )
    };
    let steps = json!([{"name": "a", "url": "http://a.test/", "latency": {"warn": "250ms"}}, {"name": "b", "url": "http://b.test/"}]);
    let single = host().run::<JsonApi>(json!({ "steps": steps })).unwrap();
    assert_eq!(single.message, "a latency 300 ms, more than 250 ms");
    let total = host().run::<JsonApi>(json!({"steps": steps, "latency": {"crit": "600ms"}})).unwrap();
    assert_eq!(total.message, "latency 700 ms, more than 600 ms; a latency 300 ms, more than 250 ms");
}

// Chosen numbers and booleans are reported under the step's name, whole ones as they are; one that is missing, or is
// something else, is not well, and not shown.
#[test]
fn chosen_values_are_measured() {
    let answer = json!({"count": 9_007_199_254_740_993_i64, "weight": 2.5, "open": true, "token": TOKEN});
    let run = |measure: Value| {
        let host = TestHost::new().http("GET", "http://a.test/", Reply::json(answer.clone()));
        let steps = json!([{"name": "stock", "url": "http://a.test/", "measure": measure, "max-redirects": 2}]);
        let outcome = host.run::<JsonApi>(json!({ "steps": steps })).unwrap();
        assert_eq!(host.requests()[0].max_redirects, Some(2));
        outcome
    };
    let outcome = run(json!({"items": "/count", "open": "/open", "weight": {"pointer": "/weight", "unit": "kg"}}));
    assert_eq!(outcome.status, Status::Healthy);
    let found: Vec<_> =
        outcome.measurements.iter().map(|one| (one.name.as_str(), &one.value, one.unit.as_deref())).collect();
    assert_eq!(
        found[..3],
        [
            ("stock items", &Observed::Integer(9_007_199_254_740_993), None),
            ("stock open", &Observed::Boolean(true), None),
            ("stock weight", &Observed::Number(2.5), Some("kg")),
        ]
    );
    let missing = run(json!({"items": "/nothing"}));
    assert_eq!(
        (missing.status, missing.message.as_str()),
        (Status::Unhealthy, "stock: /nothing, to be measured as items, is missing")
    );
    let text = run(json!({"items": "/token"}));
    assert_eq!(text.message, "stock: /token, to be measured as items, is no number or boolean");
    for measure in
        [json!({"items": "count"}), json!({"": "/count"}), json!({"items": {"unit": "kg"}}), json!({"items": 7})]
    {
        let steps = json!([{"name": "stock", "url": "http://a.test/", "measure": measure}]);
        assert!(matches!(TestHost::new().run::<JsonApi>(json!({ "steps": steps })), Err(Failure::InvalidConfig(_))));
    }
}

// A raw body is filled as text; a step's own endpoint wins, and an absolute URL goes to none.
#[test]
fn requests_follow_the_configuration() {
    let host = TestHost::new().http("POST", "other:/form", Reply::status(200)).http(
        "GET",
        "http://a.test/",
        Reply::status(200),
    );
    let config = json!({"endpoint": "shop", "headers": {"x-all": "1"}, "steps": [
        {"name": "form", "method": "POST", "url": "/form", "endpoint": "other", "body": "id={{run-id}}", "timeout": "2s"},
        {"name": "plain", "url": "http://a.test/"},
    ]});
    assert_eq!(host.run::<JsonApi>(config).unwrap().status, Status::Healthy);
    let form = &host.requests()[0];
    assert!(form.body.as_deref().unwrap().starts_with(b"id=019a"));
    assert_eq!((form.timeout_ms, form.headers.len()), (Some(2000), 1));
}

// Slips are told before anything is sent.
#[test]
fn slips_are_refused() {
    for steps in [
        json!([]),
        json!([{"name": "a", "url": "/{{nobody}}"}]),
        json!([{"name": "a", "url": "/{{later}}"}, {"name": "b", "url": "/", "capture": {"later": "/x"}}]),
        json!([{"name": "a", "url": "/"}, {"name": "a", "url": "/"}]),
        json!([{"name": "a", "url": "/", "body": "x", "json": {}}]),
        json!([{"name": "a", "url": "/", "capture": {"a b": "/x"}}]),
        json!([{"name": "a", "url": "/", "capture": {"a": "x"}}]),
    ] {
        let host = TestHost::new();
        let refused = host.run::<JsonApi>(json!({ "steps": steps }));
        assert!(matches!(refused, Err(Failure::InvalidConfig(text)) if text.starts_with("at /steps")), "{steps}");
        assert!(host.requests().is_empty());
    }
    let mut shared = shop();
    shared["headers"] = json!({"authorization": "Bearer {{token}}"});
    let refused = TestHost::new().run::<JsonApi>(shared);
    assert!(matches!(refused, Err(Failure::InvalidConfig(text)) if text.starts_with("at /headers")));
}
