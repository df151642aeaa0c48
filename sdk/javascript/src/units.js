/**
 * Quantities with units, as configuration writes them: `250ms`, `10m`, `5GiB`.
 * @module
 */

/** @type {[string, number][]} */
const SPAN_UNITS = [["ms", 1], ["s", 1_000], ["m", 60_000], ["h", 3_600_000], ["d", 86_400_000]];
/** @type {[string, number][]} */
const SIZE_UNITS = [["B", 1], ["KiB", 2 ** 10], ["MiB", 2 ** 20], ["GiB", 2 ** 30], ["TiB", 2 ** 40]];
/** @type {[string, number][]} */
const SIZE_UNITS_DECIMAL = [["KB", 1e3], ["MB", 1e6], ["GB", 1e9], ["TB", 1e12]];

/**
 * Something a threshold can be given in.
 * @typedef {object} Quantity
 * @property {(value: unknown) => number | undefined} parse From configuration to the base unit.
 * @property {(amount: number | bigint, unit: string) => string} show An amount for a person.
 */

/** A plain number; `show` adds the UCUM unit. @type {Quantity} */
export const plain = {
  parse: (value) => (typeof value === "number" ? value : undefined),
  show(amount, unit) {
    // UCUM writes "no unit" as 1 and annotations in braces.
    const name = unit.replace(/^[{}]+|[{}]+$/g, "");
    return name === "" || name === "1" ? number(amount) : `${number(amount)} ${name}`;
  },
};

/** Milliseconds, written `250ms`, `15s`, `10m`, `2h` or `7d`. @type {Quantity} */
export const milliseconds = {
  parse: (value) => (typeof value === "string" ? parse(value, SPAN_UNITS) : undefined),
  show: (amount) => scaled(amount, SPAN_UNITS),
};

/** Bytes, written `512`, `64KiB`, `32MiB`, `5GiB` (or `KB`, `MB` in thousands). @type {Quantity} */
export const bytes = {
  parse(value) {
    if (typeof value === "number") return Number.isInteger(value) && value >= 0 ? value : undefined;
    if (typeof value !== "string") return undefined;
    return parse(value, SIZE_UNITS) ?? parse(value, SIZE_UNITS_DECIMAL);
  },
  show: (amount) => scaled(amount, SIZE_UNITS),
};

/**
 * Milliseconds of a number, or of a text like `"15s"`: for arguments that take either.
 * @param {number | string} value
 * @returns {number}
 */
export function ms(value) {
  const amount = typeof value === "number" ? value : parse(value, SPAN_UNITS);
  if (amount === undefined || !(amount >= 0)) {
    throw new TypeError(`${JSON.stringify(value)} is no duration like 250ms, 15s, 10m, 2h or 7d`);
  }
  return amount;
}

/**
 * Milliseconds as capabilities take them: whole, at most what 32 bits hold (49 days).
 * @param {number | string} value
 * @internal
 */
export function timeoutMs(value) {
  return Math.min(Math.ceil(ms(value)), 0xffff_ffff);
}

/**
 * `"15s"` → 15 × the factor of `s`. Decimals are not part of the syntax.
 * @param {string} text
 * @param {[string, number][]} units
 */
function parse(text, units) {
  const [, digits = "", unit = ""] = /^(\d*)(.*)$/s.exec(text) ?? [];
  const factor = units.find(([name]) => name === unit)?.[1];
  const amount = digits === "" || factor === undefined ? Number.NaN : Number(digits) * factor;
  return amount < 2 ** 64 ? amount : undefined;
}

/**
 * An amount in the largest unit of which there is at least one.
 * @param {number | bigint} exact
 * @param {[string, number][]} units
 */
function scaled(exact, units) {
  const amount = Number(exact);
  const [name, factor] = units.findLast(([, factor]) => Math.abs(amount) >= factor) ?? units[0];
  return `${number(amount / factor)} ${name}`;
}

/**
 * Two decimals, or as many as show two digits of a small number, without trailing zeros.
 * @param {number | bigint} value
 * @returns {string}
 */
export function number(value) {
  if (typeof value === "bigint") return value.toString();
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  if (Math.abs(value) >= 1e21) return BigInt(value).toString();
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  const decimals = magnitude >= -12 && magnitude < -1 ? 1 - magnitude : 2;
  const text = fixed(value, decimals);
  return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
}

/**
 * `toFixed`, but a tie goes to the even digit, as in the kits of the other languages.
 * @param {number} value
 * @param {number} decimals
 */
function fixed(value, decimals) {
  const factor = 10 ** decimals;
  const steps = value * factor;
  const isTie = Math.abs(steps % 1) === 0.5 && steps / factor === value;
  return (isTie ? (2 * Math.round(steps / 2)) / factor : value).toFixed(decimals);
}
