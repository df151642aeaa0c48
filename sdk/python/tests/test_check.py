"""What a decorated function or class is, and what a fake host makes of it."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from probity_check import (
    AtMost,
    CapabilityError,
    ErrorKind,
    Failure,
    Outcome,
    Status,
    check,
    clock,
    context,
    http,
    log,
    setting,
    sql,
    state,
    system,
    tcp,
    udp,
)
from probity_check._check import of, only
from probity_check.http import TlsInfo
from probity_check.testing import Database, Host, Reply, Script


@dataclass
class Config:
    load: AtMost = setting(AtMost(1.5), doc="One-minute load per CPU.")


def load_check():
    @check(name="load", version="0.1.0", probes=["ready"], default_interval="15s", example={"load": {"warn": 2}})
    def load(config: Config) -> Outcome:
        """Is the machine overloaded?

        More words."""
        return Outcome.healthy("fine").judge("load", system.load().one / system.cpu().logical, "1", config.load)

    return load


def test_a_function_is_a_check():
    load = load_check()
    facts = of(load).metadata
    assert (facts.name, facts.description, facts.default_interval_ms) == ("load", "Is the machine overloaded?", 15_000)
    assert json.loads(facts.config_schema)["properties"]["load"]["description"] == "One-minute load per CPU."
    assert only() is of(load)
    assert Host().load(6, 2, 1).cpus(2).run(load, {"load": {"warn": 1.5}}).message == "load 3, more than 1.5"


def test_a_class_is_a_check_and_keeps_nothing():
    @check(name="counter", version="1")
    class Counter:
        def __init__(self) -> None:
            self.n = 0

        def run(self) -> Outcome:
            self.n += 1
            return Outcome.healthy("fine").measure("n", self.n)

    host = Host()
    assert [host.run(Counter).measurements[0].value for _ in range(2)] == [1, 1]


def test_mistakes_are_found_when_the_module_is_imported():
    with pytest.raises(ValueError, match="no name for a check"):
        check(name="Load Check", version="1")(lambda: Outcome.healthy(""))
    with pytest.raises(ValueError, match="'redy' is no probe"):
        check(name="load", version="1", probes=["redy"])(lambda: Outcome.healthy(""))
    with pytest.raises(Failure, match="at /load/warn"):
        check(name="load", version="1", example={"load": {"warn": "x"}})(_takes_config)
    with pytest.raises(TypeError, match="make it a dataclass, or dict"):
        check(name="load", version="1")(_takes_int)
    with pytest.raises(RuntimeError, match="no check"):
        only()


def _takes_config(config: Config) -> Outcome:
    return Outcome.healthy("")


def _takes_int(config: int) -> Outcome:
    return Outcome.healthy("")


def test_no_outcome_is_a_mistake_with_a_name():
    @check(name="nothing", version="1")
    def nothing():
        return None

    with pytest.raises(TypeError, match="the check nothing returned None, not an Outcome"):
        Host().run(nothing)


def test_without_a_host_a_capability_says_so():
    with pytest.raises(RuntimeError, match="probity_check.testing.Host"):
        http.get("http://shop.test/")


def test_what_was_not_set_up_is_the_error_the_host_would_give():
    @check(name="up", version="1")
    def up(config: dict) -> Outcome:
        return Outcome.healthy(str(http.get(config["url"], headers={"a": "b"}, json={"x": 1}).status))

    with pytest.raises(CapabilityError) as raised:
        Host().run(up, {"url": "http://gone.test/"})
    assert raised.value.kind == ErrorKind.REFUSED and raised.value.is_about_the_target
    host = Host().http("GET", "http://shop.test/", Reply(500)).http("GET", "http://shop.test/", Reply(200))
    assert [host.run(up, {"url": "http://shop.test/"}).message for _ in range(3)] == ["500", "200", "200"]
    assert host.requests[0].wire_headers() == [("a", b"b"), ("content-type", b"application/json")]


def test_state_lives_as_long_as_its_ttl():
    @check(name="state", version="1")
    def runs() -> Outcome:
        count = state.increment("runs")
        before = state.get_json("last")
        state.set_json("last", {"n": count}, ttl="1m")
        log.info("ran", n=count)
        return Outcome.healthy(f"{count} {before} {state.keys('')}")

    host = Host()
    assert host.run(runs).message == "1 None ['last', 'runs']"
    assert host.advance_ms(59_999).run(runs).message == "2 {'n': 1} ['last', 'runs']"
    assert host.advance_ms(60_000).run(runs).message == "3 None ['last', 'runs']"
    assert host.logs[-1].fields == {"n": "3"}


def in_run(host, look):
    """What ``look`` returns within one run on ``host``."""
    seen = []

    @check(name="looks", version="1")
    def looks() -> Outcome:
        seen.append(look())
        return Outcome.healthy("fine")

    host.run(looks)
    return seen[0]


def test_counting_keeps_the_time_to_live_of_a_key_and_starts_anew_when_it_is_over():
    host = Host()
    in_run(host, lambda: state.set("count", "5", ttl=1000))
    assert in_run(host.advance_ms(999), lambda: state.increment("count")) == 6
    assert in_run(host.advance_ms(1), lambda: state.increment("count")) == 1
    assert in_run(host.advance_ms(1_000_000), lambda: state.increment("count")) == 2


@pytest.mark.parametrize("value", ["", " 1", "1_000", "1.5", "many", str(1 << 63)])
def test_what_is_no_integer_is_not_counted(value):
    with pytest.raises(CapabilityError, match="state `count` does not hold a decimal integer") as raised:
        in_run(Host().state("count", value), lambda: state.increment("count"))
    assert raised.value.kind == ErrorKind.INVALID_ARGUMENT


@pytest.mark.parametrize("call", [state.get, state.delete, state.increment, lambda key: state.set(key, b"")])
def test_a_key_that_is_none_is_refused_by_every_function_of_state(call):
    for key in ["", "k" * 257, "é" * 129]:
        with pytest.raises(CapabilityError, match="a state key has 1 to 256 bytes") as raised:
            in_run(Host(), lambda: call(key))
        assert raised.value.kind == ErrorKind.INVALID_ARGUMENT
    in_run(Host(), lambda: call("é" * 128))


def test_what_is_left_of_a_run_is_less_what_it_slept():
    def naps() -> int:
        taken = 0
        while context.remaining_ms() > 500 and taken < 100:
            clock.sleep_ms(100)
            taken += 1
        return taken

    host = Host()
    assert in_run(host, naps) == 15
    # Each run has its own time, and what passes between two costs neither.
    assert in_run(host.advance_ms(60_000), naps) == 15
    assert in_run(host, lambda: (clock.sleep_ms(5000), context.remaining_ms())[1]) == 0


def test_fields_of_a_row_read_as_types():
    row = sql.Row([sql.Column("n"), sql.Column("exact"), sql.Column("none")], [3, "12.50", None])
    assert (row.get("n", int), row.get("exact", float), row[2]) == (3, 12.5, None)
    for key, kind, said in [
        ("n", str, 'column "n" is 3, not text'),
        ("none", int, 'column "none" is None, not an integer'),
        ("m", int, 'the reply has no column "m"'),
    ]:
        with pytest.raises(CapabilityError, match=said):
            row.get(key, kind)
    with pytest.raises(CapabilityError):
        sql.Row([sql.Column("n")], [1.5]).get(0, int)
    with pytest.raises(CapabilityError):
        sql.Row([sql.Column("n")], ["NaN"]).get(0, float)


def test_a_transaction_is_rolled_back_unless_committed():
    @check(name="pay", version="1")
    def pay(config: dict) -> Outcome:
        with sql.open("shop").begin() as transaction:
            transaction.execute("INSERT INTO payments VALUES ($1)", [1])
            if config["keep"]:
                transaction.commit()
        return Outcome.healthy("paid")

    for keep, last in [(False, "ROLLBACK"), (True, "COMMIT")]:
        host = Host().sql("shop", Database.postgres().affects("INSERT", 1))
        host.run(pay, {"keep": keep})
        assert host.sql_statements("shop")[-1][0] == last
    with pytest.raises(CapabilityError, match="shop:write"):
        Host().sql("shop", Database.postgres().read_only()).run(pay, {"keep": False})


def test_a_script_answers_when_it_was_asked():
    @check(name="smtp", version="1")
    def smtp() -> Outcome:
        socket = tcp.connect("mail.test", 25, "1s")
        greeting = socket.read_until("\n", 512)
        socket.write("QUIT\r\n")
        return Outcome.healthy(f"{greeting!r} {socket.read(100)!r} {socket.read(100)!r} {clock.monotonic_ns()}")

    host = Host().tcp("mail.test:25", Script().sends(b"220 mail\r\n").expects(b"QUIT\r\n").sends(b"221 bye\r\n"))
    assert host.run(smtp).message == "b'220 mail\\r\\n' b'221 bye\\r\\n' b'' 0"
    assert host.tcp_written("mail.test:25") == b"QUIT\r\n"


def test_statuses_are_words():
    assert [str(status) for status in Status] == ["healthy", "degraded", "unhealthy"]


def test_a_connection_becomes_tls_and_a_datagram_is_answered():
    @check(name="secure", version="1")
    def secure() -> Outcome:
        socket = tcp.connect("mail.test", 25)
        socket.read_until("\n", 512)
        distrust = socket.start_tls().distrust
        reply = udp.exchange("ntp.test", 123, b"?", timeout="1s")
        return Outcome.healthy(f"{distrust} {reply.payload!r}")

    script = Script().sends(b"220 mail\r\n").starts_tls(TlsInfo(distrust="expired"))
    host = Host().tcp("mail.test:25", script).udp("ntp.test:123", udp.Reply(b"!"))
    assert host.run(secure).message == "expired b'!'"
    with pytest.raises(CapabilityError, match="timeout: ntp.test:123 did not answer"):
        Host().tcp("mail.test:25", script).run(secure)
