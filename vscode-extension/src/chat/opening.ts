/** Opens what the conversation points at: files at their lines, links of the web. */

import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

import * as vscode from "vscode";

async function exists(uri: vscode.Uri): Promise<boolean> {
  try {
    return (await vscode.workspace.fs.stat(uri)).type !== vscode.FileType.Directory;
  } catch {
    return false;
  }
}

/** The file that a path means: as it stands, below a folder of the workspace, or anywhere in it. */
async function find(path: string): Promise<vscode.Uri | undefined> {
  const folders = (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri);
  const candidates = isAbsolute(path)
    ? [vscode.Uri.file(path)]
    : path.startsWith("~/")
      ? [vscode.Uri.file(join(homedir(), path.slice(2)))]
      : folders.map((folder) => vscode.Uri.joinPath(folder, path));
  for (const uri of candidates) {
    if (await exists(uri)) {
      return uri;
    }
  }
  const anywhere = path.replace(/^[./~]+/, "").replace(/[[\]{}*?]/g, "?");
  return (await vscode.workspace.findFiles(`**/${anywhere}`, undefined, 1))[0];
}

/** `line` is 1-based. */
export async function openFile(path: string, line: number | null): Promise<void> {
  const uri = await find(path);
  if (!uri) {
    vscode.window.setStatusBarMessage(`$(warning) Pillion: there is no file ${path}`, 5000);
    return;
  }
  const at = new vscode.Position(Math.max(0, (line ?? 1) - 1), 0);
  await vscode.window.showTextDocument(uri, line === null ? {} : { selection: new vscode.Range(at, at) });
}

/** The person is asked by the editor where a link of the web is not trusted. */
export async function openLink(href: string): Promise<void> {
  const uri = vscode.Uri.parse(href);
  if (uri.scheme === "http" || uri.scheme === "https" || uri.scheme === "mailto") {
    await vscode.env.openExternal(uri);
  } else if (uri.scheme === "file") {
    await openFile(uri.fsPath, null);
  }
}
