/**
 * From a JSON document to a configuration object, with the path of what does not fit.
 *
 * A check declares its keys as {@link Field}s. `camelCase` here is `kebab-case` in the operator's file. The same
 * declaration is the JSON Schema by which the host refuses a bad file before anything runs.
 * @module
 */

import { digitsAt, escape, exactly, wantDigits } from "./digits.js";
import { ConfigError } from "./error.js";
import { AtLeast, AtMost } from "./threshold.js";
import { bytes, milliseconds, plain } from "./units.js";

/**
 * One key's type. Given a default, or made with {@link optional}, the key may be absent.
 * @template T
 * @typedef {object} Field
 * @property {(value: any, pointer: string) => T} read From JSON; throws {@link ConfigError}.
 * @property {object} schema JSON Schema.
 * @property {T} [fallback] The default; there when the key may be absent.
 */

/**
 * What a table of fields reads as.
 * @template {Record<string, Field<any>>} S
 * @typedef {{ [K in keyof S]: S[K] extends Field<infer T> ? T : never }} Read
 */

/** What a `"10m"` is called in messages. */
const SPAN = "a duration like 250ms, 15s, 10m, 2h or 7d";
const SIZE = "a size like 512, 64KiB, 32MiB or 5GiB";

/**
 * @template T
 * @param {(value: any, pointer: string) => T} read
 * @param {object} schema
 * @param {T} [fallback]
 * @returns {Field<T>}
 */
function field(read, schema, fallback) {
  return fallback === undefined ? { read, schema } : { read, schema: { ...schema, default: fallback }, fallback };
}

/**
 * @template T
 * @param {string} expected
 * @param {object} schema
 * @param {(value: any) => boolean} fits
 * @param {T} [fallback]
 * @returns {Field<T>}
 */
function scalar(expected, schema, fits, fallback) {
  return field((value, pointer) => (fits(value) ? value : misfit("type", value, expected, pointer)), schema, fallback);
}

/** A text. @param {string} [fallback] @returns {Field<string>} */
export function text(fallback) {
  return scalar("a string", { type: "string" }, (value) => typeof value === "string", fallback);
}

/** A number. @param {number} [fallback] @returns {Field<number>} */
export function number(fallback) {
  return scalar("a number", { type: "number" }, (value) => typeof value === "number", fallback);
}

/** A whole number. @param {number} [fallback] @returns {Field<number>} */
export function integer(fallback) {
  return scalar("an integer", { type: "integer" }, Number.isInteger, fallback);
}

/**
 * A whole number with all its digits, as a `bigint`: identifiers and offsets go past 2⁵³, beyond which a `number` does not
 * hold each.
 * @param {number} [fallback]
 * @returns {Field<bigint>}
 */
export function bigint(fallback) {
  /** @param {any} value @param {string} pointer */
  const read = (value, pointer) => {
    if (!Number.isInteger(value)) return misfit("type", value, "an integer", pointer);
    return digitsAt(pointer) ?? BigInt(value);
  };
  wantDigits();
  const schema = { type: "integer" };
  return fallback === undefined ? { read, schema } : { read, schema: { ...schema, default: fallback }, fallback: BigInt(fallback) };
}

/** True or false. @param {boolean} [fallback] @returns {Field<boolean>} */
export function boolean(fallback) {
  return scalar("a boolean", { type: "boolean" }, (value) => typeof value === "boolean", fallback);
}

/** Whatever JSON it is. @returns {Field<any>} */
export function json() {
  return { read: (value) => value, schema: {}, fallback: null };
}

/** A duration like `"10m"`, in milliseconds. @param {string} [fallback] @returns {Field<number>} */
export function span(fallback) {
  const schema = { type: "string", pattern: "^[0-9]+(ms|s|m|h|d)$" };
  return quantityField(milliseconds, SPAN, schema, fallback);
}

/** A size like `"32MiB"`, in bytes. @param {string | number} [fallback] @returns {Field<number>} */
export function size(fallback) {
  const schema = { type: ["string", "integer"], pattern: "^[0-9]+([KMGT]i?)?B$", minimum: 0 };
  return quantityField(bytes, SIZE, schema, fallback);
}

/**
 * @param {import("./units.js").Quantity} quantity
 * @param {string} expected
 * @param {object} schema
 * @param {string | number} [fallback]
 * @returns {Field<number>}
 */
