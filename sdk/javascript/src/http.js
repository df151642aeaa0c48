/**
 * HTTP client. The grant lists the URLs (`http = ["https://api.internal/*"]`) and endpoints that the check may use.
 *
 * `fetch` is made of this. Use it directly for endpoints of the host's configuration, timings and certificates:
 *
 * ```js
 * import * as http from "probity-check/http";
 * const answer = http.send({ method: "POST", url: "/orders", endpoint: "shop", json: { "dry-run": true }, timeout: "500ms" });
 * ```
 * @module
 */

import http from "probity:check/http@0.1.0";

import { pick } from "./config.js";
import { exactly } from "./digits.js";
import { CapabilityError, ConfigError, ask, translate } from "./error.js";
import { decode, encode } from "./text.js";
import { tlsInfo } from "./tls-info.js";
import { timeoutMs } from "./units.js";

export { daysLeft } from "./tls-info.js";

/**
 * @typedef {object} Request
 * @property {string} url Absolute, or a path when `endpoint` is given.
 * @property {string} [method] In capitals; `GET` by default.
 * @property {string} [endpoint] An endpoint declared in the host's configuration: base URL, credentials, client
 *   certificate and proxy, which the check never sees.
 * @property {Record<string, string> | Iterable<[string, string]>} [headers] Of one name the last counts.
 * @property {string | Uint8Array} [body]
 * @property {unknown} [json] A body as JSON, with its content type.
 * @property {number | string} [timeout] For the whole exchange, `"500ms"`; the host's cap applies as well.
 * @property {number} [maxRedirects] Redirects to follow; by default a redirect is returned, not followed.
 * @property {number} [maxBodyBytes] Bytes of the body to read at most; the host's cap applies as well.
 * @property {boolean} [http2] HTTP/2 or nothing, without TLS as well, as gRPC wants it.
 */

/**
 * Milliseconds per phase; null where the phase did not happen.
 * @typedef {object} Timing
 * @property {number | null} dnsMs
 * @property {number | null} connectMs
 * @property {number | null} tlsMs
 * @property {number} firstByteMs
 * @property {number} totalMs
 */

/**
 * @typedef {object} Certificate
 * @property {string} subject
 * @property {string} issuer
 * @property {string} serial In hexadecimal.
 * @property {number} notBeforeUnix Seconds since 1970.
 * @property {number} notAfterUnix Seconds since 1970.
 * @property {string[]} dnsNames
 * @property {string} sha256 Of the DER bytes, in hexadecimal.
 */

/**
 * @typedef {object} TlsInfo
 * @property {string} protocol `TLSv1.3`
 * @property {string} cipher
 * @property {string | null} alpn
 * @property {number} handshakeMs
 * @property {Certificate[]} chain Those that lead to an authority, leaf first; all that were sent where none do.
 * @property {string | null} distrust Why the chain is not trusted; null when it is.
 */

/** An answer, whatever its status. Its parts are fetched from the host when asked for. */
export class Answer {
  /** @type {any} */
  #response;
  /** What was asked, for messages. @type {string} */
  #url;

  /** @param {any} response @param {string} [url] @internal */
  constructor(response, url = "") {
    this.#response = response;
    this.#url = nameOf(url);
  }

  /** The status code. @returns {number} */
  get status() {
    return this.#response.status();
  }

  /** `1.1`, `2`. @returns {string} */
  get version() {
    return this.#response.version();
  }

  /** All headers in order, names in lower case. @returns {[string, string][]} */
  get headers() {
    return this.#response.headers().map((/** @type {[string, any]} */ [name, value]) => [name, decode(value)]);
  }

  /** The first header of this name, in any case; `headers` has all. @param {string} name @returns {string | null} */
  header(name) {
    const value = this.#response.header(name) ?? null;
    return value === null ? null : decode(value);
  }

