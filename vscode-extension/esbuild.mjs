/**
 * Bundles the extension (`src/extension.ts`, CommonJS for the extension host; what it reads later are bundles of their own:
 * `main`, and the language client) and the chat's page (`webview/main.ts`, for a browser). `--watch` goes on;
 * `--production` leaves the source maps out, makes the bundles small and lists in `dist/inputs.json` what was read for
 * them; `--tests` bundles the unit tests and the suite of the extension host too.
 */

import { readFile, writeFile } from "node:fs/promises";

import { context } from "esbuild";

const tests = process.argv.includes("--tests");
const production = process.argv.includes("--production");
const shared = {
  bundle: true,
  minify: production,
  sourcemap: production ? false : "linked",
  metafile: production,
  logLevel: "warning",
  outdir: "dist",
};

/**
 * `vscode` as it is, in every file. As a namespace each file would get a copy of its own, made when the extension is
 * loaded: some 600 properties, more than 40 times.
 */
const editor = {
  name: "editor",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const contents = text.replace('import * as vscode from "vscode";', 'import vscode = require("vscode");');
      return { contents, loader: "ts" };
    });
  },
};

const bundles = await Promise.all([
  context({
    ...shared,
    entryPoints: { extension: "src/extension.ts", main: "src/main.ts", languageclient: "src/languageclient.ts" },
    format: "cjs",
    platform: "node",
    target: "node20",
    external: ["vscode", "./main.js", "./languageclient.js"],
    plugins: [editor],
    supported: { "dynamic-import": false }, // `require`, when it is reached: it knows all names of such a bundle
  }),
  ...(tests
    ? [
        context({
          ...shared,
          entryPoints: { "test/host": "test/host/index.ts" },
          format: "cjs",
          platform: "node",
          target: "node20",
          external: ["vscode", "mocha"],
        }),
        context({
          ...shared,
          entryPoints: ["test/unit/*.test.ts"],
          outdir: "dist/test/unit",
          format: "cjs",
          platform: "node",
          target: "node20",
          external: ["mocha"],
        }),
      ]
    : []),
  context({
    ...shared,
    entryPoints: { webview: "webview/main.ts" },
    loader: { ".ttf": "file" },
    assetNames: "[name]",
    format: "iife",
    platform: "browser",
    target: "chrome130",
  }),
]);

if (process.argv.includes("--watch")) {
  await Promise.all(bundles.map((bundle) => bundle.watch()));
} else {
  const built = await Promise.all(bundles.map((bundle) => bundle.rebuild()));
  if (production) {
    const inputs = built.flatMap(({ metafile }) => Object.keys(metafile.inputs));
    await writeFile("dist/inputs.json", JSON.stringify([...new Set(inputs)]));
  }
  await Promise.all(bundles.map((bundle) => bundle.dispose()));
}
