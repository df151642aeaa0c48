/** What a bundle may hold, and that it is the same wherever and whenever it is made. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";

import { SDK, bundle } from "../bin/bundle.js";

const folder = await mkdtemp(path.join(tmpdir(), "probity-check-"));
after(() => rm(folder, { recursive: true }));

/** A check of this source in a folder of its own. */
async function checkOf(source) {
  const own = await mkdtemp(path.join(folder, "check-"));
  await mkdir(path.join(own, "node_modules/axios"), { recursive: true });
  await writeFile(path.join(own, "node_modules/axios/index.js"), "export default 1;");
  await symlink(SDK, path.join(own, "node_modules/probity-check"));
  await writeFile(path.join(own, "check.js"), source);
  return own;
}

const CHECK = 'import check, { Outcome } from "probity-check";\nexport default check({ name: "x", run: () => Outcome.healthy("y") });\n';

test("a library that wants what a component has not is named, with what to use instead", async () => {
  for (const [name, said] of [
    ["node:fs", "node:fs wants files: a component has none; use an `import` of what the check reads"],
    ["axios", "axios wants sockets: a component has none; use `fetch`, or `probity-check/http`"],
    ["node:zlib", "node:zlib wants Node's own modules"],
  ]) {
    const own = await checkOf(`import x from ${JSON.stringify(name)};\nconsole.log(x);\n${CHECK}`);
    const failed = await bundle(path.join(own, "check.js"), path.join(own, "out.js"), { logLevel: "silent" }).catch((error) => error);
    assert.equal(failed.errors.length, 1, name);
    assert.ok(failed.errors[0].text.startsWith(said), failed.errors[0].text);
    assert.equal(failed.errors[0].location.line, 1);
  }
});

test("the same sources make the same bundle, whatever the folder is called", async () => {
  const bundles = [];
  for (let turn = 0; turn < 2; turn += 1) {
    const own = await checkOf(CHECK);
    await bundle(path.join(own, "check.js"), path.join(own, "target/javascript/check.js"));
    bundles.push(await readFile(path.join(own, "target/javascript/check.js"), "utf8"));
  }
  assert.equal(bundles[0], bundles[1]);
});

test("what a component has not is an error of types, and what it has is none", async () => {
  const own = await checkOf("");
  const works = [
    'const answer = await fetch(new URL("/x", "http://x"), { body: new URLSearchParams({ a: "b" }), signal: AbortSignal.timeout(5) });',
    "const { count } = await answer.json({ count: number() });",
    'const any = await (await fetch("/x", { endpoint: "shop" })).json();',
    'console.log(count.toFixed(), any.count, btoa("x"), answer.headers.get("x"), answer.answer.timing);',
    "setTimeout(() => queueMicrotask(() => {}), 5);",
  ];
  const fails = ['await fetch("/x", { mode: "cors" });', "answer.body;", "answer.clone();", "crypto.randomUUID();", "setInterval(() => {}, 1);"];
  const run = ["async () => {", ...works, ...fails, 'return Outcome.healthy("y"); }'].join("\n");
  const source = CHECK.replace("{ Outcome }", "{ Outcome, number }").replace('() => Outcome.healthy("y")', run);
  await writeFile(path.join(own, "check.ts"), source);
  const script = path.join(SDK, "bin/build.js");
  const { stdout } = spawnSync(process.execPath, [script, "--wit", own, "--entry", path.join(own, "check.ts"), own], { encoding: "utf8" });
  const lines = [...stdout.matchAll(/^check\.ts\((\d+),/gm)].map(([, line]) => Number(line));
  assert.deepEqual(lines, fails.map((_, at) => at + works.length + 3), stdout);
});

test("a forgotten await in TypeScript is an error of the build, with its line", async () => {
  const own = await checkOf("");
  const source = CHECK.replace("() => Outcome", "async () => { const n = later(); return Outcome").replace('healthy("y")', 'healthy("x" + n.value); }');
  await writeFile(path.join(own, "check.ts"), `async function later() { return { value: 1 }; }\n${source}`);
  const script = path.join(SDK, "bin/build.js");
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, "--wit", own, "--entry", path.join(own, "check.ts"), own], { encoding: "utf8" });
  assert.equal(status, 1);
  assert.match(stdout, /check\.ts\(3,\d+\).*Property 'value' does not exist on type 'Promise/);
  assert.match(stderr, /the types of check\.ts do not hold/);
});
