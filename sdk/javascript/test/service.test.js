/** A view answers from its cache, never waits long, and says when the host is away; a pulse tells what a probe cannot. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

import { board } from "probity-check/express";
import { Pulse } from "probity-check/pulse";

import { Board } from "../service/board.js";
import { FakeHost, gate, until } from "./fake-host.js";

/** A test with a host of its own. */
function hosted(name, run) {
  test(name, async (context) => {
    const host = await FakeHost.start();
    context.after(() => host.close());
    await run(host, context);
  });
}

hosted("a board passes on status and body", async (host) => {
  Object.assign(host, { status: 503, body: '{"status":"unhealthy","checks":{}}' });
  const answer = await new Board(host.url, { token: "secret-token", version: "1.2.3", patienceMs: 5000 }).answer("/health");
  assert.deepEqual(answer, { status: 503, body: { status: "unhealthy", checks: {}, version: "1.2.3" } });
  assert.deepEqual(host.asked, [["/health", "Bearer secret-token"]]);
});

hosted("probes that answer in a word are understood, below the path of the host's address", async (host) => {
  Object.assign(host, { status: 503, body: "draining\n" });
  const answer = await new Board(`${host.url}/probity/`, { patienceMs: 5000 }).answer("/ready");
  assert.deepEqual(answer, { status: 503, body: { status: "draining" } });
  assert.equal(host.asked[0][0], "/probity/ready");
});

hosted("fresh answers cost the host nothing", async (host) => {
  const shown = new Board(host.url, { ttlMs: 60_000, patienceMs: 5000 });
  for (let turn = 0; turn < 100; turn += 1) assert.equal((await shown.answer("/ready")).status, 200);
  // What was asked in between would have come before this.
  await shown.answer("/live");
  assert.deepEqual(host.asked.map(([path]) => path), ["/ready", "/live"]);
});

hosted("an old answer is given while one request renews it", async (host) => {
  const shown = new Board(host.url, { ttlMs: 0, maxAgeMs: 60_000, patienceMs: 5000 });
  await shown.answer("/ready");
  await until(() => host.asked.length === 1);
  host.hold();
  Object.assign(host, { status: 503, body: "unhealthy\n" });
  const start = performance.now();
  for (let turn = 0; turn < 50; turn += 1) assert.equal((await shown.answer("/ready")).status, 200);
  assert.ok(performance.now() - start < 2500);
  await until(() => host.asked.length === 2);
  host.release();
  await until(async () => (await shown.answer("/ready")).status === 503);
});

hosted("a host that hangs holds nobody up, nor the event loop", async (host) => {
  host.hold();
  const shown = new Board(host.url, { patienceMs: 100, timeoutMs: 60_000 });
  let ticks = 0;
  const ticker = setInterval(() => (ticks += 1), 1);
  const start = performance.now();
  const answers = await Promise.all(Array.from({ length: 20 }, () => shown.answer("/health")));
  clearInterval(ticker);
  assert.ok(performance.now() - start < 5000);
  assert.ok(ticks > 10, `${ticks} ticks`);
  for (const { status, body } of answers) assert.deepEqual([status, body.status], [503, "unknown"]);
  assert.equal(answers[0].body.message, `the health-check host at ${host.url} is away: no answer yet`);
  assert.equal(host.asked.length, 1);
});

hosted("a host that is away makes unknown but not dead", async (host) => {
  host.close();
  const shown = new Board(host.url, { patienceMs: 5000, version: "1" });
  const ready = await shown.answer("/ready");
  assert.deepEqual([ready.status, ready.body.status, ready.body.version], [503, "unknown", "1"]);
  assert.ok(String(ready.body.message).startsWith(`the health-check host at ${host.url} is away: connect ECONNREFUSED `));
  assert.equal((await shown.answer("/live")).status, 200);
});

hosted("a host that goes away is logged once, and once when it is back", async (host) => {
  const lines = [];
  const url = host.url.replace("//", "//me:secret@");
  const shown = new Board(url, { ttlMs: 0, maxAgeMs: 0, patienceMs: 5000, log: (line) => lines.push(line) });
  for (const body of ["<html>", "ok\n"]) {
    host.body = body;
    for (let turn = 0; turn < 5; turn += 1) await Promise.all([shown.answer("/ready"), shown.answer("/health")]);
  }
  assert.equal(lines.length, 2, lines.join("\n"));
  assert.match(lines[0], /^the health-check host at http:\/\/127.0.0.1:\d+ is away: \/(ready|health) answered 200, and not/);
  assert.equal(lines[1], `the health-check host at ${host.url} is back`);
});

