//! `/live`, `/ready`, `/startup`.

use axum::http::Method;
use probity_core::check::{Failure, OnUnknown, Probe, Reason, Status};
use serde_json::json;

use super::Host;
use super::fixture::with_checks;
use crate::board::{ProbeAnswer, ScopeId};

// Before its first conclusion a host lives but is neither ready nor started; after it, it is both.
#[tokio::test]
async fn a_start_is_waited_for() {
    let host = Host::new(&with_checks(&["db"]));
    for (path, status, word) in [("/live", 200, "ok"), ("/ready", 503, "starting"), ("/startup", 503, "starting")] {
        let answer = host.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (status, word), "{path}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    host.concluded("db", Status::Healthy, "");
    for path in ["/live", "/ready", "/startup"] {
        let answer = host.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "ok"), "{path}");
    }
}

// HEAD and OPTIONS are answered as GET is, with the same head; HEAD without the body.
#[tokio::test]
async fn probers_ask_in_their_own_way() {
    let host = Host::new(&with_checks(&["db"]));
    host.concluded("db", Status::Unhealthy, "refused");
    for path in
        ["/live", "/ready", "/readyz", "/startup", "/ready?verbose", "/health", "/health?format=nagios", "/health/x"]
    {
        let get = host.ask(Method::GET, path, &[]).await;
        let options = host.ask(Method::OPTIONS, path, &[]).await;
        assert_eq!((options.status, options.text.is_empty()), (get.status, get.text.is_empty()), "OPTIONS {path}");
        let head = host.ask(Method::HEAD, path, &[]).await;
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "HEAD {path}");
        for name in ["content-type", "cache-control"] {
            assert_eq!(
                (head.header(name), options.header(name)),
                (get.header(name), get.header(name)),
                "{name} {path}"
            );
        }
    }
}

// Whoever has seen a check's conclusion finds it counted: `ready` does not say "starting" after the last one was seen.
#[test]
fn what_is_seen_is_counted() {
    let names: Vec<String> = (0..3_000).map(|index| format!("check-{index}")).collect();
    let host = Host::new(&with_checks(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    let index = host.state.board.index();
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for (seen, name) in (1..).zip(&names) {
                while index.checks[name.as_str()].view().pending {
                    std::hint::spin_loop();
                }
                let left = host.state.board.summary(&ScopeId::Expected).unwrap().pending;
                assert!(left <= 3_000 - seen, "{name} has concluded, and {left} of 3000 are awaited");
            }
            assert_eq!(host.state.board.probe(Probe::Ready), ProbeAnswer::Pass);
        });
        for name in &names {
            host.concluded(name, Status::Healthy, "");
        }
    });
}

// Every alias answers as its probe does: an unhealthy check of `ready` fails the names of `ready` and no other.
#[tokio::test]
async fn aliases_are_their_probe() {
    let host = Host::new(&with_checks(&["db"]));
    host.concluded("db", Status::Unhealthy, "refused");
    for path in ["/ready", "/readyz", "/health/ready"] {
        assert_eq!(host.get(path).await.status, 503, "{path}");
    }
    for path in
        ["/live", "/livez", "/healthz", "/health/live", "/startup", "/startupz", "/health/started", "/health/startup"]
    {
        assert_eq!(host.get(path).await.status, 200, "{path}");
    }
}

// A draining host refuses traffic and is not restarted for it.
#[tokio::test]
async fn draining_fails_ready_only() {
    let host = Host::new("");
    host.state.lifecycle.drain();
    let ready = host.get("/ready").await;
    assert_eq!((ready.status.as_u16(), ready.text.as_str()), (503, "draining"));
    assert_eq!(host.get("/live").await.status, 200);
}

// `?verbose` names checks and statuses of the probe alone; messages are for those with the token.
#[tokio::test]
async fn verbose_lists_the_checks_of_the_probe() {
    let host = Host::new(&with_checks(&["cache", "db", "other"]));
    host.replan(|planned| {
        if &*planned.name == "other" {
            planned.probes = [Probe::Startup].into();
        }
    });
    host.concluded("cache", Status::Healthy, "fine");
    host.concluded("db", Status::Unhealthy, "refused");
    host.concluded("other", Status::Healthy, "");
    let answer = host.get("/readyz?verbose").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.text, "[+]cache ok\n[-]db unhealthy\nready check failed: unhealthy\n");
    let told = host.get_as_operator("/readyz?verbose").await.text;
    assert!(told.contains("[-]db unhealthy: refused\n"), "{told}");
}

