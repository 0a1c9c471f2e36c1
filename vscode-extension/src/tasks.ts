/** The tree view `pillion.tasks`. */

import * as vscode from "vscode";

import type { Task } from "./protocol";
import type { Sidecar } from "./sidecar";
import type { Store } from "./store";

export function registerTasks(_context: vscode.ExtensionContext, _sidecar: Sidecar, store: Store): vscode.Disposable {
  const changed = new vscode.EventEmitter<undefined>();
  const provider: vscode.TreeDataProvider<Task> = {
    onDidChangeTreeData: changed.event,
    getChildren: (task) => (task ? [] : [...store.tasks.values()]),
    getTreeItem: (task) => ({ id: task.id, label: task.label, description: task.status }),
  };
  const refresh = store.onDidChange(() => {
    changed.fire(undefined);
  });
  return vscode.Disposable.from(
    changed,
    refresh,
    vscode.window.createTreeView("pillion.tasks", { treeDataProvider: provider }),
  );
}
