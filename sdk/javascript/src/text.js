/**
 * UTF-8, which the interpreter has only inside.
 * @module
 */

/** The mark of bytes that are no text. */
const REPLACEMENT = 0xfffd;

/** What needs no decoding, from `lastIndex` on. */
const ASCII = /[\x00-\x7f]*/y;

// A byte costs an interpreter thousands of instructions when a loop looks at it, and tens when what it has built in does: so
// both ways lead over a string with a character for each byte, by base64 and by the escapes of URLs.

/**
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function encode(text) {
  // A lone surrogate becomes the replacement character.
  return unpacked(unescape(encodeURIComponent(text.toWellFormed())));
}

/**
 * Bytes that are not UTF-8 are replaced, or refused when `fatal`.
 * @param {Uint8Array | number[]} bytes
 * @param {boolean} [fatal]
 * @returns {string}
 * @throws {TypeError} When `fatal` and they are not UTF-8.
 */
export function decode(bytes, fatal = false) {
  const all = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  const string = packed(all);
  ASCII.lastIndex = 0;
  ASCII.test(string);
  const start = ASCII.lastIndex;
  if (start === string.length) return string;
  try {
    return string.slice(0, start) + decodeURIComponent(escape(string.slice(start)));
  } catch {
    return repaired(all, fatal);
  }
}

/** A character for each byte. @param {any} bytes Node 20 has no `toBase64` yet. @returns {string} */
function packed(bytes) {
  return bytes.toBase64 ? globalThis.atob(bytes.toBase64()) : Buffer.from(bytes).toString("latin1");
}

/** A byte for each character. @param {string} string @returns {Uint8Array<ArrayBuffer>} */
function unpacked(string) {
  /** @type {any} */
  const from = Uint8Array;
  return from.fromBase64 ? from.fromBase64(globalThis.btoa(string)) : new Uint8Array(Buffer.from(string, "latin1"));
}

/**
 * What there is of text, with a mark for each part that is none.
 * @param {Uint8Array} all
 * @param {boolean} fatal
 * @returns {string}
 */
function repaired(all, fatal) {
  /** @type {string[]} */
  const parts = [];
  /** @type {number[]} */
  let points = [];
  for (let at = 0; at < all.length; ) {
    const [point, length] = pointAt(all, at);
    if (point === -1 && fatal) throw new TypeError(`not UTF-8 at byte ${at}`);
    points.push(point === -1 ? REPLACEMENT : point);
    at += length;
    // Bounded: arguments of a call live on the stack.
    if (points.length === 4096) {
      parts.push(String.fromCodePoint(...points));
      points = [];
    }
  }
  return parts.join("") + String.fromCodePoint(...points);
}

/**
 * The character that starts at a byte, and its length; -1 when there is none, with the bytes to skip.
 * @param {Uint8Array} all
 * @param {number} at
 * @returns {[number, number]}
 */
function pointAt(all, at) {
  const first = all[at];
  if (first < 0x80) return [first, 1];
  const length = first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
  if (length === 0) return [-1, 1];
  let point = first & (0x7f >> length);
  for (let next = 1; next < length; next += 1) {
    const byte = all[at + next] ?? 0;
    // The second byte also rules out what is overlong, a surrogate, or past the last character.
    const [low, high] = next > 1 ? [0x80, 0xbf] : secondOf(first);
    if (byte < low || byte > high) return [-1, next];
    point = (point << 6) | (byte & 0x3f);
  }
  return [point, length];
}

/** @param {number} first @returns {[number, number]} */
function secondOf(first) {
  if (first === 0xe0) return [0xa0, 0xbf];
  if (first === 0xed) return [0x80, 0x9f];
  if (first === 0xf0) return [0x90, 0xbf];
  return first === 0xf4 ? [0x80, 0x8f] : [0x80, 0xbf];
}

/** The Web's encoder. */
export class TextEncoder {
  get encoding() {
    return "utf-8";
  }

  /** @param {string} [text] */
  encode(text = "") {
    return encode(String(text));
  }
}

/** The Web's decoder, for UTF-8 and whole texts only. */
export class TextDecoder {
  /**
   * @param {string} [label]
   * @param {{ fatal?: boolean, ignoreBOM?: boolean }} [options]
   */
  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!/^\s*(utf-?8|unicode-1-1-utf-8)\s*$/i.test(label)) throw new RangeError(`only utf-8 is there, not ${label}`);
    this.fatal = fatal;
    this.ignoreBOM = ignoreBOM;
  }

  get encoding() {
    return "utf-8";
  }

  /** @param {ArrayBuffer | ArrayBufferView} [input] */
  decode(input = new Uint8Array()) {
    const bytes = ArrayBuffer.isView(input)
      ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
      : new Uint8Array(input);
    const text = decode(bytes, this.fatal);
    return !this.ignoreBOM && text.startsWith("\ufeff") ? text.slice(1) : text;
  }
}