// Whatever a message holds, it is part of its check's line: none forges the line of another check.
#[tokio::test]
async fn a_message_is_no_line() {
    let host = Host::new(&with_checks(&["db"]));
    host.concluded("db", Status::Unhealthy, "no\n[+]cache ok\u{1b}[2K");
    for path in ["/ready?verbose", "/health?format=text", "/health?format=nagios"] {
        let text = host.get_as_operator(path).await.text;
        assert!(text.contains("no") && !text.contains('\u{1b}'), "{path}: {text}");
        assert!(text.lines().all(|line| !line.starts_with("[+]cache")), "{path}: {text}");
    }
}

// Excluding the failing check makes the probe pass; a name that excludes nothing is pointed out.
#[tokio::test]
async fn excluded_checks_do_not_count() {
    let host = Host::new(&with_checks(&["a", "b", "c"]));
    for (check, status) in [("a", Status::Unhealthy), ("b", Status::Unhealthy), ("c", Status::Healthy)] {
        host.concluded(check, status, "");
    }
    assert_eq!(host.get("/ready?exclude=a").await.status, 503);
    assert_eq!(host.get("/ready?exclude=a&exclude=b").await.status, 200);
    let answer = host.get("/ready?verbose&exclude=a&exclude=b&exclude=nobody").await;
    assert!(answer.text.contains("no check nobody to exclude"), "{}", answer.text);
}

// A check whose runs all end without a conclusion is not one that has not run: it counts as `on-unknown` says, so that the
// aggregate does not look well without it. Only the start goes on waiting for its first conclusion.
#[tokio::test]
async fn a_check_that_never_concludes_counts() {
    let host = Host::new(&with_checks(&["a", "b"]));
    host.concluded("a", Status::Healthy, "");
    let health = host.get("/health?summary").await.json();
    assert_eq!((&health["status"], &health["counts"]["pending"]), (&json!("healthy"), &json!(1)));
    for _ in 0..2 {
        host.failed("b", Failure::limit(Reason::Fuel, 200_000_000, None, "fuel used up"));
        let health = host.get("/health?summary").await.json();
        assert_eq!((&health["status"], &health["counts"]["pending"]), (&json!("degraded"), &json!(0)));
        assert_eq!(host.get_as_operator("/checks/b").await.json()["pending"], false);
        for path in ["/ready", "/startup"] {
            assert_eq!(host.get(path).await.text, "starting", "{path}");
        }
    }
    host.concluded("b", Status::Healthy, "");
    for path in ["/ready", "/startup"] {
        assert_eq!(host.get(path).await.text, "ok", "{path}");
    }
}

// A check that has not concluded holds the start back unless it is excluded.
#[tokio::test]
async fn a_pending_check_can_be_excluded() {
    let host = Host::new(&with_checks(&["quick", "slow"]));
    host.concluded("quick", Status::Healthy, "");
    assert_eq!(host.get("/ready?exclude=quick").await.text, "starting");
    assert_eq!(host.get("/ready?exclude=slow").await.text, "ok");
}

// While the plugins have not been looked at, no exclusion makes a host ready: checks may be missing from the plan.
#[tokio::test]
async fn an_unknown_plan_is_not_ready() {
    let mut host = Host::new(&with_checks(&["db"]));
    host.close_board();
    for path in ["/ready", "/startup", "/ready?exclude=db"] {
        assert_eq!(host.get(path).await.text, "starting", "{path}");
    }
    assert_eq!(host.get("/live").await.text, "ok");
}

/// The checks `a`, well, and `b`, which is not run for `reason`.
fn with_blocked(reason: Reason, declared: bool, on_unknown: OnUnknown) -> Host {
    let host = Host::new(&with_checks(&["a", "b"]));
    host.replan(|planned| {
        if &*planned.name == "b" {
            planned.blocked = Some(Failure::new(reason, "add: grants = { http = [\"…\"] }"));
            (planned.declared, planned.on_unknown) = (declared, on_unknown);
        }
    });
    host.concluded("a", Status::Healthy, "");
    host
}