hosted("groups and formats are passed on, and bounded", async (host) => {
  host.body = "OK - 3 checks\n";
  const shown = new Board(host.url, { patienceMs: 5000, version: "9" });
  const answer = await shown.answer("/health/orders", "nagios");
  assert.deepEqual([answer.status, answer.other.text], [200, "OK - 3 checks\n"]);
  host.body = '{"status":"healthy"}';
  assert.deepEqual((await shown.answer("/health", "json")).body, { status: "healthy", version: "9" });
  assert.deepEqual(host.asked.map(([path]) => path), ["/health/orders?format=nagios", "/health"]);
  host.status = 404;
  assert.equal((await shown.answer("/health/other")).status, 404);
  assert.match((await shown.answer("/health", "yaml")).body.message, /there are json, health\+json, spring/);
  for (const path of ["/health/../checks", "/health/", "/checks", `/health/${"a".repeat(64)}`]) {
    assert.equal((await shown.answer(path)).status, 404, path);
  }
  assert.equal(host.asked.length, 3);
});

hosted("an answer past its age is not given, and one that is no board's is none", async (host) => {
  const shown = new Board(host.url, { ttlMs: 0, maxAgeMs: 50, patienceMs: 5000 });
  assert.equal((await shown.answer("/ready")).status, 200);
  for (const body of ["<html>", "null", "[]", '{"status":1}']) {
    host.body = body;
    await until(async () => (await shown.answer("/ready")).body.message?.endsWith("200, and not as a board does"));
  }
  host.body = `{"status":"ok","more":"${"x".repeat(1 << 20)}"}`;
  await until(async () => (await shown.answer("/ready")).body.message?.endsWith("longer than 1048576 characters"));
});

