/**
 * Author kit for Probity checks in JavaScript and TypeScript.
 *
 * A check is the default export of `check.js` or `check.ts`:
 *
 * ```js
 * import check, { Outcome, atMost, span, text } from "probity-check";
 *
 * export default check({
 *   name: "orders-backlog",
 *   description: "Is every order being paid?",
 *   config: { url: text(), oldest: atMost(span(), { warn: "5m", crit: "10m" }) },
 *   async run(config) {
 *     const orders = await (await fetch(config.url)).json();
 *     return Outcome.healthy("every order is paid")
 *       .measure("count", orders.count, "{orders}")
 *       .judge("oldest", orders.oldest_ms, "ms", config.oldest);
 *   },
 * });
 * ```
 *
 * Capabilities are modules of their own, `probity-check/http`, `/sql`, `/redis`, `/queue`, `/state`, `/system` and so on: a
 * component imports those that the check imports and no other, so what it uses is what an operator must grant. `fetch`
 * counts as `http`. `console` writes log records.
 * @module
 */

export { check, check as default } from "./check.js";
export { atLeast, atMost, bigint, boolean, integer, json, list, map, number, oneOf, optional, size, span, table, text } from "./config.js";
export { CapabilityError, ConfigError, Failure } from "./error.js";
export { Outcome, Status } from "./outcome.js";
export { AtLeast, AtMost, worst } from "./threshold.js";

/** @typedef {import("./error.js").ErrorKind} ErrorKind */
