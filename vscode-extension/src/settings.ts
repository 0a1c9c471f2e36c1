/** The settings that the server is told: those that a person has set, so that its own config file counts for the rest. */

import * as vscode from "vscode";

/** Sections of `pillion.*` that are the extension's own. */
const OWN: ReadonlySet<string> = new Set(["server", "trace", "notifications"]);

/** What is set, as nested objects: `{ model: { provider: "offline" } }`. */
export function explicit(): object {
  const settings: Record<string, Record<string, unknown>> = {};
  const all = vscode.workspace.getConfiguration("pillion");
  for (const [section, keys] of Object.entries<unknown>(all)) {
    if (OWN.has(section) || typeof keys !== "object" || keys === null) {
      continue;
    }
    for (const key of Object.keys(keys)) {
      const found = all.inspect(`${section}.${key}`);
      const set = [found?.workspaceFolderValue, found?.workspaceValue, found?.globalValue];
      if (set.some((value) => value !== undefined)) {
        (settings[section] ??= {})[key] = all.get(`${section}.${key}`);
      }
    }
  }
  return settings;
}

/** Tells a running server what has changed. Another program needs another server. */
export function registerSettings(server: { configure(): Promise<void>; restart(): Promise<void> }): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration(async (event) => {
    if (event.affectsConfiguration("pillion.server")) {
      await server.restart().catch(() => undefined); // it has been told
    } else if (event.affectsConfiguration("pillion")) {
      await server.configure();
    }
  });
}
