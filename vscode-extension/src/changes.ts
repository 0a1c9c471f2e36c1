/**
 * Review of the agent's edits: which are not settled in the chat's session, keeping or reverting them by file and by hunk,
 * and a diff editor for whoever asks for one. It opens nothing by itself; what is closed decides nothing.
 */

import * as vscode from "vscode";

import { save } from "./changes/apply";
import { BeforeDocuments, currentText, textBefore } from "./changes/documents";
import { PendingEdits, type PendingHunk } from "./changes/edits";
import { delta } from "./changes/hunks";
import { Marks } from "./changes/marks";
import { TakenBack } from "./changes/takenBack";
import { attempt } from "./errors";
import type { ChangeParams, UpdateParams } from "./protocol";
import type { Sidecar } from "./sidecar";
import type { Store } from "./store";
import { count } from "./tasks/words";

/** How long to wait for more news before the list is read again, in ms. */
const SETTLE = 150;

/** For `when` clauses: paths of the files with edits that wait, as the keys of an object. */
const CONTEXT = "pillion.editedPaths";
/** The same: the editor that is shown has all of the edits. */
const REVIEWING = "pillion.reviewing";
/** What that editor is called; the editor adds how many files there are. */
const REVIEW = "Pillion's edits";

type Verdict = "accept" | "revert";

export class Changes implements vscode.Disposable {
  private edits = new PendingEdits([]);
  private readonly documents: BeforeDocuments;
  private readonly marks: Marks;
  private readonly takenBack: TakenBack;
  private readonly disposables: vscode.Disposable[];
  private timer: NodeJS.Timeout | undefined;
  private reviewing = false;

  constructor(
    private readonly sidecar: Sidecar,
    private readonly store: Store,
  ) {
    this.documents = new BeforeDocuments((path) => this.edits.ways(path));
    this.marks = new Marks(() => this.edits);
    this.takenBack = new TakenBack(
      () => this.edits,
      () => {
        this.schedule();
      },
    );
    const commands: Record<string, (of?: unknown) => unknown> = {
      "pillion.changes.review": () => this.review(),
      "pillion.changes.diff": (of) => this.diff(pathOf(of)),
      "pillion.changes.diffAll": () => this.diffAll(),
      "pillion.changes.keep": (of) => this.settleOne("accept", of),
      "pillion.changes.revert": (of) => this.settleOne("revert", of),
      "pillion.changes.keepFile": (of) => this.settleFile("accept", of),
      "pillion.changes.revertFile": (of) => this.settleFile("revert", of),
      "pillion.changes.keepAll": () => this.settle("accept", {}),
      "pillion.changes.revertAll": () => this.settle("revert", {}),
    };
    this.disposables = [
      this.documents,
      this.marks,
      this.takenBack,
      ...Object.entries(commands).map(([id, run]) => vscode.commands.registerCommand(id, run)),
      vscode.window.tabGroups.onDidChangeTabs(() => {
        this.tabs();
      }),
      vscode.window.tabGroups.onDidChangeTabGroups(() => {
        this.tabs();
      }),
      sidecar.answer("pillion/document/save", ({ uris }) => save(uris)),
      sidecar.on("pillion/session/update", (params) => {
        this.hear(params);
      }),
      sidecar.onDidSettle(({ sessionId }) => {
        if (sessionId === store.current?.sessionId) {
          this.schedule();
        }
      }),
      store.onDidChange((change) => {
        if (change.type === "current") {
          this.edits = new PendingEdits([]);
          this.show();
          this.schedule();
        }
      }),
    ];
  }

  /** There is no notification of changes: an edit is seen as its tool call, the end of a turn as such. */
  private hear({ sessionId, update, replay }: UpdateParams): void {
    if (sessionId !== this.store.current?.sessionId) {
      return;
    }
    const kind = update.sessionUpdate;
    const edited = kind === "tool_call_update" && update.content?.some(({ type }) => type === "diff");
    if (kind === "turn_ended" || kind === "replay_ended" || (edited && !replay)) {
      this.schedule();
    }
  }

