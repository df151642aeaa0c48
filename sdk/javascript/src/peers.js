/**
 * The latest results of other checks.
 * @module
 */

import peers from "probity:check/peers@0.1.0";

import { ask } from "./error.js";

/**
 * What another check concluded last.
 * @typedef {object} Snapshot
 * @property {import("./threshold.js").Status | null} status Null while it is `unknown`.
 * @property {string} message
 * @property {number} atUnixMs
 * @property {boolean} stale
 */

/** The latest result of the check `id`. @param {string} id @returns {Snapshot} */
export const latest = (id) => ask(() => peers.latest(id));
/** Name and latest result of each check in a group. @param {string} tag @returns {[string, Snapshot][]} */
export const byTag = (tag) => ask(() => peers.byTag(tag));