hosted("the handler answers its own paths and leaves the others to the program", async (host, context) => {
  const view = board(host.url, { patienceMs: 5000, version: "9" });
  const server = createServer((request, response) => view(request, response, () => response.writeHead(418).end()));
  context.after(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const ask = (path, method) => fetch(`http://127.0.0.1:${server.address().port}${path}`, { method });
  const ready = await ask("/ready?from=kubelet");
  assert.deepEqual([ready.status, await ready.json()], [200, { status: "ok", version: "9" }]);
  assert.deepEqual(["cache-control", "content-type"].map((name) => ready.headers.get(name)), ["no-store", "application/json"]);
  assert.deepEqual([(await ask("/orders")).status, (await ask("/ready", "POST")).status], [418, 405]);
  const head = await ask("/startup", "HEAD");
  assert.deepEqual([head.status, await head.text()], [200, ""]);
  assert.equal(await (await ask("/health/orders?format=text")).text(), "ok\n");
  view.drain();
  const draining = await ask("/ready");
  assert.deepEqual([draining.status, await draining.json()], [503, { status: "draining", version: "9" }]);
  assert.equal((await ask("/live")).status, 200);
});

/** Requests that wait for the host, each with the answer to come and the program's hand on it. */
async function waiting(host, context, count) {
  host.hold();
  const view = board(host.url, { patienceMs: 5000 });
  const responses = [];
  const server = createServer((request, response) => {
    responses.push(response);
    view(request, response);
  });
  context.after(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const ask = () => fetch(`http://127.0.0.1:${server.address().port}/ready`);
  const asked = [];
  for (let turn = 1; turn <= count; turn += 1) {
    asked.push({ answer: ask() });
    await until(() => responses.length === turn);
    asked.at(-1).response = responses.at(-1);
  }
  return { asked, ask };
}

hosted("a request that something else answered first is left alone", async (host, context) => {
  const { asked: [late, gone], ask } = await waiting(host, context, 2);
  late.response.writeHead(408).write("too ");
  assert.equal((await late.answer).status, 408);
  gone.response.destroy();
  await assert.rejects(gone.answer);
  host.release();
  // What the view does with the two comes before this; a rejection that nobody handles fails the test.
  assert.equal((await ask()).status, 200);
  late.response.end("late");
  assert.equal(await (await late.answer).text(), "too late");
});

hosted("an answer that cannot be written ends the connection, and not the process", async (host, context) => {
  const { asked: [broken], ask } = await waiting(host, context, 1);
  broken.response.writeHead = () => {
    throw new Error("not now");
  };
  host.release();
  await assert.rejects(broken.answer);
  assert.equal((await ask()).status, 200);
});

test("a wrong address is told at once", () => {
  for (const wrong of ["localhost:8080", "127.0.0.1", ""]) {
    assert.throws(() => board(wrong), /is no address of a host: write http:/);
    assert.throws(() => new Pulse(wrong, "shop"), TypeError);
  }
});

hosted("a pulse tells of requests that run, and of the end", async (host, context) => {
  const options = { token: "secret-token", everyMs: 10, capacity: 5, pool: () => ({ used: 3, size: 4 }) };
  const pulse = new Pulse(host.url, "the shop", options);
  context.after(() => pulse.stop());
  const counted = pulse.requests();
  const { promise: finished, resolve: finish } = gate();
  const server = createServer((request, response) => counted(request, response, () => void finished.then(() => response.end())));
  context.after(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const answer = fetch(`http://127.0.0.1:${server.address().port}/`);
  await until(() => host.posted.at(-1)?.said.busy === 1);
  const { url, token, said } = host.posted.at(-1);
  assert.deepEqual([url, token], ["/heartbeats/the%20shop", "Bearer secret-token"]);
  assert.deepEqual([said.pid, said.capacity, said.pool, said.ready], [process.pid, 5, { used: 3, size: 4 }, true]);
  assert.ok(said.rss > 1 << 20 && typeof said.lag_ms === "number", JSON.stringify(said));
  await until(() => host.posted.at(-1).said.busy_ms > 50);
  finish();
  await (await answer).text();
  await until(() => host.posted.at(-1).said.busy === 0);
  await pulse.drain();
  assert.equal(host.posted.at(-1).said.ready, false);
});

hosted("the beat of the end is told when the event loop does not answer", async (host, context) => {
  const pulse = new Pulse(host.url, "shop", { everyMs: 60_000, timeoutMs: 10_000 });
  context.after(() => pulse.stop());
  pulse.start();
  await until(() => host.posted.length === 1);
  assert.equal(host.posted[0].said.ready, true);
  const drained = pulse.drain();
  // Longer than a beat waits for the facts.
  const start = performance.now();
  while (performance.now() - start < 1000);
  await drained;
  assert.deepEqual(host.posted.map(({ said }) => said.ready), [true, false]);
  assert.ok(host.posted[1].said.lag_ms >= 50, JSON.stringify(host.posted[1]));
});

test("a pulse goes on while the event loop is blocked, and tells afterwards how long that was", async (context) => {
  // The host has to answer while this thread stands still.
  const { Worker } = await import("node:worker_threads");
  const beats = new Int32Array(new SharedArrayBuffer(8));
  const thread = new Worker(new URL("./late-host.js", import.meta.url), { workerData: beats, execArgv: [] });
  context.after(() => thread.terminate());
  const [port] = await once(thread, "message");
  const pulse = new Pulse(`http://127.0.0.1:${port}`, "shop", { everyMs: 10 });
  context.after(() => pulse.stop());
  pulse.start();
  // The first number is the longest lag that was told, the second the latest.
  assert.notEqual(Atomics.wait(beats, 0, 0, 10_000), "timed-out");
  const start = performance.now();
  while (Atomics.load(beats, 0) < 300 && performance.now() - start < 10_000);
  const blocked = performance.now() - start;
  assert.ok(Atomics.load(beats, 0) >= 300, `the longest lag told in ${blocked} ms is ${beats[0]} ms`);
  await until(() => Atomics.load(beats, 1) < 100);
});

hosted("a pulse knows of what held up the event loop between two beats", async (host, context) => {
  const pulse = new Pulse(host.url, "shop", { everyMs: 1000 });
  context.after(() => pulse.stop());
  pulse.start();
  await until(() => host.posted.length === 1);
  const start = performance.now();
  while (performance.now() - start < 300);
  await until(() => host.posted.length === 2);
  assert.ok(host.posted[1].said.lag_ms >= 250, JSON.stringify(host.posted));
  assert.ok(host.posted[1].said.lag_ms < 1000, JSON.stringify(host.posted));
});

hosted("a pulse without a host harms nobody", async (host, context) => {
  host.close();
  const pulse = new Pulse(host.url, "shop", { everyMs: 10, pool: () => { throw new Error("no pool"); } });
  context.after(() => pulse.stop());
  pulse.start();
  await pulse.drain();
});