// A check that lies there without a grant, and that nobody declared, is shown as such and takes nothing down.
#[tokio::test]
async fn ungranted_plugins_are_shown_and_do_not_count() {
    let host = with_blocked(Reason::Ungranted, false, OnUnknown::Unhealthy);
    let answer = host.get("/ready?verbose").await;
    let warning = "warn: b is not run (ungranted): no [[check]] names it, so it counts nowhere";
    assert_eq!(answer.text, format!("[+]a ok\n[+]b ungranted\n{warning}\nready check passed: ok\n"));
    assert_eq!(host.get("/health?summary").await.json()["status"], "healthy");
}

// A declared check without its grant counts as `on-unknown` says, in the aggregate and in its probes, in every dialect.
#[tokio::test]
async fn declared_checks_without_a_grant_count() {
    let host = with_blocked(Reason::Ungranted, true, OnUnknown::Degraded);
    let answer = host.get("/ready?verbose").await;
    let warning = "warn: b is not run (ungranted): it counts as degraded";
    assert_eq!(answer.text, format!("[+]a ok\n[+]b ungranted\n{warning}\nready check passed: ok\n"));
    let health = host.get("/health?summary").await.json();
    assert_eq!((&health["status"], &health["counts"]["unknown"]), (&json!("degraded"), &json!(1)));
    assert_eq!(health["counts"]["pending"], 0);
    for (format, said) in
        [("nagios", "WARNING"), ("text", "degraded: "), ("health+json", "warn"), ("xabaril", "Degraded")]
    {
        let answer = host.get(&format!("/health?summary&format={format}")).await;
        assert!(answer.text.contains(said), "{format}: {}", answer.text);
    }
    let scrape = host.get("/metrics").await.text;
    assert!(scrape.contains("probity_checks{status=\"unknown\"} 1"), "{scrape}");
    let host = with_blocked(Reason::Ungranted, true, OnUnknown::Unhealthy);
    assert_eq!(host.get("/ready").await.text, "unhealthy");
    assert_eq!(host.get("/ready?exclude=b").await.text, "ok");
    assert_eq!(host.get("/health").await.status, 503);
    assert!(host.get("/ready?verbose").await.text.contains("[-]b ungranted\n"));
}

// A declared check whose plugin is missing, refused or wrongly configured holds the start back, and never lets the aggregate
// look well; one whose plugin is being compiled is only waited for.
#[tokio::test]
async fn declared_checks_that_are_not_run_count() {
    for reason in [Reason::NotLoaded, Reason::InvalidConfig] {
        let host = with_blocked(reason, true, OnUnknown::Degraded);
        assert_eq!(host.get("/ready").await.text, "starting", "{reason:?}");
        assert_eq!(host.get("/health?summary").await.json()["status"], "degraded", "{reason:?}");
    }
    let host = with_blocked(Reason::Compiling, true, OnUnknown::Unhealthy);
    assert_eq!(host.get("/health?summary").await.json()["counts"]["pending"], 1);
    let answer = host.get("/ready?verbose").await;
    assert_eq!(answer.text, "[+]a ok\n[-]b compiling\nready check failed: starting\n");
}

// A host without checks says so, and so does one of whose checks none joins the probe.
#[tokio::test]
async fn nothing_to_look_at_is_told() {
    let answer = Host::new("").get("/ready?verbose").await;
    assert_eq!(answer.text, "warn: this host has no checks: nothing is looked at\nready check passed: ok\n");
    let host = Host::new(&(with_checks(&["db"]) + "probes = [\"live\"]\n"));
    host.concluded("db", Status::Healthy, "");
    let answer = host.get("/ready?verbose").await;
    assert_eq!(answer.text, "warn: no check joins ready: nothing is looked at for it\nready check passed: ok\n");
}

// Monitors ask with HEAD: same status, same headers, no body.
#[tokio::test]
async fn head_is_get_without_the_body() {
    let host = Host::new("");
    for path in ["/live", "/health", "/metrics", "/checks"] {
        let (head, get) = (host.ask(Method::HEAD, path, &[]).await, host.get(path).await);
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert_eq!(head.text, "", "{path}");
    }
}
