/** The status bar item `pillion.pillion.status`: what runs, what failed, what waits for a person. A click shows the tasks. */

import * as vscode from "vscode";

import type { Sidecar } from "./sidecar";
import { isFinal } from "./state";
import type { Store } from "./store";
import type { Tasks } from "./tasks";
import { statusLine } from "./tasks/statusLine";
import { oneLine, parts, wentWrong } from "./tasks/words";

/** Rows of the tooltip. */
const NAMED = 8;

const COLORS = { error: "statusBarItem.errorBackground", warning: "statusBarItem.warningBackground" } as const;

export class Status implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("status", vscode.StatusBarAlignment.Left, 10);
  /** Tasks whose newest run failed since a person last looked at the tasks. */
  private readonly unseen = new Set<string>();
  private readonly disposables: vscode.Disposable[];

  constructor(
    private readonly sidecar: Sidecar,
    private readonly store: Store,
    private readonly tasks: Tasks,
  ) {
    this.item.name = "Pillion";
    this.item.command = "pillion.showTasks";
    this.disposables = [
      this.item,
      store.onDidChange((change) => {
        if (change.type === "task_started") {
          this.unseen.delete(change.task.id); // how it goes now counts
        } else if (change.type === "task_dismissed") {
          this.unseen.delete(change.taskId);
        } else if (change.type === "task_ended" && wentWrong(change.task) && !this.watched()) {
          this.unseen.add(change.task.id);
        }
        this.draw();
      }),
      sidecar.onDidChangeState(() => {
        this.draw();
      }),
      tasks.onDidChangeVisibility(() => {
        this.look();
      }),
      vscode.window.onDidChangeWindowState(() => {
        this.look();
      }),
    ];
    this.draw();
    this.item.show();
  }

  /** A person sees the tasks: the view is shown, in a window that has the focus. */
  private watched(): boolean {
    return this.tasks.visible && vscode.window.state.focused;
  }

  private look(): void {
    if (this.watched()) {
      this.unseen.clear();
      this.draw();
    }
  }

  private draw(): void {
    const trouble = this.sidecar.state === "failed" ? "the sidecar does not run" : undefined;
    const { text, words, color } = statusLine(this.store.counts(), this.unseen.size > 0, trouble);
    this.item.text = text;
    this.item.tooltip = [`Pillion: ${words}`, ...this.rows()].join("\n");
    this.item.accessibilityInformation = { label: `Pillion: ${words}` };
    this.item.backgroundColor = color && new vscode.ThemeColor(COLORS[color]);
  }

  private rows(): string[] {
    const live = [...this.store.tasks.values()].filter((task) => task.owned && !isFinal(task.status));
    const shown = live
      .slice(0, NAMED)
      .map((task) => [oneLine(task.label), ...parts(task, { tasks: this.store.tasks })].join(" · "));
    return live.length > NAMED ? [...shown, `and ${live.length - NAMED} more`] : shown;
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables).dispose();
  }
}
