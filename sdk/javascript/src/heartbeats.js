/**
 * What jobs reported to the host on `POST /heartbeats/NAME`.
 * @module
 */

import heartbeats from "probity:check/heartbeats@0.1.0";

import { ask } from "./error.js";

/**
 * One end of a job.
 * @typedef {object} Beat
 * @property {number} atUnixMs
 * @property {number} ageMs
 * @property {boolean} ok False after `/fail`.
 * @property {string} message
 * @property {number | null} durationMs Since the `/start` before it, if there was one.
 */

/** The latest beat; null when there was none yet. @param {string} name @returns {Beat | null} */
export const last = (name) => ask(() => heartbeats.last(name)) ?? null;
/** The latest beats, newest first. @param {string} name @param {number} max @returns {Beat[]} */
export const recent = (name, max) => ask(() => heartbeats.recent(name, max));

/**
 * A run that was said to start and has not ended.
 * @typedef {object} OpenRun
 * @property {string | null} id What the job calls it; null for a job that does not tell its runs apart.
 * @property {number} startedUnixMs
 * @property {number} ageMs
 */

/** Runs that were said to start and have not ended, the oldest first. @param {string} name @returns {OpenRun[]} */
export const open = (name) => ask(() => heartbeats.open(name));
