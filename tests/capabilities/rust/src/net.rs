//! `http`, `tcp`, `tls`, `udp` and `dns`.

use probity_check::prelude::*;
use probity_check::{dns as names, tcp as sockets, tls as handshakes, udp as datagrams};

use crate::show::{Show, answer, certificate, session};

const HALF_A_SECOND: Option<Span> = Some(Span::from_ms(500));

pub(crate) fn http_get(outcome: Outcome) -> Result<Outcome, Error> {
    answer(outcome, "", &http::get("http://shop.test/stats")?)
}

pub(crate) fn http_tls(outcome: Outcome) -> Result<Outcome, Error> {
    answer(outcome, "", &http::get("https://shop.test/")?)
}

pub(crate) fn http_send(outcome: Outcome) -> Result<Outcome, Error> {
    let request = http::Request::new("POST", "/orders")
        .endpoint("shop")
        .header("content-type", "application/json")
        .header("x-trace", "7")
        .body(r#"{"dry-run":true}"#)
        .timeout(Span::from_ms(250))
        .max_redirects(2)
        .max_body_bytes(64)
        .require_http2();
    answer(outcome, "", &request.send()?)
}

pub(crate) fn http_all(outcome: Outcome) -> Result<Outcome, Error> {
    let requests = vec![http::Request::new("GET", "http://a.test/"), http::Request::new("HEAD", "http://b.test/")];
    let answers = http::send_all(requests);
    answers.iter().enumerate().try_fold(outcome, |outcome, (at, one)| match one {
        Ok(response) => answer(outcome, &format!("{}-", at + 1), response),
        Err(error) => Ok(outcome.detail(format!("{}-error", at + 1), error.kind.as_str())),
    })
}

pub(crate) fn tcp(outcome: Outcome) -> Result<Outcome, Error> {
    let socket = sockets::Socket::connect("mail.test", 25, HALF_A_SECOND)?;
    let line = socket.read_until(b"\n", 64, None)?;
    socket.write(b"EHLO probity\r\n")?;
    Ok(outcome
        .measure("connect-ms", socket.connect_ms(), "")
        .detail("remote-address", socket.remote_address())
        .bytes("line", &line)
        .bytes("some", &socket.read(3, None)?)
        .bytes("rest", &socket.read(64, None)?)
        .bytes("end", &socket.read(64, None)?))
}

pub(crate) fn starttls(outcome: Outcome) -> Result<Outcome, Error> {
    let socket = sockets::Socket::connect("mail.test", 25, None)?;
    socket.read_until(b"\n", 64, None)?;
    socket.write(b"STARTTLS\r\n")?;
    socket.read_until(b"\n", 64, None)?;
    let info = socket.start_tls(Some("mail.example.org"), Some("office"), HALF_A_SECOND)?;
    socket.write(b"QUIT\r\n")?;
    Ok(session(outcome, "", &info).bytes("inside", &socket.read(64, None)?))
}

pub(crate) fn tls(outcome: Outcome) -> Result<Outcome, Error> {
    Ok(session(outcome, "", &handshakes::inspect("shop.test", 443, Some("www.shop.test"))?))
}

pub(crate) fn tls_trusting(outcome: Outcome) -> Result<Outcome, Error> {
    Ok(session(outcome, "", &handshakes::inspect_trusting("shop.test", 443, None, "office")?))
}

pub(crate) fn tls_named(outcome: Outcome) -> Result<Outcome, Error> {
    Ok(outcome.list("certificates", &handshakes::inspect_named("office")?, certificate))
}

pub(crate) fn udp(outcome: Outcome) -> Result<Outcome, Error> {
    let reply = datagrams::exchange("time.test", 123, &[0x1b, 0x00, 0xff], 4, HALF_A_SECOND)?;
    Ok(outcome
        .bytes("payload", &reply.payload)
        .detail("remote-address", reply.remote_address)
        .measure("elapsed-ms", reply.elapsed_ms, "")
        .measure("received-unix-ms", reply.received_unix_ns / 1_000_000, ""))
}

pub(crate) fn dns(outcome: Outcome) -> Result<Outcome, Error> {
    resolve(outcome, "A", None)
}

pub(crate) fn dns_at(outcome: Outcome) -> Result<Outcome, Error> {
    resolve(outcome, "MX", Some("inside"))
}

fn resolve(outcome: Outcome, record_type: &str, server: Option<&str>) -> Result<Outcome, Error> {
    let answers = names::resolve("shop.test", record_type, server)?;
    Ok(outcome.list("answers", &answers, |outcome, prefix, answer| {
        outcome.detail(format!("{prefix}data"), answer.data.as_str()).measure(&format!("{prefix}ttl"), answer.ttl, "")
    }))
}
