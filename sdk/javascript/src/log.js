/**
 * Log records, kept with the check's result. Needs no grant; the host caps number and length. `console` writes here too.
 * @module
 */

import log from "probity:check/log@0.1.0";

/** @typedef {"trace" | "debug" | "info" | "warn" | "error"} Level */
/** @typedef {Record<string, unknown>} Fields */

/** @type {readonly Level[]} */
const LEVELS = ["trace", "debug", "info", "warn", "error"];

/**
 * Writes a record.
 * @param {Level} level
 * @param {string} message
 * @param {Fields} [fields] Names and values to be shown beside it.
 */
export function write(level, message, fields = {}) {
  if (!LEVELS.includes(level)) throw new TypeError(`${JSON.stringify(level)} is no level; there are ${LEVELS.join(", ")}`);
  log.write(level, String(message), Object.entries(fields).map(([name, value]) => [name, String(value)]));
}

/** Step by step. @param {string} message @param {Fields} [fields] */
export const trace = (message, fields) => write("trace", message, fields);
/** For whoever debugs the check. @param {string} message @param {Fields} [fields] */
export const debug = (message, fields) => write("debug", message, fields);
/** Worth knowing. @param {string} message @param {Fields} [fields] */
export const info = (message, fields) => write("info", message, fields);
/** Something is off. @param {string} message @param {Fields} [fields] */
export const warn = (message, fields) => write("warn", message, fields);
/** Something failed. @param {string} message @param {Fields} [fields] */
export const error = (message, fields) => write("error", message, fields);
