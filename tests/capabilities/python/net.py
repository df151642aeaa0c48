"""`http`, `tcp`, `tls`, `udp` and `dns`."""

from __future__ import annotations

from probity_check import CapabilityError, Outcome, dns, http, tcp, tls, udp
from show import answer, certificate, detail, each, measure, session


def http_get(outcome: Outcome) -> None:
    answer(outcome, "", http.get("http://shop.test/stats"))


def http_tls(outcome: Outcome) -> None:
    answer(outcome, "", http.get("https://shop.test/"))


def http_send(outcome: Outcome) -> None:
    request = http.Request(
        "POST",
        "/orders",
        endpoint="shop",
        headers={"content-type": "application/json", "x-trace": "7"},
        body='{"dry-run":true}',
        timeout="250ms",
        max_redirects=2,
        max_body_bytes=64,
        http2_only=True,
    )
    answer(outcome, "", request.send())


def http_all(outcome: Outcome) -> None:
    requests = [http.Request("GET", "http://a.test/"), http.Request("HEAD", "http://b.test/")]
    for number, one in enumerate(http.send_all(requests), 1):
        if isinstance(one, CapabilityError):
            outcome.detail(f"{number}-error", str(one.kind))
        else:
            answer(outcome, f"{number}-", one)


def lines(outcome: Outcome) -> None:
    socket = tcp.connect("mail.test", 25, "500ms")
    line = socket.read_until("\n", 64)
    socket.write("EHLO probity\r\n")
    measure(outcome, connect_ms=socket.connect_ms)
    detail(outcome, remote_address=socket.remote_address, line=line)
    detail(outcome, some=socket.read(3), rest=socket.read(64), end=socket.read(64))


def starttls(outcome: Outcome) -> None:
    socket = tcp.connect("mail.test", 25)
    socket.read_until("\n", 64)
    socket.write("STARTTLS\r\n")
    socket.read_until("\n", 64)
    session(outcome, "", socket.start_tls("mail.example.org", "office", "500ms"))
    socket.write("QUIT\r\n")
    detail(outcome, inside=socket.read(64))


def tls_inspect(outcome: Outcome) -> None:
    session(outcome, "", tls.inspect("shop.test", 443, "www.shop.test"))


def tls_trusting(outcome: Outcome) -> None:
    session(outcome, "", tls.inspect_trusting("shop.test", 443, "office"))


def tls_named(outcome: Outcome) -> None:
    found = tls.inspect_named("office")
    measure(outcome, certificates=len(found))
    each(outcome, "", found, certificate)


def datagram(outcome: Outcome) -> None:
    reply = udp.exchange("time.test", 123, b"\x1b\x00\xff", 4, "500ms")
    detail(outcome, payload=reply.payload, remote_address=reply.remote_address)
    measure(outcome, elapsed_ms=reply.elapsed_ms, received_unix_ms=reply.received_unix_ns // 1_000_000)


def resolve(outcome: Outcome) -> None:
    records(outcome, dns.resolve("shop.test", "A"))


def resolve_at(outcome: Outcome) -> None:
    records(outcome, dns.resolve("shop.test", "MX", "inside"))


def records(outcome: Outcome, answers: list[dns.Answer]) -> None:
    measure(outcome, answers=len(answers))
    each(outcome, "", answers, record)


def record(outcome: Outcome, prefix: str, answer: dns.Answer) -> None:
    detail(outcome, prefix, data=answer.data)
    measure(outcome, prefix, ttl=answer.ttl)


ACTS = {
    "http-get": http_get,
    "http-tls": http_tls,
    "http-send": http_send,
    "http-all": http_all,
    "tcp": lines,
    "starttls": starttls,
    "tls": tls_inspect,
    "tls-trusting": tls_trusting,
    "tls-named": tls_named,
    "udp": datagram,
    "dns": resolve,
    "dns-at": resolve_at,
}
