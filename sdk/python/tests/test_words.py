"""Outcomes, thresholds and quantities say what the Rust kit says: the same cases as its own tests."""

import decimal
import math

import pytest

from probity_check import AtLeast, AtMost, CapabilityError, ErrorKind, Outcome, Size, Span, Status, log
from probity_check._units import number, show_number


def test_worst_is_the_greatest():
    assert Status.worst([]) == Status.HEALTHY
    assert Status.worst([Status.DEGRADED, Status.UNHEALTHY, Status.HEALTHY]) == Status.UNHEALTHY


def test_findings_make_the_message():
    outcome = Outcome.healthy("fine").finding(Status.HEALTHY, "not worth a word").finding(Status.DEGRADED, "slow")
    outcome.finding(Status.UNHEALTHY, "wrong").finding(Status.DEGRADED, "old")
    assert (outcome.status, outcome.message) == (Status.UNHEALTHY, "wrong; slow; old")


def test_measurements_carry_unit_and_status():
    outcome = Outcome.healthy("fine").judge("used", 96, "%", AtMost(90, 95)).measure("mount", "/")
    used, mount = outcome.measurements
    assert (used.status, used.unit, used.value) == (Status.UNHEALTHY, "%", 96.0)
    assert isinstance(used.value, float)
    assert (mount.unit, mount.status) == (None, None)


LISTED = 'is no status; there are "healthy", "degraded", "unhealthy"'


@pytest.mark.parametrize("word", ["critical", "down", "Unhealthy", "", 2, None])
def test_a_status_is_one_of_three_words_checked_where_it_is_said(word):
    for say in (Outcome.healthy("fine").finding, Outcome):
        with pytest.raises(ValueError, match=LISTED):
            say(word, "text")
    with pytest.raises(ValueError, match=LISTED):
        Status.worst(["healthy", word])


def test_words_and_members_are_the_same():
    outcome = Outcome.healthy("fine").finding("degraded", "slow").finding(Status.UNHEALTHY, "wrong")
    assert (outcome.status, outcome.message) == (Status.UNHEALTHY, "wrong; slow")
    assert Outcome("degraded", "slow").status is Status.DEGRADED
    assert CapabilityError("refused", "text").kind is ErrorKind.REFUSED
    with pytest.raises(ValueError, match="'gone' is no kind of error; there are denied, not-found, "):
        CapabilityError("gone", "text")
    with pytest.raises(ValueError, match="'warning' is no level; there are trace, debug, info, warn, error"):
        log.Level.of("warning")


@pytest.mark.parametrize("value", [None, math.nan, [], {}, decimal.Decimal("nan")])
def test_what_is_no_value_is_no_measurement_and_no_judgement(value):
    with pytest.raises(TypeError, match=r"judge\('lag'\): the value is .*, expected a number"):
        Outcome.healthy("fine").judge("lag", value, "ms", AtMost())
    with pytest.raises(TypeError, match=r"measure\('lag'\): the value is .*, expected a number, a text"):
        Outcome.healthy("fine").measure("lag", value)


def test_numbers_of_any_type_are_numbers_and_texts_are_not_judged():
    judged = Outcome.healthy("fine").judge("lag", decimal.Decimal("1.5"), "ms", AtMost(1)).measure("d", decimal.Decimal(2))
    assert [each.value for each in judged.measurements] == [1.5, 2.0]
    for value in ("5", True):
        with pytest.raises(TypeError, match="expected a number"):
            Outcome.healthy("fine").judge("lag", value, "ms", AtMost())
    with pytest.raises(TypeError, match="the threshold is None, expected an AtMost"):
        Outcome.healthy("fine").judge("lag", 5, "ms", None)


def test_a_message_is_a_text_and_a_healthy_one_has_no_holes():
    for said in (None, 5, {}):
        with pytest.raises(TypeError, match="the message of unhealthy is .*, expected a text"):
            Outcome.unhealthy(said)
    with pytest.raises(TypeError, match="holds nan"):
        Outcome.healthy(f"{math.nan} orders")
    assert Outcome.unhealthy(ValueError("no route")).message == "no route"


def test_large_integers_saturate():
    outcome = Outcome.healthy("fine").measure("n", 1 << 70).measure("m", -(1 << 70)).measure("b", True)
    assert [each.value for each in outcome.measurements] == [(1 << 63) - 1, -(1 << 63), True]


def test_the_bound_itself_is_allowed():
    most = AtMost(500, 1000)
    assert [most.judge(value) for value in (500, 500.1, 1000, 1000.1)] == [0, 1, 1, 2]
    least = AtLeast(21, 7)
    assert [least.judge(value) for value in (21, 20.9, 7, 6.9)] == [0, 1, 1, 2]


def test_absent_bounds_judge_nothing_and_nan_breaks_all():
    assert AtMost().judge(math.inf) == Status.HEALTHY
    assert AtMost(crit=1).judge(2) == Status.UNHEALTHY
    assert AtMost(1, 2).judge(math.nan) == Status.UNHEALTHY
    assert AtLeast(warn=1).judge(math.nan) == Status.DEGRADED


def test_complaints_name_the_bound():
    latency = AtMost(Span("250ms"), Span("1s"))
    assert latency.complaint(400, "ms") == "400 ms, more than 250 ms"
    assert latency.complaint(1500, "ms") == "1.5 s, more than 1 s"
    assert AtLeast(warn=Size("5GiB")).complaint(1 << 20, "By") == "1 MiB, less than 5 GiB"
    assert AtLeast(warn=Size("5GiB")).complaint(1e12, "By") is None


def test_disordered_bounds_are_refused():
    with pytest.raises(ValueError, match="warn 95 is never reached before crit 90: warn must be at most crit"):
        AtMost(95, 90)
    with pytest.raises(ValueError, match="warn must be at least crit"):
        AtLeast(7, 21)


def test_quantities_read_as_configuration_writes_them():
    assert [Span(text).ms for text in ("250ms", "15s", "10m", "2h", "7d")] == [
        250,
        15_000,
        600_000,
        7_200_000,
        604_800_000,
    ]
    for text in ("10", "s", "-1s", "1.5s", "1 s", "", "99999999999999999999d", "١s"):
        with pytest.raises(ValueError, match="a duration like"):
            Span(text)
    assert (Size(512).bytes, Size("5GiB").bytes, Size("5GB").bytes) == (512, 5 << 30, 5_000_000_000)
    for text in ("5G", "18446744073709551615TiB"):
        with pytest.raises(ValueError, match="a size like"):
            Size(text)


def test_amounts_are_shown_readably():
    assert [Span.show(1500.0), Span.show(0.25), Size.show(1536.0)] == ["1.5 s", "0.25 ms", "1.5 KiB"]
    shown = [show_number(90, "%"), show_number(3, "{orders}"), show_number(1.05, "1"), show_number(100)]
    assert shown == ["90 %", "3 orders", "1.05", "100"]
    assert [number(value) for value in (0.0, 0.00456, -0.01, 0.998, 1e-20)] == ["0", "0.0046", "-0.01", "1", "0"]


def test_quantities_compare_and_write_themselves_as_they_are_read():
    assert Span("1m") == Span(60_000) and Span("1s") < Span("1m") and Span(0).to_json() == "0ms"
    assert (Span(90_000).to_json(), Size(1 << 20).to_json(), str(Size("1536B"))) == ("90s", "1MiB", "1.5 KiB")
