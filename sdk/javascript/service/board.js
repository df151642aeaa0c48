/**
 * What a service shows of Probity's board: a cached answer, renewed in the background, never waited for long.
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";

import { address, below, exchange } from "./host.js";

/** The paths of a view; `/health/GROUP` is another for each group of checks. */
export const PATHS = /** @type {const} */ (["/health", "/ready", "/live", "/startup"]);

/** What a group may be called, as in the host's configuration. */
const GROUP = /^\/health\/[a-z0-9][a-z0-9_.-]{0,62}$/;

/** The shapes of `/health?format=`, as the host has them. */
const FORMATS = ["json", "health+json", "spring", "microprofile", "xabaril", "nagios", "text"];

/** Answers that are kept: groups are named by whoever asks. Beyond that the one that was asked for first is forgotten. */
const SLOTS_MAX = 64;

/** What a probe says in a word. */
const WORDS = ["ok", "unhealthy", "starting", "draining", "unsupervised"];

/**
 * Whether a view answers this path.
 * @param {string} path
 */
export function isKnown(path) {
  return PATHS.some((known) => known === path) || GROUP.test(path);
}

/**
 * What the view answers.
 * @typedef {object} Answer
 * @property {number} status The HTTP status: the host's own, or 503 when the host is away.
 * @property {Record<string, unknown>} body
 * @property {{ text: string, type: string }} [other] What was answered in another format, in place of the body.
 */

/**
 * @typedef {object} Options
 * @property {string} [token] One of the host's tokens, where details are for the authorised only.
 * @property {number} [ttlMs] For so long an answer counts as fresh: 1000.
 * @property {number} [maxAgeMs] An older one is given, and renewed in the background, until it is so old: 5000.
 * @property {number} [patienceMs] For so long a request waits for the host, the first time and past that age: 250.
 * @property {number} [timeoutMs] For so long the background waits for the host: 2000.
 * @property {string} [version] The service's own; goes into each body.
 * @property {(line: string) => void} [log] Told once when the host goes away, and once when it is back: `console.warn`.
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
  #log;
  /** The host's address for messages: without what may be secret in it. */
  #name;
  /** @type {Map<string, Slot>} */
  #slots = new Map();
  /** What was asked for last without an answer. @type {Set<string>} */
  #unanswered = new Set();

  /** @param {string} url @param {Options} options */
  constructor(url, options = {}) {
    const { token, ttlMs = 1000, maxAgeMs = 5000, patienceMs = 250, timeoutMs = 2000, version, log = console.warn } = options;
    this.#host = address(url);
    this.#name = `${this.#host.origin}${this.#host.pathname.replace(/\/+$/, "")}`;
    this.#log = log;
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
   * @param {string} path One of {@link PATHS}, or `/health/GROUP`.
   * @param {string | null} [format] One of the host's shapes of `/health`: `spring`, `nagios`, …
   * @returns {Promise<Answer>}
   */
  async answer(path, format = null) {
    if (this.#draining && path === "/ready") return { status: 503, body: this.#versioned({ status: "draining" }) };
    if (!isKnown(path)) return this.#unknown(404, `there is no ${path}`);
    if (format !== null && !FORMATS.includes(format)) {
      return this.#unknown(400, `format ${JSON.stringify(format)} is not known; there are ${FORMATS.join(", ")}`);
    }
    const isOther = format !== null && format !== "json" && path.startsWith("/health");
    const key = isOther ? `${path}?format=${encodeURIComponent(format)}` : path;
    const slot = this.#slot(key);
    const refresh = this.#refresh(key, slot);
    if (refresh !== undefined && !this.#usable(slot)) {
      const enough = new AbortController();
      const patience = delay(this.#patienceMs, undefined, { signal: enough.signal }).catch(() => {});
      await Promise.race([refresh, patience]);
      enough.abort();
    }
    return this.#current(path, slot);
  }

  /** @param {number} status @param {string} message @returns {Answer} */
  #unknown(status, message) {
    return { status, body: this.#versioned({ status: "unknown", message }) };
  }

  /** @param {string} key */
  #slot(key) {
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      for (const oldest of this.#slots.keys()) {
        if (this.#slots.size < SLOTS_MAX) break;
        this.#slots.delete(oldest);
        this.#unanswered.delete(oldest);
      }
      slot = new Slot();
      this.#slots.set(key, slot);
    }
    return slot;
  }

  /** @param {Slot} slot */
  #usable(slot) {
    return slot.answer !== undefined && performance.now() - slot.at < this.#maxAgeMs;
  }

  /** The refresh that runs, started when the answer is no longer fresh. @param {string} path @param {Slot} slot */
  #refresh(path, slot) {
    const isFresh = slot.answer !== undefined && performance.now() - slot.at < this.#ttlMs;
    if (slot.refresh === undefined && !isFresh) {
      slot.refresh = this.#renew(path, slot).finally(() => (slot.refresh = undefined));
    }
    return slot.refresh;
  }

  /** @param {string} path @param {Slot} slot */
  async #renew(path, slot) {
    try {
      const sent = { token: this.#token, timeoutMs: this.#timeoutMs };
      slot.answer = this.#read(path, await exchange(below(this.#host, path), sent));
      slot.at = performance.now();
      slot.away = "";
    } catch (error) {
      // Whatever it is, the host is not to be had.
      const { message, code, name } = /** @type {NodeJS.ErrnoException} */ (error);
      slot.away = message || code || name;
    }
    this.#tell(path, slot.away);
  }

  /**
   * @param {string} path
   * @param {{ status: number, body: string, type: string }} answered
   * @returns {Answer}
   */
  #read(path, { status, body, type }) {
    if (status === 404) return this.#unknown(404, `the host has no ${path}`);
    if (path.includes("?format=")) return { status, body: {}, other: { text: body, type } };
    const parsed = parse(body);
    if (parsed === undefined) throw new Error(`${path} answered ${status}, and not as a board does`);
    return { status, body: this.#versioned(parsed) };
  }

  /** Once when the host goes away, and once when it is back; not for each probe. @param {string} path @param {string} away */
  #tell(path, away) {
    const wasAway = this.#unanswered.size > 0;
    if (away === "") this.#unanswered.delete(path);
    else if (this.#slots.has(path)) this.#unanswered.add(path);
    const isAway = this.#unanswered.size > 0;
    if (isAway === wasAway) return;
    this.#log(`the health-check host at ${this.#name} is ${isAway ? `away: ${away}` : "back"}`);
  }

  /** @param {string} path @param {Slot} slot @returns {Answer} */
  #current(path, slot) {
    if (slot.answer !== undefined && this.#usable(slot)) return slot.answer;
    const message = `the health-check host at ${this.#name} is away: ${slot.away || "no answer in time"}`;
    // Whoever answers is alive. A missing host must not get every service restarted.
    return this.#unknown(path === "/live" ? 200 : 503, message);
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
