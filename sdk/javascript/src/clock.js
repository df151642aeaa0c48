/**
 * Time. Needs no grant. `Date` and `setTimeout` work as well.
 * @module
 */

import clock from "probity:check/clock@0.1.0";

import { ms } from "./units.js";

/** Wall-clock time in milliseconds since 1970; `Date.now()` is the same. @returns {number} */
export function nowUnixMs() {
  return Number(clock.nowUnixMs());
}

/** A clock that never goes back, in milliseconds since an arbitrary start. @returns {number} */
export function monotonicMs() {
  return Number(clock.monotonicNs()) / 1e6;
}

/**
 * Sleeps without spending fuel. A sleep past the run's deadline ends the run.
 * @param {number | string} span Milliseconds, or a text like `"250ms"`.
 */
export function sleep(span) {
  clock.sleepMs(Math.ceil(ms(span)));
}
