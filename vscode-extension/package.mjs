/**
 * Makes the platform's .vsix: bundles, and packs them with the server's program and the licences of what is in both.
 *
 *   node package.mjs --binary FILE [--target linux-x64] [--out FILE]
 */

import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { createVSIX } from "@vscode/vsce";

import { notices } from "./notices.mjs";

const { values } = parseArgs({
  options: {
    binary: { type: "string" },
    target: { type: "string", default: `${process.platform}-${process.arch}` },
    out: { type: "string" },
  },
});
if (!values.binary) {
  throw new Error("--binary FILE: the server's program");
}

const here = import.meta.dirname;
const program = join(here, "bin", "pillion");
const out = resolve(values.out ?? join(here, `pillion-${values.target}.vsix`));

const bundled = spawnSync(process.execPath, [join(here, "esbuild.mjs"), "--production"], {
  cwd: here,
  stdio: "inherit",
});
if (bundled.status !== 0) {
  throw new Error("the bundles were not made");
}
const thirdParty = join(here, "ThirdPartyNotices.txt");
const inputs = JSON.parse(readFileSync(join(here, "dist", "inputs.json"), "utf8"));
writeFileSync(thirdParty, notices({ inputs, workspace: join(here, ".."), target: values.target }));
mkdirSync(join(here, "bin"), { recursive: true });
// A program with its symbols, as a developer's build has them, is several times as long.
const stripped = spawnSync("strip", ["--strip-all", "-o", program, values.binary]);
if (stripped.status !== 0) {
  copyFileSync(values.binary, program);
}
chmodSync(program, 0o755);
try {
  await createVSIX({
    cwd: here,
    packagePath: out,
    target: values.target,
    dependencies: false, // they are in the bundles
    allowMissingRepository: true,
    rewriteRelativeLinks: false,
  });
} finally {
  rmSync(join(here, "bin"), { recursive: true, force: true });
  rmSync(thirdParty, { force: true });
}
console.log(`${out}: ${(statSync(out).size / 1e6).toFixed(1)} MB`);
