/**
 * Module hooks: `probity:check/http@0.1.0` becomes an object that looks up each member in the current fake.
 * @module
 */

const INTERFACE = /^probity:check\/([a-z]+)@/;

/** @param {string} specifier @param {any} context @param {any} next */
export async function resolve(specifier, context, next) {
  const name = INTERFACE.exec(specifier)?.[1];
  return name === undefined ? next(specifier, context) : { url: `probity-fake:${name}`, shortCircuit: true };
}

/** @param {string} url @param {any} context @param {any} next */
export async function load(url, context, next) {
  if (!url.startsWith("probity-fake:")) return next(url, context);
  const name = url.slice("probity-fake:".length);
  const source = `export default new Proxy({}, {
    get(_, member) {
      const host = globalThis[Symbol.for("probity.host")];
      const found = host?.${name}?.[member];
      if (found === undefined) throw new Error("${name}." + String(member) + " was called, and the fake host has none");
      return found;
    },
  });`;
  return { format: "module", source, shortCircuit: true };
}
