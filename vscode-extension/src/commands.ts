/** The commands of the palette. */

import * as vscode from "vscode";

import type { Panel } from "./panel";
import type { Sidecar } from "./sidecar";
import type { Store } from "./store";

export interface Parts {
  sidecar: Sidecar;
  store: Store;
  panel: Panel;
  log: vscode.LogOutputChannel;
}

export function registerCommands({ panel, log }: Parts): vscode.Disposable {
  const commands: Record<string, () => Promise<void>> = {
    "pillion.openChat": () => panel.reveal(),
    "pillion.newSession": () => panel.newSession(),
    "pillion.showTasks": async () => {
      await vscode.commands.executeCommand("pillion.tasks.focus");
    },
    "pillion.showLog": () => {
      log.show();
      return Promise.resolve();
    },
  };
  return vscode.Disposable.from(
    ...Object.entries(commands).map(([id, run]) => vscode.commands.registerCommand(id, run)),
  );
}
