/** Outcomes, thresholds, units and configuration: the same words as in the other kits. */

import assert from "node:assert/strict";
import { test } from "node:test";

import check, { AtLeast, AtMost, CapabilityError, ConfigError, Outcome, Status, atMost, bigint, integer, json, list, map, number, oneOf, optional, size, span, table, text, worst } from "probity-check";

import { parse } from "../src/config.js";
import { bytes, milliseconds, number as shown, plain } from "../src/units.js";

test("findings replace a healthy message and come worst first", () => {
  const outcome = Outcome.healthy("fine").finding("healthy", "not worth a word").finding("degraded", "slow")
    .finding("unhealthy", "wrong").finding("degraded", "old");
  assert.deepEqual([outcome.status, outcome.message], ["unhealthy", "wrong; slow; old"]);
  assert.equal(worst([]), "healthy");
});

test("measurements carry unit and status; whole numbers are integers, judged ones are not", () => {
  const outcome = Outcome.healthy("fine").judge("used", 96, "%", new AtMost({ warn: 90, crit: 95 })).measure("mount", "/")
    .measure("rows", 5).measure("share", 0.5, "1");
  assert.deepEqual(outcome.measurements, [
    { name: "used", value: { tag: "number", val: 96 }, unit: "%", status: "unhealthy" },
    { name: "mount", value: { tag: "text", val: "/" }, unit: null, status: null },
    { name: "rows", value: { tag: "integer", val: 5 }, unit: null, status: null },
    { name: "share", value: { tag: "number", val: 0.5 }, unit: "1", status: null },
  ]);
});

test("a status is one of three words, checked where it is said", () => {
  const listed = /is no status; there are "healthy", "degraded", "unhealthy"/;
  for (const word of ["critical", "down", "Unhealthy", "", 2, undefined, null, { toString: () => "healthy" }]) {
    assert.throws(() => Outcome.healthy("fine").finding(word, "text"), listed, String(word));
    assert.throws(() => new Outcome(word, "text"), listed);
  }
  assert.throws(() => worst(["healthy", "warn"]), /"warn" is no status/);
  const outcome = Outcome.healthy("fine");
  outcome.status = "ok";
  assert.throws(() => outcome.toContract(), listed);
  assert.equal(Outcome.healthy("fine").finding(Status.unhealthy, "text").status, "unhealthy");
});

test("kinds of errors and probes are checked where they are said", () => {
  assert.throws(() => new CapabilityError("gone", "text"), /"gone" is no kind of error; there are timeout, dns, /);
  assert.throws(() => check({ name: "x", probes: ["redy"], run() {} }), /"redy" is no probe; there are live, ready, startup/);
});

test("what is no value is no measurement, and no judgement either", () => {
  const none = new AtMost();
  for (const [value, shown] of [[undefined, "undefined"], [null, "null"], [NaN, "NaN"], [Promise.resolve(1), "a Promise"],
    [{}, "an object \\(Object\\)"], [[], "a list"]]) {
    const said = new RegExp(`the value is ${shown}, expected a number.*await.*field`);
    assert.throws(() => Outcome.healthy("fine").judge("lag", value, "ms", none), said);
    assert.throws(() => Outcome.healthy("fine").measure("lag", value), said);
  }
  assert.throws(() => Outcome.healthy("fine").judge("lag", "5", "ms", none), /judge\("lag"\): the value is "5", expected a number\.$/);
  assert.throws(() => Outcome.healthy("fine").judge("lag", 5, "ms"), /the threshold is undefined, expected an AtMost/);
  assert.equal(Outcome.healthy("fine").judge("lag", 5n, "ms", none).measurements[0].value.val, 5);
});

