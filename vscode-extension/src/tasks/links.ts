/** Links in logs: the places that a line names, where such a file is there. */

import * as vscode from "vscode";
import type { Store } from "../store";
import { taskOf } from "./log";
import { type Place, places } from "./places";

/** Files that are looked for in one document, links in it, and lines that are read; the newest of each. */
const MOST_FILES = 500;
const MOST_LINKS = 1000;
const MOST_LINES = 10_000;

export class LogLinks implements vscode.DocumentLinkProvider {
  constructor(private readonly store: Store) {}

  async provideDocumentLinks(
    document: vscode.TextDocument,
    token: vscode.CancellationToken,
  ): Promise<vscode.DocumentLink[]> {
    const found: { line: number; place: Place }[] = [];
    for (let line = Math.max(0, document.lineCount - MOST_LINES); line < document.lineCount; line += 1) {
      found.push(...places(document.lineAt(line).text).map((place) => ({ line, place })));
    }
    found.splice(0, found.length - MOST_LINKS);
    const paths = [...new Set(found.map(({ place }) => place.path))].slice(-MOST_FILES);
    const files = new Map(
      await Promise.all(paths.map(async (path) => [path, await this.fileOf(document.uri, path)] as const)),
    );
    if (token.isCancellationRequested) {
      return [];
    }
    return found.flatMap(({ line, place }) => {
      const file = files.get(place.path);
      return file ? [link(line, place, file)] : [];
    });
  }

  /** The file that a path means: of the task's folder, else of the workspace's. */
  private async fileOf(log: vscode.Uri, path: string): Promise<vscode.Uri | undefined> {
    const cwd = this.store.tasks.get(taskOf(log) ?? "")?.cwd;
    const folders = [
      ...(cwd === undefined ? [] : [vscode.Uri.file(cwd)]),
      ...(vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri),
    ];
    const candidates = path.startsWith("/")
      ? [vscode.Uri.file(path)]
      : folders.map((folder) => vscode.Uri.joinPath(folder, path));
    for (const uri of candidates) {
      if (await isFile(uri)) {
        return uri;
      }
    }
    return undefined;
  }
}

async function isFile(uri: vscode.Uri): Promise<boolean> {
  try {
    return ((await vscode.workspace.fs.stat(uri)).type & vscode.FileType.File) !== 0;
  } catch {
    return false; // there is none, or it cannot be looked at: no link
  }
}

function link(line: number, place: Place, file: vscode.Uri): vscode.DocumentLink {
  const range = new vscode.Range(line, place.start, line, place.end);
  return new vscode.DocumentLink(range, file.with({ fragment: `L${place.line},${place.column ?? 1}` }));
}
