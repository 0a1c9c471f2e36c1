/** Starts commands as background tasks: the project's own, those of `.vscode/tasks.json`, and what a person types. */

import * as vscode from "vscode";

import type { ProjectRunParams, StartTaskParams, StartTaskResult } from "./protocol";
import type { Sidecar } from "./sidecar";

const TASKS = ".vscode/tasks.json";
/** How long the status bar says that something was started. */
const SAID_MS = 4000;

/** The active file, where it is one on disk. */
function activeFile(): string | undefined {
  const uri = vscode.window.activeTextEditor?.document.uri;
  return uri?.scheme === "file" ? uri.toString() : undefined;
}

function say({ task, folded }: StartTaskResult): void {
  // It is told before it has a place to run: whether it waits for its turn is for its row to say.
  const what = folded ? "runs already" : "is started in the background";
  vscode.window.setStatusBarMessage(`${task.label} ${what}`, SAID_MS);
}

/** Tests, builds or lints the package nearest to the active file. */
export async function runProject(sidecar: Sidecar, command: ProjectRunParams["command"]): Promise<void> {
  const uri = activeFile();
  say(await sidecar.request("workspace/executeCommand", { command, arguments: [uri === undefined ? {} : { uri }] }));
}

interface Choice extends vscode.QuickPickItem {
  start?: StartTaskParams;
}

/** Labels of `.vscode/tasks.json`, of all folders. The server reads the file itself. */
function taskLabels(): string[] {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const labels = folders.flatMap((folder) => {
    const tasks: unknown = vscode.workspace.getConfiguration("tasks", folder).get("tasks");
    return Array.isArray(tasks) ? tasks.map((task: { label?: unknown }) => task.label) : [];
  });
  return [...new Set(labels.filter((label) => typeof label === "string"))];
}

const separator = (label: string): Choice => ({ label, kind: vscode.QuickPickItemKind.Separator });

async function known(sidecar: Sidecar): Promise<Choice[]> {
  const uri = activeFile();
  const file = uri === undefined ? {} : { uri };
  const { commands } = await sidecar.request("pillion/project/commands", file);
  const labels = taskLabels();
  // The server names tasks among the project's commands too; by their label they run as the file says, with what they depend on.
  const others = commands.filter(({ label, source }) => !(source.startsWith(TASKS) && labels.includes(label)));
  return [
    separator("This project"),
    ...others.map(({ label, command, cwd, group, source }) => ({
      label,
      description: source,
      start: { command, cwd, label, group },
    })),
    ...(labels.length > 0 ? [separator("tasks.json")] : []),
    ...labels.map((label) => ({ label, description: TASKS, start: { label, ...file } })),
  ];
}

/** What is typed is a choice of its own, above what is known. Whoever types it can answer what it asks. */
function choose(choices: readonly Choice[]): Promise<StartTaskParams | undefined> {
  const picker = vscode.window.createQuickPick<Choice>();
  picker.title = "Run in background";
  picker.placeholder = "A command, or one of these";
  picker.items = choices;
  picker.matchOnDescription = true;
  return new Promise((resolve) => {
    picker.onDidChangeValue((typed) => {
      const command = typed.trim();
      const own: Choice = { label: `$(play) ${command}`, alwaysShow: true, start: { command, stdin: "pipe" } };
      picker.items = command === "" ? choices : [own, ...choices];
    });
    picker.onDidAccept(() => {
      resolve(picker.selectedItems[0]?.start);
      picker.hide();
    });
    picker.onDidHide(() => {
      picker.dispose();
      resolve(undefined);
    });
    picker.show();
  });
}

export async function runInBackground(sidecar: Sidecar): Promise<void> {
  const start = await choose(await known(sidecar));
  if (start) {
    const cwd = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    say(await sidecar.request("pillion/task/start", { ...(cwd === undefined ? {} : { cwd }), ...start }));
  }
}
