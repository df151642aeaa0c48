/**
 * What a run concluded.
 * @module
 */

import { worst } from "./threshold.js";

/** @typedef {import("./threshold.js").Status} Status */
/** @typedef {import("./threshold.js").AtMost | import("./threshold.js").AtLeast} Threshold */
/** @typedef {number | bigint | string | boolean} Observed */

/** The ends of what the contract's integers hold. */
const INTEGER_MAX = 2n ** 63n - 1n;
const INTEGER_MIN = -(2n ** 63n);

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
    this.status = status;
    /** One line for a person. */
    this.message = message;
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
   */
  measure(name, value, unit = "") {
    this.measurements.push({ name, value: observed(value), unit: unit || null, status: null });
    return this;
  }

  /**
   * Adds a value and judges it: past a threshold the status worsens and the message says by how much.
   * @param {string} name
   * @param {number} value
   * @param {string} unit A UCUM code, or empty.
   * @param {Threshold} threshold
   */
  judge(name, value, unit, threshold) {
    const status = threshold.judge(value);
    this.measurements.push({ name, value: { tag: "number", val: value }, unit: unit || null, status });
    const complaint = threshold.complaint(value, unit);
    return complaint === null ? this : this.finding(status, `${name} ${complaint}`);
  }

  /**
   * Adds a finding: the status becomes the worse of the two, and the message tells all findings that are not healthy, the
   * worst first.
   * @param {Status} status
   * @param {string} text
   */
  finding(status, text) {
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
    return { status, message: String(message), measurements, details };
  }
}

/**
 * @param {Observed} value
 * @returns {{ tag: string, val: any }}
 */
function observed(value) {
  switch (typeof value) {
    case "number":
      return Number.isSafeInteger(value) ? { tag: "integer", val: value } : { tag: "number", val: value };
    case "bigint":
      return { tag: "integer", val: Number(value > INTEGER_MAX ? INTEGER_MAX : value < INTEGER_MIN ? INTEGER_MIN : value) };
    case "boolean":
      return { tag: "boolean", val: value };
    default:
      return { tag: "text", val: String(value) };
  }
}
