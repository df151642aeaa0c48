/**
 * Integers of a JSON document with all their digits: JavaScript reads those past 2⁵³ as the nearest number.
 * @module
 */

/** Whether a field was declared that wants them: to look through a long answer costs fuel. */
let isWanted = false;

/** A field wants all digits. @internal */
export function wantDigits() {
  isWanted = true;
}

/** The integers past 2⁵³ of what is being read, by their pointers. @type {Map<string, bigint>} */
let digits = new Map();

/** A text, or a number as JSON writes it. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g;

/** What stands before an integer whose digits are kept; a text that looks like it is no integer, and is never asked for. */
const MARK = "\u0000";

/**
 * Reads something of a document, with all digits of its integers for the fields that want them.
 * @template T
 * @param {string} document JSON.
 * @param {() => T} read
 * @returns {T}
 * @internal
 */
export function exactly(document, read) {
  if (!isWanted || !/\d{16}/.test(document)) return read();
  const marked = document.replace(TOKEN, (token) =>
    (/^-?\d{16,}$/.test(token) ? JSON.stringify(MARK + token) : token));
  const found = new Map();
  collect(JSON.parse(marked), "", found);
  digits = found;
  try {
    return read();
  } finally {
    digits = new Map();
  }
}

/** @param {any} value @param {string} pointer @param {Map<string, bigint>} found */
function collect(value, pointer, found) {
  if (typeof value === "string" && /^\0-?\d+$/.test(value)) found.set(pointer, BigInt(value.slice(1)));
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) collect(item, `${pointer}/${escape(key)}`, found);
}

/** The integer at a pointer of what is being read, if it is past 2⁵³. @param {string} pointer @internal */
export function digitsAt(pointer) {
  return digits.get(pointer);
}

/** A key as a part of a JSON pointer. @param {string} key @internal */
export function escape(key) {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