function quantityField(quantity, expected, schema, fallback) {
  /** @param {any} value @param {string} pointer */
  const read = (value, pointer) => {
    const isText = typeof value === "string" || typeof value === "number";
    return quantity.parse(value) ?? misfit(isText ? "value" : "type", value, expected, pointer);
  };
  if (fallback === undefined) return { read, schema };
  return { read, schema: { ...schema, default: fallback }, fallback: read(fallback, "default") };
}

/**
 * `{ warn = …, crit = … }`: more is bad. `of` is what the bounds are given in, plain numbers by default:
 * `atMost(span(), { warn: "10m" })`, `atMost(bigint())`.
 * @template {number | bigint} [T=number]
 * @param {Field<T>} [of]
 * @param {import("./threshold.js").Bounds<number | string>} [fallback]
 * @returns {Field<AtMost<T>>}
 */
export function atMost(of = /** @type {any} */ (number()), fallback) {
  return threshold(AtMost, of, fallback);
}

/**
 * `{ warn = …, crit = … }`: less is bad. As {@link atMost}.
 * @template {number | bigint} [T=number]
 * @param {Field<T>} [of]
 * @param {import("./threshold.js").Bounds<number | string>} [fallback]
 * @returns {Field<AtLeast<T>>}
 */
export function atLeast(of = /** @type {any} */ (number()), fallback) {
  return threshold(AtLeast, of, fallback);
}

/**
 * @template {AtMost<any> | AtLeast<any>} T
 * @param {new (bounds: import("./threshold.js").Bounds<any>, quantity: import("./units.js").Quantity) => T} Kind
 * @param {Field<any>} of
 * @param {any} fallback
 * @returns {Field<T>}
 */
function threshold(Kind, of, fallback) {
  const bound = optional(of);
  const bounds = table({ warn: bound, crit: bound });
  const quantity = of.read === number().read ? plain : quantityOf(of);
  /** @param {any} value @param {string} pointer */
  const read = (value, pointer) => {
    const made = new Kind(bounds.read(value, pointer), quantity);
    const disorder = made.disorder();
    if (disorder !== null) throw new ConfigError(pointer, disorder);
    return made;
  };
  const schema = fallback === undefined ? bounds.schema : { ...bounds.schema, default: fallback };
  // No bounds: everything is healthy.
  return { read, schema, fallback: read(fallback ?? {}, "default") };
}

/** How a field's amounts are shown. @param {Field<any>} of */
function quantityOf(of) {
  const pattern = /** @type {any} */ (of.schema).pattern;
  if (pattern === undefined) return plain;
  return pattern.includes("(ms|") ? milliseconds : bytes;
}

/**
 * A key that may be absent or null, and is then null.
 * @template T
 * @param {Field<T>} of
 * @returns {Field<T | null>}
 */
export function optional(of) {
  /** @param {any} value @param {string} pointer */
  const read = (value, pointer) => (value === null ? null : of.read(value, pointer));
  return { read, schema: of.schema, fallback: null };
}

/**
 * One of some texts.
 * @template {string} T
 * @param {readonly T[]} values
 * @param {T} [fallback]
 * @returns {Field<T>}
 */
export function oneOf(values, fallback) {
  /** @param {any} value @param {string} pointer */
  const read = (value, pointer) => {
    if (typeof value !== "string") return misfit("type", value, "a string", pointer);
    if (values.includes(/** @type {T} */ (value))) return /** @type {T} */ (value);
    throw new ConfigError(pointer, `unknown variant \`${value}\`, ${expectedOf(values, "variants")}`);
  };
  return field(read, { enum: values }, fallback);
}

/**
 * A list.
 * @template T
 * @param {Field<T>} of
 * @param {T[]} [fallback]
 * @returns {Field<T[]>}
 */
export function list(of, fallback) {
  /** @param {any} value @param {string} pointer */
  const read = (value, pointer) => {
    if (!Array.isArray(value)) return misfit("type", value, "a list", pointer);
    return value.map((item, at) => of.read(item, `${pointer}/${at}`));
  };
  return field(read, { type: "array", items: of.schema }, fallback);
}

/**
 * A table with keys of the operator's choice.
 * @template T
 * @param {Field<T>} of
 * @param {Record<string, T>} [fallback]
 * @returns {Field<Record<string, T>>}
 */
