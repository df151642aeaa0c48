//! The clock of this machine, as the first-party check `ntp` sees it with real servers and with one that lies.

use std::net::UdpSocket;
use std::time::{SystemTime, UNIX_EPOCH};

use probity_tests::host::{Host, first_party};
use probity_tests::servers::chrony::Chrony;

/// An NTP server whose clock is `ahead_s` ahead; with `origin` false it answers a question that nobody asked.
fn lying(ahead_s: u64, origin: bool) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut question = [0; 48];
        while let Ok((_, from)) = socket.recv_from(&mut question) {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let seconds = u32::try_from(now.as_secs() + 2_208_988_800 + ahead_s).unwrap();
            let fraction = u32::try_from((u64::from(now.subsec_nanos()) << 32) / 1_000_000_000).unwrap();
            let mut answer = [0; 48];
            answer[0] = 4 << 3 | 4;
            answer[1] = 1;
            if origin {
                answer[24..32].copy_from_slice(&question[40..]);
            }
            for at in [32, 40] {
                answer[at..at + 4].copy_from_slice(&seconds.to_be_bytes());
                answer[at + 4..at + 8].copy_from_slice(&fraction.to_be_bytes());
            }
            socket.send_to(&answer, from).unwrap();
        }
    });
    port
}

fn check(name: &str, port: u16) -> String {
    format!(
        "[[check]]\nname = \"{name}\"\nplugin = \"ntp\"\nevery = \"200ms\"\n\
         grants = {{ udp = [\"127.0.0.1:{port}\"] }}\n[check.config]\nhosts = [\"127.0.0.1\"]\nport = {port}\n\
         timeout = \"300ms\"\noffset = {{ warn = \"1s\", crit = \"1m\" }}\n"
    )
}

fn offset_ms(check: &serde_json::Value) -> f64 {
    check["measurements"]["offset"]["value"].as_f64().unwrap_or_else(|| panic!("no offset: {check}"))
}

// This machine's clock is right by a server that has the same, and off by what a server lies.
#[test]
fn offsets_are_found() {
    let (real, own) = (Chrony::start(), Chrony::start_unsynchronised());
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let checks = [
        check("real", real.port()),
        check("unsynchronised", own.port()),
        check("off", lying(5, true)),
        check("wrong", lying(3_600, true)),
        check("forged", lying(0, false)),
        check("silent", silent.local_addr().unwrap().port()),
    ];
    let host = Host::start(&checks.concat());
    host.copy_in("ntp", &first_party("ntp"));
    let right = host.wait_until("real", "healthy");
    assert!(right["message"].as_str().unwrap().contains("127.0.0.1 (stratum 3)"), "{right}");
    assert!(offset_ms(&right).abs() < 500.0, "{right}");
    let off = offset_ms(&host.wait_until("off", "degraded"));
    assert!((off - 5_000.0).abs() < 500.0, "{off}");
    let wrong = offset_ms(&host.wait_until("wrong", "unhealthy"));
    assert!((wrong - 3_600_000.0).abs() < 500.0, "{wrong}");
    for (name, said) in [
        ("unsynchronised", "is not synchronised"),
        ("wrong", "the clock is behind 127.0.0.1 by"),
        ("forged", "an answer to another question"),
        ("silent", "timeout"),
    ] {
        let check = host.wait_until(name, "unhealthy");
        assert!(check["message"].as_str().unwrap().contains(said), "{name}: {}", check["message"]);
    }
}

// Without the grant nothing is sent, and the message is the line to add.
#[test]
fn ungranted_says_what_to_add() {
    let host = Host::start(&check("clock", 123).replace("127.0.0.1:123\"] }", "127.0.0.1:124\"] }"));
    host.copy_in("ntp", &first_party("ntp"));
    host.wait_for("/checks/clock", |answer| {
        let line = "udp = [\"127.0.0.1:123\"]";
        answer.status == 200 && answer.json()["message"].as_str().is_some_and(|message| message.contains(line))
    });
}