  /** The body, with `content-encoding` undone and text in UTF-8. Throws when it broke off, took too long, or was too large. @returns {Uint8Array} */
  bytes() {
    return new Uint8Array(ask(() => this.#response.body()));
  }

  /** The body as text; `protocol` when it is not UTF-8. @returns {string} */
  text() {
    try {
      return decode(this.bytes(), true);
    } catch (error) {
      throw error instanceof TypeError ? new CapabilityError("protocol", `body of ${this.#url}: ${error.message}`) : error;
    }
  }

  /**
   * The body as JSON; `protocol` when it is none, with the address that was asked. Given fields, it has to be a table with
   * these, and a missing one is named: `answer.json({ count: number(), oldest_ms: optional(number()) })`.
   * @template {Record<string, import("./config.js").Field<any>> | undefined} [S=undefined]
   * @param {S} [fields]
   * @returns {S extends Record<string, import("./config.js").Field<any>> ? import("./config.js").Read<S> : any}
   */
  json(fields) {
    const text = this.text();
    let value;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new CapabilityError("protocol", `body of ${this.#url} is no JSON: ${/** @type {Error} */ (error).message}`);
    }
    if (fields === undefined) return value;
    try {
      return /** @type {any} */ (exactly(text, () => pick(fields, value)));
    } catch (error) {
      throw error instanceof ConfigError ? new CapabilityError("protocol", `body of ${this.#url}: ${error.message}`) : error;
    }
  }

  /** What came after the body, in the form of `headers`. @returns {[string, string][]} */
  get trailers() {
    return this.#response.trailers().map((/** @type {[string, any]} */ [name, value]) => [name, decode(value)]);
  }

  /** Milliseconds per phase. @returns {Timing} */
  get timing() {
    return this.#response.timing();
  }

  /** The TLS session; null for plain HTTP. @returns {TlsInfo | null} */
  get tls() {
    const info = this.#response.tls() ?? null;
    return info && tlsInfo(info);
  }

  /** The address that answered. @returns {string | null} */
  get remoteAddress() {
    return this.#response.remoteAddress() ?? null;
  }
}

/**
 * Sends a request and waits for the answer.
 * @param {Request | string} request A text is a URL to get.
 * @returns {Answer}
 * @throws {CapabilityError} When there is no answer: refused, timeout, denied …
 */
export function send(request) {
  return ask(() => new Answer(prepare(request).send(), urlOf(request)));
}

/** Sends a GET. @param {string} url @param {Omit<Request, "url">} [options] */
export function get(url, options = {}) {
  return send({ ...options, url });
}

/**
 * Sends all side by side; answers, or why there is none, in the same order.
 * @param {(Request | string)[]} requests
 * @returns {(Answer | CapabilityError)[]}
 */
export function sendAll(requests) {
  const answers = ask(() => http.sendAll(requests.map(prepare)));
  return answers.map((/** @type {{ tag: string, val: any }} */ { tag, val }, /** @type {number} */ at) =>
    tag === "ok" ? new Answer(val, urlOf(requests[at])) : /** @type {CapabilityError} */ (translate({ payload: val })));
}

/** @param {Request | string} request */
function prepare(request) {
  const wanted = typeof request === "string" ? { url: request } : request;
  const made = new http.Request(wanted.method ?? "GET", wanted.url);
  if (wanted.endpoint !== undefined) made.useEndpoint(wanted.endpoint);
  if (wanted.json !== undefined) made.setHeader("content-type", encode("application/json"));
  for (const [name, value] of pairs(wanted.headers ?? [])) made.setHeader(name.toLowerCase(), encode(value));
  const body = wanted.json === undefined ? wanted.body : JSON.stringify(wanted.json);
  if (body !== undefined) made.setBody(typeof body === "string" ? encode(body) : body);
  if (wanted.timeout !== undefined) made.setTimeoutMs(timeoutMs(wanted.timeout));
  if (wanted.maxRedirects !== undefined) made.setMaxRedirects(wanted.maxRedirects);
  if (wanted.maxBodyBytes !== undefined) made.setMaxBodyBytes(wanted.maxBodyBytes);
  if (wanted.http2) made.requireHttp2();
  return made;
}

/** @param {any} headers @returns {Iterable<[string, string]>} */
function pairs(headers) {
  return typeof headers[Symbol.iterator] === "function" ? headers : Object.entries(headers);
}

/** @param {Request | string} request */
function urlOf(request) {
  return typeof request === "string" ? request : request.url;
}

/** An address for messages: without what may be secret in it. @param {string} url */
function nameOf(url) {
  return url.replace(/[?#].*$/s, "").replace(/\/\/[^/@]*@/, "//");
}
