/** A run, from the contract's document to its end, as the build makes it: promises, fetch, timers, errors. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";

import * as esbuild from "esbuild";
import check, { Outcome, number, optional, text } from "probity-check";
import * as clock from "probity-check/clock";
import * as context from "probity-check/context";
import * as http from "probity-check/http";
import * as state from "probity-check/state";
import { TestHost } from "probity-check/testing";

import { OPTIONS } from "../bin/bundle.js";
import { decode, encode } from "../src/text.js";

const folder = await mkdtemp(path.join(tmpdir(), "probity-check-"));
after(() => rm(folder, { recursive: true }));
const outfile = path.join(folder, "fixture.mjs");
await esbuild.build({ ...OPTIONS, entryPoints: [path.join(import.meta.dirname, "fixture.js")], outfile });
const { LoopPromise, URL_A, URL_B, checks, expose } = await import(pathToFileURL(outfile).href);

/** What the contract's `run` returns, or throws. */
function run(name, host = new TestHost()) {
  const restore = host.enter({ Promise: LoopPromise });
  try {
    return expose(checks[name]).run("{}");
  } catch (error) {
    return error;
  } finally {
    restore();
  }
}

test("requests that nobody waits between are sent together", () => {
  const host = new TestHost().http(URL_A, { json: { n: 1 } }).http(URL_B, { body: "two", status: 503 });
  assert.equal(run("both", host).message, "1 two false 503");
  assert.deepEqual(host.requested, [[URL_A, URL_B]]);
});

test("a request that is refused rejects, and the others are answered", () => {
  const said = run("settled", new TestHost().http(URL_A, {})).message;
  assert.equal(said, `fulfilled true true refused: connect to ${URL_B}: refused (ECONNREFUSED)`);
});

test("timers fire in order and cost the host's time", () => {
  const host = new TestHost();
  const start = host.now;
  assert.equal(run("timers", host).message, "10,50,a,b");
  assert.equal(host.now - start, 50);
});

test("a request carries its timeout, method and body, and URLs work", () => {
  const host = new TestHost().http(URL_A, {});
  assert.equal(run("timeout", host).message, "z");
  const [sent] = host.sent;
  assert.deepEqual([sent.method, sent.timeoutMs, decode(sent.body)], ["POST", 250, "a=b+c"]);
  assert.equal(sent.headers.get("content-type"), "application/x-www-form-urlencoded;charset=UTF-8");
});

test("a promise that nothing can settle ends the run with a reason", () => {
  assert.match(run("stuck").message, /waits for something that never happens/);
});

test("failures become the contract's err", () => {
  assert.deepEqual(run("failure").payload, { tag: "other", val: "no idea" });
  const { tag, val } = run("refused").payload;
  assert.deepEqual([tag, val.kind, val.code], ["capability", "refused", "ECONNREFUSED"]);
});

test("anything else is logged with its stack and ends the run", () => {
  const host = new TestHost();
  const bug = run("bug", host);
  assert.equal(bug.payload, undefined);
  const line = host.logged.at(-1);
  assert.equal(line.level, "error");
  assert.match(line.message, /^uncaught TypeError: boom\n.*broken/s);
  assert.match(run("nothing").message, /run returned string, expected an Outcome/);
});

test("console writes log records", () => {
  const host = new TestHost();
  run("talks", host);
  const lines = host.logged.map(({ level, message }) => [level, message]);
  assert.deepEqual(lines, [["info", 'orders {open: 3, names: ["a"]}'], ["warn", "late"]]);
});

test("an author's test runs a check in Node as it is", async () => {
  const host = new TestHost().http("http://shop.test/stats", { json: { orders: 3 } });
  const shop = check({
    name: "shop",
    async run() {
      const { orders } = await (await fetch("http://shop.test/stats")).json();
      return Outcome.healthy("fine").measure("orders", orders);
    },
  });
  assert.deepEqual((await host.run(shop)).measurements[0].value, { tag: "integer", val: 3 });
  await assert.rejects(host.run(check({ name: "gone", run: () => fetch("http://gone.test/") })), { kind: "refused" });
});

test("text survives the way through bytes, and bytes that are none are refused or replaced", () => {
  for (const text of ["", "plain %41", "grün €", "🦀🦀", "\u0000"]) assert.equal(decode(encode(text), true), text);
  assert.deepEqual([...encode("é")], [0xc3, 0xa9]);
  for (const wrong of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf5, 0x80, 0x80, 0x80]]) {
    assert.throws(() => decode(wrong, true), TypeError);
    assert.equal(decode(wrong), new TextDecoder().decode(Uint8Array.from(wrong)));
  }
});

