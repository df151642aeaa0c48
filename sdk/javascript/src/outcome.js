/**
 * What a run concluded.
 * @module
 */

import { isStatus, STATUSES, worst } from "./threshold.js";

/** @typedef {import("./threshold.js").Status} Status */
/** @typedef {import("./threshold.js").AtMost<any> | import("./threshold.js").AtLeast<any>} Threshold */
/** @typedef {number | bigint | string | boolean} Observed */

/** The ends of what the contract's integers hold. */
const INTEGER_MAX = 2n ** 63n - 1n;
const INTEGER_MIN = -(2n ** 63n);

/** What a template makes of a value that is not there, and no sentence about something healthy has. */
const HOLE = /undefined|\bNaN\b|\[object [A-Z]\w*\]/;

/** The three judgements by name, for who would rather not write them as texts. */
export const Status = Object.freeze({
  healthy: /** @type {"healthy"} */ ("healthy"),
  degraded: /** @type {"degraded"} */ ("degraded"),
  unhealthy: /** @type {"unhealthy"} */ ("unhealthy"),
});

/**
 * A judgement, built from a first word and what is found after it.
 *
 * ```js
 * return Outcome.healthy("200 in 812 ms")
 *   .judge("latency", 812, "ms", config.latency)   // { warn: 500, crit: 1000 }
 *   .measure("size", 5120, "By");
 * // degraded: latency 812 ms, more than 500 ms
 * ```
 */
export class Outcome {
  /**
   * @param {Status} status
   * @param {string} message One line for a person, without secrets.
   */
  constructor(status, message) {
    /** The judgement. @type {Status} */
    this.status = statusOf(status, "new Outcome");
    /** One line for a person. */
    this.message = sentence(message, this.status);
    /** @type {{ name: string, value: { tag: string, val: any }, unit: string | null, status: Status | null }[]} */
    this.measurements = [];
    /** Free-form facts, shown beside the message. @type {[string, string][]} */
    this.details = [];
  }

  /** As it should be. Later findings replace the message. @param {string} message */
  static healthy(message) {
    return new Outcome("healthy", message);
  }

  /** Works, and someone should look. @param {string} message */
  static degraded(message) {
    return new Outcome("degraded", message);
  }

  /** Does not work. @param {string} message */
  static unhealthy(message) {
    return new Outcome("unhealthy", message);
  }

  /**
   * Adds a value without judging it. Whole numbers become integers.
   * @param {string} name
   * @param {Observed} value
   * @param {string} [unit] A UCUM code: `ms`, `By`, `1`, `%`, `{orders}`.
   * @throws {TypeError} For what is none of these, `undefined`, `null` and NaN among them.
   */
  measure(name, value, unit = "") {
    this.measurements.push({ name, value: observed(name, value), unit: unit || null, status: null });
    return this;
  }

  /**
   * Adds a value and judges it: past a threshold the status worsens and the message says by how much. A `bigint` is compared
   * and told with all its digits; measured it is the nearest number.
   * @param {string} name
   * @param {number | bigint} value
   * @param {string} unit A UCUM code, or empty.
   * @param {Threshold} threshold
   * @throws {TypeError} For a value that is no number, `undefined`, `null` and NaN among them, or without a threshold.
   */
  judge(name, value, unit, threshold) {
    const isNumber = typeof value === "bigint" || (typeof value === "number" && !Number.isNaN(value));
    if (!isNumber) throw misuse("judge", name, value, "a number");
    if (typeof threshold?.judge !== "function") {
      throw new TypeError(`judge(${shown(name)}): the threshold is ${shown(threshold)}, expected an AtMost or AtLeast`);
    }
    const status = threshold.judge(value);
    const isExact = typeof value === "number" || Number.isSafeInteger(Number(value));
    const measured = isExact ? { tag: "number", val: Number(value) } : { tag: "integer", val: within(value) };
    this.measurements.push({ name, value: measured, unit: unit || null, status });
    const complaint = threshold.complaint(value, unit);
    return complaint === null ? this : this.finding(status, `${name} ${complaint}`);
  }

