/**
 * Numbers as the bindings hand them over.
 * @module
 */

/** A `u32`: the bindings give it a sign. @param {number} value @returns {number} @internal */
export function u32(value) {
  return value >>> 0;
}

/** An `option<u32>`. @param {number | null | undefined} value @returns {number | null} @internal */
export function optionalU32(value) {
  return value === null || value === undefined ? null : u32(value);
}
