/** Problems: which of the server's stand in the code, and those that the editor knows, for the agent. */

import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";

import type { Diagnostic, DiagnosticsParams, DiagnosticsResult, FileDiagnostics } from "./protocol";
import type { Sidecar } from "./sidecar";

/** The server reads no more. */
const TOLD = 1000;
const SOURCE = "pillion";

type Next = (uri: vscode.Uri, diagnostics: vscode.Diagnostic[]) => void;

/** What the server published for a file, and what of it is shown. */
interface Published {
  readonly uri: vscode.Uri;
  readonly diagnostics: vscode.Diagnostic[];
  readonly next: Next;
  shown: number;
}

/** A compiler's problem that the editor's own extension shows on the same line is not shown twice. */
export class Problems implements vscode.Disposable {
  private readonly published = new Map<string, Published>();
  private readonly disposable = vscode.languages.onDidChangeDiagnostics(({ uris }) => {
    for (const uri of uris) {
      const published = this.published.get(uri.toString());
      // What is shown here changes too when it is: only another number of problems is news.
      if (published && unshown(published.uri, published.diagnostics).length !== published.shown) {
        this.show(published);
      }
    }
  });

  readonly middleware: Middleware = {
    handleDiagnostics: (uri, diagnostics, next) => {
      const published = { uri, diagnostics, next, shown: 0 };
      if (diagnostics.length === 0) {
        this.published.delete(uri.toString());
      } else {
        this.published.set(uri.toString(), published);
      }
      this.show(published);
    },
  };

  private show(published: Published): void {
    const shown = unshown(published.uri, published.diagnostics);
    published.shown = shown.length;
    published.next(published.uri, shown);
  }

  /** A new server publishes anew. */
  clear(): void {
    this.published.clear();
  }

  dispose(): void {
    this.disposable.dispose();
  }
}

/** Those that no other extension shows on that line with the same code. A failed test is always shown. */
function unshown(uri: vscode.Uri, diagnostics: vscode.Diagnostic[]): vscode.Diagnostic[] {
  const key = (diagnostic: vscode.Diagnostic): string => `${diagnostic.range.start.line} ${code(diagnostic) ?? ""}`;
  const others = vscode.languages.getDiagnostics(uri).filter((other) => other.source !== SOURCE);
  const known = new Set(others.filter((other) => code(other) !== undefined).map(key));
  return diagnostics.filter((diagnostic) => isTest(diagnostic) || !known.has(key(diagnostic)));
}

function isTest(diagnostic: vscode.Diagnostic): boolean {
  const { data } = diagnostic as { data?: { test?: string | null } };
  return typeof data?.test === "string";
}

function code({ code }: vscode.Diagnostic): string | number | undefined {
  return typeof code === "object" ? code.value : code;
}

function told(diagnostic: vscode.Diagnostic): Diagnostic {
  const { start, end } = diagnostic.range;
  const own = code(diagnostic);
  return {
    range: {
      start: { line: start.line, character: start.character },
      end: { line: end.line, character: end.character },
    },
    severity: (diagnostic.severity + 1) as 1 | 2 | 3 | 4,
    message: diagnostic.message,
    ...(diagnostic.source === undefined ? {} : { source: diagnostic.source }),
    ...(own === undefined ? {} : { code: own }),
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
