/**
 * Pending edits in the editors: lines that the agent wrote are marked, and a lens above each hunk and a hover on it keep or
 * revert it. Diff editors show no lens by default: there it is the hover.
 */

import * as vscode from "vscode";

import type { PendingEdits, PendingHunk } from "./edits";
import { delta, type Placed, placed } from "./hunks";

/** How long a document is left alone after an edit before the marks are placed again, in ms. */
const SETTLE = 250;

/** A hunk in a document, with what the server calls it. */
interface Mark {
  readonly pending: PendingHunk;
  readonly at: Placed;
}

export class Marks implements vscode.CodeLensProvider, vscode.HoverProvider, vscode.Disposable {
  private readonly written = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor("diffEditor.insertedLineBackground"),
    // High contrast has no background for such lines.
    borderColor: new vscode.ThemeColor("editorOverviewRuler.addedForeground"),
    borderStyle: "solid",
    borderWidth: "0 0 0 3px",
    overviewRulerColor: new vscode.ThemeColor("editorOverviewRuler.addedForeground"),
    overviewRulerLane: vscode.OverviewRulerLane.Left,
  });
  private readonly removed = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    borderColor: new vscode.ThemeColor("editorOverviewRuler.deletedForeground"),
    borderStyle: "solid",
    borderWidth: "1px 0 0 0",
    overviewRulerColor: new vscode.ThemeColor("editorOverviewRuler.deletedForeground"),
    overviewRulerLane: vscode.OverviewRulerLane.Left,
  });
  private readonly changed = new vscode.EventEmitter<undefined>();
  private readonly disposables: vscode.Disposable[];
  private timer: NodeJS.Timeout | undefined;

  readonly onDidChangeCodeLenses = this.changed.event;

  constructor(private readonly edits: () => PendingEdits) {
    this.disposables = [
      this.written,
      this.removed,
      this.changed,
      vscode.languages.registerCodeLensProvider({ scheme: "file" }, this),
      vscode.languages.registerHoverProvider({ scheme: "file" }, this),
      vscode.window.onDidChangeVisibleTextEditors(() => {
        this.draw();
      }),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (this.edits().changes(document.uri.fsPath).length > 0) {
          clearTimeout(this.timer);
          this.timer = setTimeout(() => {
            this.refresh();
          }, SETTLE);
        }
      }),
    ];
  }

  refresh(): void {
    this.draw();
    this.changed.fire(undefined);
  }

  /** The hunk at a line of a document. */
  at(document: vscode.TextDocument, line: number): PendingHunk | undefined {
    return this.mark(document, line)?.pending;
  }

  private mark(document: vscode.TextDocument, line: number): Mark | undefined {
    return this.of(document).find(({ at }) => line >= at.start && line <= Math.max(at.start, at.end - 1));
  }

  provideHover(document: vscode.TextDocument, { line }: vscode.Position): vscode.Hover | undefined {
    const mark = this.mark(document, line);
    return mark && new vscode.Hover([was(mark.at), verdicts(mark.pending)], lines(document, mark));
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    return this.of(document).flatMap(({ pending, at }) => {
      const line = Math.min(at.start, document.lineCount - 1);
      const range = new vscode.Range(line, 0, line, 0);
      const lens = (title: string, command: string, tooltip: string): vscode.CodeLens =>
        new vscode.CodeLens(range, { title, command, tooltip, arguments: [pending] });
      return [
        lens(`${delta([pending.hunk])} by Pillion`, "pillion.changes.diff", "Compare the file with how it was"),
        lens("Keep", "pillion.changes.keep", "Keep these lines as they are"),
        lens("Revert", "pillion.changes.revert", "Take these lines back to how they were"),
      ];
    });
  }

  private of(document: vscode.TextDocument): Mark[] {
    if (document.uri.scheme !== "file") {
      return [];
    }
    const pending = this.edits().pending(document.uri.fsPath);
    if (pending.length === 0) {
      return [];
    }
    const text = document.getText();
    const turns = new Map<string, PendingHunk[]>();
    for (const each of pending) {
      turns.set(each.turnId, [...(turns.get(each.turnId) ?? []), each]);
    }
    return [...turns.values()].flatMap((ofTurn) => {
      const byHunk = new Map(ofTurn.map((each) => [each.hunk, each]));
      return placed([...byHunk.keys()], text).flatMap((at) => {
        const one = byHunk.get(at.hunk);
        return one ? [{ pending: one, at }] : [];
      });
    });
  }

  private draw(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const marks = this.of(editor.document);
      editor.setDecorations(
        this.written,
        marks.filter(({ at }) => at.end > at.start).map((mark) => lines(editor.document, mark)),
      );
      editor.setDecorations(
        this.removed,
        marks.filter(({ at }) => at.end === at.start).map((mark) => lines(editor.document, mark)),
      );
    }
  }

  dispose(): void {
    clearTimeout(this.timer);
    vscode.Disposable.from(...this.disposables).dispose();
  }
}

/** Its lines, or the one above which it took some away. */
function lines({ lineCount }: vscode.TextDocument, { at }: Mark): vscode.Range {
  const last = lineCount - 1;
  return new vscode.Range(Math.min(at.start, last), 0, Math.min(Math.max(at.start, at.end - 1), last), 0);
}

/** What can be done with a hunk, as links. */
function verdicts({ turnId, path, hunk: { index } }: PendingHunk): vscode.MarkdownString {
  const of = encodeURIComponent(JSON.stringify([{ turnId, path, hunk: { index } }]));
  const commands = { Keep: "pillion.changes.keep", Revert: "pillion.changes.revert" };
  const links = Object.entries(commands).map(([word, command]) => `[${word}](command:${command}?${of})`);
  const text = new vscode.MarkdownString(links.join(" · "));
  text.isTrusted = { enabledCommands: Object.values(commands) };
  return text;
}

/** Lines of the hover. */
const SHOWN = 30;

function was({ was: lines }: Placed): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  if (lines.length === 0) {
    return text.appendText("Written by Pillion.");
  }
  text.appendText("Before Pillion's edit:");
  text.appendCodeblock(lines.slice(0, SHOWN).join("\n"));
  return lines.length > SHOWN ? text.appendText(`and ${lines.length - SHOWN} more lines`) : text;
}
