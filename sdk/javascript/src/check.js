/**
 * A health check: what its author says, and what becomes of it.
 * @module
 */

import { parse, table } from "./config.js";
import { Outcome } from "./outcome.js";
import { timeoutMs } from "./units.js";

/** @typedef {"live" | "ready" | "startup"} Probe */

/** @type {readonly Probe[]} */
const PROBES = ["live", "ready", "startup"];

/**
 * A check. Only `name` and `run` are needed.
 * @template {Record<string, import("./config.js").Field<any>>} [S={}]
 * @typedef {object} Check
 * @property {string} name The plugin's name: lower case, digits, hyphens.
 * @property {string} [version] Its version, `0.1.0` by default.
 * @property {string} [description] One sentence: the question this check answers.
 * @property {S} [config] The keys of `[check.config]`: `{ url: text(), maxAge: span("10m") }`. Others are refused.
 * @property {object} [schema] JSON Schema (2020-12) of the configuration, in place of the one that `config` makes.
 * @property {object} [example] A configuration that works, with keys as in the operator's file.
 * @property {Probe[]} [probes] The probes it is meant for: a hint to the operator, who decides.
 * @property {number | string} [every] The time between runs when the operator does not say: `"15s"`.
 * @property {number | string} [timeout] The time a run may take when the operator does not say.
 * @property {Record<string, string>} [labels] Anything else: `homepage`, `authors`, `icon`.
 * @property {(config: import("./config.js").Read<S>) => Outcome | PromiseLike<Outcome>} run One run, by default in
 *   a fresh instance. The operator may let one instance serve several (`runs-per-instance`): keep nothing in globals; what
 *   a later run needs goes through `state`.
 */

/**
 * Declares the check of this module: `export default check({ … })`.
 *
 * Bad news has three shapes: an unhealthy {@link Outcome} is a judgement about the system; a thrown `Failure` says that no
 * judgement was possible (the host reports `unknown`); anything else that is thrown is a bug, logged with its stack.
 * @template {Record<string, import("./config.js").Field<any>>} [S={}]
 * @param {Check<S>} definition
 * @returns {Check<S>}
 */
export function check(definition) {
  if (typeof definition?.name !== "string") throw new TypeError("check({ name }) is missing: the plugin's name");
  if (typeof definition.run !== "function") throw new TypeError("check({ run }) is missing: a function");
  const strange = (definition.probes ?? []).find((probe) => !PROBES.includes(probe));
  if (strange !== undefined) {
    throw new TypeError(`check({ probes }): ${JSON.stringify(strange)} is no probe; there are ${PROBES.join(", ")}`);
  }
  tableOf(definition);
  return definition;
}

/** What is made of the configuration's fields: once, when the component is built. @type {WeakMap<object, any>} */
const tables = new WeakMap();

/** @param {Check<any>} check */
function tableOf(check) {
  let made = tables.get(check);
  if (made === undefined) {
    made = table(check.config ?? {});
    tables.set(check, made);
  }
  return made;
}

/**
 * Parses the document and runs the check.
 * @template {Record<string, import("./config.js").Field<any>>} S
 * @param {Check<S>} check
 * @param {string} document
 * @returns {Promise<Outcome>}
 * @internal
 */
export async function evaluate(check, document) {
  const config = parse(tableOf(check), document);
  const outcome = await check.run(config);
  if (outcome instanceof Outcome) return outcome;
  throw new TypeError(`run returned ${outcome === undefined ? "nothing" : typeof outcome}, expected an Outcome`);
}

/**
 * Static facts, as the contract has them.
 * @param {Check<any>} check
 * @internal
 */
export function describe(check) {
  const probes = check.probes ?? [];
  const has = (/** @type {Probe} */ probe) => probes.includes(probe);
  return {
    name: check.name,
    version: check.version ?? "0.1.0",
    description: check.description ?? "",
    probes: { live: has("live"), ready: has("ready"), startup: has("startup") },
    defaultIntervalMs: check.every === undefined ? null : timeoutMs(check.every),
    defaultTimeoutMs: check.timeout === undefined ? null : timeoutMs(check.timeout),
    configSchema: JSON.stringify(check.schema ?? {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      ...tableOf(check).schema,
    }),
    configExample: check.example === undefined ? null : JSON.stringify(check.example),
    labels: Object.entries(check.labels ?? {}),
  };
}
