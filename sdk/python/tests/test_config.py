"""A configuration that does not fit is named by its path; schema and parser agree on what fits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, Optional

import jsonschema
import pytest

from probity_check import AtMost, ConfigError, Size, Span, setting
from probity_check._config import parse
from probity_check._schema import schema


@dataclass
class Step:
    url: str = setting(min_length=1)
    tries: int = setting(1, minimum=1, maximum=5)


@dataclass
class Config:
    name: str
    targets: list[AtMost] = setting([])
    headers: dict[str, str] = setting({})
    mode: Literal["fast", "slow"] = "fast"
    ratio: float = 1.0
    max_age: AtMost[Span] = AtMost(Span("5m"), Span("10m"))
    size: Optional[Size] = None
    steps: list[Step] = setting([], doc="What to do.")
    strict: bool = False


EXAMPLE: dict[str, Any] = {
    "name": "x",
    "targets": [{"warn": 1}, {}],
    "headers": {"a": "b"},
    "mode": "slow",
    "ratio": 2,
    "max-age": {"warn": "1m", "crit": "1h"},
    "size": "5MiB",
    "steps": [{"url": "/a"}],
    "strict": True,
}


def refused(document: str) -> str:
    with pytest.raises(ConfigError) as raised:
        parse(document, Config)
    return str(raised.value)


def test_documents_are_read():
    config = parse(json.dumps(EXAMPLE), Config)
    assert isinstance(config, Config)
    assert config.targets == [AtMost(1.0), AtMost()]
    assert (config.ratio, config.max_age.crit, config.size) == (2.0, Span("1h"), Size(5 << 20))
    assert config.steps == [Step("/a", 1)]


def test_misfits_are_named_by_path():
    said = refused('{"name":"x","targets":[{"warn":1},{"warn":"x"}]}')
    assert said == 'invalid config: at /targets/1/warn: invalid type: string "x", expected f64'
    assert refused('{"name":"x","headers":{"a/b~c":1}}').startswith(
        "invalid config: at /headers/a~1b~0c: invalid type: integer `1`"
    )
    assert "at /mode: unknown variant `swift`, expected `fast` or `slow`" in refused('{"name":"x","mode":"swift"}')
    assert 'at /max-age/warn: invalid value: string "10", expected a duration like 250ms' in refused(
        '{"name":"x","max-age":{"warn":"10"}}'
    )
    assert "at /targets/0: warn 95 is never reached before crit 90" in refused(
        '{"name":"x","targets":[{"warn":95,"crit":90}]}'
    )
    assert "at /steps/0/tries: 6 is more than 5" in refused('{"name":"x","steps":[{"url":"a","tries":6}]}')
    assert "at /strict: invalid type: integer `1`, expected a boolean" in refused('{"name":"x","strict":1}')


def test_unknown_and_missing_keys_are_named():
    assert "at /: unknown field `target`, expected one of `name`, `targets`" in refused('{"target":[]}')
    assert "at /: missing field `name`" in refused("{}")
    assert "at /steps/0: missing field `url`" in refused('{"name":"x","steps":[{}]}')


def test_broken_documents_are_refused():
    for document, said in [
        ("{", "at /: not a JSON document"),
        ("{} {}", "not a JSON document"),
        ("[]", "at /: invalid type: sequence"),
    ]:
        assert said in refused(document)
    assert "NaN is no JSON number" in refused('{"ratio":NaN}')


def test_nothing_is_an_empty_table():
    assert parse("", dict) == {}
    assert parse(" ", None) is None
    with pytest.raises(ConfigError, match="there are no fields"):
        parse('{"a":1}', None)


def test_schema_and_parser_agree():
    made = schema(Config, "config")
    assert made is not None and made["additionalProperties"] is False and made["required"] == ["name"]
    assert made["properties"]["steps"]["description"] == "What to do."
    assert made["properties"]["max-age"]["default"] == {"warn": "5m", "crit": "10m"}
    validator = jsonschema.Draft202012Validator(made)
    documents = [EXAMPLE]
    for key in EXAMPLE:
        documents.append({name: value for name, value in EXAMPLE.items() if name != key})
        documents.extend({**EXAMPLE, key: wrong} for wrong in ({"?": 1}, 7, "?", None, [None]))
    documents.append({**EXAMPLE, "steps": [{"url": ""}]})
    for document in documents:
        try:
            parse(json.dumps(document), Config)
            fits = True
        except ConfigError:
            fits = False
        assert validator.is_valid(document) == fits, document
