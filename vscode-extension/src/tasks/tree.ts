/** The rows of the tree view `pillion.tasks`. */

import * as vscode from "vscode";
import type { Task } from "../protocol";
import { isFinal } from "../state";
import type { Store } from "../store";
import { GROUP_LABELS, type GroupId, groupOf, groups } from "./groups";
import { canStop, icon, needsPerson, oneLine, parts, WORDS } from "./words";

/** A row: a group, or a task by its id. What is shown of it is read from the store. */
export type Row = GroupRow | TaskRow;

interface GroupRow {
  readonly type: "group";
  readonly group: GroupId;
}

interface TaskRow {
  readonly type: "task";
  readonly taskId: string;
}

/** How often the view is drawn again at most, in ms, and how often the times of running tasks are. */
const REDRAW = 250;
const TICK = 1000;
/** Characters of a label in a row: what is said of the task is to be seen too. The tooltip has the whole command. */
const LABEL = 40;

export class TasksTree implements vscode.TreeDataProvider<Row>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<Row[] | undefined>();
  private readonly groupRows = new Map<GroupId, GroupRow>();
  private readonly taskRows = new Map<string, TaskRow>();
  private readonly listening: vscode.Disposable;
  private redraw: NodeJS.Timeout | undefined;
  private tick: NodeJS.Timeout | undefined;
  private visible = false;

  readonly onDidChangeTreeData = this.changed.event;

  constructor(private readonly store: Store) {
    this.listening = store.onDidChange((change) => {
      if (change.type === "task" || change.type === "tasks" || change.type === "task_dismissed") {
        this.schedule();
      }
    });
  }

  /** Times go on only while somebody sees them. */
  show(visible: boolean): void {
    this.visible = visible;
    if (visible) {
      this.schedule();
    }
    this.keepTicking();
  }

  getChildren(row?: Row): Row[] {
    if (row === undefined) {
      this.forget();
      return groups(this.store.tasks.values()).map(({ id }) => this.groupRow(id));
    }
    if (row.type === "task") {
      return [];
    }
    const group = groups(this.store.tasks.values()).find(({ id }) => id === row.group);
    return (group?.tasks ?? []).map((task) => this.taskRow(task.id));
  }

  getParent(row: Row): Row | undefined {
    const task = row.type === "task" ? this.store.tasks.get(row.taskId) : undefined;
    return task && this.groupRow(groupOf(task));
  }

  getTreeItem(row: Row): vscode.TreeItem {
    if (row.type === "group") {
      return this.groupItem(row.group);
    }
    const task = this.store.tasks.get(row.taskId);
    return task ? this.taskItem(task) : new vscode.TreeItem("");
  }

  resolveTreeItem(item: vscode.TreeItem, row: Row): vscode.TreeItem {
    const task = row.type === "task" ? this.store.tasks.get(row.taskId) : undefined;
    if (task) {
      item.tooltip = tooltip(task);
    }
    return item;
  }

  /** The row of a task, for `reveal`. */
  rowOf(taskId: string): Row | undefined {
    return this.store.tasks.has(taskId) ? this.taskRow(taskId) : undefined;
  }

  private groupItem(group: GroupId): vscode.TreeItem {
    const size = [...this.store.tasks.values()].filter((task) => groupOf(task) === group).length;
    const item = new vscode.TreeItem(GROUP_LABELS[group], vscode.TreeItemCollapsibleState.Expanded);
    item.id = `group:${group}`;
    item.description = String(size);
    item.contextValue = `group.${group}`;
    return item;
  }

  private taskItem(task: Task): vscode.TreeItem {
    const said = parts(task, { elapsed: this.store.elapsed(task), tasks: this.store.tasks });
    const item = new vscode.TreeItem(oneLine(task.label, LABEL));
    const { id, color } = icon(task);
    item.id = `task:${task.id}`;
    const run = task.run > 1 ? [`run ${task.run}`] : [];
    item.description = [...run, ...said].join(" · ");
    item.iconPath = new vscode.ThemeIcon(id, color === undefined ? undefined : new vscode.ThemeColor(color));
    item.contextValue = contextValue(task);
    item.accessibilityInformation = { label: [task.label, ...run, WORDS[task.status], ...said].join(", ") };
    item.command = { command: "pillion.tasks.log", title: "Open log", arguments: [task.id] };
    return item;
  }

  private groupRow(group: GroupId): GroupRow {
    const row = this.groupRows.get(group) ?? { type: "group", group };
    this.groupRows.set(group, row);
    return row;
  }

  private taskRow(taskId: string): TaskRow {
    const row = this.taskRows.get(taskId) ?? { type: "task", taskId };
    this.taskRows.set(taskId, row);
    return row;
  }

  private forget(): void {
    for (const id of this.taskRows.keys()) {
      if (!this.store.tasks.has(id)) {
        this.taskRows.delete(id);
      }
    }
  }

  private schedule(): void {
    this.redraw ??= setTimeout(() => {
      this.redraw = undefined;
      this.changed.fire(undefined);
      this.keepTicking();
    }, REDRAW);
  }

  private keepTicking(): void {
    const live = [...this.store.tasks.values()].some((task) => !isFinal(task.status) && task.status !== "queued");
    if (this.visible && live) {
      this.tick ??= setInterval(() => {
        const rows = [...this.store.tasks.values()].filter((task) => !isFinal(task.status));
        this.changed.fire(rows.map((task) => this.taskRow(task.id)));
      }, TICK);
    } else {
      clearInterval(this.tick);
      this.tick = undefined;
    }
  }

  dispose(): void {
    clearTimeout(this.redraw);
    clearInterval(this.tick);
    this.listening.dispose();
    this.changed.dispose();
  }
}

