/** Wires the extension's parts together. */

import * as vscode from "vscode";

import { Chat } from "./chat/chat";
import { Client } from "./client";
import { registerCommands } from "./commands";
import { registerStatus } from "./status";
import { LiveStore } from "./store";
import { registerTasks } from "./tasks";

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel("Pillion", { log: true });
  const sidecar = new Client(context, log);
  const store = new LiveStore(sidecar);
  const chat = new Chat(context, sidecar, store);
  context.subscriptions.push(
    log,
    sidecar,
    store,
    chat,
    registerTasks(context, sidecar, store),
    registerStatus(context, store),
    // views: attention, tests, changes, actions
    registerCommands({ sidecar, store, panel: chat, log }),
  );
}
