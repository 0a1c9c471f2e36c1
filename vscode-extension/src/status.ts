/** The status bar item `pillion.pillion.status`. */

import * as vscode from "vscode";

import type { Store } from "./store";

export function registerStatus(_context: vscode.ExtensionContext, store: Store): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("status", vscode.StatusBarAlignment.Left);
  item.name = "Pillion";
  item.command = "pillion.showTasks";
  const show = () => {
    const { running, failed } = store.counts();
    item.text = `$(rocket) ${running} $(error) ${failed}`;
    item.show();
  };
  show();
  return vscode.Disposable.from(item, store.onDidChange(show));
}
