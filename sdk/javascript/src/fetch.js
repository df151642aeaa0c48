/**
 * `fetch` over the capability `http`: requests without streams, bodies that are there at once.
 *
 * Requests made before anything is awaited are sent side by side, so `await Promise.all(urls.map(fetch))` takes as long as
 * the slowest. What the host refuses rejects with a `CapabilityError`, not with `TypeError`. Redirects are followed, as in
 * browsers; each hop must be granted by itself.
 * @module
 */

import { CapabilityError } from "./error.js";
import { sendAll } from "./http.js";
import { whenIdle } from "./loop.js";
import { encode } from "./text.js";

/** The most that the host follows; browsers take 20. */
const REDIRECTS_MAX = 10;

/** What is fetched and not sent yet. @type {{ request: import("./http.js").Request, resolve: (answer: any) => void, reject: (error: unknown) => void }[]} */
let waiting = [];

/** Names in lower case; several values of one name are joined. */
export class Headers {
  /** @type {Map<string, string>} */
  #values = new Map();

  /** @param {any} [init] */
  constructor(init = []) {
    const entries = typeof init?.[Symbol.iterator] === "function" ? init : Object.entries(init ?? {});
    for (const [name, value] of entries) this.append(name, value);
  }

  /** @param {string} name @param {string} value */
  append(name, value) {
    const key = name.toLowerCase();
    const old = this.#values.get(key);
    this.#values.set(key, old === undefined ? String(value) : `${old}, ${value}`);
  }

  /** @param {string} name @param {string} value */
  set(name, value) {
    this.#values.set(name.toLowerCase(), String(value));
  }

  /** @param {string} name */
  get(name) {
    return this.#values.get(name.toLowerCase()) ?? null;
  }

  /** @param {string} name */
  has(name) {
    return this.#values.has(name.toLowerCase());
  }

  /** @param {string} name */
  delete(name) {
    this.#values.delete(name.toLowerCase());
  }

  /** @param {(value: string, name: string, headers: Headers) => void} each */
  forEach(each) {
    for (const [name, value] of this) each(value, name, this);
  }

  entries() {
    return this[Symbol.iterator]();
  }

  keys() {
    return [...this].map(([name]) => name)[Symbol.iterator]();
  }

  values() {
    return [...this].map(([, value]) => value)[Symbol.iterator]();
  }

  [Symbol.iterator]() {
    return [...this.#values].sort(([a], [b]) => (a < b ? -1 : 1))[Symbol.iterator]();
  }
}

/** What a request was answered with. */
export class Response {
  /** @type {import("./http.js").Answer | { status: number, bytes(): Uint8Array, text(): string, json(fields?: any): any }} */
  #answer;

  /**
   * @param {any} answer
   * @param {string} url
   */
  constructor(answer, url) {
    this.#answer = answer;
    this.url = url;
    this.headers = new Headers(answer.headers);
    this.bodyUsed = false;
  }

  get status() {
    return this.#answer.status;
  }

  get statusText() {
    return "";
  }

  /** Whether the status means success. */
  get ok() {
    return this.status >= 200 && this.status <= 299;
  }

  /** The answer of `probity-check/http`: timings, certificates, the address that answered. @returns {import("./http.js").Answer} */
  get answer() {
    return /** @type {import("./http.js").Answer} */ (this.#answer);
  }

  async text() {
    return this.#take().text();
  }

  /**
   * The body as JSON. Given fields, as `json({ count: number() })`, it has to be a table with these.
   * @template {Record<string, import("./config.js").Field<any>> | undefined} [S=undefined]
   * @param {S} [fields]
   * @returns {Promise<S extends Record<string, import("./config.js").Field<any>> ? import("./config.js").Read<S> : any>}
   */
  async json(fields) {
    return this.#take().json(fields);
  }

  async bytes() {
    return this.#take().bytes();
  }

  async arrayBuffer() {
    return this.#take().bytes().buffer;
  }

  #take() {
    if (this.bodyUsed) throw new TypeError("the body was read before");
    this.bodyUsed = true;
    return this.#answer;
  }
}

/** Gives up on what takes too long. Only `AbortSignal.timeout` and signals aborted before the request have an effect. */
export class AbortSignal {
  aborted = false;
  /** @type {unknown} */
  reason = undefined;
  /** The end of a timeout in milliseconds since 1970, if it is one. @type {number | null} @internal */
  until = null;

  /** @param {number} ms */
  static timeout(ms) {
    const signal = new AbortSignal();
    signal.until = Date.now() + ms;
    return signal;
  }

  /** @param {unknown} [reason] */
  static abort(reason) {
    const controller = new AbortController();
    controller.abort(reason);
    return controller.signal;
  }

  throwIfAborted() {
    if (this.aborted) throw this.reason;
  }
}

/** Aborts what was not sent yet. */
export class AbortController {
  signal = new AbortSignal();

  /** @param {unknown} [reason] */
  abort(reason = Object.assign(new Error("aborted"), { name: "AbortError" })) {
    if (this.signal.aborted) return;
    this.signal.aborted = true;
    this.signal.reason = reason;
  }
}

/**
 * @typedef {object} FetchOptions
 * @property {string} [method]
 * @property {any} [headers]
 * @property {any} [body] A text, bytes, or `URLSearchParams`.
 * @property {"follow" | "manual" | "error"} [redirect]
 * @property {AbortSignal} [signal]
 * @property {string} [endpoint] As in `probity-check/http`.
 */

/**
 * @param {string | { href: string }} input
 * @param {FetchOptions} [init]
 * @returns {Promise<Response>}
 */
export function fetch(input, init = {}) {
  return new Promise((resolve, reject) => {
    const { signal, body, redirect = "follow" } = init;
    signal?.throwIfAborted();
    const url = typeof input === "string" ? input : input.href;
    const headers = new Headers(init.headers);
    /** @type {import("./http.js").Request} */
    const request = { url, method: (init.method ?? "GET").toUpperCase(), headers };
    if (init.endpoint !== undefined) request.endpoint = init.endpoint;
    if (body !== undefined && body !== null) request.body = bodyOf(body, headers);
    if (signal?.until != null) request.timeout = Math.max(0, signal.until - Date.now());
    if (redirect === "follow") request.maxRedirects = REDIRECTS_MAX;
    const answered = (/** @type {any} */ answer) => {
      const isRedirect = redirect === "error" && answer.status >= 300 && answer.status <= 399;
      if (isRedirect) reject(new CapabilityError("protocol", `${url} redirects, which was to be an error`));
      else resolve(new Response(answer, url));
    };
    waiting.push({ request, resolve: answered, reject });
    whenIdle(sendWaiting);
  });
}

function sendWaiting() {
  const all = waiting;
  waiting = [];
  let answers;
  try {
    answers = sendAll(all.map(({ request }) => request));
  } catch (error) {
    // One bad request, say a header that is none, must not take the others' place: it is theirs as well.
    return all.forEach(({ reject }) => reject(error));
  }
  answers.forEach((answer, at) =>
    (answer instanceof CapabilityError ? all[at].reject(answer) : all[at].resolve(answer)));
}

/** @param {any} body @param {Headers} headers */
function bodyOf(body, headers) {
  if (typeof body === "string") {
    if (!headers.has("content-type")) headers.set("content-type", "text/plain;charset=UTF-8");
    return encode(body);
  }
  if (body instanceof Uint8Array) return body;
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  if (typeof body.append !== "function") throw new TypeError("the body must be a text, bytes, or URLSearchParams");
  if (!headers.has("content-type")) headers.set("content-type", "application/x-www-form-urlencoded;charset=UTF-8");
  return encode(String(body));
}
