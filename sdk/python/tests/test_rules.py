"""Rules for JSON and ranges of codes say what the Rust kit says: the same cases as its own tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest

from probity_check import AtLeast, AtMost, ConfigError, Outcome, Status, setting
from probity_check._config import parse
from probity_check._schema import schema
from probity_check.http import Codes
from probity_check.json import Pointer, Rule, shorten


@dataclass
class Config:
    status: list[Codes] = setting([Codes.SUCCESS], min_length=1)
    rules: list[Rule] = setting([])


def verdict(rule: dict[str, Any], document: Any) -> tuple[Status, str]:
    config = parse(json.dumps({"rules": [rule]}), Config)
    outcome = config.rules[0].judge(Outcome.healthy("fine"), document)
    return outcome.status, outcome.message


DOCUMENT = {"state": "ready", "tags": ["a", "b"], "n": 5, "none": None, "a/b": {"~": [7]}}


@pytest.mark.parametrize(
    "rule, finding",
    [
        ({"pointer": "/state", "equals": "ready"}, "fine"),
        ({"pointer": "/state", "equals": "down"}, '/state is "ready", expected "down"'),
        ({"pointer": "/none", "equals": None}, "fine"),
        ({"pointer": "/n", "equals": None}, "/n is 5, expected null"),
        ({"pointer": "/n", "equals": 5.0}, "/n is 5, expected 5.0"),
        ({"pointer": "/state", "contains": "read"}, "fine"),
        ({"pointer": "/tags", "contains": "b"}, "fine"),
        ({"pointer": "/tags", "contains": "c"}, '/tags is ["a","b"], expected to contain "c"'),
        ({"pointer": "/none", "exists": True}, "fine"),
        ({"pointer": "/gone", "exists": False}, "fine"),
        ({"pointer": "/gone"}, "JSON has no /gone"),
        ({"pointer": "/tags/2"}, "JSON has no /tags/2"),
        ({"pointer": "/tags/01"}, "JSON has no /tags/01"),
        ({"pointer": "/a~1b/~0/0", "equals": 7}, "fine"),
        ({"pointer": "/n", "exists": False}, "/n is 5, expected nothing"),
        ({"pointer": "/state", "at-least": {"crit": 1}}, '/state is "ready", expected a number'),
        ({"pointer": "/n", "at-most": {"crit": 4}}, "/n 5, more than 4"),
    ],
)
def test_rules_tell_what_they_found(rule: dict[str, Any], finding: str) -> None:
    status, message = verdict(rule, DOCUMENT)
    assert message == finding
    assert (status == Status.HEALTHY) == (finding == "fine")


def test_numbers_are_judged() -> None:
    rule = {"pointer": "", "at-most": {"warn": 10, "crit": 20}, "at-least": {"warn": 2, "crit": 1}}
    assert [verdict(rule, number)[0] for number in (5, 11, 21)] == [0, 1, 2]
    assert [verdict(rule, number)[0] for number in (1, 0)] == [1, 2]
    outcome = Rule(Pointer("/n"), at_most=AtMost(10), at_least=AtLeast(6)).judge(Outcome.healthy("fine"), DOCUMENT)
    assert [(each.name, each.value) for each in outcome.measurements] == [("/n", 5.0)]


def test_quotes_are_short() -> None:
    assert len(shorten("ä" * 100)) == 81


def test_statuses_read_as_codes_and_ranges() -> None:
    codes = [Codes.SUCCESS, Codes(404)]
    assert parse('{"status": ["200-299", 404]}', Config).status == codes
    assert parse("{}", Config).status == [Codes.SUCCESS]
    assert Codes.complaint(codes, 404) is None
    assert Codes.complaint(codes, 500) == "status 500, expected 200-299 or 404"


@pytest.mark.parametrize(
    "wrong, reason",
    [
        ('{"status": ["2xx"]}', 'at /status/0: invalid value: string "2xx", expected a status like 204 or "200-299"'),
        ('{"status": ["204"]}', 'at /status/0: invalid value: string "204", expected a status like 204 or "200-299"'),
        ('{"status": ["299-200"]}', 'at /status/0: invalid value: string "299-200", expected a status like'),
        ('{"status": [99]}', "at /status/0: invalid value: integer `99`, expected a status like"),
        ('{"status": [1000]}', "at /status/0: invalid value: integer `1000`, expected a status like"),
        ('{"status": [null]}', "at /status/0: invalid type: unit value, expected a status like"),
        ('{"status": [-1]}', "at /status/0: invalid type: integer `-1`, expected a status like"),
        ('{"rules": [{"pointer": "state"}]}', 'at /rules/0/pointer: "state" is no JSON pointer: write /state'),
        ('{"rules": [{}]}', "at /rules/0: missing field `pointer`"),
    ],
)
def test_what_does_not_fit_is_named(wrong: str, reason: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(wrong, Config)
    assert reason in str(error.value)
    validator = jsonschema.Draft202012Validator(schema(Config, "config") or {})
    # A schema cannot compare the ends of a range.
    assert validator.is_valid(json.loads(wrong)) == ("299-200" in wrong)


def test_the_schema_takes_what_the_parser_takes() -> None:
    rule = {"pointer": "/n", "equals": None, "contains": "x", "exists": True, "at-most": {"warn": 1}}
    made = schema(Config, "config") or {}
    jsonschema.Draft202012Validator(made).validate({"status": [204, "200-299"], "rules": [rule]})
    assert made["properties"]["status"]["default"] == ["200-299"]
    assert "default" not in made["properties"]["rules"]["items"]["properties"]["equals"]


def test_a_default_with_rules_reads_as_it_was_written() -> None:
    wanted = [Rule(Pointer("/x")), Rule(Pointer("/y"), equals=None), Rule(Pointer("/z"), equals=1, at_most=AtMost(2.0))]

    @dataclass
    class Strict:
        rules: list[Rule] = setting(wanted)

    default = json.loads(json.dumps(schema(Strict, "config")))["properties"]["rules"]["default"]
    assert "equals" not in default[0] and default[1]["equals"] is None
    assert parse(json.dumps({"rules": default}), Config).rules == wanted


def test_large_integers_are_told_apart() -> None:
    """Beyond 2^53, where floats miss every other integer."""
    document = {"id": 9007199254740993}
    assert verdict({"pointer": "/id", "at-most": {"crit": 9007199254740992}}, document) == (
        Status.UNHEALTHY,
        "/id 9007199254740993, more than 9007199254740992",
    )
    assert verdict({"pointer": "/id", "at-least": {"crit": 9007199254740993}}, document)[0] == Status.HEALTHY
    assert verdict({"pointer": "/id", "equals": 9007199254740992}, document)[0] == Status.UNHEALTHY
    outcome = Outcome.healthy("fine").judge("id", 9007199254740993, "", AtMost())
    assert outcome.measurements[0].value == 9007199254740993
    assert isinstance(Outcome.healthy("fine").judge("n", 3, "", AtMost()).measurements[0].value, float)
