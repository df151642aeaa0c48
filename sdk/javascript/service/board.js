/**
 * What a service shows of Probity's board: a cached answer, renewed in the background, never waited for long.
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";

import { address, below, exchange } from "./host.js";

/** The paths of a view. */
export const PATHS = /** @type {const} */ (["/health", "/ready", "/live"]);

/** What a probe says in a word. */
const WORDS = ["ok", "unhealthy", "starting", "draining", "unsupervised"];

/** @typedef {(typeof PATHS)[number]} Path */

/**
 * What the view answers.
 * @typedef {object} Answer
 * @property {number} status The HTTP status: the host's own, or 503 when the host is away.
 * @property {Record<string, unknown>} body
 */

/**
 * @typedef {object} Options
 * @property {string} [token] One of the host's tokens, where details are for the authorised only.
 * @property {number} [ttlMs] For so long an answer counts as fresh: 1000.
 * @property {number} [maxAgeMs] An older one is given, and renewed in the background, until it is so old: 5000.
 * @property {number} [patienceMs] For so long a request waits for the host, the first time and past that age: 250.
 * @property {number} [timeoutMs] For so long the background waits for the host: 2000.
 * @property {string} [version] The service's own; goes into each body.
 */

/** What is known of one path. */
class Slot {
  /** @type {Answer | undefined} */
  answer;
  at = 0;
  away = "no answer yet";
  /** @type {Promise<void> | undefined} */
  refresh;
}

/** The host's board as this process sees it. */
export class Board {
  #host;
  #token;
  #ttlMs;
  #maxAgeMs;
  #patienceMs;
  #timeoutMs;
  #version;
  #draining = false;
  /** @type {Map<string, Slot>} */
  #slots = new Map(PATHS.map((path) => [path, new Slot()]));

  /** @param {string} url @param {Options} options */
  constructor(url, { token, ttlMs = 1000, maxAgeMs = 5000, patienceMs = 250, timeoutMs = 2000, version } = {}) {
    this.#host = address(url);
    this.#token = token;
    this.#ttlMs = ttlMs;
    this.#maxAgeMs = Math.max(maxAgeMs, ttlMs);
    this.#patienceMs = patienceMs;
    this.#timeoutMs = timeoutMs;
    this.#version = version;
  }

  /** From now on this service is not ready: it was told to end. The others are answered as before. */
  drain() {
    this.#draining = true;
  }

  /**
   * The answer for a path, after `patienceMs` at most.
   * @param {Path} path
   * @returns {Promise<Answer>}
   */
  async answer(path) {
    if (this.#draining && path === "/ready") return { status: 503, body: this.#versioned({ status: "draining" }) };
    const slot = /** @type {Slot} */ (this.#slots.get(path));
    const refresh = this.#refresh(path, slot);
    if (refresh !== undefined && !this.#usable(slot)) {
      const enough = new AbortController();
      const patience = delay(this.#patienceMs, undefined, { signal: enough.signal }).catch(() => {});
      await Promise.race([refresh, patience]);
      enough.abort();
    }
    return this.#current(path, slot);
  }

  /** @param {Slot} slot */
  #usable(slot) {
    return slot.answer !== undefined && performance.now() - slot.at < this.#maxAgeMs;
  }

  /** The refresh that runs, started when the answer is no longer fresh. @param {Path} path @param {Slot} slot */
  #refresh(path, slot) {
    const isFresh = slot.answer !== undefined && performance.now() - slot.at < this.#ttlMs;
    if (slot.refresh === undefined && !isFresh) {
      slot.refresh = this.#renew(path, slot).finally(() => (slot.refresh = undefined));
    }
    return slot.refresh;
  }

  /** @param {Path} path @param {Slot} slot */
  async #renew(path, slot) {
    try {
      const sent = { token: this.#token, timeoutMs: this.#timeoutMs };
      const { status, body } = await exchange(below(this.#host, path), sent);
      const parsed = parse(body);
      if (parsed === undefined) throw new Error(`${path} answered ${status}, and not as a board does`);
      slot.answer = { status, body: this.#versioned(parsed) };
      slot.at = performance.now();
      slot.away = "";
    } catch (error) {
      // Whatever it is, the host is not to be had.
      const { message, code, name } = /** @type {NodeJS.ErrnoException} */ (error);
      slot.away = message || code || name;
    }
  }

  /** @param {Path} path @param {Slot} slot @returns {Answer} */
  #current(path, slot) {
    if (slot.answer !== undefined && this.#usable(slot)) return slot.answer;
    const message = `the health-check host is away: ${slot.away || "no answer in time"}`;
    // Whoever answers is alive. A missing host must not get every service restarted.
    return { status: path === "/live" ? 200 : 503, body: this.#versioned({ status: "unknown", message }) };
  }

  /** @param {Record<string, unknown>} body */
  #versioned(body) {
    return this.#version === undefined ? body : { ...body, version: this.#version };
  }
}

/** The host's answer as JSON, which of a probe is one word; nothing when it is no board's. @param {string} text */
function parse(text) {
  const word = text.slice(0, 32).trim();
  if (WORDS.includes(word)) return { status: word };
  try {
    const body = JSON.parse(text);
    return typeof body?.status === "string" ? body : undefined;
  } catch {
    return undefined;
  }
}
