/**
 * Runs the mocha suite of `test/host` inside the extension host of a real VS Code, on the extension as it is built here.
 * Its results come as a file; without one the run has failed, whatever else was said.
 */

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { format } from "node:util";

import { scratch, startBrowser, startServer, workbenchUrl } from "./workbench.mjs";

/** For all of the suite, on a machine that does much else. */
const LIMIT_MS = 900_000;
const extension = resolve(import.meta.dirname, "..", "..");

const { folder, remove } = scratch();
const results = join(folder, "results.json");
const workspace = join(folder, "workspace");
mkdirSync(workspace);
writeFileSync(join(workspace, "package.json"), '{ "name": "demo", "scripts": { "test": "node --test" } }\n');
writeFileSync(join(workspace, "math.js"), "exports.add = (a, b) => a - b;\n");

// Installed as it lies there: a vendor of language models.
cpSync(join(extension, "test", "host", "lender"), join(folder, "extensions", "pillion-test.lender-0.0.1"), {
  recursive: true,
});

let said = "";
let code;
const server = await startServer({
  folder,
  // A page of the chat that is shown would have the sidecar started for itself, before or after a test looks.
  settings: { "chat.disableAIFeatures": false, "workbench.secondarySideBar.defaultVisibility": "hidden" },
  machine: { "pillion.server.path": process.env.PILLION_BIN },
  env: { TEST_RESULTS: results, TEST_GREP: process.argv[2] ?? "", PILLION_PROVIDER: "offline" },
  args: ["--reconnection-grace-time", "1", "--vscode-option", "enable-smoke-test-driver"],
});
const browser = await startBrowser({ folder });
try {
  const page = await browser.newPage();
  const authority = `vscode-remote://${new URL(server.url).host}`;
  code = await new Promise((over, fails) => {
    const late = setTimeout(() => over("no end within the limit"), LIMIT_MS);
    const end = (value) => {
      clearTimeout(late);
      over(value);
    };
    const log = (_, args) => (said += `${format(...args)}\n`);
    const payload = [
      ["extensionDevelopmentPath", authority + extension],
      ["extensionTestsPath", `${authority}${extension}/dist/test/host.js`],
      ["skipWelcome", "true"],
    ];
    page
      .exposeFunction("codeAutomationLog", log)
      .then(() => page.exposeFunction("codeAutomationExit", end))
      .then(() => page.goto(workbenchUrl(server.url, workspace, { payload }), { waitUntil: "commit" }))
      .catch(fails);
  });
} finally {
  await browser.close();
  await server.stop();
}

let tests = null;
try {
  tests = JSON.parse(readFileSync(results, "utf8"));
} catch {
  console.log(`${said}\nno results came from the extension host (${code})`);
}
if (!process.env.KEEP) {
  remove();
}
for (const { title, ms, error } of tests ?? []) {
  console.log(error ? `FAIL ${title}\n     ${error}` : `ok   ${title} (${ms} ms)`);
}
const failed = tests ? tests.filter(({ error }) => error).length : 1;
console.log(`${(tests?.length ?? 1) - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 || tests.length === 0 || code !== 0 ? 1 : 0;