/** What can be done with a task, for the `when` clauses of its menus: `task.stop.log`. */
function contextValue(task: Task): string {
  const over = isFinal(task.status);
  const can: [string, boolean][] = [
    ["answer", task.owned && needsPerson(task)],
    ["stop", canStop(task) && !task.stopping],
    ["rerun", task.owned && over && task.kind !== "agent"],
    ["dismiss", over && !task.watching],
    ["open", task.ready?.url !== undefined && task.ready.url !== null],
  ];
  return ["task", ...can.filter(([, possible]) => possible).map(([word]) => word)].join(".");
}

/** Files that are named; the rest is counted. */
const NAMED = 5;

function tooltip(task: Task): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  text.appendCodeblock(task.command.slice(0, 2000), "shellscript");
  text.appendText(`${WORDS[task.status]}${task.run > 1 ? `, run ${task.run}` : ""}`);
  const lines = [
    task.summary,
    `Folder: ${task.cwd}`,
    `Started by ${task.origin === "agent" ? "the agent" : "you"}`,
    task.exitCode === null ? null : `Exit code ${task.exitCode}`,
    task.wantedAnswer === null ? null : `It may have wanted an answer: ${oneLine(task.wantedAnswer)}`,
    task.output.lastLine === "" || isFinal(task.status) ? null : `Last line: ${oneLine(task.output.lastLine)}`,
    unsaved(task.unsaved),
    task.environment.withheld.length === 0
      ? null
      : `Not passed on: ${task.environment.withheld.slice(0, NAMED).join(", ")} (setting pillion.background.passEnv)`,
  ];
  for (const line of lines) {
    if (line !== null && line !== "") {
      text.appendMarkdown("\n\n").appendText(line);
    }
  }
  return text;
}

function unsaved(files: readonly string[]): string | null {
  if (files.length === 0) {
    return null;
  }
  const names = files.slice(0, NAMED).map((file) => vscode.workspace.asRelativePath(file));
  const more = files.length - names.length;
  return `It did not see the unsaved text of ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