test("integers are compared as integers past 2^53 as well, and told with all their digits", () => {
  const next = 2n ** 53n + 1n;
  const most = new AtMost({ crit: 2 ** 53 });
  assert.equal(Outcome.healthy("x").judge("n", next - 1n, "", most).status, "healthy");
  const outcome = Outcome.healthy("fine").judge("n", next, "{rows}", most).measure("n", next);
  assert.equal(outcome.message, "n 9007199254740993 rows, more than 9007199254740992 rows");
  assert.deepEqual(outcome.measurements.map(({ value }) => value), [{ tag: "integer", val: 2 ** 53 }, { tag: "integer", val: 2 ** 53 }]);
  assert.equal(Outcome.healthy("x").judge("n", 2n ** 70n, "", most).measurements[0].value.val, 2 ** 63);
  assert.equal(Outcome.healthy("x").judge("n", 1n, "", new AtMost({ warn: 0.5 })).status, "degraded");
  const fields = table({ id: bigint(), rows: atMost(bigint()), like: json(), text: text(""), odd: text("") });
  const document = '{"id": -9007199254740993, "rows": {"crit": 9007199254740993}, "like": [9007199254740993, 1e20], "text": "1234567890123456789 \\" 1", "odd": "\\u0000x"}';
  const config = parse(fields, document);
  assert.deepEqual([config.id, config.rows.crit, config.text], [-next, next, '1234567890123456789 " 1']);
  assert.deepEqual(config.like, [2 ** 53, 1e20]);
  assert.equal(Outcome.healthy("x").judge("n", next, "", config.rows).status, "healthy");
  assert.equal(Outcome.healthy("x").judge("n", next + 1n, "", config.rows).message, "n 9007199254740994, more than 9007199254740993");
  assert.throws(() => parse(fields, document.replace('"crit"', '"warn": 9007199254740994, "crit"')),
    /warn 9007199254740994 is never reached before crit 9007199254740993: warn must be at most crit/);
  assert.throws(() => parse(table({ id: bigint() }), '{"id": 1.5}'), /at \/id: invalid type: floating point `1.5`, expected an integer/);
  assert.equal(parse(table({ id: bigint(7) }), "{}").id, 7n);
});

