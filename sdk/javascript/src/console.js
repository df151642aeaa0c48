/**
 * `console`: each call is one log record.
 * @module
 */

import { write } from "./log.js";

/** How deep objects are shown. */
const DEPTH_MAX = 4;

/**
 * As `console.log` shows a value.
 * @param {unknown} value
 * @param {number} [depth]
 * @returns {string}
 */
function shown(value, depth = 0) {
  if (typeof value === "string") return depth === 0 ? value : JSON.stringify(value);
  if (value instanceof Error) return value.stack?.includes(String(value)) ? value.stack : `${value}\n${value.stack ?? ""}`.trimEnd();
  if (typeof value === "function") return `[Function: ${value.name || "(anonymous)"}]`;
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Date) return value.toISOString();
  if (depth === DEPTH_MAX) return Array.isArray(value) ? "[…]" : "{…}";
  const inside = (/** @type {unknown} */ item) => shown(item, depth + 1);
  if (Array.isArray(value) || value instanceof Uint8Array) return `[${Array.from(value, inside).join(", ")}]`;
  if (value instanceof Map) return `Map{${[...value].map(([key, item]) => `${inside(key)} => ${inside(item)}`).join(", ")}}`;
  if (value instanceof Set) return `Set{${[...value].map(inside).join(", ")}}`;
  return `{${Object.entries(value).map(([key, item]) => `${key}: ${inside(item)}`).join(", ")}}`;
}

/** @param {import("./log.js").Level} level */
function writer(level) {
  return (/** @type {unknown[]} */ ...values) => write(level, values.map((value) => shown(value)).join(" "));
}

/** Levels: `trace`, `debug`, `log` and `info`, `warn`, `error`. */
export const console = {
  trace: writer("trace"),
  debug: writer("debug"),
  log: writer("info"),
  info: writer("info"),
  warn: writer("warn"),
  error: writer("error"),
  /** @param {unknown} condition @param {unknown[]} values */
  assert(condition, ...values) {
    if (!condition) console.error("assertion failed:", ...values);
  },
};
