/**
 * A fake host, for tests of checks in Node: `node --import probity-check/testing/register --test`.
 *
 * ```js
 * import { TestHost } from "probity-check/testing";
 * import check from "../check.js";
 *
 * const host = new TestHost().http("http://shop.test/stats", { json: { orders: 3 } });
 * const outcome = await host.run(check, { url: "http://shop.test/stats" });
 * ```
 *
 * Cases for `probity test` need none of this, and run the component itself.
 * @module
 */

import { evaluate } from "../src/check.js";
import { console } from "../src/console.js";
import { CapabilityError } from "../src/error.js";
import { fetch } from "../src/fetch.js";
import { turn } from "../src/loop.js";
import { decode, encode } from "../src/text.js";
import { refuse } from "./refuse.js";
import { fakeState } from "./state.js";

/**
 * @typedef {object} Reply
 * @property {number} [status] 200 by default.
 * @property {Record<string, string>} [headers]
 * @property {string} [body]
 * @property {unknown} [json]
 * @property {Record<string, string>} [trailers]
 * @property {CapabilityError} [error] In place of an answer.
 */

/** The time a run has, in milliseconds: the host's default. */
const TIMEOUT_MS = 2000;

/** What a check finds around it. */
export class TestHost {
  /** Milliseconds since 1970; sleeping moves it. */
  now = 1_735_689_600_000;
  /** What was logged. @type {{ level: string, message: string, fields: [string, string][] }[]} */
  logged = [];
  /** What was asked for, one list for each time that the host was called. @type {string[][]} */
  requested = [];
  /** The requests themselves. @type {any[]} */
  sent = [];
  /** What the check keeps between runs; what has expired goes when the check looks for it. @type {Map<string, Uint8Array>} */
  kept = new Map();
  /** How long the run slept. */
  #sleptMs = 0;
  #state = fakeState(this);
  /** @type {Map<string, Reply>} */
  #replies = new Map();

  /** Answers requests for `url`; others are refused. @param {string} url @param {Reply} reply */
  http(url, reply) {
    this.#replies.set(url, reply);
    return this;
  }

  /**
   * One run, to its end.
   * @param {import("../src/check.js").Check<any>} check
   * @param {object} [config] As in the operator's file.
   * @returns {Promise<import("../src/outcome.js").Outcome>} Rejects with what the check throws.
   */
  async run(check, config = {}) {
    const restore = this.enter({ fetch, console });
    try {
      /** @type {{ value?: any, error?: unknown } | undefined} */
      let end;
      evaluate(check, JSON.stringify(config)).then((value) => (end = { value }), (error) => (end = { error }));
      for (;;) {
        // Node runs its own jobs first; what is left is the kit's: requests and timers.
        await new Promise((next) => setImmediate(next));
        if (end !== undefined) break;
        if (!turn()) throw new Error("the promise that `run` returned waits for something that never happens");
      }
      if ("error" in end) throw end.error;
      return end.value;
    } finally {
      restore();
    }
  }

  /**
   * Puts this host, and some globals, around what is called from now on; the function that takes them away again.
   * @param {Record<string, unknown>} globals
   * @returns {() => void}
   */
  enter(globals) {
    const key = Symbol.for("probity.host");
    const world = /** @type {any} */ (globalThis);
    const outer = { host: world[key], now: Date.now };
    const replaced = Object.fromEntries(Object.keys(globals).map((name) => [name, world[name]]));
    this.#sleptMs = 0;
    world[key] = this.#interfaces();
    Date.now = () => this.now;
    Object.assign(world, globals);
    return () => {
      world[key] = outer.host;
      Date.now = outer.now;
      Object.assign(world, replaced);
    };
  }

  #interfaces() {
    const host = this;
    return {
      clock: {
        nowUnixMs: () => this.now,
        monotonicNs: () => this.now * 1e6,
        sleepMs: (/** @type {number} */ ms) => {
          this.now += ms;
          this.#sleptMs += ms;
        },
      },
      context: {
        checkId: () => "test",
        runId: () => "0193d2c0-0000-7000-8000-000000000001",
        traceparent: () => null,
        remainingMs: () => Math.max(0, TIMEOUT_MS - this.#sleptMs),
        consecutiveFailures: () => 0,
        previous: () => null,
      },
      log: {
        write: (/** @type {string} */ level, /** @type {string} */ message, /** @type {[string, string][]} */ fields) =>
          void this.logged.push({ level, message, fields }),
      },
      state: this.#state,
      http: {
        Request: class {
          /** @param {string} method @param {string} url */
          constructor(method, url) {
            Object.assign(this, { method, url, headers: new Map(), timeoutMs: null, body: null });
          }
          /** @param {string} name @param {Uint8Array} value */
          setHeader(name, value) {
            /** @type {any} */ (this).headers.set(name, decode(value));
          }
          /** @param {Uint8Array} bytes */
          setBody(bytes) {
            /** @type {any} */ (this).body = bytes;
          }
          /** @param {number} ms */
          setTimeoutMs(ms) {
            /** @type {any} */ (this).timeoutMs = ms;
          }
          setMaxRedirects() {}
          setMaxBodyBytes() {}
          useEndpoint() {}
          send() {
            host.requested.push([/** @type {any} */ (this).url]);
            host.sent.push(this);
            return host.#answer(/** @type {any} */ (this).url);
          }
        },
        sendAll: (/** @type {any[]} */ requests) => {
          this.requested.push(requests.map(({ url }) => url));
          this.sent.push(...requests);
          return requests.map(({ url }) => {
            try {
              return { tag: "ok", val: this.#answer(url) };
            } catch (error) {
              return { tag: "err", val: /** @type {any} */ (error).payload };
            }
          });
        },
      },
    };
  }

  /** @param {string} url */
  #answer(url) {
    const reply = this.#replies.get(url);
    if (reply === undefined) throw refuse("refused", `connect to ${url}: refused`, "ECONNREFUSED");
    if (reply.error !== undefined) throw refuse(reply.error.kind, reply.error.detail, reply.error.code);
    const headers = Object.entries(reply.headers ?? {});
    const body = encode(reply.json === undefined ? (reply.body ?? "") : JSON.stringify(reply.json));
    return {
      status: () => reply.status ?? 200,
      version: () => "1.1",
      headers: () => headers.map(([name, value]) => [name, encode(value)]),
      header: (/** @type {string} */ wanted) => {
        const found = headers.find(([name]) => name.toLowerCase() === wanted.toLowerCase());
        return found === undefined ? null : encode(found[1]);
      },
      body: () => body,
      trailers: () => Object.entries(reply.trailers ?? {}).map(([name, value]) => [name, encode(value)]),
      timing: () => ({ dnsMs: null, connectMs: 1, tlsMs: null, firstByteMs: 2, totalMs: 3 }),
      tls: () => null,
      remoteAddress: () => null,
    };
  }
}
