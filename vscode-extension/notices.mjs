/**
 * The licences of everything that is in a .vsix and not ours: of the packages in the bundles, as esbuild has listed what it
 * read, and of the crates in the server's program, as `cargo metadata` lists them. A text that many have stands once.
 */

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const LICENCE = /^(licen[cs]e|copying|copyright|notice|unlicense|thirdpartynotices)/i;
const LINE = "-".repeat(80);

/** A package's folder has its licences beside its manifest; of a folder of licences each one counts. */
function texts(folder) {
  const files = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => LICENCE.test(name));
  return files
    .flatMap((file) => {
      const path = join(folder, file.name);
      return file.isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [path];
    })
    .map((path) => readFileSync(path, "utf8").replace(/\r\n/g, "\n").trim());
}

/** The packages whose files are in the bundles: the folder behind the last `node_modules`. */
function bundled(inputs) {
  const folders = inputs.flatMap((input) => {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    return found ? [resolve(found[1])] : [];
  });
  return [...new Set(folders)].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return { name, version, license, folder, from: "npm" };
  });
}

/** The crates that are compiled into the program, on the system that it is for; what only builds or tests it is not. */
function compiled(workspace, triple) {
  const wanted = ["metadata", "--format-version=1", "--locked", `--filter-platform=${triple}`];
  const { status, stdout, stderr, error } = spawnSync("cargo", wanted, {
    cwd: workspace,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (status !== 0) {
    throw new Error(`the program's crates are not known: ${error?.message ?? stderr}`);
  }
  const { packages, resolve: resolved } = JSON.parse(stdout);
  const nodes = new Map(resolved.nodes.map((node) => [node.id, node]));
  const root = packages.find(({ name }) => name === "pillion").id;
  const found = new Set();
  for (const todo = [root]; todo.length > 0;) {
    const id = todo.pop();
    if (!found.has(id)) {
      found.add(id);
      const isNormal = ({ dep_kinds: kinds }) => kinds.some(({ kind }) => kind === null);
      todo.push(
        ...nodes
          .get(id)
          .deps.filter(isNormal)
          .map(({ pkg }) => pkg),
      );
    }
  }
  return packages
    .filter(({ id, source }) => found.has(id) && source !== null)
    .map(({ name, version, license, manifest_path }) => {
      return { name, version, license, folder: dirname(manifest_path), from: "crates.io" };
    });
}

const TRIPLES = { "linux-x64": "x86_64-unknown-linux-gnu", "linux-arm64": "aarch64-unknown-linux-gnu" };

/** All notices as one text. An error names what has no licence. */
export function notices({ inputs, workspace, target }) {
  const triple = TRIPLES[target];
  if (!triple) {
    throw new Error(`there is no program for ${target}`);
  }
  const parts = [...bundled(inputs), ...compiled(workspace, triple)];
  const byText = new Map();
  for (const part of parts) {
    const own = existsSync(part.folder) ? texts(part.folder) : [];
    if (own.length === 0) {
      throw new Error(`${part.name} ${part.version} has no licence text in ${part.folder}`);
    }
    for (const text of own) {
      byText.set(text, [...(byText.get(text) ?? []), part]);
    }
  }
  const title = ({ name, version, license, from }) => `${name} ${version} (${from}; ${license ?? "see its text"})`;
  const sections = [...byText].map(([text, of]) => `${LINE}\n${of.map(title).sort().join("\n")}\n${LINE}\n\n${text}\n`);
  const head = `Pillion contains these packages of others, ${parts.length} in all, each under its own licence.\n`;
  return [head, ...sections].join("\n");
}
