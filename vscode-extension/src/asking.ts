/** Commands that turn a place in the code into words of the chat, and the one that takes a turn's edits back. */

import { basename } from "node:path";

import * as vscode from "vscode";

import type { Panel } from "./panel";
import type { ResourceLinkBlock } from "./protocol";
import type { Sidecar } from "./sidecar";
import type { Store } from "./store";

/** Lines of a document, 0-based, as a link of a prompt. */
export function link(uri: vscode.Uri, first: number, last: number): ResourceLinkBlock {
  const range = { start: first + 1, end: last + 1 };
  return { type: "resource_link", uri: uri.toString(), name: basename(uri.path), range };
}

/** The selected lines; the whole file where nothing is selected. */
export async function askAboutSelection(panel: Panel): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (editor?.document.uri.scheme !== "file") {
    await vscode.window.showInformationMessage("Open a file, and select what it is about.");
    return;
  }
  const { document, selection } = editor;
  // A selection that ends at the beginning of a line has nothing of it.
  const rest = selection.end.character === 0 && selection.end.line > selection.start.line ? 1 : 0;
  const { type, uri, name, range } = link(document.uri, selection.start.line, selection.end.line - rest);
  await panel.add([selection.isEmpty ? { type, uri, name } : { type, uri, name, ...(range ? { range } : {}) }]);
}

/** Asks for a fix of the problems on the cursor's line. */
export async function fixThis(panel: Panel): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const line = editor?.selection.active.line ?? 0;
  const found = editor
    ? vscode.languages.getDiagnostics(editor.document.uri).filter(({ range }) => {
        return range.start.line <= line && line <= range.end.line;
      })
    : [];
  if (editor?.document.uri.scheme !== "file" || found.length === 0) {
    await vscode.window.showInformationMessage("There is no problem on this line.");
    return;
  }
  await panel.send(fixPrompt(editor.document.uri, line, found));
}

/** What is said to have problems fixed. */
export function fixPrompt(
  uri: vscode.Uri,
  line: number,
  problems: readonly vscode.Diagnostic[],
): [{ type: "text"; text: string }, ResourceLinkBlock] {
  const words = problems.map(({ message, source, code }) => {
    const name = typeof code === "object" ? code.value : code;
    const from = [source, name].filter((part) => part !== undefined && part !== "").join(" ");
    return from === "" ? message : `${message} (${from})`;
  });
  const place = `${vscode.workspace.asRelativePath(uri)}:${line + 1}`;
  return [{ type: "text", text: `Fix this at ${place}:\n${words.join("\n")}` }, link(uri, line, line)];
}

/** Takes back what the last turn with edits has changed. */
export async function undoLastTurn(sidecar: Sidecar, store: Store): Promise<void> {
  const sessionId = store.current?.sessionId;
  const list = sessionId === undefined ? undefined : await sidecar.request("pillion/change/list", { sessionId });
  const turnId = list?.changes.filter(({ state }) => state !== "reverted").at(-1)?.turnId;
  if (sessionId === undefined || turnId === undefined) {
    await vscode.window.showInformationMessage("The agent has changed nothing that could be undone.");
    return;
  }
  const { changes, notes } = await sidecar.request("pillion/change/revert", { sessionId, turnId });
  const files = changes.length === 1 ? "1 file" : `${changes.length} files`;
  await vscode.window.showInformationMessage([`Taken back in ${files}.`, ...notes].join(" "));
}
