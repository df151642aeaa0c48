/**
 * Facts about the current run. Needs no grant.
 * @module
 */

import context from "probity:check/context@0.1.0";

import { u32 } from "./numbers.js";

/**
 * What the previous run of this check concluded.
 * @typedef {object} PreviousRun
 * @property {import("./threshold.js").Status | null} status Null when it reached no conclusion.
 * @property {string} message
 * @property {number} atUnixMs When it started, in milliseconds since 1970.
 * @property {number} durationMs
 */

/** The name this check has in the host's configuration. @returns {string} */
export function checkId() {
  return context.checkId();
}

/** Unique per run (UUIDv7 text): use it to tag a dummy transaction. @returns {string} */
export function runId() {
  return context.runId();
}

/** The run's W3C trace context, when tracing is on. @returns {string | null} */
export function traceparent() {
  return context.traceparent() ?? null;
}

/** Milliseconds until the host gives up on this run. @returns {number} */
export function remainingMs() {
  return u32(context.remainingMs());
}

/** How many runs failed in a row before this one. @returns {number} */
export function consecutiveFailures() {
  return u32(context.consecutiveFailures());
}

/** What the previous run concluded; null on the first. @returns {PreviousRun | null} */
export function previous() {
  const run = context.previous() ?? null;
  return run && { ...run, status: run.status ?? null, atUnixMs: Number(run.atUnixMs) };
}
