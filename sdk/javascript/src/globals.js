/**
 * Names that JavaScript programs find in the air. The build imports each one that the check mentions, and no other, so a
 * check that fetches nothing imports no `http`.
 * @module
 */

import URL from "core-js-pure/actual/url/index.js";
import URLSearchParams from "core-js-pure/actual/url-search-params/index.js";

import { console } from "./console.js";
import { AbortController, AbortSignal, Headers, Response, fetch } from "./fetch.js";
import { clearTimeout, queueMicrotask, setTimeout } from "./loop.js";
import { TextDecoder, TextEncoder } from "./text.js";

export {
  AbortController,
  AbortSignal,
  Headers,
  Response,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
  clearTimeout,
  console,
  fetch,
  queueMicrotask,
  setTimeout,
};
export { fetch as "globalThis.fetch", console as "globalThis.console", setTimeout as "globalThis.setTimeout" };
