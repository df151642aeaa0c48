/**
 * Express: `/health`, `/health/GROUP`, `/ready`, `/live` and `/startup` as a view of Probity's board.
 *
 * ```js
 * import { board } from "probity-check/express";
 *
 * app.use(board("http://127.0.0.1:8080", { version: "1.4.2" }));
 * ```
 *
 * `/health` takes `?format=`. Requests are answered from a cache and never hold up the event loop; the host being away makes
 * all but `/live` 503 `unknown`, and leaves that at 200. The handler is a plain `(request, response, next)`: it also serves Connect
 * and `node:http`. For programs on Node, not for checks.
 * @module
 */

import { Board, isKnown } from "./board.js";

/** @typedef {import("node:http").IncomingMessage} Request */
/** @typedef {import("node:http").ServerResponse} Response */
/** @typedef {import("./board.js").Options} Options */

/**
 * A handler with a word to say at the end.
 * @typedef {((request: Request, response: Response, next?: () => void) => void) & { drain: () => void }} View
 */

/**
 * The routes; mount them elsewhere than at the root with `app.use("/probes", board())`.
 * @param {string} [url] The host's address.
 * @param {Options} [options]
 * @returns {View} Its `drain()` makes `/ready` 503 `draining` from then on: call it first on SIGTERM.
 */
export function board(url = "http://127.0.0.1:8080", options = {}) {
  const shown = new Board(url, options);
  /** @param {Request} request @param {Response} response @param {() => void} [next] */
  const view = (request, response, next) => {
    const [path, query] = (request.url ?? "/").split("?", 2);
    if (!isKnown(path)) return next === undefined ? send(response, 404) : next();
    if (request.method !== "GET" && request.method !== "HEAD") return send(response, 405, { allow: "GET, HEAD" });
    const answered = shown.answer(path, new URLSearchParams(query).get("format")).then(({ status, body, other }) => {
      const headers = { "content-type": other?.type ?? "application/json", "cache-control": "no-store" };
      send(response, status, headers, other?.text ?? `${JSON.stringify(body)}\n`);
    });
    // Nobody waits for this promise: a rejection would end the process.
    answered.catch(() => response.destroy());
  };
  return Object.assign(view, { drain: () => shown.drain() });
}

/**
 * Answers, unless something else did so while the host was waited for, or the client went away.
 * @param {Response} response
 * @param {number} status
 * @param {Record<string, string>} [headers]
 * @param {string} [body]
 */
function send(response, status, headers = {}, body = "") {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, headers).end(body);
}
