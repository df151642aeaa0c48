//! The check against canned answers of registries.

use probity_check::serde_json::{Value, json};
use probity_check::testing::{Reply, TestHost, assert_schema_matches};

use super::*;

const URL: &str = "https://rdap.org/domain/example.org";

/// As registries answer, shortened. The test host's clock stands at 2025-01-01.
fn answer(expires: &str, states: &[&str]) -> Value {
    json!({
        "objectClassName": "domain", "handle": "D1-LROR", "ldhName": "EXAMPLE.ORG", "status": states,
        "events": [
            {"eventAction": "registration", "eventDate": "1995-08-31T04:00:00Z"},
            {"eventAction": "expiration", "eventDate": expires},
            {"eventAction": "last update of RDAP database", "eventDate": "2025-01-01T00:00:00Z"}
        ],
        "entities": [], "nameservers": [], "secureDNS": {"delegationSigned": true}
    })
}

fn run(reply: Reply) -> Result<Outcome, Failure> {
    TestHost::new().http("GET", URL, reply).run::<DomainExpiry>(json!({"domain": "Example.org"}))
}

#[test]
fn schema_matches_the_configuration() {
    assert_schema_matches::<DomainExpiry>();
}

// Fewer than 30 days are degraded, fewer than 7 unhealthy, unless configured otherwise.
#[test]
fn days_are_judged() {
    let verdict = |expires: &str| run(Reply::json(answer(expires, &["active"]))).unwrap();
    let fine = verdict("2025-01-31T00:00:00Z");
    assert_eq!((fine.status, fine.message.as_str()), (Status::Healthy, "example.org is registered for 30 more days"));
    assert_eq!(verdict("2025-01-30T12:00:00Z").message, "registered 29.5 d, less than 30 d");
    assert_eq!(verdict("2025-01-07T00:00:00Z").status, Status::Unhealthy);
    assert_eq!(verdict("2024-12-31T00:00:00Z").message, "registered -1 d, less than 7 d");
}

// A domain that the registry took out of the DNS is unhealthy whatever its date.
#[test]
fn bad_states_are_unhealthy() {
    let held =
        run(Reply::json(answer("2030-01-01T00:00:00Z", &["Client Hold", "client transfer prohibited"]))).unwrap();
    assert_eq!((held.status, held.message.as_str()), (Status::Unhealthy, "the registry says: client hold"));
}

// Registries write states as EPP does, as RDAP does, or as the address of a page about them.
#[test]
fn states_are_known_in_every_spelling() {
    for (written, said) in [
        ("clientHold", "client hold"),
        ("SERVER HOLD", "server hold"),
        ("server-hold", "server hold"),
        ("https://icann.org/epp#redemptionPeriod", "redemption period"),
        ("pending_delete", "pending delete"),
        ("Inactive", "inactive"),
    ] {
        let held = run(Reply::json(answer("2030-01-01T00:00:00Z", &["active", written]))).unwrap();
        let said = format!("the registry says: {said}");
        assert_eq!((held.status, held.message), (Status::Unhealthy, said), "{written}");
    }
    let fine = ["active", "clientTransferProhibited", "serverDeleteProhibited", "client hold lifted", "ok"];
    let fine = run(Reply::json(answer("2030-01-01T00:00:00Z", &fine))).unwrap();
    assert_eq!(fine.status, Status::Healthy, "{}", fine.message);
    let mut single = answer("2030-01-01T00:00:00Z", &[]);
    single["status"] = json!("clientHold");
    assert_eq!(run(Reply::json(single)).unwrap().status, Status::Unhealthy);
}

// The end of the registration is found whatever the registry calls it, and however it writes the day; the registrar's
// word counts where the registry has none.
#[test]
fn ends_are_known_in_every_spelling() {
    for action in
        ["Expiration", "EXPIRATION", "expiration date", "registration expiration", "registryExpiryDate", "expires"]
    {
        let mut document = answer("2025-03-01", &["active"]);
        document["events"][1]["eventAction"] = json!(action);
        let outcome = run(Reply::json(document)).unwrap();
        assert_eq!(outcome.message, "example.org is registered for 59 more days", "{action}");
    }
    let mut document = answer("2025-03-01T00:00:00Z", &["active"]);
    document["events"][1]["eventAction"] = json!("registrar expiration");
    assert!(run(Reply::json(document.clone())).unwrap().message.contains("59 more days"));
    document["events"][0] = json!({"eventAction": "expiration", "eventDate": "2025-04-01"});
    assert!(run(Reply::json(document)).unwrap().message.contains("90 more days"));
}

