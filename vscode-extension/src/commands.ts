/** The commands of the palette, and how an error of one of them is told. */

import * as vscode from "vscode";

import { askAboutSelection, fixThis, undoLastTurn } from "./asking";
import type { Client } from "./client";
import type { Panel } from "./panel";
import type { ProviderId } from "./protocol";
import type { Secrets } from "./secrets";
import { NotRunning } from "./sidecar";
import { runInBackground, runProject } from "./starting";
import { rerunLastTask, stopAllTasks, stopTask } from "./stopping";
import type { Store } from "./store";

export interface Parts {
  client: Client;
  store: Store;
  panel: Panel;
  secrets: Secrets;
  log: vscode.LogOutputChannel;
}

export function registerCommands(parts: Parts): vscode.Disposable {
  const { client, store, panel, secrets, log } = parts;
  const commands: Record<string, (...given: unknown[]) => unknown> = {
    "pillion.openChat": () => panel.reveal(),
    "pillion.newSession": async () => {
      await panel.newSession();
      await panel.reveal();
    },
    "pillion.resumeSession": () => panel.chooseSession(),
    "pillion.runTests": () => runProject(client, "pillion.test"),
    "pillion.runBuild": () => runProject(client, "pillion.build"),
    "pillion.runLint": () => runProject(client, "pillion.lint"),
    "pillion.runInBackground": () => runInBackground(client),
    "pillion.showTasks": () => vscode.commands.executeCommand("pillion.tasks.focus"),
    "pillion.stopTask": () => stopTask(client, store),
    "pillion.stopAllTasks": () => stopAllTasks(client, store),
    "pillion.rerunLastTask": () => rerunLastTask(client, store),
    "pillion.askAboutSelection": () => askAboutSelection(panel),
    "pillion.fixThis": () => fixThis(panel),
    "pillion.undoLastTurn": () => undoLastTurn(client, store),
    "pillion.addApiKey": (provider) => secrets.add(provider as ProviderId | undefined),
    "pillion.removeApiKey": () => secrets.remove(),
    "pillion.restart": () => client.restart(),
    "pillion.showLog": () => {
      log.show();
    },
  };
  return vscode.Disposable.from(
    ...Object.entries(commands).map(([id, run]) =>
      vscode.commands.registerCommand(id, async (...given: unknown[]) => {
        try {
          return await run(...given);
        } catch (error) {
          if (!(error instanceof NotRunning)) {
            log.error(`${id} failed`, error);
            await vscode.window.showErrorMessage(`Pillion: ${error instanceof Error ? error.message : String(error)}`);
          }
          return undefined;
        }
      }),
    ),
  );
}
