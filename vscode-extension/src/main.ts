/** Wires the extension's parts together. */

import { homedir } from "node:os";
import { join } from "node:path";

import * as vscode from "vscode";

import { Chat } from "./chat/chat";
import { Client } from "./client";
import { type Parts, registerCommands } from "./commands";
import { registerDiagnostics } from "./diagnostics";
import { leftRunning } from "./left";
import { registerModels } from "./models";
import { Secrets } from "./secrets";
import { registerSettings } from "./settings";
import { LiveStore } from "./store";
import { registerViews } from "./views";

/**
 * What is seen first begins first; each half has a turn of its own. `begun` is when the reading of it began. Tests are told
 * the parts; nobody else is.
 */
export async function begin(context: vscode.ExtensionContext, begun: number): Promise<Parts | undefined> {
  const log = vscode.window.createOutputChannel("Pillion", { log: true });
  const client = new Client(context, log);
  const store = new LiveStore(client);
  const panel = new Chat(context, client, store);
  const secrets = new Secrets(context.secrets, client);
  const parts: Parts = { client, store, panel, secrets, log };
  context.subscriptions.push(
    log,
    client,
    store,
    panel,
    secrets.register(),
    registerModels(client),
    registerDiagnostics(client),
    registerSettings(client),
  );
  await new Promise((turn) => setImmediate(turn));
  context.subscriptions.push(registerViews(client, store, panel), registerCommands(parts));
  void goOn(client);
  log.info(`ready after ${(performance.now() - begun).toFixed(1)} ms`);
  return context.extensionMode === vscode.ExtensionMode.Test ? parts : undefined;
}

/** What the last window left running goes on in this one, seen by nobody or not. */
async function goOn(client: Client): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  const stateHome = process.env.XDG_STATE_HOME ?? join(homedir(), ".local", "state");
  if (folder !== undefined && (await leftRunning(stateHome, folder))) {
    await client.start().catch(() => undefined); // it has been told
  }
}
