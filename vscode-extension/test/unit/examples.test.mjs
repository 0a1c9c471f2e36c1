/**
 * Every example of PROTOCOL.md against the types of `src/protocol.ts`, by the compiler: no field that the types do not
 * have, none that they miss. Where an example holds a Task it may show a part of its fields.
 */

import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import ts from "typescript";

const extension = join(import.meta.dirname, "..", "..");
const contract = readFileSync(join(extension, "..", "PROTOCOL.md"), "utf8");
const served = contract.split("## Not yet served")[0];

/** Objects that stand alone, and their types. */
const OBJECTS = {
  Task: "wire.Task",
  waitingFor: "wire.WaitingFor",
  error: "{ code: number; message: string; data: wire.ErrorData }",
};
/** What `pillion parse` prints is no message. */
const PRINTED = new Set(["diagnostic", "summary"]);

/** `{ name, kind, line, json }` of each example: a ```json block below a line like `` `pillion/task/get` params: ``. */
function examples() {
  const lines = served.split("\n");
  return lines.flatMap((fence, at) => {
    const heading = /^`([^`]+)` (params|result|object)\b(.*)/.exec(lines[at - 1] ?? "");
    if (fence !== "```json" || !heading) {
      return [];
    }
    const end = lines.indexOf("```", at);
    const [, name, kind, remark] = heading;
    return [{ name, kind, remark, line: at + 1, json: lines.slice(at + 1, end).join("\n") }];
  });
}

/** The type that an example has to have; null where no type of the wire is meant. */
function typeOf({ name, kind, remark, json }) {
  if (name === "initialize") {
    return null; // LSP's own, with the capability: see below
  }
  if (kind === "object") {
    if (json.includes('"sessionUpdate"')) {
      return "wire.Update";
    }
    return PRINTED.has(name) ? null : (OBJECTS[name] ?? "unknown object");
  }
  if (name.startsWith("workspace/")) {
    return null; // of plain clients
  }
  const map = remark.includes("notification") ? ["ServerNotifications"] : ["Requests", "ServerRequests"];
  const notified = ["ClientNotifications", "ServerNotifications"];
  return `Params<"${name}", "${kind}", wire.${[...map, ...notified].join(", wire.")}>`;
}

/** One file that assigns every example to its type. */
function program(found) {
  const head = `import type * as wire from "../src/protocol";
type Of<Map, Name, Kind> = Name extends keyof Map ? (Map[Name] extends { params: infer P; result: infer R } ? (Kind extends "params" ? P : R) : Kind extends "params" ? Map[Name] : never) : never;
type Params<Name, Kind, A, B, C = never, D = never> = Name extends keyof A ? Of<A, Name, Kind> : Name extends keyof B ? Of<B, Name, Kind> : Name extends keyof C ? Of<C, Name, Kind> : Of<D, Name, Kind>;
/** A Task inside of a message shows what matters there. */
type Shown<T> = T extends wire.Task ? Partial<{ [K in keyof T]: T[K] }> : T extends (infer E)[] ? Shown<E>[] : T extends object ? { [K in keyof T]: Shown<T[K]> } : T;
`;
  const checks = found.map((example, index) => {
    const type = typeOf(example);
    const shown = example.kind === "object" && example.name === "Task" ? type : `Shown<${type}>`;
    return `/* ${example.line} */ export const e${index}: ${shown} = ${example.json};`;
  });
  return `${head}${checks.join("\n")}\n`;
}

function complaints(text) {
  const file = join(extension, "test", "examples.generated.ts");
  const options = { strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: true, types: [] };
  const host = ts.createCompilerHost({ ...options, lib: ["lib.es2023.d.ts"], module: ts.ModuleKind.Preserve });
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => name === file || fileExists.call(host, name);
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2023) : getSourceFile.call(host, name, ...rest);
  const all = { ...options, module: ts.ModuleKind.Preserve, target: ts.ScriptTarget.ES2023 };
  const checked = ts.createProgram([file], { ...all, lib: ["lib.es2023.d.ts"] }, host);
  return ts.getPreEmitDiagnostics(checked).map((one) => {
    const before = text.slice(0, one.start ?? 0);
    const line = before.slice(before.lastIndexOf("/* ") + 3).split(" ")[0];
    return `PROTOCOL.md:${line}: ${ts.flattenDiagnosticMessageText(one.messageText, "\n")}`;
  });
}

describe("the examples of the contract", () => {
  const found = examples().filter((example) => typeOf(example) !== null);

  it("are of the types of the mirror", function () {
    this.timeout(120_000);
    assert.ok(found.length > 100, `${found.length} found`);
    assert.deepEqual(complaints(program(found)), []);
  });

  it("are refused with a field too many, too few, or of another type", function () {
    this.timeout(120_000);
    const wrong = (json) => [{ name: "pillion/session/queue", kind: "params", remark: "", line: 1, json }];
    assert.match(complaints(program(wrong('{ "sessionId": "s1" }')))[0] ?? "", /promptId/);
    assert.match(complaints(program(wrong('{ "sessionId": "s1", "promptId": "p", "x": 1 }')))[0] ?? "", /'"?x"?'/);
    assert.match(complaints(program(wrong('{ "sessionId": 1, "promptId": "p" }')))[0] ?? "", /number/);
  });
});
