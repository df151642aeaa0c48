/**
 * Checks as an author writes them; bundled as the build does before they run.
 * @module
 */

import check, { CapabilityError, Failure, Outcome, text } from "probity-check";

export { expose } from "../src/entry.js";
export { LoopPromise } from "../src/loop.js";

export const URL_A = "http://shop.test/a";
export const URL_B = "http://shop.test/b";

const of = (name, run) => check({ name, config: { act: text("") }, run });

export const checks = {
  async both() {
    const [a, b] = await Promise.all([fetch(URL_A), fetch(URL_B)]);
    const { n } = await a.json();
    return Outcome.healthy(`${n} ${await b.text()} ${b.ok} ${b.status}`);
  },
  async settled() {
    const [a, b] = await Promise.allSettled([fetch(URL_A), fetch(URL_B)]);
    return Outcome.healthy(`${a.status} ${b.reason instanceof CapabilityError} ${b.reason.isAboutTheTarget} ${b.reason.message}`);
  },
  async timers() {
    const seen = [];
    const after = (ms) => new Promise((done) => setTimeout(() => done(seen.push(ms)), ms));
    await Promise.all([after(50), after(10)]);
    for await (const word of (async function* () { yield "a"; yield "b"; })()) seen.push(word);
    return Outcome.healthy(seen.join());
  },
  async timeout() {
    await fetch(URL_A, { signal: AbortSignal.timeout(250), method: "post", body: new URLSearchParams({ a: "b c" }) });
    return Outcome.healthy(new URL("/x?y=z", URL_A).searchParams.get("y"));
  },
  stuck: () => new Promise(() => {}),
  async failure() {
    throw new Failure("no idea");
  },
  async refused() {
    await fetch(URL_A);
  },
  async bug() {
    await null;
    const broken = () => { throw new TypeError("boom"); };
    broken();
  },
  nothing: () => "fine",
  async talks() {
    console.log("orders", { open: 3, names: ["a"] });
    console.warn("late");
    return Outcome.healthy("said");
  },
};

for (const [name, run] of Object.entries(checks)) checks[name] = of(name, run);
