/**
 * The capability `state`, as the host has it: keys that expire, and counting.
 * @module
 */

import { decode, encode } from "../src/text.js";
import { refuse } from "./refuse.js";

const KEY_BYTES_MAX = 256;
const I64_MAX = 2n ** 63n - 1n;

/**
 * The functions of `state` over what `host` keeps; what has expired goes when it is looked for.
 * @param {{ kept: Map<string, Uint8Array>, now: number }} host
 */
export function fakeState(host) {
  /**
   * When a value goes, in milliseconds since 1970. What a test puts into the map itself is not here, and stays.
   * @type {WeakMap<Uint8Array, number>}
   */
  const expiries = new WeakMap();
  const expiry = (/** @type {Uint8Array} */ value) => expiries.get(value) ?? Infinity;

  /** @param {string} key @param {Uint8Array} value @param {number} until */
  function put(key, value, until) {
    // A copy: the author may go on with the bytes, and each value expires by itself.
    const copy = Uint8Array.from(value);
    expiries.set(copy, until);
    host.kept.set(key, copy);
  }

  /** @param {string} key */
  function alive(key) {
    const value = host.kept.get(key) ?? null;
    if (value === null || host.now < expiry(value)) return value;
    host.kept.delete(key);
    return null;
  }

  return {
    get: (/** @type {string} */ key) => alive(checked(key)),
    set: (/** @type {string} */ key, /** @type {Uint8Array} */ value, /** @type {number | null} */ ttlMs = null) =>
      put(checked(key), value, ttlMs === null ? Infinity : host.now + Number(ttlMs)),
    delete: (/** @type {string} */ key) => void host.kept.delete(checked(key)),
    // A key that expires still does, at the same time.
    increment: (/** @type {string} */ key, /** @type {number | bigint} */ delta) => {
      const before = alive(checked(key));
      const after = (before === null ? 0n : integer(key, before)) + BigInt(delta);
      const sum = after > I64_MAX ? I64_MAX : after < -I64_MAX ? -I64_MAX - 1n : after;
      put(key, encode(String(sum)), before === null ? Infinity : expiry(before));
      return sum;
    },
    keys: (/** @type {string} */ prefix) =>
      [...host.kept.keys()].filter((key) => key.startsWith(prefix) && alive(key) !== null).sort(),
  };
}

/** The key, if it is one. @param {string} key */
function checked(key) {
  const length = encode(key).length;
  if (length < 1 || length > KEY_BYTES_MAX) {
    throw refuse("invalid-argument", `a state key has 1 to ${KEY_BYTES_MAX} bytes`);
  }
  return key;
}

/** @param {string} key @param {Uint8Array} value */
function integer(key, value) {
  const text = decode(value);
  const read = /^[+-]?[0-9]+$/.test(text) ? BigInt(text) : null;
  if (read === null || BigInt.asIntN(64, read) !== read) {
    throw refuse("invalid-argument", `state \`${key}\` does not hold a decimal integer`);
  }
  return read;
}
