/**
 * From the contract's entry points to a check. The build wraps the author's module in it.
 * @module
 */

import { Failure } from "./error.js";
import { describe, evaluate } from "./check.js";
import { error as logError } from "./log.js";
import { reset, settle } from "./loop.js";

/**
 * The interface `checker` of a check's default export.
 * @param {import("./check.js").Check<any>} check
 * @returns {{ describe(): object, run(config: string): object }}
 */
export function expose(check) {
  return {
    describe: () => guarded(() => describe(check)),
    run: (document) => {
      reset();
      return guarded(() => settle(evaluate(check, document)).toContract());
    },
  };
}

/**
 * A {@link Failure} becomes the contract's `err`; anything else is logged and ends the run as a trap, whose message the
 * host takes from that line.
 * @template T
 * @param {() => T} call
 * @returns {T}
 */
function guarded(call) {
  try {
    return call();
  } catch (thrown) {
    // Bindings take `payload` for the value of `err`.
    if (thrown instanceof Failure) throw Object.assign(new Error(thrown.message), { payload: thrown.toContract() });
    logError(`uncaught ${shown(thrown)}`);
    throw thrown instanceof Error ? thrown : new Error(shown(thrown));
  }
}

/** Name, message and stack. @param {unknown} thrown */
function shown(thrown) {
  if (!(thrown instanceof Error)) return String(thrown);
  const stack = (thrown.stack ?? "").trimEnd();
  const frames = stack.startsWith(String(thrown)) ? stack.slice(String(thrown).length) : `\n${stack}`;
  return String(thrown) + originOf(frames);
}

/**
 * The frames of a stack in the author's own files, where the build left a table of them.
 * @param {string} frames
 */
function originOf(frames) {
  /** @type {{ files: string[], lines: (0 | [number, number])[] } | undefined} */
  const table = /** @type {any} */ (globalThis)[Symbol.for("probity.lines")];
  if (table === undefined) return frames;
  let text = "";
  for (const [, name, line] of frames.matchAll(/at (.*?) \([^()]*:(\d+):\d+\)/g)) {
    const origin = table.lines[Number(line) - 1];
    if (origin) text += `\n    at ${name} (${table.files[origin[0]]}:${origin[1]})`;
  }
  return text;
}
