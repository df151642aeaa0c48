//! Names at a real name server on loopback, as the first-party check `dns` sees them.

use std::net::UdpSocket;

use hickory_proto::op::{Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record};
use probity_tests::host::{Host, first_party};

/// Knows `shop.test`, fails on `broken.test`, is silent about `silent.test`, denies the rest; its address.
fn serve() -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let question = Message::from_vec(&buffer[..length]).unwrap();
            let name = question.queries[0].name().clone();
            let code = match name.to_ascii().as_str() {
                "shop.test." => ResponseCode::NoError,
                "broken.test." => ResponseCode::ServFail,
                "silent.test." => continue,
                _ => ResponseCode::NXDomain,
            };
            let mut answer = Message::error_msg(question.metadata.id, OpCode::Query, code);
            answer.queries.clone_from(&question.queries);
            if code == ResponseCode::NoError {
                answer.add_answer(Record::from_rdata(name, 60, RData::A(A::new(192, 0, 2, 10))));
            }
            socket.send_to(&answer.to_vec().unwrap(), from).unwrap();
        }
    });
    address
}

fn check(name: &str, asked: &str, more: &str) -> String {
    format!(
        "[[check]]\nname = \"{name}\"\nplugin = \"dns\"\nevery = \"200ms\"\ntimeout = \"500ms\"\n\
         grants = {{ dns = [\"*.test\", \"resolver:inside\"] }}\n[check.config]\nname = \"{asked}\"\n\
         resolver = \"inside\"\n{more}\n"
    )
}

// Right and wrong records, missing names, failing and silent servers are told apart through the whole host.
#[test]
fn names_are_told_apart() {
    let mut config = format!("[resolvers.inside]\naddress = \"{}\"\n", serve());
    let checks = [
        ("right", "shop.test", "expected = [\"192.0.2.10\"]", "healthy", "A shop.test: 192.0.2.10"),
        ("wrong", "shop.test", "expected = [\"192.0.2.11\"]", "unhealthy", "192.0.2.11 missing"),
        ("gone", "gone.test", "", "unhealthy", "NXDOMAIN"),
        ("absent", "gone.test", "absent = true", "healthy", "does not exist"),
        ("broken", "broken.test", "", "unhealthy", "SERVFAIL"),
        ("silent", "silent.test", "", "unhealthy", "timeout"),
        ("denied", "example.org", "", "unknown", "grants = { dns = [\"example.org\"] }"),
    ];
    for (name, asked, more, ..) in checks {
        config += &check(name, asked, more);
    }
    let host = Host::start(&config);
    host.copy_in("dns", &first_party("dns"));
    for (name, _, _, status, text) in checks {
        host.wait_for(&format!("/checks/{name}"), |answer| {
            answer.status == 200
                && answer.json()["status"] == status
                && answer.json()["message"].as_str().is_some_and(|message| message.contains(text))
        });
    }
}
