/**
 * The check and what it needs of the kit, as one module.
 * @module
 */

import { readFile, writeFile } from "node:fs/promises";
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

/** What to use in place of libraries that want what a component has not. @type {[RegExp, string, string][]} */
const INSTEAD = [
  [/^(node:)?(http|https|http2)$|^(axios|got|undici|node-fetch|superagent|request|ky)$/, "sockets", "`fetch`, or `probity-check/http`"],
  [/^(node:)?(net|tls|dgram|dns)(\/promises)?$|^(ws|socket\.io-client)$/, "sockets", "`probity-check/tcp`, `/tls`, `/udp` or `/dns`"],
  [/^(pg|postgres|mysql|mysql2|mariadb|mssql|sqlite3|better-sqlite3|knex|@prisma\/client)(\/.*)?$/, "sockets", "`probity-check/sql`"],
  [/^(redis|ioredis)$/, "sockets", "`probity-check/redis`"],
  [/^(amqplib|nats|kafkajs)$/, "sockets", "`probity-check/queue`"],
  [/^(node:)?fs(\/promises)?$|^(node:)?path(\/.*)?$/, "files", "an `import` of what the check reads, and `probity-check/state` for what it keeps"],
  [/^(node:)?(child_process|cluster|os|process|systeminformation)$/, "processes", "`probity-check/system`"],
  [/^(node:)?worker_threads$/, "threads", "`Promise.all`: requests are sent side by side"],
  [/^(node:)?crypto$/, "native code", "a library in plain JavaScript, or `probity-check/secrets` for signatures"],
  [/^(node:)?timers(\/promises)?$/, "Node's own modules", "`setTimeout`, which is there without an import"],
  [/^node:/, "Node's own modules", "plain JavaScript; the capabilities are modules of `probity-check`"],
];

/**
 * Names what a component cannot serve, with what to use instead, where the bundler would say that it is not found.
 * @type {esbuild.Plugin}
 */
export const REFUSING = {
  name: "probity-check",
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, ({ path: name, importer, kind }) => {
      if (kind === "entry-point" || name.startsWith("probity") || importer.startsWith(SDK + path.sep)) return undefined;
      const [, wants, instead] = INSTEAD.find(([pattern]) => pattern.test(name)) ?? [];
      if (wants === undefined) return undefined;
      return { errors: [{ text: `${name} wants ${wants}: a component has none; use ${instead}` }] };
    });
  },
};

/**
 * Bundles the check at `entry` to `outfile`; its default export becomes the interface `checker`. The bundle is the same
 * wherever the folder and this kit lie: what names files is below the check's folder, or `probity-check/`.
 * @param {string} entry
 * @param {string} outfile
 * @param {esbuild.BuildOptions} [more]
 */
export async function bundle(entry, outfile, more = {}) {
  const folder = path.dirname(entry);
  const contents = [
    'import "probity-check-setup";',
    `import check from ${JSON.stringify(`./${path.basename(entry)}`)};`,
    'import { expose } from "probity-check-entry";',
    "export const checker = expose(check);",
  ].join("\n");
  const alias = {
    "probity-check-setup": path.join(SDK, "src/setup.js"),
    "probity-check-entry": path.join(SDK, "src/entry.js"),
  };
  const stdin = { contents, resolveDir: folder, sourcefile: "probity-entry.js" };
  const options = { ...OPTIONS, plugins: [REFUSING], stdin, alias, outfile, absWorkingDir: folder, metafile: true, ...more };
  const made = await esbuild.build({ ...options, sourcemap: "linked" });
  const kit = path.relative(folder, SDK).replaceAll(path.sep, "/");
  const text = await readFile(outfile, "utf8");
  // Comments and the names of modules; no line moves, which the map would not survive.
  await writeFile(outfile, text.replaceAll(`// ${kit}/`, "// probity-check/").replaceAll(`"${kit}/`, '"probity-check/'));
  return made;
}
