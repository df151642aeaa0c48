/**
 * The check and what it needs of the kit, as one module.
 * @module
 */

import path from "node:path";
import { fileURLToPath } from "node:url";

import * as esbuild from "esbuild";

/** The folder of this kit. */
export const SDK = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/**
 * What the promises of the kit need: `await` becomes `yield`, see `src/loop.js`.
 * @type {esbuild.BuildOptions["supported"]}
 */
const LOWERED = { "async-await": false, "async-generator": false, "for-await": false };

/** What every bundle has in common. @type {esbuild.BuildOptions} */
export const OPTIONS = {
  inject: [path.join(SDK, "src/globals.js")],
  bundle: true,
  format: "esm",
  platform: "neutral",
  mainFields: ["module", "main"],
  conditions: ["import"],
  target: "es2024",
  supported: LOWERED,
  external: ["probity:*"],
  logLevel: "warning",
};

/**
 * Bundles the check at `entry` to `outfile`; its default export becomes the interface `checker`.
 * @param {string} entry
 * @param {string} outfile
 */
export function bundle(entry, outfile) {
  const contents = [
    'import "probity-check-setup";',
    `import check from ${JSON.stringify(entry)};`,
    'import { expose } from "probity-check-entry";',
    "export const checker = expose(check);",
  ].join("\n");
  const alias = {
    "probity-check-setup": path.join(SDK, "src/setup.js"),
    "probity-check-entry": path.join(SDK, "src/entry.js"),
  };
  const stdin = { contents, resolveDir: path.dirname(entry), sourcefile: "probity-entry.js" };
  return esbuild.build({ ...OPTIONS, stdin, alias, outfile, sourcemap: "linked", metafile: true });
}
