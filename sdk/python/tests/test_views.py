"""A view answers from its cache, never waits long, and says when the host is away."""

import asyncio
import json
import threading
import time

import django
import fastapi
import flask
import pytest
from board_server import FakeHost
from django.conf import settings
from django.test import RequestFactory
from fastapi.testclient import TestClient

import probity_check.django
import probity_check.fastapi
import probity_check.flask
from probity_check.board import Board
from probity_check.pulse import Pulse


@pytest.fixture
def host():
    fake = FakeHost()
    yield fake
    fake.close()


def until(true, seconds=10.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "never came to what was expected"
        time.sleep(0.005)  # the distance of two looks


def test_a_board_passes_on_status_and_body(host):
    host.status, host.body = 503, b'{"status":"unhealthy","checks":{}}'
    answer = Board(host.url, token="secret-token", version="1.2.3").answer("/health")
    assert (answer.status, answer.body) == (503, {"status": "unhealthy", "checks": {}, "version": "1.2.3"})
    assert host.asked == [("/health", "Bearer secret-token")]


def test_probes_that_answer_in_a_word_are_understood(host):
    host.status, host.body = 503, b"draining\n"
    answer = Board(host.url).answer("/ready")
    assert (answer.status, answer.body) == (503, {"status": "draining"})


def test_fresh_answers_cost_the_host_nothing(host):
    board = Board(host.url, ttl=60)
    assert {board.answer("/ready").status for _ in range(100)} == {200}
    assert len(host.asked) == 1


def test_an_old_answer_is_given_while_one_thread_renews_it(host):
    board = Board(host.url, ttl=0.0, max_age=60)
    board.answer("/ready")
    host.go_on.clear()
    host.status, host.body = 503, b"unhealthy\n"
    start = time.monotonic()
    assert {board.answer("/ready").status for _ in range(50)} == {200}
    assert time.monotonic() - start < 5
    until(lambda: len(host.asked) == 2)
    host.go_on.set()
    until(lambda: board.answer("/ready").status == 503)


def test_a_host_that_hangs_holds_nobody_up(host):
    host.go_on.clear()
    board = Board(host.url, patience=0.1)
    start = time.monotonic()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(board.answer("/health"))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - start < 5
    assert {(answer.status, answer.body["status"]) for answer in answers} == {(503, "unknown")}
    assert len(host.asked) == 1


def test_a_host_that_is_away_makes_unknown_but_not_dead(host):
    host.close()
    board = Board(host.url, patience=5, version="1")
    ready = board.answer("/ready")
    assert (ready.status, ready.body["status"], ready.body["version"]) == (503, "unknown", "1")
    assert f"the health-check host at {host.url} is away: ConnectionRefusedError" in ready.body["message"]
    assert board.answer("/live").status == 200


def test_a_host_that_goes_away_is_logged_once_and_once_when_it_is_back(host, caplog):
    caplog.set_level("INFO", logger="probity_check")
    board = Board(host.url.replace("//", "//me:secret@"), ttl=0.0, max_age=0.0, patience=5)
    host.body = b"<html>"
    for _ in range(5):
        board.answer("/ready"), board.answer("/health")
    host.body = b"ok\n"
    for _ in range(5):
        board.answer("/ready"), board.answer("/health")
    until(lambda: len(caplog.messages) == 2)
    away, back = caplog.messages
    assert away == f"the health-check host at {host.url} is away: /ready answered 200, and not as a board does"
    assert back == f"the health-check host at {host.url} is back"


def test_groups_and_formats_are_passed_on_and_bounded(host):
    host.body, host.kind = b"OK - 3 checks\n", "text/plain; charset=utf-8"
    board = Board(host.url, patience=5, version="9")
    answer = board.answer("/health/orders", "nagios")
    assert (answer.status, answer.text(), answer.content_type) == (200, "OK - 3 checks\n", host.kind)
    assert host.asked[-1][0] == "/health/orders?format=nagios"
    host.body = b'{"status":"healthy"}'
    assert board.answer("/health", "json").body == {"status": "healthy", "version": "9"}
    host.status = 404
    assert board.answer("/health/other").status == 404
    asked = len(host.asked)
    refused = board.answer("/health", "yaml")
    assert refused.status == 400 and "there are json, health+json, spring" in refused.body["message"]
    for path in ("/health/../checks", "/health/", "/checks", "/health/" + "a" * 64):
        assert board.answer(path).status == 404
    assert len(host.asked) == asked
    for at in range(100):
        board.answer(f"/health/g{at}")
    assert len(board._slots) <= 64


def test_an_answer_past_its_age_is_not_given(host):
    board = Board(host.url, ttl=0.0, max_age=0.05, patience=5)
    assert board.answer("/ready").status == 200
    host.body = b"<html>"
    until(lambda: board.answer("/ready").body["status"] == "unknown")


def test_an_event_loop_is_never_held_up(host):
    host.go_on.clear()
    board = Board(host.url, patience=0.2)

    async def both():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.001)

        ticker = asyncio.ensure_future(tick())
        answer = await board.answer_async("/ready")
        ticker.cancel()
        return answer, ticks

    answer, ticks = asyncio.run(both())
    assert answer.status == 503 and ticks > 10