test("a healthy message has no holes; bad news is told as it is", () => {
  for (const said of [`x${undefined}`, `difference ${NaN} orders`, `${Promise.resolve()}`, `${{}}`]) {
    assert.throws(() => Outcome.healthy(said), /holds (undefined|NaN|\[object)/, said);
  }
  for (const said of [undefined, null, Promise.resolve("x"), {}]) {
    assert.throws(() => Outcome.unhealthy(said), /the message of unhealthy is .*, expected a text/);
    assert.throws(() => Outcome.healthy("fine").finding("degraded", said), /the message of degraded is/);
  }
  assert.equal(Outcome.unhealthy("relation undefined_orders does not exist").message, "relation undefined_orders does not exist");
  assert.equal(Outcome.unhealthy(new Error("no route")).message, "no route");
});

test("a bound is the last allowed value, and what is not a number breaks every bound", () => {
  const most = new AtMost({ warn: 500, crit: 1000 });
  assert.deepEqual([500, 500.1, 1000, 1000.1, Number.NaN].map((value) => most.judge(value)),
    ["healthy", "degraded", "degraded", "unhealthy", "unhealthy"]);
  const least = new AtLeast({ warn: 21, crit: 7 });
  assert.deepEqual([21, 20.9, 7, 6.9].map((value) => least.judge(value)), ["healthy", "degraded", "degraded", "unhealthy"]);
  assert.equal(new AtMost().judge(Infinity), "healthy");
});

test("amounts are shown in the unit a person would choose", () => {
  assert.equal(milliseconds.show(1500, "ms"), "1.5 s");
  assert.equal(milliseconds.show(0.25, "ms"), "0.25 ms");
  assert.equal(bytes.show(1536, "By"), "1.5 KiB");
  assert.deepEqual(["%", "{orders}", "1", ""].map((unit) => plain.show(90, unit)), ["90 %", "90 orders", "90", "90"]);
  assert.deepEqual([0, 0.00456, -0.01, 0.998, 1e-20, 0.125, 0.375, 1.005, 100].map(shown),
    ["0", "0.0046", "-0.01", "1", "0", "0.12", "0.38", "1", "100"]);
});

const FIELDS = table({
  targets: list(atMost(), []),
  headers: map(text(), {}),
  maxAge: span("10m"),
  room: optional(size()),
  mode: oneOf(["fast", "slow"], "fast"),
  small: integer(0),
});

test("every shape of JSON reaches its field, and camelCase is kebab-case in the file", () => {
  const config = parse(FIELDS, '{"targets":[{"warn":1},{}],"headers":{"a":"b"},"max-age":"15s","room":"5GiB"}');
  assert.deepEqual([config.targets[0].warn, config.targets[1].warn], [1, null]);
  assert.deepEqual([config.headers.a, config.maxAge, config.room, config.mode], ["b", 15_000, 5 * 2 ** 30, "fast"]);
  assert.equal(parse(FIELDS, "").maxAge, 600_000);
});

test("a value that does not fit is named by its path", () => {
  const said = (document, fields = FIELDS) => {
    try {
      return parse(fields, document);
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error.message;
    }
  };
  for (const [document, message] of [
    ['{"targets":[{"warn":1},{"warn":"x"}]}', 'at /targets/1/warn: invalid type: string "x", expected a number'],
    ['{"headers":{"a/b~c":1}}', "at /headers/a~1b~0c: invalid type: integer `1`, expected a string"],
    ['{"small":1.5}', "at /small: invalid type: floating point `1.5`, expected an integer"],
    ['{"max-age":"10"}', 'at /max-age: invalid value: string "10", expected a duration like 250ms, 15s, 10m, 2h or 7d'],
    ['{"mode":"swift"}', "at /mode: unknown variant `swift`, expected `fast` or `slow`"],
    ['{"target":[]}', "at /: unknown field `target`, expected one of `targets`, `headers`, `max-age`, `room`, `mode`, `small`"],
    ['{"targets":[{"worn":1}]}', "at /targets/0: unknown field `worn`, expected `warn` or `crit`"],
    ['{"targets":[{"warn":95,"crit":90}]}', "at /targets/0: warn 95 is never reached before crit 90: warn must be at most crit"],
    ["[]", "at /: invalid type: sequence, expected a table"],
  ]) assert.equal(said(document), message);
  assert.match(said("{"), /^at \/: not a JSON document: /);
  assert.equal(said("{}", table({ url: text() })), "at /: missing field `url`");
});

test("thresholds in a unit complain in that unit", () => {
  const { latency } = parse(table({ latency: atMost(span()) }), '{"latency":{"warn":"250ms","crit":"1s"}}');
  assert.equal(latency.complaint(400, "ms"), "400 ms, more than 250 ms");
  assert.equal(latency.complaint(1500, "ms"), "1.5 s, more than 1 s");
});

test("durations and sizes read as in the host's file, and as nothing else", () => {
  assert.deepEqual(["250ms", "15s", "10m", "2h", "7d"].map((text) => milliseconds.parse(text)),
    [250, 15_000, 600_000, 7_200_000, 604_800_000]);
  for (const wrong of ["10", "s", "-1s", "1.5s", "1 s", "", "99999999999999999999d", 10]) {
    assert.equal(milliseconds.parse(wrong), undefined, String(wrong));
  }
  assert.deepEqual([512, "5GiB", "5GB", "5G", -1].map((value) => bytes.parse(value)), [512, 5 * 2 ** 30, 5e9, undefined, undefined]);
});

test("the schema says what the fields take", () => {
  const { schema } = table({ url: text(), limit: number(3) });
  assert.deepEqual(schema, {
    type: "object",
    properties: { url: { type: "string" }, limit: { type: "number", default: 3 } },
    required: ["url"],
    additionalProperties: false,
  });
});
