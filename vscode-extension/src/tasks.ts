/** The tree view `pillion.tasks`: its badge, and what can be done with a task there and in its log. */

import * as vscode from "vscode";

import { attempt } from "./errors";
import type { Task } from "./protocol";
import type { Sidecar } from "./sidecar";
import { isFinal } from "./state";
import type { Store } from "./store";
import { Answers } from "./tasks/answer";
import { Follower } from "./tasks/follow";
import { busy } from "./tasks/groups";
import { LogLinks } from "./tasks/links";
import { Logs, logUri, SCHEME, taskOf } from "./tasks/log";
import { type Row, TasksTree } from "./tasks/tree";

export class Tasks implements vscode.Disposable {
  readonly answers: Answers;
  private readonly view: vscode.TreeView<Row>;
  private readonly follower = new Follower();
  private readonly disposables: vscode.Disposable[];

  constructor(
    private readonly sidecar: Sidecar,
    private readonly store: Store,
  ) {
    this.answers = new Answers(sidecar, store);
    const tree = new TasksTree(store);
    this.view = vscode.window.createTreeView("pillion.tasks", { treeDataProvider: tree, showCollapseAll: false });
    const commands: Record<string, (task: Task) => Promise<unknown>> = {
      "pillion.tasks.log": (task) => this.log(task),
      "pillion.tasks.stop": (task) => attempt(sidecar.request("pillion/task/stop", { taskId: task.id })),
      "pillion.tasks.rerun": (task) => attempt(sidecar.request("pillion/task/rerun", { taskId: task.id })),
      "pillion.tasks.answer": (task) => this.answer(task),
      "pillion.tasks.dismiss": (task) => this.dismiss(task),
      "pillion.tasks.browse": (task) => this.browse(task),
      "pillion.tasks.wholeOutput": (task) => this.wholeOutput(task),
      "pillion.tasks.copyCommand": async (task) => {
        await vscode.env.clipboard.writeText(task.command);
      },
    };
    this.disposables = [
      tree,
      this.view,
      this.follower,
      new Logs(sidecar, store),
      vscode.languages.registerDocumentLinkProvider({ scheme: SCHEME }, new LogLinks(store)),
      this.view.onDidChangeVisibility(({ visible }) => {
        this.shown(tree, visible);
      }),
      store.onDidChange(() => {
        this.badge();
      }),
      vscode.commands.registerCommand("pillion.tasks.dismissFinished", () => this.dismissFinished()),
      ...Object.entries(commands).map(([id, run]) =>
        vscode.commands.registerCommand(id, async (of?: unknown) => {
          const task = this.taskIn(of);
          await (task ? run(task) : attempt(Promise.reject(new Error("there is no such task any more."))));
        }),
      ),
    ];
    this.shown(tree, this.view.visible);
    this.badge();
  }

  get visible(): boolean {
    return this.view.visible;
  }

  get onDidChangeVisibility(): vscode.Event<vscode.TreeViewVisibilityChangeEvent> {
    return this.view.onDidChangeVisibility;
  }

  /** Opens the log of a task and shows its end, or the last line that has one of the texts: the first that is found. */
  async log(task: Task, texts: readonly string[] = []): Promise<void> {
    const document = await vscode.workspace.openTextDocument(logUri(task));
    const editor = await vscode.window.showTextDocument(document, { preview: true });
    const log = document.getText();
    const at = texts
      .filter((text) => text !== "")
      .map((text) => log.lastIndexOf(text))
      .find((found) => found >= 0);
    if (at === undefined) {
      this.follower.follow(document);
      return;
    }
    const position = document.positionAt(at);
    editor.selection = new vscode.Selection(position, position);
    editor.revealRange(new vscode.Range(position, position), vscode.TextEditorRevealType.InCenter);
  }

  private shown(tree: TasksTree, visible: boolean): void {
    tree.show(visible);
    if (visible && this.sidecar.state === "stopped") {
      // Whoever looks at the tasks wants to know those that are left running; a failure is told by the client.
      this.sidecar.request("pillion/task/list", {}).catch(() => undefined);
    }
  }

  private badge(): void {
    const value = busy(this.store.tasks.values(), this.store.questions.values());
    if (this.view.badge?.value !== value) {
      this.view.badge = value === 0 ? undefined : { value, tooltip: `${value} running or needing you` };
    }
  }

  /** The task that a command means: of a row, of a log, by its id; else of the log that is shown. */
  private taskIn(of: unknown): Task | undefined {
    if (typeof of === "string") {
      return this.store.tasks.get(of);
    }
    if (of instanceof vscode.Uri) {
      return this.store.tasks.get(taskOf(of) ?? "");
    }
    if (typeof of === "object" && of !== null && "taskId" in of && typeof of.taskId === "string") {
      return this.store.tasks.get(of.taskId);
    }
    const active = vscode.window.activeTextEditor?.document.uri ?? this.view.selection[0];
    return active === undefined || of !== undefined ? undefined : this.taskIn(active);
  }

  private async answer(task: Task): Promise<void> {
    const open = this.answers.of(task);
    if (open) {
      await this.answers.ask(open);
    } else {
      const why = task.owned ? "it asks nothing any more." : "this is asked in its own window.";
      void vscode.window.showInformationMessage(`Pillion: ${why}`);
    }
  }

  /** Starts the service that a task's failures miss, and the task again. */
  startService(taskId: string): Promise<unknown> {
    return this.sidecar.request("workspace/executeCommand", { command: "pillion.service.start", arguments: [taskId] });
  }

  private async dismiss(task: Task): Promise<void> {
    if (await attempt(this.sidecar.request("pillion/task/dismiss", { taskId: task.id }))) {
      this.store.dismissed(task.id);
    }
  }

  private async dismissFinished(): Promise<void> {
    const over = [...this.store.tasks.values()].filter((task) => isFinal(task.status) && !task.watching);
    for (const task of over) {
      await this.dismiss(task);
    }
  }

  /** The file that the run writes, as it is: a log keeps the newest part alone. */
  private async wholeOutput(task: Task): Promise<void> {
    if (task.output.path === null) {
      void vscode.window.showInformationMessage("Pillion: it has not begun to run.");
    } else {
      await attempt(Promise.resolve(vscode.window.showTextDocument(vscode.Uri.file(task.output.path))));
    }
  }

  private async browse(task: Task): Promise<void> {
    const url = task.ready?.url;
    if (url) {
      await vscode.env.openExternal(vscode.Uri.parse(url, true));
    }
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables).dispose();
  }
}