  private schedule(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      void this.read();
    }, SETTLE);
  }

  private async read(): Promise<void> {
    const sessionId = this.store.current?.sessionId;
    if (sessionId === undefined || this.sidecar.state !== "running") {
      return;
    }
    try {
      const { changes } = await this.sidecar.request("pillion/change/list", { sessionId });
      if (this.store.current?.sessionId === sessionId) {
        this.edits = new PendingEdits(changes);
        this.show();
        await this.takenBack.tell(async ({ turnId, path, hunk: { index } }) => {
          await this.sidecar.request("pillion/change/revert", { sessionId, turnId, path, hunk: index, gone: true });
        });
      }
    } catch {
      // The session is gone, or the server is: what comes next is read when there is news of it.
    }
  }

  /** Whoever asks at once after an edit is not told that there is none. */
  private async known(path?: string): Promise<boolean> {
    const some = (): boolean => (path === undefined ? this.edits.paths : this.edits.changes(path)).length > 0;
    if (!some()) {
      await this.read();
    }
    return some();
  }

  private show(): void {
    this.marks.refresh();
    this.documents.refresh();
    const paths = Object.fromEntries(this.edits.paths.map((path) => [path, true]));
    void vscode.commands.executeCommand("setContext", CONTEXT, paths);
  }

  private tabs(): void {
    const reviewing = vscode.window.tabGroups.activeTabGroup.activeTab?.label.startsWith(REVIEW) ?? false;
    if (reviewing !== this.reviewing) {
      this.reviewing = reviewing;
      void vscode.commands.executeCommand("setContext", REVIEWING, reviewing);
    }
  }

  private async settle(verdict: Verdict, what: Omit<ChangeParams, "sessionId">): Promise<void> {
    const sessionId = this.store.current?.sessionId;
    if (sessionId === undefined || !(await this.known())) {
      void vscode.window.showInformationMessage("Pillion: no edit waits for a review.");
      return;
    }
    const method = verdict === "accept" ? "pillion/change/accept" : "pillion/change/revert";
    const settled = await attempt(this.sidecar.request(method, { sessionId, ...what }));
    for (const note of settled?.notes ?? []) {
      void vscode.window.showWarningMessage(`Pillion: ${note}`);
    }
    await this.read();
  }

  /** A hunk of a lens, or the one at the cursor. */
  private async settleOne(verdict: Verdict, of: unknown): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const hunk = isHunk(of) ? of : editor && this.marks.at(editor.document, editor.selection.active.line);
    if (hunk) {
      await this.settle(verdict, { turnId: hunk.turnId, path: hunk.path, hunk: hunk.hunk.index });
    } else {
      void vscode.window.showInformationMessage("Pillion: no edit of the agent's waits at the cursor.");
    }
  }

  private async settleFile(verdict: Verdict, of: unknown): Promise<void> {
    const path = pathOf(of);
    if (path !== undefined && (await this.known(path))) {
      await this.settle(verdict, { path });
    } else {
      void vscode.window.showInformationMessage("Pillion: no edit waits for a review in this file.");
    }
  }

  /** The diff editor of one file: how it was, and the file itself. */
  private async diff(path: string | undefined): Promise<void> {
    if (path === undefined || !(await this.known(path))) {
      void vscode.window.showInformationMessage("Pillion: no edit waits for a review in this file.");
      return;
    }
    const name = vscode.workspace.asRelativePath(path);
    if (textBefore(await currentText(path), this.edits.ways(path)) === undefined || this.edits.omitted(path) > 0) {
      await this.raw(path); // written over since: only the edit itself can be shown
      return;
    }
    if (this.edits.kind(path) === "delete") {
      await vscode.window.showTextDocument(BeforeDocuments.uri(path));
      return;
    }
    const title = `${name} (before Pillion ↔ now)`;
    await vscode.commands.executeCommand("vscode.diff", BeforeDocuments.uri(path), vscode.Uri.file(path), title);
  }

  private async raw(path: string): Promise<void> {
    const content = this.edits
      .changes(path)
      .map(({ diff, omittedLines }) => (omittedLines > 0 ? `${diff}… ${omittedLines} more lines\n` : diff))
      .join("\n");
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ language: "diff", content }));
  }

  private async diffAll(): Promise<void> {
    await this.known();
    const files: [vscode.Uri, vscode.Uri | undefined, vscode.Uri | undefined][] = this.edits.paths.map((path) => {
      const kind = this.edits.kind(path);
      const now = vscode.Uri.file(path);
      return [now, kind === "create" ? undefined : BeforeDocuments.uri(path), kind === "delete" ? undefined : now];
    });
    if (files.length === 0) {
      void vscode.window.showInformationMessage("Pillion: no edit waits for a review.");
      return;
    }
    await vscode.commands.executeCommand("vscode.changes", REVIEW, files);
  }

  /** A list of the files with what can be done. It stays until it is closed. */
  private async review(): Promise<void> {
    await this.known();
    const { paths } = this.edits;
    if (paths.length === 0) {
      void vscode.window.showInformationMessage("Pillion: no edit waits for a review.");
      return;
    }
    const keep = { iconPath: new vscode.ThemeIcon("check"), tooltip: "Keep" };
    const revert = { iconPath: new vscode.ThemeIcon("discard"), tooltip: "Revert" };
    const rows = paths.map((path) => ({
      label: vscode.workspace.asRelativePath(path),
      description: describe(this.edits, path),
      buttons: [keep, revert],
      run: () => this.diff(path),
      path,
    }));
    const all = [
      { label: "$(diff-multiple) Show all", run: () => this.diffAll() },
      { label: "$(check-all) Keep all", run: () => this.settle("accept", {}) },
      { label: "$(discard) Revert all", run: () => this.settle("revert", {}) },
    ].map((row) => ({ ...row, description: "", buttons: [], path: undefined as string | undefined }));
    const pick = vscode.window.createQuickPick<(typeof rows)[number] | (typeof all)[number]>();
    pick.title = `${count(paths.length, "file")} edited by Pillion`;
    pick.placeholder = "Choose a file to see its diff";
    pick.items = paths.length > 1 ? [...rows, ...all] : rows;
    pick.onDidTriggerItemButton(async ({ item, button }) => {
      if (item.path !== undefined) {
        await this.settle(button === keep ? "accept" : "revert", { path: item.path });
        pick.items = pick.items.filter(({ path }) => path === undefined || this.edits.changes(path).length > 0);
      }
      if (this.edits.paths.length === 0) {
        pick.hide();
      }
    });
    pick.onDidAccept(async () => {
      const [chosen] = pick.selectedItems;
      pick.hide();
      await chosen?.run();
    });
    pick.onDidHide(() => {
      pick.dispose();
    });
    pick.show();
  }

  dispose(): void {
    clearTimeout(this.timer);
    vscode.Disposable.from(...this.disposables).dispose();
  }
}

function describe(edits: PendingEdits, path: string): string {
  const kind = edits.kind(path);
  const words = kind === "create" ? "new · " : kind === "delete" ? "deleted · " : "";
  return `${words}${delta(edits.pending(path).map(({ hunk }) => hunk))}`;
}

function isHunk(of: unknown): of is PendingHunk {
  return typeof of === "object" && of !== null && "hunk" in of && "turnId" in of;
}

/** The file that a command means: of a lens, of the explorer or an editor's title, else the one that is shown. */
function pathOf(of: unknown): string | undefined {
  if (isHunk(of)) {
    return of.path;
  }
  const uri = of instanceof vscode.Uri ? of : vscode.window.activeTextEditor?.document.uri;
  return uri?.with({ scheme: "file" }).fsPath;
}
