/**
 * How a fake refuses.
 * @module
 */

/** The error as the bindings throw it. @param {string} kind @param {string} message @param {string | null} [code] */
export function refuse(kind, message, code = null) {
  return Object.assign(new Error(message), { payload: { kind, message, code } });
}
