/**
 * Secrets are used by the host, not handed out.
 * @module
 */

import secrets from "probity:check/secrets@0.1.0";

import { ask } from "./error.js";
import { encode } from "./text.js";

/** The HMAC-SHA256 of `data` with the secret `name`: 32 bytes. @param {string} name @param {string | Uint8Array} data */
export function hmacSha256(name, data) {
  return new Uint8Array(ask(() => secrets.hmacSha256(name, bytesOf(data))));
}

/** Whether `candidate` is the secret, compared in constant time. @param {string} name @param {string | Uint8Array} candidate @returns {boolean} */
export function matches(name, candidate) {
  return ask(() => secrets.matches(name, bytesOf(candidate)));
}

/** The value itself; needs `NAME:reveal`. Whatever the check emits, the host takes it out again. @param {string} name @returns {string} */
export function reveal(name) {
  return ask(() => secrets.reveal(name));
}

/** @param {string | Uint8Array} data */
function bytesOf(data) {
  return typeof data === "string" ? encode(data) : data;
}
