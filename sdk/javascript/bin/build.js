#!/usr/bin/env node
/**
 * From `check.js` or `check.ts` to a component: `probity build` runs it, and so can you.
 *
 *     probity-build-js --wit WIT [--entry check.js] [--target target/javascript] [--out check.wasm] [FOLDER]
 *
 * WIT is the folder with the contract's files. Prints nothing when all is well; otherwise the tools' errors, and exits 1.
 * @module
 */

import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { SourceMap, createRequire } from "node:module";
import path from "node:path";
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";

import { componentize } from "componentize-qjs";
import { SDK, bundle } from "./bundle.js";

/** `probity:check/http@0.1.0` → `http`. */
const INTERFACE = /^probity:check\/([a-z0-9-]+)@(.+)$/;

/** In every world. */
const LEAST = ["context", "log", "clock", "types"];

/**
 * The capabilities that are left in the bundle: what the check asks for.
 * @param {import("esbuild").Metafile} metafile
 */
function capabilities(metafile) {
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  const names = imports.map(({ path }) => INTERFACE.exec(path)?.[1]).filter((name) => name !== undefined);
  return [...new Set(names)].filter((name) => !LEAST.includes(name)).sort();
}

/**
 * Writes the world to `target/wit`, beside the contract.
 * @param {string} contract
 * @param {string} target
 * @param {string[]} names
 */
async function writeWorld(contract, target, names) {
  const deps = path.join(target, "wit/deps/probity-check");
  await mkdir(deps, { recursive: true });
  let version = "0.1.0";
  for (const file of (await readdir(contract)).filter((name) => name.endsWith(".wit"))) {
    const text = await readFile(path.join(contract, file), "utf8");
    version = /^package probity:check@([^;]+);/m.exec(text)?.[1] ?? version;
    await writeFile(path.join(deps, file), text);
  }
  const imports = names.map((name) => `  import probity:check/${name}@${version};\n`).join("");
  const world = `package probity:author;\n\nworld guest {\n  include probity:check/check@${version};\n${imports}}\n`;
  await writeFile(path.join(target, "wit/world.wit"), world);
}

/**
 * Where each line of the bundle comes from, as a statement for its end: stacks in the log then name the author's own files
 * and lines. Lines of this kit have no origin, and no place in a stack.
 * @param {string} folder
 * @param {string} script
 */
async function lineTable(folder, script) {
  const map = new SourceMap(JSON.parse(await readFile(`${script}.map`, "utf8")));
  const count = (await readFile(script, "utf8")).split("\n").length;
  /** @type {string[]} */
  const files = [];
  const lines = Array.from({ length: count }, (_, line) => {
    const entry = /** @type {import("node:module").SourceMapping} */ (map.findEntry(line, 1e6));
    if (entry.generatedLine !== line) return 0;
    const file = path.resolve(path.dirname(script), entry.originalSource);
    const isOurs = path.basename(file) === "probity-entry.js" || file.startsWith(SDK + path.sep);
    if (isOurs && !file.includes("core-js-pure")) return 0;
    const name = file.startsWith(SDK + path.sep) ? path.join("probity-check", path.relative(SDK, file)) : path.relative(folder, file);
    if (!files.includes(name)) files.push(name);
    return [files.indexOf(name), entry.originalLine + 1];
  });
  return `globalThis[Symbol.for("probity.lines")] = ${JSON.stringify({ files, lines })};\n`;
}

/**
 * Writes to `target/inputs` what the bundle was made of, a file on each line: some may lie outside of the check's folder.
 * @param {string} target
 * @param {string} folder That names are relative to.
 * @param {import("esbuild").Metafile} metafile
 */
async function writeInputs(target, folder, metafile) {
  const files = Object.keys(metafile.inputs).map((name) => path.resolve(folder, name)).filter(existsSync);
  await writeFile(path.join(target, "inputs"), files.join("\n"));
}

/** What a folder without a `tsconfig.json` is checked by: as the one that `probity new` writes. */
const CHECKED = ["--strict", "--module", "nodenext", "--target", "es2024", "--lib", "es2024", "--resolveJsonModule"];

/**
 * Holds TypeScript to its types: a bundler only takes them out, and a forgotten `await` would be found by the operator. What
 * is wrong is printed as the compiler prints it.
 * @param {string} entry
 */
function checkTypes(entry) {
  if (!entry.endsWith(".ts")) return;
  const folder = path.dirname(entry);
  const compiler = path.join(path.dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
  const config = path.join(folder, "tsconfig.json");
  const asked = existsSync(config) ? ["--project", config] : [...CHECKED, "--types", "", entry];
  const { status, error } = spawnSync(process.execPath, [compiler, "--noEmit", ...asked], { cwd: folder, stdio: "inherit" });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`the types of ${path.basename(entry)} do not hold; what is wrong is above`);
}

/** @param {string} folder @param {string} [named] */
function entryOf(folder, named) {
  const entry = named ?? ["check.ts", "check.js"].map((name) => path.join(folder, name)).find(existsSync);
  if (entry === undefined) throw new Error(`${folder} holds neither check.ts nor check.js, where the check begins`);
  return path.resolve(entry);
}

async function main() {
  const { values, positionals } = parseArgs({
    options: { entry: { type: "string" }, wit: { type: "string" }, out: { type: "string" }, target: { type: "string" } },
    allowPositionals: true,
  });
  const folder = path.resolve(positionals[0] ?? ".");
  const target = path.resolve(values.target ?? path.join(folder, "target/javascript"));
  if (values.wit === undefined) throw new Error("--wit is missing: the folder with the contract's files");
  const entry = entryOf(folder, values.entry);
  checkTypes(entry);
  const { metafile } = await bundle(entry, path.join(target, "check.js"));
  await writeWorld(path.resolve(values.wit), target, capabilities(metafile));
  await writeInputs(target, path.dirname(entry), metafile);
  const script = path.join(target, "check.js");
  const source = `${await readFile(script, "utf8")}\n${await lineTable(folder, script)}`;
  const out = path.resolve(values.out ?? path.join(target, "check.wasm"));
  process.chdir(target);
  const { component } = await componentize({
    witPath: path.join(target, "wit"),
    world: "guest",
    jsSource: source,
    // In stacks; the folder's own path has no place in a component.
    jsPath: "check.js",
    sync: true,
    stubWasi: true,
  });
  await writeFile(out, component);
}

main().catch((error) => {
  // What esbuild found it has said already.
  if (!(error.errors instanceof Array)) console.error(`error: ${error.message ?? error}`);
  process.exitCode = 1;
});
