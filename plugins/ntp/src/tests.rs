//! The check against fakes of servers; the real one is in tests/tests/all/ntp.rs.

use std::cell::Cell;
use std::rc::Rc;

use probity_check::serde_json::{Value, json};
use probity_check::testing::{TestHost, assert_schema_matches};
use probity_check::udp::Reply;

use super::packet::tests::answer;
use super::*;

const ASKED_NS: u64 = 1_800_000_000_000_000_000;

fn reply(payload: Vec<u8>) -> Reply {
    let received_unix_ns = ASKED_NS + 2_000_000;
    Reply { payload, remote_address: "192.0.2.1:123".to_owned(), elapsed_ms: 2.0, received_unix_ns }
}

/// A server `ahead_ms` ahead of the clock here, with something changed in its answer.
fn server(ahead_ms: i64, change: fn(&mut [u8])) -> impl Fn(&[u8]) -> Result<Reply, Error> {
    move |question| {
        let mut packet = answer(question, ASKED_NS, ahead_ms).to_vec();
        change(&mut packet);
        Ok(reply(packet))
    }
}

fn run(host: &TestHost, mut config: Value) -> Outcome {
    config["hosts"] = config.get("hosts").cloned().unwrap_or_else(|| json!(["a.test"]));
    host.run::<Ntp>(config).unwrap()
}

#[test]
fn schema_matches_the_configuration() {
    assert_schema_matches::<Ntp>();
}

// The offset is judged either way, and the message says which.
#[test]
fn offset_is_judged_either_way() {
    let at = |ahead| {
        run(
            &TestHost::new().udp("a.test:123", server(ahead, |_| {})),
            json!({"offset": {"warn": "100ms", "crit": "1s"}}),
        )
    };
    assert_eq!(
        [99, 101, -101, 1001, -1001].map(|ahead| at(ahead).status.as_str()),
        ["healthy", "degraded", "degraded", "unhealthy", "unhealthy"]
    );
    assert_eq!(at(50).message, "50 ms behind a.test (stratum 2)");
    assert_eq!(at(-500).message, "the clock is ahead of a.test by 500 ms, more than 100 ms");
    let offset = at(-500).measurements.into_iter().find(|measurement| measurement.name == "offset").unwrap();
    assert_eq!(offset.status, Some(Status::Degraded));
}

// A minute is what the default lets pass, as check_ntp_time does.
#[test]
fn defaults_are_those_of_check_ntp_time() {
    let status = |ahead| run(&TestHost::new().udp("a.test:123", server(ahead, |_| {})), json!({})).status;
    assert_eq!([59_000, 61_000, 121_000].map(status), [Status::Healthy, Status::Degraded, Status::Unhealthy]);
}

// Of three servers a lone liar decides nothing.
#[test]
fn median_counts() {
    let host = TestHost::new()
        .udp("a.test:123", server(500_000, |_| {}))
        .udp("b.test:123", server(3, |_| {}))
        .udp("c.test:123", server(-2, |_| {}));
    let outcome = run(&host, json!({"hosts": ["a.test", "b.test", "c.test"]}));
    assert_eq!((outcome.status, outcome.message.as_str()), (Status::Healthy, "3 ms behind b.test (stratum 2)"));
}

// A server that does not know the time, or wants to be left alone, gives none; it is not asked again.
#[test]
fn useless_servers_are_unhealthy() {
    for (change, said) in [
        ((|packet| packet[0] |= 0xc0) as fn(&mut [u8]), "a.test: is not synchronised"),
        (
            |packet| {
                packet[1] = 0;
                packet[12..16].copy_from_slice(b"DENY");
            },
            "a.test: refuses to answer (kiss code DENY)",
        ),
    ] {
        let asked = Rc::new(Cell::new(0));
        let count = Rc::clone(&asked);
        let answer = server(0, change);
        let host = TestHost::new().udp("a.test:123", move |question: &[u8]| {
            count.set(count.get() + 1);
            answer(question)
        });
        let outcome = run(&host, json!({"samples": 4}));
        assert_eq!((outcome.status, outcome.message.as_str(), asked.get()), (Status::Unhealthy, said, 1));
    }
}

// A forged answer is not taken for one, a lost datagram is repeated, and no question is asked twice.
#[test]
fn lost_and_forged_answers_are_repeated() {
    let asked = Rc::new(std::cell::RefCell::new(Vec::new()));
    let kept = Rc::clone(&asked);
    let host = TestHost::new().udp("a.test:123", move |question: &[u8]| {
        let mut kept = kept.borrow_mut();
        kept.push(question.to_vec());
        match kept.len() {
            1 => Err(Error::new(ErrorKind::Timeout, "1 s")),
            2 => Ok(reply(answer(&kept[0], ASKED_NS, 500_000).to_vec())),
            _ => Ok(reply(answer(question, ASKED_NS, 0).to_vec())),
        }
    });
    assert_eq!(run(&host, json!({})).status, Status::Healthy);
    let asked = asked.borrow();
    assert!(asked.len() == 3 && asked[0] != asked[1] && asked[1] != asked[2]);
}

// Fewer usable servers than required are unhealthy, with the reasons; otherwise they are a detail.
#[test]
fn required_servers() {
    let host = TestHost::new().udp("a.test:123", server(0, |_| {}));
    let config = |required: u32| json!({"hosts": ["a.test", "b.test"], "required": required});
    let enough = run(&host, config(1));
    assert_eq!(enough.status, Status::Healthy);
    assert!(enough.details.iter().any(|(name, text)| name == "useless" && text.starts_with("b.test: refused")));
    let too_few = run(&host, config(2));
    assert_eq!(too_few.status, Status::Unhealthy);
    assert!(too_few.message.starts_with("1 of 2 servers gave a usable time: b.test: refused"), "{}", too_few.message);
    let more = host.run::<Ntp>(config(3));
    assert!(matches!(more, Err(Failure::InvalidConfig(text)) if text.starts_with("at /required")));
}

// Stratum and distance are judged when asked for.
#[test]
fn stratum_and_distance() {
    let host = TestHost::new().udp("a.test:123", server(0, |packet| packet[1] = 5));
    assert_eq!(run(&host, json!({"stratum": {"warn": 4}})).status, Status::Degraded);
    assert_eq!(run(&host, json!({"distance": {"crit": "10ms"}})).status, Status::Unhealthy);
    assert_eq!(run(&host, json!({"distance": {"crit": "12ms"}})).status, Status::Healthy);
}

// What the operator did not grant says nothing about the clock.
#[test]
fn denied_is_a_failure() {
    let host = TestHost::new().udp("a.test:123", |_: &[u8]| Err(Error::new(ErrorKind::Denied, "not granted")));
    assert!(matches!(host.run::<Ntp>(json!({"hosts": ["a.test"]})), Err(Failure::Capability(_))));
}
