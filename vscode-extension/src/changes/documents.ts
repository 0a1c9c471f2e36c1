/** Files as they were before the agent's edits: read-only documents for the diff editor. */

import * as vscode from "vscode";

import { before, type EditHunk } from "./hunks";

export const SCHEME = "pillion-before";

/** What is to be taken out of a file to have it as it was: the hunks of each turn, oldest first. */
export type Way = readonly (readonly EditHunk[])[];
/** The first of them that can be taken out counts. */
export type Edits = (path: string) => readonly Way[];

export class BeforeDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly registration: vscode.Disposable;

  readonly onDidChange = this.changed.event;

  constructor(private readonly edits: Edits) {
    this.registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  }

  static uri(path: string): vscode.Uri {
    return vscode.Uri.file(path).with({ scheme: SCHEME });
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const path = uri.with({ scheme: "file" }).fsPath;
    return textBefore(await currentText(path), this.edits(path)) ?? "";
  }

  /** The edits, or the files, are others now. */
  refresh(): void {
    for (const { uri } of vscode.workspace.textDocuments) {
      if (uri.scheme === SCHEME) {
        this.changed.fire(uri);
      }
    }
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}

/** Undefined where a person has written over an edit: how it was cannot be told. */
export function textBefore(text: string, ways: readonly Way[]): string | undefined {
  for (const way of ways) {
    const found = [...way]
      .reverse()
      .reduce<string | undefined>((now, hunks) => (now === undefined ? undefined : before(hunks, now)), text);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

/** The text of a file as the editor has it. Empty where it is gone. */
export async function currentText(path: string): Promise<string> {
  const open = vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === "file" && uri.fsPath === path);
  if (open) {
    return open.getText();
  }
  try {
    return new TextDecoder().decode(await vscode.workspace.fs.readFile(vscode.Uri.file(path)));
  } catch {
    return "";
  }
}