  /**
   * Adds a finding: the status becomes the worse of the two, and the message tells all findings that are not healthy, the
   * worst first.
   * @param {Status} status
   * @param {string} text
   * @throws {TypeError} For any other word: `critical`, `down` and `Unhealthy` among them.
   */
  finding(status, text) {
    statusOf(status, "finding");
    text = sentence(text, status);
    if (status === "healthy") return this;
    const isWorse = worst([this.status, status]) !== this.status;
    if (this.status === "healthy") this.message = text;
    else this.message = isWorse ? `${text}; ${this.message}` : `${this.message}; ${text}`;
    this.status = worst([this.status, status]);
    return this;
  }

  /**
   * Adds a fact for the person who looks.
   * @param {string} name
   * @param {string} value
   */
  detail(name, value) {
    this.details.push([name, String(value)]);
    return this;
  }

  /** As the contract has it. @internal */
  toContract() {
    const { status, message, measurements, details } = this;
    return { status: statusOf(status, "the outcome"), message: sentence(message, status), measurements, details };
  }
}

/**
 * @param {string} name
 * @param {Observed} value
 * @returns {{ tag: string, val: any }}
 */
function observed(name, value) {
  switch (typeof value) {
    case "number":
      if (Number.isNaN(value)) break;
      return Number.isSafeInteger(value) ? { tag: "integer", val: value } : { tag: "number", val: value };
    case "bigint":
      return { tag: "integer", val: within(value) };
    case "boolean":
      return { tag: "boolean", val: value };
    case "string":
      return { tag: "text", val: value };
  }
  throw misuse("measure", name, value, "a number, a text or a boolean");
}

/**
 * The nearest integer of the contract; past 2⁵³ the nearest number, because the component's bindings take no other.
 * @param {number | bigint} value
 */
function within(value) {
  return Number(value > INTEGER_MAX ? INTEGER_MAX : value < INTEGER_MIN ? INTEGER_MIN : value);
}

/**
 * A status, or an error that lists them.
 * @param {any} status
 * @param {string} where
 * @returns {Status}
 */
function statusOf(status, where) {
  if (isStatus(status)) return status;
  const words = STATUSES.map((word) => `"${word}"`).join(", ");
  throw new TypeError(`${where}: ${shown(status)} is no status; there are ${words}`);
}

/**
 * One line for a person; what says that something is healthy has no holes in it. An error is told by its own message.
 * @param {any} said
 * @param {Status} status
 * @returns {string}
 */
function sentence(said, status) {
  const text = said instanceof Error ? said.message : ["number", "bigint", "boolean"].includes(typeof said) ? String(said) : said;
  if (typeof text !== "string") throw new TypeError(`the message of ${status} is ${shown(text)}, expected a text. ${HINT}`);
  const [hole] = (status === "healthy" && HOLE.exec(text)) || [];
  if (hole === undefined) return text;
  throw new TypeError(`the message ${JSON.stringify(text)} holds ${hole}: a value that it tells is not there. ${HINT}`);
}

const HINT = "Is an `await` missing, or a field of an answer?";

/**
 * @param {string} call
 * @param {string} name
 * @param {unknown} value
 * @param {string} expected
 */
function misuse(call, name, value, expected) {
  const isText = typeof value === "string" || typeof value === "boolean";
  return new TypeError(`${call}(${shown(name)}): the value is ${shown(value)}, expected ${expected}.${isText ? "" : ` ${HINT}`}`);
}

/** A value, as an author would write it. @param {unknown} value */
function shown(value) {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  if (typeof /** @type {any} */ (value).then === "function") return "a Promise";
  return Array.isArray(value) ? "a list" : `an object (${value.constructor?.name ?? "without a class"})`;
}
