/**
 * The check of the capability suite, in JavaScript: that of TypeScript, whose kit and whose interpreter are the same.
 * @module
 */

export { default } from "../typescript/check.ts";
