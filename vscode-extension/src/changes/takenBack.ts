/**
 * Edits of the agent's that a person takes back by the editor's own means: an undo, the arrow in a diff, a file that is
 * restored or deleted. It counts once it is in the file: what is not saved may still be done again.
 */

import * as vscode from "vscode";

import type { PendingEdits, PendingHunk } from "./edits";

export class TakenBack implements vscode.Disposable {
  private readonly deleted = new Set<string>();
  private readonly disposable: vscode.Disposable;

  /** `changed`: a file with edits that wait is another one now. */
  constructor(
    private readonly edits: () => PendingEdits,
    changed: () => void,
  ) {
    const look = ({ uri }: vscode.TextDocument): void => {
      if (uri.scheme === "file" && this.edits().changes(uri.fsPath).length > 0) {
        changed();
      }
    };
    this.disposable = vscode.Disposable.from(
      vscode.workspace.onDidSaveTextDocument(look),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        // Of a document that is as its file: it was read again.
        if (!document.isDirty) {
          look(document);
        }
      }),
      vscode.workspace.onDidDeleteFiles(({ files }) => {
        for (const { fsPath } of files) {
          this.deleted.add(fsPath);
        }
        changed();
      }),
    );
  }

  /** Tells of each hunk that is gone from its file. `revert` is refused where it is not, or cannot be said yet. */
  async tell(revert: (hunk: PendingHunk) => Promise<void>): Promise<void> {
    const edits = this.edits();
    for (const path of edits.paths) {
      const document = vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === "file" && uri.fsPath === path);
      const deleted = this.deleted.has(path);
      const known = deleted || document?.isDirty === false;
      for (const hunk of known ? edits.gone(path, deleted ? undefined : document?.getText()) : []) {
        await revert(hunk).catch(() => undefined); // a turn that runs, for instance: the list is read again at its end
      }
    }
    this.deleted.clear();
  }

  dispose(): void {
    this.disposable.dispose();
  }
}
