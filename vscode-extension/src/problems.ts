/** What Pillion's diagnostics know beside their text: the task, its run and the test that they come from. */

import * as vscode from "vscode";

import type { DiagnosticData } from "./protocol";

export const SOURCE = "pillion";

/** `data` of a diagnostic, as the server sent it; the editor's own objects do not have it. */
function dataOf(diagnostic: vscode.Diagnostic): DiagnosticData | undefined {
  const data: unknown = Reflect.get(diagnostic, "data");
  if (typeof data !== "object" || data === null || !("taskId" in data) || typeof data.taskId !== "string") {
    return undefined;
  }
  const { taskId } = data;
  const run = "run" in data && typeof data.run === "number" ? data.run : 1;
  const tool = "tool" in data && typeof data.tool === "string" ? data.tool : "";
  const test = "test" in data && typeof data.test === "string" ? data.test : null;
  const tests =
    "tests" in data && Array.isArray(data.tests)
      ? data.tests.filter((id) => typeof id === "string")
      : test === null
        ? []
        : [test];
  const service = "service" in data && typeof data.service === "string" ? data.service : null;
  return { taskId, run, tool, test, tests, service };
}

export interface Problem {
  readonly diagnostic: vscode.Diagnostic;
  readonly data: DiagnosticData;
}

/** Pillion's problems of a file that touch a range; all of the file without one. */
export function problems(uri: vscode.Uri, range?: vscode.Range): Problem[] {
  return vscode.languages
    .getDiagnostics(uri)
    .filter((diagnostic) => diagnostic.source === SOURCE)
    .filter((diagnostic) => range === undefined || diagnostic.range.intersection(range) !== undefined)
    .flatMap((diagnostic) => {
      const data = dataOf(diagnostic);
      return data ? [{ diagnostic, data }] : [];
    });
}
