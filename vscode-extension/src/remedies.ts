/** Tells a person why there is no server, with what to do about it. */

import * as vscode from "vscode";

import { NoBinary, PLATFORM, SUPPORTED } from "./binary";
import { OtherVersion } from "./connection";

/** What a remedy may do. */
export interface Restartable {
  restart(): Promise<void>;
}

const WHERE =
  "Pillion runs on Linux: also in WSL 2, over Remote SSH and in dev containers. Open this folder in one of them.";

/** Shows one message; resolves when it is gone. */
export async function explain(error: unknown, sidecar: Restartable): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  const again = "Try again";
  const log = "Show log";
  const settings = "Open settings";
  const reopen = "Reopen in…";
  let chosen: string | undefined;
  if (error instanceof NoBinary && !SUPPORTED.has(PLATFORM)) {
    chosen = await vscode.window.showErrorMessage(`${WHERE} ${message}`, reopen, settings);
  } else if (error instanceof NoBinary) {
    const what = `${message} Install Pillion, or set where it is.`;
    chosen = await vscode.window.showErrorMessage(what, settings, again);
  } else if (error instanceof OtherVersion) {
    const what = `${message} Update the older one of them, or clear the setting pillion.server.path.`;
    chosen = await vscode.window.showErrorMessage(what, settings, again);
  } else {
    chosen = await vscode.window.showErrorMessage(`Pillion does not start. ${message}`, again, log);
  }
  if (chosen === settings) {
    await vscode.commands.executeCommand("workbench.action.openSettings", "pillion.server.path");
  } else if (chosen === log) {
    await vscode.commands.executeCommand("pillion.showLog");
  } else if (chosen === reopen) {
    await vscode.commands.executeCommand("workbench.action.remote.showMenu");
  } else if (chosen === again) {
    await sidecar.restart();
  }
}
