/**
 * A few bytes that survive between runs, private to one check. Needs no grant; the host caps keys, bytes and their sum
 * (`quota`). Read what an older version wrote, or change the key.
 * @module
 */

import state from "probity:check/state@0.1.0";

import { CapabilityError, ask } from "./error.js";
import { decode, encode } from "./text.js";
import { ms } from "./units.js";

/** The bytes of `key`; null when there are none, or they have expired. @param {string} key @returns {Uint8Array | null} */
export function getBytes(key) {
  const value = ask(() => state.get(key)) ?? null;
  return value && new Uint8Array(value);
}

/** The text of `key`; null when there is none. @param {string} key @returns {string | null} */
export function getText(key) {
  const value = getBytes(key);
  return value && decode(value);
}

/**
 * The value of `key`, read as JSON; undefined when there is none. `protocol` when it is no JSON.
 * @param {string} key
 * @returns {any}
 */
export function get(key) {
  const value = getText(key);
  if (value === null) return undefined;
  try {
    return JSON.parse(value);
  } catch (error) {
    throw new CapabilityError("protocol", `state ${JSON.stringify(key)}: ${/** @type {Error} */ (error).message}`);
  }
}

/**
 * Sets `key` to a value as JSON, for good or until `ttl` has passed.
 * @param {string} key
 * @param {unknown} value
 * @param {number | string} [ttl] Milliseconds, or a text like `"1h"`.
 */
export function set(key, value, ttl) {
  setBytes(key, encode(JSON.stringify(value)), ttl);
}

/** @param {string} key @param {Uint8Array} value @param {number | string} [ttl] */
export function setBytes(key, value, ttl) {
  ask(() => state.set(key, value, ttl === undefined ? null : Math.ceil(ms(ttl))));
}

/** Removes `key`; nothing happens when there is none. @param {string} key */
export function remove(key) {
  ask(() => state.delete(key));
}

/**
 * Adds to the number at `key`, atomically, and returns the sum. A missing key counts as 0.
 * @param {string} key
 * @param {number} [delta]
 * @returns {number}
 */
export function increment(key, delta = 1) {
  return Number(ask(() => state.increment(key, delta)));
}

/** The keys that start with `prefix`, in order. @param {string} [prefix] @returns {string[]} */
export function keys(prefix = "") {
  return ask(() => state.keys(prefix));
}
