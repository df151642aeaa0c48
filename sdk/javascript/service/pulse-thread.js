/**
 * The thread of a pulse: asks the event loop of the program for its facts, and tells the host also when it does not answer.
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";

import { exchange } from "./host.js";

/** For so long a beat waits for a free event loop before it goes without. */
const ANSWER_MS = 100;

const program = /** @type {import("node:worker_threads").MessagePort} */ (parentPort);
const url = new URL(workerData.url);
const { token, everyMs, timeoutMs } = workerData;

/** What the program said last, and when. */
let facts = workerData.facts;
let saidAt = performance.now();
/** When it was asked what it did not answer yet. @type {number | undefined} */
let askedAt;
/** How late the event loop was at worst since the last beat, by its answers and its own measurements. */
let worst = 0;
/** @type {(() => void) | undefined} */
let answered;
/** Beats follow each other: what was said first must not arrive last. */
let last = Promise.resolve();

program.on("message", (message) => {
  if (message === "drain") {
    // The event loop may be too late with its facts for this beat.
    facts = { ...facts, ready: false };
    void beat().then(() => program.postMessage("drained"));
    return;
  }
  saidAt = performance.now();
  worst = Math.max(worst, saidAt - (askedAt ?? saidAt), message.lag_ms);
  facts = message;
  askedAt = undefined;
  answered?.();
});

/** One more beat, after those before. */
function beat() {
  last = last.then(send);
  return last;
}

async function send() {
  if (askedAt === undefined) {
    askedAt = performance.now();
    program.postMessage("facts");
  }
  const answer = new Promise((done) => (answered = () => done(undefined)));
  await Promise.race([answer, delay(ANSWER_MS)]);
  const now = performance.now();
  const lag = Math.max(worst, now - (askedAt ?? now));
  worst = 0;
  // A request that was there when the program last spoke goes on while it is silent.
  const busy_ms = facts.busy > 0 ? Math.round(facts.busy_ms + now - saidAt) : 0;
  const rss = process.memoryUsage.rss();
  const line = JSON.stringify({ pid: process.pid, ...facts, busy_ms, rss, lag_ms: Math.round(lag * 10) / 10 });
  // A host that is away notices that the beat is missing.
  await exchange(url, { token, body: line, timeoutMs }).catch(() => {});
}

for (;;) {
  await beat();
  await delay(everyMs);
}
