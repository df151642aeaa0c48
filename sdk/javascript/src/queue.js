/**
 * Queue and stream depth, whatever the broker behind the name is.
 * @module
 */

import queue from "probity:check/queue@0.1.0";

import { ask } from "./error.js";
import { optionalU32 } from "./numbers.js";
import { encode } from "./text.js";

/**
 * Null where the broker does not tell.
 * @typedef {object} Stats
 * @property {number | null} depth Messages waiting to be delivered.
 * @property {number | null} inFlight Delivered, not yet acknowledged.
 * @property {number | null} consumers
 * @property {number | null} oldestAgeMs
 * @property {number | null} lag How far the consumers are behind, for logs.
 */

/** Looks at the queue `name`. @param {string} name @returns {Stats} */
export function inspect(name) {
  const stats = ask(() => queue.inspect(name));
  const number = (/** @type {any} */ value) => (value === null || value === undefined ? null : Number(value));
  const { depth, inFlight, consumers, oldestAgeMs, lag } = stats;
  return {
    depth: number(depth), inFlight: number(inFlight), consumers: optionalU32(consumers), oldestAgeMs: number(oldestAgeMs), lag: number(lag),
  };
}

/**
 * Sends a probe message and waits until the broker has it. Needs `NAME:publish`.
 * @param {string} name
 * @param {string | Uint8Array} payload
 */
export function publish(name, payload) {
  ask(() => queue.publish(name, typeof payload === "string" ? encode(payload) : payload));
}
