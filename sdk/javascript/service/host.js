/**
 * One request to the host, for programs on Node: a connection of its own, bounded in time and size.
 * @module
 */

import http from "node:http";
import https from "node:https";

/** Characters of the host's answer that are read; a board of thousands of checks is asked for its summary. */
const BODY_CHARS_MAX = 1 << 20;

/**
 * The host's address.
 * @param {string} text
 * @returns {URL}
 */
export function address(text) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new TypeError(`${JSON.stringify(text)} is no address of a host: write http://127.0.0.1:8080`);
  }
  return url;
}

/** `path` on the host, below the path that its address has. @param {URL} host @param {string} path @returns {URL} */
export const below = (host, path) => new URL(host.pathname.replace(/\/+$/, "") + path, host);

/**
 * @typedef {object} Sent
 * @property {string} [token]
 * @property {string} [body] What is posted; without it this is a GET.
 * @property {number} timeoutMs For the whole exchange.
 */

/**
 * Sends and reads. Rejects when that does not work out.
 * @param {URL} url
 * @param {Sent} sent
 * @returns {Promise<{ status: number, body: string, type: string }>}
 */
export function exchange(url, { token, body, timeoutMs }) {
  const kind = url.protocol === "https:" ? https : http;
  /** @type {Record<string, string>} */
  const headers = body === undefined ? { accept: "application/json" } : { "content-type": "text/plain" };
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  const signal = AbortSignal.timeout(timeoutMs);
  return new Promise((done, fail) => {
    const failed = (/** @type {Error} */ error) => fail(signal.aborted ? new Error(`no answer in ${timeoutMs} ms`) : error);
    // No agent: what is kept open grows stale, and holds up the end of the process.
    const options = { method: body === undefined ? "GET" : "POST", headers, agent: false, signal };
    const request = kind.request(url, options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("error", failed);
      response.on("data", (/** @type {string} */ part) => {
        text += part;
        if (text.length > BODY_CHARS_MAX) request.destroy(new Error(`the answer is longer than ${BODY_CHARS_MAX} characters`));
      });
      response.on("end", () => done({ status: response.statusCode ?? 0, body: text, type: response.headers["content-type"] ?? "application/json" }));
    });
    request.on("error", failed);
    request.end(body);
  });
}
