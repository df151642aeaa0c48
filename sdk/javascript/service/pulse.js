/**
 * What a service says about itself, pushed to the host as a heartbeat: `POST /heartbeats/NAME`.
 *
 * ```js
 * import { Pulse } from "probity-check/pulse";
 *
 * const pool = () => ({ used: database.totalCount - database.idleCount, size: database.options.max });
 * const pulse = new Pulse("http://127.0.0.1:8080", "shop", { token: "…", pool });
 * app.use(pulse.requests());
 * ```
 *
 * A thread of its own sends one line of JSON every few seconds, from each process. It goes on when the event loop is
 * blocked: that is what it has to tell. Nothing is ever queued, and a host that is away costs one short attempt per beat.
 *
 * The line holds `pid`, `rss` in bytes, `busy` and `capacity` (requests now, and how many are as many as it can take),
 * `busy_ms` (how long the oldest of them runs), `lag_ms` (how late the event loop was at worst since the last beat, or is
 * by now), `pool` (connections in use, and how many there can be) and `ready` (false once the process was told to end).
 * For programs on Node, not for checks.
 * @module
 */

import { Worker } from "node:worker_threads";

import { address, below } from "./host.js";

/** How often the event loop is looked at. */
const TICK_MS = 20;

/**
 * @typedef {object} PulseOptions
 * @property {string} [token] What opens the heartbeat.
 * @property {number} [everyMs] Between two beats: 2000.
 * @property {number} [capacity] How many requests at once are as many as this process can take: 1000.
 * @property {() => { used: number, size: number }} [pool] Connections in use and in all. What it throws counts as not known.
 * @property {number} [timeoutMs] For so long a beat may take: 1000.
 */

/** What a beat says. @typedef {Record<string, unknown>} Facts */

/** The heart of one process. */
export class Pulse {
  #url;
  #options;
  #ready = true;
  /** When each request began. @type {Map<object, number>} */
  #running = new Map();
  /** @type {NodeJS.Timeout | undefined} */
  #ticker;
  #tickedAt = 0;
  /** How late a tick was at worst since the last beat. */
  #late = 0;
  /** @type {Worker | undefined} */
  #worker;
  /** @type {(() => void)[]} */
  #drained = [];

  /**
   * @param {string} url The host's address.
   * @param {string} name The heartbeat of the host's configuration.
   * @param {PulseOptions} [options]
   */
  constructor(url, name, { token, everyMs = 2000, capacity = 1000, pool, timeoutMs = 1000 } = {}) {
    this.#url = below(address(url), `/heartbeats/${encodeURIComponent(name)}`);
    this.#options = { token, everyMs, capacity, pool, timeoutMs };
  }

  /** A handler that counts the requests that pass it, until they are answered. Starts the pulse. */
  requests() {
    this.start();
    /** @param {unknown} _request @param {import("node:http").ServerResponse} response @param {() => void} next */
    return (_request, response, next) => {
      this.#running.set(response, performance.now());
      // After the answer, and when the client went away before it.
      response.once("close", () => this.#running.delete(response));
      next();
    };
  }

  /** Starts the thread, once. It does not keep the process alive. */
  start() {
    if (this.#worker !== undefined) return;
    this.#tickedAt = performance.now();
    // Not monitorEventLoopDelay: its reset() forgets when it last looked, and so the delay that begins there.
    this.#ticker = setInterval(() => this.#tick(), TICK_MS).unref();
    const { token, everyMs, timeoutMs } = this.#options;
    const workerData = { url: this.#url.href, token, everyMs, timeoutMs, facts: this.#facts() };
    // Options of the program, like --inspect, are not meant for this thread.
    const worker = new Worker(new URL("./pulse-thread.js", import.meta.url), { workerData, execArgv: [] });
    worker.on("message", (message) => {
      if (message === "facts") worker.postMessage(this.#facts());
      else this.#drained.shift()?.();
    });
    worker.on("error", (error) => process.emitWarning(`the pulse has ended: ${error.message}`));
    worker.on("exit", () => this.#ended());
    worker.unref();
    this.#worker = worker;
  }

  /** Says that this process takes no more work, with a beat that follows at once; resolves when it was sent. */
  async drain() {
    this.#ready = false;
    this.start();
    const worker = /** @type {Worker} */ (this.#worker);
    worker.ref();
    await new Promise((done) => {
      this.#drained.push(() => done(undefined));
      worker.postMessage("drain");
    });
    worker.unref();
  }

  /** Ends the thread. */
  async stop() {
    await this.#worker?.terminate();
  }

  #ended() {
    clearInterval(this.#ticker);
    this.#worker = undefined;
    for (const done of this.#drained.splice(0)) done();
  }

  #tick() {
    const now = performance.now();
    this.#late = Math.max(this.#late, now - this.#tickedAt - TICK_MS);
    this.#tickedAt = now;
  }

  /** What is known here; the thread adds what it measures itself. @returns {Facts} */
  #facts() {
    const now = performance.now();
    // The tick that is due may come after this answer.
    const lag_ms = Math.max(0, this.#late, now - this.#tickedAt - TICK_MS);
    this.#late = 0;
    const oldest = Math.min(now, ...this.#running.values());
    const { capacity, pool } = this.#options;
    /** @type {Facts} */
    const facts = { busy: this.#running.size, capacity, busy_ms: Math.round(now - oldest), ready: this.#ready, lag_ms };
    try {
      if (pool !== undefined) facts.pool = pool();
    } catch {
      // A service's own code; a beat without it is better than none.
    }
    return facts;
  }
}
