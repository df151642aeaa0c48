/** The types of `probity-check`; a check has those of its surroundings with them. */
import "./globals.js";

export * from "./types/src/index.js";
export { default } from "./types/src/index.js";
