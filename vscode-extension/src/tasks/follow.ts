/** Keeps the end of a growing log in sight, for as long as a person has not scrolled away from it. */

import * as vscode from "vscode";
import { SCHEME } from "./log";

/** Lines from the end within which an editor counts as showing it. */
const NEAR = 2;

export class Follower implements vscode.Disposable {
  /** How many lines each document had when its end was last shown; not there: somebody has scrolled away. */
  private readonly shown = new Map<string, number>();
  private readonly disposables: vscode.Disposable[];

  constructor() {
    this.disposables = [
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (document.uri.scheme === SCHEME && this.shown.has(document.uri.toString())) {
          this.showEnd(document);
        }
      }),
      vscode.window.onDidChangeTextEditorVisibleRanges(({ textEditor, visibleRanges }) => {
        const { document } = textEditor;
        const last = visibleRanges.at(-1)?.end.line;
        if (document.uri.scheme !== SCHEME || last === undefined) {
          return;
        }
        const key = document.uri.toString();
        const end = this.shown.get(key) ?? document.lineCount;
        if (last < end - 1 - NEAR) {
          this.shown.delete(key);
        } else {
          this.shown.set(key, end);
        }
      }),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        this.shown.delete(uri.toString());
      }),
    ];
  }

  /** Shows the end from now on. */
  follow(document: vscode.TextDocument): void {
    this.shown.set(document.uri.toString(), document.lineCount);
    this.showEnd(document);
  }

  private showEnd(document: vscode.TextDocument): void {
    const last = document.lineCount - 1;
    this.shown.set(document.uri.toString(), document.lineCount);
    for (const editor of vscode.window.visibleTextEditors) {
      if (editor.document === document) {
        editor.revealRange(new vscode.Range(last, 0, last, 0), vscode.TextEditorRevealType.Default);
      }
    }
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables).dispose();
  }
}
