/** What `@` offers: files, symbols, the selection, problems, tasks. Looks, and changes nothing. */

import { basename, dirname } from "node:path";

import * as vscode from "vscode";

import type { CompletionItem } from "../../webview/model/messages";
import type { Task } from "../protocol";
import { isFinal } from "../state";
import { oneLine, WORDS } from "../tasks/words";
import { fuzzy, mention } from "./matching";

const MOST = 40;
const MOST_FILES = 25;
const MOST_SYMBOLS = 8;
/** Files that are looked through for one word. */
const MOST_FOUND = 3000;
/** Milliseconds that files and symbols are waited for. */
const PATIENCE_MS = 1500;

function places(query: string): CompletionItem[] {
  const items: CompletionItem[] = [];
  const editor = vscode.window.activeTextEditor;
  if (editor?.document.uri.scheme === "file") {
    const path = vscode.workspace.asRelativePath(editor.document.uri);
    const { selection } = editor;
    if (!selection.isEmpty) {
      const lines = `:${selection.start.line + 1}-${selection.end.line + 1}`;
      items.push({ insert: mention(path, lines), label: "selection", detail: path + lines, icon: "selection" });
    }
    const problems = vscode.languages.getDiagnostics(editor.document.uri).length;
    if (problems > 0) {
      const insert = /\s/.test(path) ? `@diagnostics:"${path}"` : `@diagnostics:${path}`;
      items.push({
        insert,
        label: "diagnostics of this file",
        detail: `${problems} in ${basename(path)}`,
        icon: "warning",
      });
    }
  }
  items.push({ insert: "@diagnostics", label: "diagnostics", detail: "All problems", icon: "warning" });
  return items.filter(({ label, insert }) => label.startsWith(query) || insert.slice(1).startsWith(query));
}

function taskItems(query: string, tasks: Iterable<Task>): CompletionItem[] {
  const wanted = query.replace(/^task:/, "").toLowerCase();
  return [...tasks]
    .filter(({ id, label }) => id.startsWith(wanted) || label.toLowerCase().includes(wanted))
    .sort((a, b) => Number(isFinal(a.status)) - Number(isFinal(b.status)) || (a.createdAt < b.createdAt ? 1 : -1))
    .slice(0, 6)
    .map(({ id, label, status, summary }) => ({
      insert: `@${id}`,
      label,
      detail: summary === null ? WORDS[status] : oneLine(summary),
      icon: "server-process",
    }));
}

/** The open files first: one of them is what one means. */
async function files(query: string, token: vscode.CancellationToken): Promise<CompletionItem[]> {
  const open = vscode.window.tabGroups.all
    .flatMap((group) => group.tabs)
    .flatMap(({ input }) => (input instanceof vscode.TabInputText && input.uri.scheme === "file" ? [input.uri] : []));
  const glob = query.replace(/[^\w./-]/g, "").replace(/^\/+/, "");
  const letters = Array.from(glob.split("/").at(-1) ?? "", (letter) =>
    /[a-z]/i.test(letter) ? `[${letter.toLowerCase()}${letter.toUpperCase()}]` : letter,
  );
  const pattern = letters.length === 0 ? "**/*" : `**/*${letters.join("*")}*`;
  const found = await vscode.workspace.findFiles(pattern, undefined, glob === "" ? 200 : MOST_FOUND, token);
  const known = new Set<string>();
  const items: { rank: number; item: CompletionItem }[] = [];
  for (const [at, uri] of [...open, ...found].entries()) {
    const path = vscode.workspace.asRelativePath(uri);
    const rank = fuzzy(query, path);
    if (rank === null || known.has(path)) {
      continue;
    }
    known.add(path);
    const folder = dirname(path);
    const item = { insert: mention(path), label: basename(path), detail: folder === "." ? "" : folder, icon: "file" };
    items.push({ rank: rank - (at < open.length ? 5 : 0), item });
  }
  return items
    .sort((a, b) => a.rank - b.rank)
    .slice(0, MOST_FILES)
    .map(({ item }) => item);
}

async function symbols(query: string): Promise<CompletionItem[]> {
  if (query.length < 2 || /[/.:]/.test(query)) {
    return [];
  }
  const found = await vscode.commands.executeCommand<vscode.SymbolInformation[] | undefined>(
    "vscode.executeWorkspaceSymbolProvider",
    query,
  );
  return (found ?? [])
    .filter(({ location }) => location.uri.scheme === "file")
    .slice(0, MOST_SYMBOLS)
    .map(({ name, location }) => {
      const path = vscode.workspace.asRelativePath(location.uri);
      const { start, end } = location.range;
      const lines = start.line === end.line ? `:${start.line + 1}` : `:${start.line + 1}-${end.line + 1}`;
      return { insert: mention(path, lines), label: name, detail: `${path}${lines}`, icon: "symbol-method" };
    });
}

export async function mentionItems(
  word: string,
  tasks: Iterable<Task>,
  token: vscode.CancellationToken,
): Promise<CompletionItem[]> {
  const query = word.replace(/^@"?/, "");
  const late = <T>(work: Promise<T[]>): Promise<T[]> => {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<T[]>((resolve) => {
      timer = setTimeout(() => {
        resolve([]);
      }, PATIENCE_MS);
    });
    return Promise.race([work.catch(() => []), patience]).finally(() => {
      clearTimeout(timer);
    });
  };
  const [foundFiles, foundSymbols] = await Promise.all([late(files(query, token)), late(symbols(query))]);
  return [
    ...places(query),
    ...foundFiles.slice(0, 12),
    ...foundSymbols,
    ...taskItems(query, tasks),
    ...foundFiles.slice(12),
  ].slice(0, MOST);
}