// What is beside the point may have any shape: contacts as half the registries write them, nulls, numbers.
#[test]
fn odd_neighbours_do_not_matter() {
    let mut document = answer("2030-01-01T00:00:00Z", &["active"]);
    document["entities"] = json!([{"vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", null], ["adr", {}, "text", [[""], 7]]]]},
        {"vcardArray": "vcard", "roles": "registrant"}, null]);
    document["ldhName"] = Value::Null;
    document["unicodeName"] = json!("Example.ORG.");
    document["events"].as_array_mut().unwrap().extend([
        json!(null),
        json!({"eventAction": 7}),
        json!({"eventDate": "x"}),
    ]);
    assert_eq!(run(Reply::json(document)).unwrap().status, Status::Healthy);
}

// No registration is unhealthy.
#[test]
fn unregistered_is_unhealthy() {
    let gone = run(Reply::status(404)).unwrap();
    assert_eq!((gone.status, gone.message.as_str()), (Status::Unhealthy, "example.org is not registered"));
}

// A registry that does not answer, or not the question, says nothing about the domain.
#[test]
fn troubles_of_the_registry_are_no_judgement() {
    let mut silent = answer("2030-01-01T00:00:00Z", &[]);
    silent["events"] = json!([]);
    let mut other = answer("2030-01-01T00:00:00Z", &[]);
    other["ldhName"] = json!("example.com");
    for (reply, reason) in [
        (Reply::status(429), "status 429"),
        (Reply::status(503), "status 503"),
        (Reply::status(200).body("<html>"), " is no JSON: "),
        (Reply::json(silent), "does not publish"),
        (Reply::json(other), "answers about \"example.com\""),
        (Reply::json(answer("soon", &[])), "\"soon\" is no date"),
    ] {
        let failure = run(reply).unwrap_err().to_string();
        assert!(failure.contains(reason), "{failure}");
    }
}

// When the registry does not answer, the date it gave before is good for a week.
#[test]
fn known_date_bridges_an_outage() {
    let host = TestHost::new().http("GET", URL, Reply::json(answer("2025-02-03T00:00:00Z", &[]))).http(
        "GET",
        URL,
        Reply::status(503),
    );
    let run = || host.run::<DomainExpiry>(json!({"domain": "example.org"}));
    assert_eq!(run().unwrap().status, Status::Healthy);
    host.advance_ms(4 * 86_400_000);
    let outcome = run().unwrap();
    assert_eq!((outcome.status, outcome.message.as_str()), (Status::Degraded, "registered 29 d, less than 30 d"));
    assert!(outcome.details[0].1.contains("status 503"));
    let denied = host.clone().http_error("GET", URL, Error::new(ErrorKind::Denied, "not granted"));
    assert!(run().is_ok(), "the answer before the denial");
    assert!(matches!(denied.run::<DomainExpiry>(json!({"domain": "example.org"})), Err(Failure::Capability(_))));
    host.advance_ms(4 * 86_400_000);
    assert!(run().is_err());
}

// The operator names the server; a name that is more than a name is refused.
#[test]
fn request_follows_the_configuration() {
    let target = "https://rdap.registry.test/v1/domain/example.org";
    let host = TestHost::new().http("GET", target, Reply::json(answer("2030-01-01T00:00:00Z", &[])));
    let config = json!({"domain": "example.org", "rdap-url": "https://rdap.registry.test/v1/", "timeout": "5s"});
    assert_eq!(host.run::<DomainExpiry>(config).unwrap().status, Status::Healthy);
    assert_eq!(host.requests()[0].timeout_ms, Some(5_000));
    for config in [
        json!({"domain": "example"}),
        json!({"domain": "example.org/../x"}),
        json!({"domain": "a..b"}),
        json!({"domain": "bücher.example"}),
        json!({"domain": "example.org", "rdap-url": "rdap.org"}),
    ] {
        assert!(matches!(TestHost::new().run::<DomainExpiry>(config), Err(Failure::InvalidConfig(_))));
    }
}
