//! Who may see and do what; running now, reloading.

use axum::http::Method;
use probity_core::check::{Failure, Reason, Status};
use serde_json::json;

use super::Host;
use super::fixture::{Script, TOKEN, bearer, with_checks};
use crate::http::{ReloadReport, RunRefusal};

// Management always wants a token: none configured is 403 and says how, a missing or wrong one is 401.
#[tokio::test]
async fn management_wants_a_token() {
    let open = Host::new("[server]\ndetails = \"always\"\n[[check]]\nname = \"db\"\n");
    let guarded = Host::new(&with_checks(&["db"]));
    for path in ["/-/reload", "/checks/db/run", "/checks/nothing/run"] {
        let answer = open.ask(Method::POST, path, &[("authorization", "Bearer anything")]).await;
        assert_eq!(answer.status, 403, "{path}");
        assert_eq!(answer.json()["error"], "no_token_configured");
        assert!(answer.text.contains("tokens"), "{}", answer.text);
        let answer = guarded.ask(Method::POST, path, &[]).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"probity\"");
        assert_eq!(answer.json()["error"], "token_required");
        let prefix = format!("Bearer {}", &TOKEN[..TOKEN.len() - 1]);
        for wrong in ["Bearer wrong", "Bearer", "Bearer ", "Basic dXNlcjpwdw==", TOKEN, &prefix] {
            let answer = guarded.ask(Method::POST, path, &[("authorization", wrong)]).await;
            assert_eq!(
                (answer.status.as_u16(), answer.json()["error"].clone()),
                (401, json!("wrong_token")),
                "{wrong}"
            );
        }
    }
    let lower = format!("bearer  {TOKEN}");
    assert_eq!(guarded.ask(Method::POST, "/-/reload", &[("authorization", &lower)]).await.status, 200);
}

// Who sees messages is `details`: nobody, those with a token, or everybody.
#[tokio::test]
async fn details_follow_the_configuration() {
    for (details, anonymous, wrong, right) in
        [("never", false, false, false), ("authorized", false, false, true), ("always", true, true, true)]
    {
        let text = with_checks(&["db"]).replace("[server]\n", &format!("[server]\ndetails = \"{details}\"\n"));
        let host = Host::new(&text);
        host.concluded("db", Status::Healthy, "hello there");
        let bearer = bearer();
        let senders: [(&[(&str, &str)], bool); 3] =
            [(&[], anonymous), (&[("authorization", "Bearer wrong")], wrong), (&[("authorization", &bearer)], right)];
        for (headers, sees) in senders {
            for path in
                ["/health", "/checks", "/checks/db", "/checks/db/history", "/ready?verbose", "/health?format=text"]
            {
                let answer = host.ask(Method::GET, path, headers).await;
                assert_eq!(answer.status, 200, "{path}");
                assert_eq!(answer.text.contains("hello there"), sees, "{details} {headers:?} {path}: {}", answer.text);
            }
        }
    }
}

// A run asked for answers with its result.
#[tokio::test]
async fn run_answers_with_the_result() {
    let host = Host::new(&with_checks(&["db"]));
    let view = host.concluded("db", Status::Degraded, "slow");
    *host.control.run.lock().unwrap() = Some(Ok(view));
    let answer = host.ask(Method::POST, "/checks/db/run", &[("authorization", &bearer())]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["status"], "degraded");
    assert_eq!(answer.json()["message"], "slow");
}

// A run that cannot be made says why: no such check, blocked with the line to add, busy with when to ask again.
#[tokio::test]
async fn refused_runs_say_why() {
    let host = Host::new(&with_checks(&["db"]));
    let token = bearer();
    let token = [("authorization", token.as_str())];
    assert_eq!(host.ask(Method::POST, "/checks/dbb/run", &token).await.json()["error"], "no_such_check");
    let blocked = Failure::new(Reason::Ungranted, "add to [[check]] db: grants = { http = [\"…\"] }");
    *host.control.run.lock().unwrap() = Some(Err(RunRefusal::Blocked(blocked)));
    let answer = host.ask(Method::POST, "/checks/db/run", &token).await;
    assert_eq!((answer.status.as_u16(), answer.json()["error"].clone()), (409, json!("check_blocked")));
    assert!(answer.json()["message"].as_str().unwrap().contains("grants = { http"), "{}", answer.text);
    *host.control.run.lock().unwrap() = Some(Err(RunRefusal::Busy));
    let answer = host.ask(Method::POST, "/checks/db/run", &token).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"));
}

// A reload reports what changed, and does not look like success when something was rejected.
#[tokio::test]
async fn reload_reports_what_changed() {
    let report = ReloadReport { config: "loaded", loaded: vec!["db".into()], checks: 3, ..ReloadReport::default() };
    let host = Host::with(&with_checks(&[]), Script { report: report.clone().into(), ..Script::default() });
    let token = bearer();
    let token = [("authorization", token.as_str())];
    let answer = host.ask(Method::POST, "/-/reload", &token).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({"config": "loaded", "loaded": ["db"], "rejected": [], "removed": [], "checks": 3})
    );
    *host.control.report.lock().unwrap() = ReloadReport { rejected: vec!["bad".into()], ..report };
    assert_eq!(host.ask(Method::POST, "/-/reload", &token).await.status, 409);
    *host.control.report.lock().unwrap() =
        ReloadReport { config: "rejected", config_errors: Some("probity.toml:3".into()), ..ReloadReport::default() };
    let answer = host.ask(Method::POST, "/-/reload", &token).await;
    assert_eq!((answer.status.as_u16(), answer.json()["config_errors"].clone()), (409, json!("probity.toml:3")));
    *host.control.report.lock().unwrap() = ReloadReport { config: "busy", ..ReloadReport::default() };
    assert_eq!(host.ask(Method::POST, "/-/reload", &token).await.status, 503);
}
