/**
 * One datagram and its answer. The grant lists `host:port` patterns.
 * @module
 */

import udp from "probity:check/udp@0.1.0";

import { ask } from "./error.js";
import { encode } from "./text.js";
import { timeoutMs } from "./units.js";

/**
 * @typedef {object} Reply
 * @property {Uint8Array} payload
 * @property {string} remoteAddress Who sent it, which is who was asked: `192.0.2.7:123`.
 * @property {number} elapsedMs From sending to receiving.
 * @property {number} receivedUnixNs When it came, in nanoseconds since 1970, by the host's clock; exact to a quarter of a
 *   microsecond, as numbers are.
 */

/**
 * Sends one datagram and waits for one from the same address. Nothing is sent again: a lost one is a `timeout`.
 * @param {string} host
 * @param {number} port
 * @param {string | Uint8Array} payload At most 1472 bytes.
 * @param {{ maxReplyBytes?: number, timeout?: number | string }} [options] `maxReplyBytes` is 1472 by default.
 * @returns {Reply}
 */
export function exchange(host, port, payload, { maxReplyBytes = 1472, timeout } = {}) {
  const bytes = typeof payload === "string" ? encode(payload) : payload;
  const limit = timeout === undefined ? null : timeoutMs(timeout);
  const reply = ask(() => udp.exchange(host, port, bytes, maxReplyBytes, limit));
  return { ...reply, payload: new Uint8Array(reply.payload), receivedUnixNs: Number(reply.receivedUnixNs) };
}
