/** Problems: which of the server's stand in the code, and those that the editor knows, for the agent. */

import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";

import type { Diagnostic, DiagnosticsParams, DiagnosticsResult, FileDiagnostics } from "./protocol";
import type { Sidecar } from "./sidecar";

/** The server reads no more. */
const TOLD = 1000;
const SOURCE = "pillion";

type Next = (uri: vscode.Uri, diagnostics: vscode.Diagnostic[]) => void;

/** Shows what the setting `pillion.diagnostics.show` lets through, also when it changes. */
export class Problems implements vscode.Disposable {
  /** What the server published, by URI, and the way to show it. */
  private readonly published = new Map<string, { uri: vscode.Uri; diagnostics: vscode.Diagnostic[]; next: Next }>();
  private readonly disposable = vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration("pillion.diagnostics")) {
      for (const { uri, diagnostics, next } of this.published.values()) {
        next(uri, wanted(diagnostics));
      }
    }
  });

  readonly middleware: Middleware = {
    handleDiagnostics: (uri, diagnostics, next) => {
      if (diagnostics.length === 0) {
        this.published.delete(uri.toString());
      } else {
        this.published.set(uri.toString(), { uri, diagnostics, next });
      }
      next(uri, wanted(diagnostics));
    },
  };

  /** A new server publishes anew. */
  clear(): void {
    this.published.clear();
  }

  dispose(): void {
    this.disposable.dispose();
  }
}

function wanted(diagnostics: vscode.Diagnostic[]): vscode.Diagnostic[] {
  switch (vscode.workspace.getConfiguration("pillion").get<string>("diagnostics.show")) {
    case "off":
      return [];
    case "errors":
      return diagnostics.filter(({ severity }) => severity === vscode.DiagnosticSeverity.Error);
    default:
      return diagnostics;
  }
}

function told(diagnostic: vscode.Diagnostic): Diagnostic {
  const { start, end } = diagnostic.range;
  const code = typeof diagnostic.code === "object" ? diagnostic.code.value : diagnostic.code;
  return {
    range: {
      start: { line: start.line, character: start.character },
      end: { line: end.line, character: end.character },
    },
    severity: (diagnostic.severity + 1) as 1 | 2 | 3 | 4,
    message: diagnostic.message,
    ...(diagnostic.source === undefined ? {} : { source: diagnostic.source }),
    ...(code === undefined ? {} : { code }),
  };
}

/** The agent's tool `diagnostics` asks for what the editor shows; the server knows its own. */
export function registerDiagnostics(sidecar: Sidecar): vscode.Disposable {
  return sidecar.answer("pillion/diagnostics/get", ({ uri }: DiagnosticsParams): Promise<DiagnosticsResult> => {
    const all: [vscode.Uri, vscode.Diagnostic[]][] =
      uri === null
        ? vscode.languages.getDiagnostics()
        : [[vscode.Uri.parse(uri), vscode.languages.getDiagnostics(vscode.Uri.parse(uri))]];
    const files: FileDiagnostics[] = [];
    let left = TOLD;
    for (const [file, diagnostics] of all) {
      const others = diagnostics.filter(({ source }) => source !== SOURCE).slice(0, left);
      left -= others.length;
      if (others.length > 0) {
        files.push({ uri: file.toString(), diagnostics: others.map(told) });
      }
    }
    return Promise.resolve({ diagnostics: files });
  });
}
