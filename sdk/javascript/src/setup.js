/**
 * The parts of a JavaScript environment that the component lacks, or has in a form that a snapshot makes useless.
 *
 * Evaluated before the check, when the component is built: nothing here calls the host until a run does.
 * @module
 */

import { nowUnixMs } from "./clock.js";
import { runId } from "./context.js";
import { install } from "./loop.js";

install();

const Native = Date;

/** Wall-clock time from the host; the interpreter's own clock is not connected. */
class HostDate extends Native {
  /** @param {...any} args */
  constructor(...args) {
    if (args.length === 0) super(nowUnixMs());
    else super(.../** @type {[any]} */ (args));
  }

  static now() {
    return nowUnixMs();
  }
}

/** `Date()` without `new` is a text. */
globalThis.Date = /** @type {any} */ (new Proxy(HostDate, { apply: () => new HostDate().toString() }));

/** Of the run that first asks; the interpreter's own would be the same in each instance. @type {number[] | null} */
let seed = null;

/** xoshiro128** over the run's own id. Not for secrets. */
Math.random = () => {
  seed ??= [0, 8, 16, 24].map((at) => Number.parseInt(runId().replaceAll("-", "").slice(at, at + 8), 16) | 1);
  const [a, b, c, d] = seed;
  const mixed = Math.imul(rotate(Math.imul(b, 5), 7), 9);
  const [c2, d2] = [c ^ a, d ^ b];
  seed = [a ^ d2, b ^ c2, c2 ^ (b << 9), rotate(d2, 11)];
  return (mixed >>> 0) / 2 ** 32;
};

/** @param {number} bits @param {number} by */
function rotate(bits, by) {
  return (bits << by) | (bits >>> (32 - by));
}