def test_flask(host):
    app = flask.Flask("shop")
    app.register_blueprint(probity_check.flask.blueprint(host.url, patience=5, version="9"))
    answer = app.test_client().get("/ready")
    assert (answer.status_code, answer.json) == (200, {"status": "ok", "version": "9"})
    assert answer.headers["cache-control"] == "no-store"
    head = app.test_client().head("/startup")
    assert (head.status_code, head.data) == (200, b"")
    host.body, host.kind = b"<x/>", "application/xml"
    answer = app.test_client().get("/health/orders?format=spring")
    assert (answer.data, answer.content_type) == (b"<x/>", "application/xml")


def test_fastapi(host):
    app = fastapi.FastAPI()
    app.include_router(probity_check.fastapi.router(host.url, patience=5), prefix="/probes")
    host.status, host.body = 503, b"starting\n"
    answer = TestClient(app).get("/probes/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "starting"})
    assert TestClient(app).head("/probes/startup").status_code == 503
    assert TestClient(app).get("/probes/health/orders?format=text").status_code == 503
    assert host.asked[-1][0] == "/health/orders?format=text"
    assert TestClient(app).get("/probes/health?format=yaml").status_code == 422


@pytest.mark.filterwarnings("error")
def test_the_openapi_document_has_every_answer():
    app = fastapi.FastAPI()
    app.include_router(probity_check.fastapi.router())
    paths = app.openapi()["paths"]
    assert set(paths) == {"/health", "/health/{group}", "/ready", "/live", "/startup"}
    for path, operations in paths.items():
        assert list(operations) == ["get"], path
        for code in ("200", "503"):
            schema = operations["get"]["responses"][code]["content"]["application/json"]["schema"]
            assert schema["$ref"].endswith("/Health" if path.startswith("/health") else "/Probe"), (path, code)


def test_django(host):
    if not settings.configured:
        settings.configure()
        django.setup()
    patterns = {pattern.name: pattern for pattern in probity_check.django.urls(host.url, patience=5)}
    host.body = b'{"status":"degraded"}'
    answer = patterns["probity-health"].callback(RequestFactory().get("/health"))
    assert (answer.status_code, json.loads(answer.content)) == (200, {"status": "degraded"})
    assert patterns["probity-health"].callback(RequestFactory().post("/health")).status_code == 405
    assert patterns["probity-startup"].callback(RequestFactory().head("/startup")).status_code == 200
    answer = patterns["probity-group"].callback(RequestFactory().get("/health/orders?format=text"), group="orders")
    assert (answer.status_code, host.asked[-1][0]) == (200, "/health/orders?format=text")


def test_a_board_that_drains_is_not_ready_and_alive(host):
    board = Board(host.url, version="9", patience=5)
    app = flask.Flask("shop")
    app.register_blueprint(probity_check.flask.blueprint(board))
    asked = app.test_client()
    assert asked.get("/ready").status_code == 200
    board.drain()
    answer = asked.get("/ready")
    assert (answer.status_code, answer.json) == (503, {"status": "draining", "version": "9"})
    assert (asyncio.run(board.answer_async("/ready"))).status == 503
    assert (asked.get("/live").status_code, asked.get("/health").status_code) == (200, 200)


def test_options_belong_to_the_board(host):
    with pytest.raises(TypeError, match="ttl: give the options to the Board"):
        probity_check.django.urls(Board(host.url), ttl=5)


def test_a_wrong_address_is_told_at_once():
    with pytest.raises(ValueError, match="is no address of a host"):
        Board("localhost:8080")


def test_a_pulse_tells_of_requests_that_run(host):
    release, inside = threading.Event(), threading.Event()

    def app(environ, start_response):
        inside.set()
        release.wait(10)
        return [b""]

    pulse = Pulse(host.url, "shop", token="secret-token", every=0.01, capacity=1, pool=lambda: (3, 5))
    served = threading.Thread(target=pulse.wsgi(app), args=({}, None))
    served.start()
    inside.wait(10)
    until(lambda: host.posted and json.loads(host.posted[-1][2])["busy"] == 1)
    path, token, body = host.posted[-1]
    said = json.loads(body)
    assert (path, token, said["pool"], said["ready"]) == (
        "/heartbeats/shop",
        "Bearer secret-token",
        {"used": 3, "size": 5},
        True,
    )
    assert said["rss"] > 1 << 20 and "lag_ms" not in said
    release.set()
    served.join()
    until(lambda: json.loads(host.posted[-1][2])["busy"] == 0)
    pulse.drain()
    assert json.loads(host.posted[-1][2])["ready"] is False
    pulse.stop()


def test_a_pulse_goes_on_while_the_event_loop_is_blocked(host):
    pulse = Pulse(host.url, "shop", every=0.01)

    async def app(scope, receive, send):
        # The loop stands still until the pulse has told of it.
        until(lambda: host.posted and json.loads(host.posted[-1][2]).get("lag_ms", 0) > 100)

    asyncio.run(pulse.asgi(app)({"type": "http"}, None, None))
    pulse.stop()


def test_a_pulse_without_a_host_harms_nobody(host):
    host.close()
    pulse = Pulse(host.url, "shop", pool=lambda: 1 / 0)
    pulse.drain()
    assert "pool" not in pulse.facts()
