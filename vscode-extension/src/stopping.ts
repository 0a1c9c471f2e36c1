/** Stops tasks and runs them again, chosen from those of this window. */

import * as vscode from "vscode";

import type { Task } from "./protocol";
import type { Sidecar } from "./sidecar";
import { isFinal } from "./state";
import type { Store } from "./store";

/** Another window's task is stopped there. */
function canStop(task: Task): boolean {
  return task.owned && !task.stopping && (!isFinal(task.status) || task.watching || task.stragglers > 0);
}

const newestFirst = (a: Task, b: Task) => (b.endedAt ?? b.createdAt).localeCompare(a.endedAt ?? a.createdAt);

/** With one there is nothing to choose. */
export async function stopTask(sidecar: Sidecar, store: Store): Promise<void> {
  const tasks = [...store.tasks.values()].filter(canStop).sort(newestFirst);
  if (tasks.length === 0) {
    await vscode.window.showInformationMessage("Nothing runs.");
    return;
  }
  const rows = tasks.map((task) => ({ label: task.label, description: task.output.lastLine, taskId: task.id }));
  const chosen = rows.length === 1 ? rows[0] : await vscode.window.showQuickPick(rows, { title: "Stop task" });
  if (chosen) {
    await sidecar.request("pillion/task/stop", { taskId: chosen.taskId });
  }
}

export async function stopAllTasks(sidecar: Sidecar, store: Store): Promise<void> {
  const tasks = [...store.tasks.values()].filter(canStop);
  await Promise.all(tasks.map((task) => sidecar.request("pillion/task/stop", { taskId: task.id })));
}

export async function rerunLastTask(sidecar: Sidecar, store: Store): Promise<void> {
  const over = [...store.tasks.values()].filter((task) => task.owned && isFinal(task.status) && task.kind !== "agent");
  const last = over.sort(newestFirst)[0];
  if (!last) {
    await vscode.window.showInformationMessage("Nothing has run yet.");
    return;
  }
  await sidecar.request("pillion/task/rerun", { taskId: last.id });
}