test("an answer that is no JSON, or lacks a field, says which address gave it", async () => {
  const host = () => new TestHost().http(`${URL_A}?token=x`, { body: "<html>" }).http(URL_B, { json: { cuont: 3, old: "1" } });
  const both = (look) => host().run(check({ name: "both", async run() {
    const [, b] = await Promise.all([fetch(`${URL_A}?token=x`), fetch(URL_B)]);
    await look(b);
    return Outcome.healthy("read");
  } }));
  const html = async () => (await fetch(`${URL_A}?token=x`)).json();
  await assert.rejects(both(html), { kind: "protocol", detail: new RegExp(`^body of ${URL_A} is no JSON: .*`) });
  const missing = `body of ${URL_B}: at /: missing field \`count\``;
  await assert.rejects(both((b) => b.json({ count: number() })), { kind: "protocol", detail: missing });
  const wrong = `body of ${URL_B}: at /old: invalid type: string "1", expected a number`;
  await assert.rejects(both((b) => b.json({ old: number() })), { kind: "protocol", detail: wrong });
  await both(async (b) => assert.deepEqual(await b.json({ cuont: number(), x: optional(text()) }), { cuont: 3, x: null }));
});

test("what came after the body can be said", async () => {
  const asks = check({ name: "asks", run: () => Outcome.healthy(http.get(URL_A).trailers.join(" ")) });
  const said = await new TestHost().http(URL_A, { trailers: { "grpc-status": "0" } }).run(asks);
  assert.equal(said.message, "grpc-status,0");
});

/** What `look` sees in one run on `host`. */
async function inRun(host, look) {
  let seen;
  const run = () => ((seen = look()), Outcome.healthy("looked"));
  await host.run(check({ name: "looks", run }));
  return seen;
}

test("state is gone when its time to live is over", async () => {
  const host = new TestHost();
  await inRun(host, () => state.set("seen", [1], "1m"));
  await inRun(host, () => state.set("kept", 2));
  const look = () => [state.get("seen"), state.get("kept"), state.keys().join()];
  host.now += 59_999;
  assert.deepEqual(await inRun(host, look), [[1], 2, "kept,seen"]);
  host.now += 1;
  assert.deepEqual(await inRun(host, look), [undefined, 2, "kept"]);
});

test("counting keeps the time to live of a key, and starts anew when it is over", async () => {
  const host = new TestHost();
  const count = () => state.increment("count");
  await inRun(host, () => state.set("count", 5, 1000));
  host.now += 999;
  assert.equal(await inRun(host, count), 6);
  host.now += 1;
  assert.equal(await inRun(host, count), 1);
  host.now += 1_000_000;
  assert.equal(await inRun(host, count), 2);
});

test("what is no integer is not counted", async () => {
  const host = new TestHost();
  for (const value of ["", " 1", "1.5", "1e3", "0x1", "many"]) {
    host.kept.set("count", encode(value));
    const message = "state `count` does not hold a decimal integer";
    await assert.rejects(inRun(host, () => state.increment("count")), { kind: "invalid-argument", detail: message });
  }
});

test("a key that is none is refused by every function of state", async () => {
  const calls = [state.get, state.remove, state.increment, (key) => state.set(key, 1)];
  for (const call of calls) {
    for (const key of ["", "k".repeat(257), "é".repeat(129)]) {
      const refused = { kind: "invalid-argument", detail: "a state key has 1 to 256 bytes" };
      await assert.rejects(inRun(new TestHost(), () => call(key)), refused);
    }
    await inRun(new TestHost(), () => call("é".repeat(128)));
  }
});

test("what is left of a run is less what it slept", async () => {
  const host = new TestHost();
  const sleepy = () => {
    let naps = 0;
    for (; context.remainingMs() > 500 && naps < 100; naps += 1) clock.sleep(100);
    return naps;
  };
  assert.equal(await inRun(host, sleepy), 15);
  // Each run has its own time, and what passes between two costs neither.
  host.now += 60_000;
  assert.equal(await inRun(host, sleepy), 15);
  const late = () => (clock.sleep(5000), context.remainingMs());
  assert.equal(await inRun(host, late), 0);
});