export function map(of, fallback) {
  /** @param {any} value @param {string} pointer */
  const read = (value, pointer) => {
    if (!isTable(value)) return misfit("type", value, "a table", pointer);
    const entries = Object.entries(value).map(([key, item]) => [key, of.read(item, `${pointer}/${escape(key)}`)]);
    return Object.fromEntries(entries);
  };
  return field(read, { type: "object", additionalProperties: of.schema }, fallback);
}

/**
 * A table with these keys and no others.
 * @template {Record<string, Field<any>>} S
 * @param {S} fields
 * @returns {Field<Read<S>>}
 */
export function table(fields) {
  const named = Object.entries(fields).map(([name, of]) => ({ name, of, key: kebab(name) }));
  const keys = named.map(({ key }) => key);
  /** @param {any} value @param {string} pointer */
  const read = (value, pointer) => {
    if (!isTable(value)) return misfit("type", value, "a table", pointer);
    const stranger = Object.keys(value).find((key) => !keys.includes(key));
    if (stranger !== undefined) {
      throw new ConfigError(pointer || "/", `unknown field \`${stranger}\`, ${expectedOf(keys, "fields")}`);
    }
    const entries = named.map(({ name, of, key }) => [name, readKey(of, value, key, pointer)]);
    return /** @type {Read<S>} */ (Object.fromEntries(entries));
  };
  return { read, schema: schemaOf(fields) };
}

/**
 * @param {Field<any>} of
 * @param {any} value The table.
 * @param {string} key
 * @param {string} pointer The table's.
 */
function readKey(of, value, key, pointer) {
  if (Object.hasOwn(value, key)) return of.read(value[key], `${pointer}/${escape(key)}`);
  if ("fallback" in of) return of.fallback;
  throw new ConfigError(pointer || "/", `missing field \`${key}\``);
}

/** @param {Record<string, Field<any>>} fields */
function schemaOf(fields) {
  const entries = Object.entries(fields);
  const properties = Object.fromEntries(entries.map(([name, of]) => [kebab(name), of.schema]));
  const required = entries.filter(([, of]) => !("fallback" in of)).map(([name]) => kebab(name));
  return { type: "object", properties, ...(required.length > 0 && { required }), additionalProperties: false };
}

/**
 * Reads a configuration document; nothing at all counts as an empty table.
 * @template T
 * @param {Field<T>} of
 * @param {string} document
 * @returns {T}
 * @internal
 */
export function parse(of, document) {
  let value;
  try {
    value = JSON.parse(document.trim() === "" ? "{}" : document);
  } catch (error) {
    throw new ConfigError("/", `not a JSON document: ${/** @type {Error} */ (error).message}`);
  }
  return exactly(document, () => of.read(value, ""));
}

/**
 * The fields of a table that somebody else wrote: names are as they are, and others may be there.
 * @template {Record<string, Field<any>>} S
 * @param {S} fields
 * @param {any} value
 * @returns {Read<S>}
 * @internal
 */
export function pick(fields, value) {
  if (!isTable(value)) return misfit("type", value, "a table", "");
  const entries = Object.entries(fields).map(([key, of]) => [key, readKey(of, value, key, "")]);
  return /** @type {Read<S>} */ (Object.fromEntries(entries));
}

/** `maxAge` → `max-age`. @param {string} name */
function kebab(name) {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** @param {any} value */
function isTable(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * "expected one of `a`, `b`", in the words of the kit for Rust.
 * @param {readonly string[]} names
 * @param {string} what
 */
function expectedOf(names, what) {
  const quoted = names.map((name) => `\`${name}\``);
  if (quoted.length === 0) return `there are no ${what}`;
  return quoted.length <= 2 ? `expected ${quoted.join(" or ")}` : `expected one of ${quoted.join(", ")}`;
}

/**
 * @param {"type" | "value"} kind
 * @param {any} value
 * @param {string} expected
 * @param {string} pointer
 * @returns {never}
 */
function misfit(kind, value, expected, pointer) {
  throw new ConfigError(pointer || "/", `invalid ${kind}: ${found(value)}, expected ${expected}`);
}

/** @param {any} value */
function found(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "sequence";
  switch (typeof value) {
    case "string":
      return `string ${JSON.stringify(value)}`;
    case "number":
      return Number.isInteger(value) ? `integer \`${value}\`` : `floating point \`${value}\``;
    case "boolean":
      return `boolean \`${value}\``;
    default:
      return "map";
  }
}
