/** What stands beside the chat: tasks, status, notifications, tests, the agent's edits, actions in the code. */

import * as vscode from "vscode";

import { Actions } from "./actions";
import { Attention } from "./attention";
import { Changes } from "./changes";
import type { Panel } from "./panel";
import type { Sidecar } from "./sidecar";
import { Status } from "./status";
import type { Store } from "./store";
import { Tasks } from "./tasks";
import { Tests } from "./tests";

export function registerViews(sidecar: Sidecar, store: Store, panel: Panel): vscode.Disposable {
  const tasks = new Tasks(sidecar, store);
  const tests = new Tests(sidecar, store);
  return vscode.Disposable.from(
    tasks,
    tests,
    new Status(sidecar, store, tasks),
    new Attention(store, tasks, panel),
    new Changes(sidecar, store),
    new Actions({ store, tasks, tests, panel }),
  );
}
