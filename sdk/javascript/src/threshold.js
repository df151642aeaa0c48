/**
 * Thresholds: from a value to a status.
 *
 * A threshold names the last value that is still allowed: with `warn = 500` in {@link AtMost}, 500 is healthy and 501
 * degraded. Either bound may be absent.
 * @module
 */

import { plain } from "./units.js";

/** @typedef {"healthy" | "degraded" | "unhealthy"} Status */

/** From good to bad. @type {readonly Status[]} @internal */
export const STATUSES = ["healthy", "degraded", "unhealthy"];

/** @param {any} value @returns {value is Status} @internal */
export function isStatus(value) {
  return STATUSES.includes(value);
}

/**
 * The worst of many; healthy when there are none.
 * @param {Iterable<Status>} statuses
 * @returns {Status}
 * @throws {TypeError} For a word that is no status.
 */
export function worst(statuses) {
  let found = 0;
  for (const status of statuses) {
    if (!isStatus(status)) throw new TypeError(`${JSON.stringify(status)} is no status; there are ${STATUSES.join(", ")}`);
    found = Math.max(found, STATUSES.indexOf(status));
  }
  return STATUSES[found];
}

/**
 * Bounds, as configuration has them: in a table, either may be absent.
 * @template [T=number]
 * @typedef {{ warn?: T | null, crit?: T | null }} Bounds
 */

/**
 * What both kinds share. Integers as `bigint` are compared with all their digits, and may be mixed with numbers.
 * @template {number | bigint} [T=number]
 */
class Threshold {
  /**
   * @param {Bounds<T>} bounds In the base unit of the quantity.
   * @param {import("./units.js").Quantity} [quantity] How amounts are shown.
   */
  constructor({ warn = null, crit = null } = {}, quantity = plain) {
    /** The last value that is still healthy. @type {T | null} */
    this.warn = warn;
    /** The last value that is not yet unhealthy. @type {T | null} */
    this.crit = crit;
    /** @internal */
    this.quantity = quantity;
  }

  /**
   * The status of `value`. A value that is not a number passes no bound.
   * @param {number | bigint} value
   * @returns {Status}
   */
  judge(value) {
    if (this.crit !== null && !this.keeps(value, this.crit)) return "unhealthy";
    return this.warn !== null && !this.keeps(value, this.warn) ? "degraded" : "healthy";
  }

  /**
   * What is wrong with `value`, for a person; null when it is healthy.
   * @param {number | bigint} value
   * @param {string} unit A UCUM code.
   * @returns {string | null}
   */
  complaint(value, unit) {
    const status = this.judge(value);
    if (status === "healthy") return null;
    const bound = /** @type {T} */ (status === "degraded" ? this.warn : this.crit);
    return `${this.quantity.show(value, unit)}, ${this.relation} than ${this.quantity.show(bound, unit)}`;
  }

  /** Why these bounds make no sense; null when they do. @returns {string | null} @internal */
  disorder() {
    const { warn, crit, quantity } = this;
    if (warn === null || crit === null || this.keeps(warn, crit)) return null;
    const [w, c] = [quantity.show(warn, ""), quantity.show(crit, "")];
    return `warn ${w} is never reached before crit ${c}: warn must be ${this.order} crit`;
  }

  /**
   * @param {number | bigint} _value
   * @param {number | bigint} _bound
   * @returns {boolean}
   */
  keeps(_value, _bound) {
    return true;
  }

  get relation() {
    return "";
  }

  get order() {
    return "";
  }
}

/**
 * Upper bounds: more than `warn` is degraded, more than `crit` unhealthy.
 * @template {number | bigint} [T=number]
 * @extends {Threshold<T>}
 */
export class AtMost extends Threshold {
  /** @param {number | bigint} value @param {number | bigint} bound @internal */
  keeps(value, bound) {
    return value <= bound;
  }

  /** @internal */
  get relation() {
    return "more";
  }

  /** @internal */
  get order() {
    return "at most";
  }
}

/**
 * Lower bounds: less than `warn` is degraded, less than `crit` unhealthy.
 * @template {number | bigint} [T=number]
 * @extends {Threshold<T>}
 */
export class AtLeast extends Threshold {
  /** @param {number | bigint} value @param {number | bigint} bound @internal */
  keeps(value, bound) {
    return value >= bound;
  }

  /** @internal */
  get relation() {
    return "less";
  }

  /** @internal */
  get order() {
    return "at least";
  }
}
