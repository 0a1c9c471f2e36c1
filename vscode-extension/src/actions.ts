/** What can be done at a problem and at a test function: code actions and code lenses. */

import * as vscode from "vscode";

import { fixPrompt } from "./asking";
import { attempt } from "./errors";
import type { Panel } from "./panel";
import { problems, SOURCE } from "./problems";
import type { Task } from "./protocol";
import { isFinal } from "./state";
import type { Store } from "./store";
import type { Tasks } from "./tasks";
import { LANGUAGES, testFunctions } from "./testing/functions";
import { showsLanguage } from "./testing/others";
import type { Tests } from "./tests";

/** What the actions do their work with. */
export interface Means {
  readonly store: Store;
  readonly tasks: Tasks;
  readonly tests: Tests;
  readonly panel: Panel;
}

/** A place that a command is given. */
interface Place {
  readonly uri: vscode.Uri;
  readonly range: vscode.Range;
}

export class Actions implements vscode.CodeActionProvider, vscode.CodeLensProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<undefined>();
  private readonly withProblems = new Set<string>();
  private readonly disposables: vscode.Disposable[];

  readonly onDidChangeCodeLenses = this.changed.event;

  constructor(private readonly means: Means) {
    const commands: Record<string, (of?: unknown) => Promise<unknown>> = {
      "pillion.problem.fix": (of) => this.fix(place(of)),
      "pillion.problem.rerunTest": (of) => this.rerunTest(place(of)),
      "pillion.problem.startService": (of) => this.startService(place(of)),
      "pillion.problem.rerunFailed": (of) => this.rerunFailed(place(of)),
      "pillion.problem.showOutput": (of) => this.showOutput(place(of)),
      "pillion.problem.dismiss": (of) => this.dismiss(place(of)),
    };
    this.disposables = [
      this.changed,
      ...Object.entries(commands).map(([id, run]) => vscode.commands.registerCommand(id, run)),
      vscode.languages.registerCodeActionsProvider({ scheme: "file" }, this, {
        providedCodeActionKinds: [vscode.CodeActionKind.QuickFix],
      }),
      vscode.languages.registerCodeLensProvider(
        LANGUAGES.map((language) => ({ scheme: "file", language })),
        this,
      ),
      vscode.languages.onDidChangeDiagnostics(({ uris }) => {
        this.problemsChanged(uris);
      }),
      means.store.onDidChange(({ type }) => {
        if (type === "task_started" || type === "task_ended" || type === "tasks") {
          this.changed.fire(undefined);
        }
      }),
      // Results come after the task's end, and with them what there is to run again.
      means.tests.items.onDidPlace(() => {
        this.changed.fire(undefined);
      }),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("pillion.codeLens")) {
          this.changed.fire(undefined);
        }
      }),
    ];
  }

  provideCodeActions(
    document: vscode.TextDocument,
    range: vscode.Range,
    context: vscode.CodeActionContext,
  ): vscode.CodeAction[] {
    const at: Place = { uri: document.uri, range };
    const action = (title: string, command: string, of: readonly vscode.Diagnostic[]): vscode.CodeAction => {
      const made = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
      made.command = { command, title, arguments: [at] };
      made.diagnostics = [...of];
      return made;
    };
    const own = problems(document.uri, range);
    const shown = context.diagnostics.filter(({ source }) => source === SOURCE);
    const found: vscode.CodeAction[] = [];
    if (context.diagnostics.length > 0) {
      found.push(action("Fix with Pillion", "pillion.problem.fix", context.diagnostics));
    }
    if (own.length === 0) {
      return found;
    }
    const tasks = own.flatMap(({ data }) => this.means.store.tasks.get(data.taskId) ?? []);
    const service = own.map(({ data }) => data.service).find((name) => name !== null);
    if (service !== undefined) {
      found.push(action(`Start ${service} and rerun`, "pillion.problem.startService", shown));
    }
    const tests = new Set(own.flatMap(({ data }) => data.tests)).size;
    if (tests > 0) {
      found.push(
        action(tests === 1 ? "Rerun this test" : `Rerun these ${tests} tests`, "pillion.problem.rerunTest", shown),
        action("Rerun failed tests", "pillion.problem.rerunFailed", shown),
      );
    }
    found.push(action("Show output at this line", "pillion.problem.showOutput", shown));
    if (tasks.some((task) => isFinal(task.status) && !task.watching)) {
      found.push(action(`Dismiss the problems of ${tasks[0]?.label ?? "this task"}`, "pillion.problem.dismiss", shown));
    }
    return found;
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const wanted = vscode.workspace.getConfiguration("pillion", document.uri).get<boolean>("codeLens.tests", true);
    const installed = (id: string): boolean => vscode.extensions.getExtension(id) !== undefined;
    if (!wanted || showsLanguage(document.languageId, installed)) {
      return [];
    }
    const items = this.means.tests.items.inFile(document.uri);
    const failing = problems(document.uri);
    const functions = testFunctions(document.languageId, document.getText());
    return functions.flatMap(({ name, line }, index) => {
      const item = items.find(({ label }) => label === name);
      const next = functions[index + 1]?.line ?? document.lineCount;
      const range = new vscode.Range(line, 0, line, 0);
      const body = new vscode.Range(line, 0, next - 1, Number.MAX_SAFE_INTEGER);
      const failed = failing.find(
        ({ diagnostic, data }) => data.test !== null && body.contains(diagnostic.range.start),
      );
      const lens = (title: string, command: string, of: unknown): vscode.CodeLens =>
        new vscode.CodeLens(range, { title, command, arguments: [of] });
      if (failed) {
        const at: Place = { uri: document.uri, range: failed.diagnostic.range };
        return [
          lens("Rerun test", "pillion.problem.rerunTest", at),
          lens("Fix with Pillion", "pillion.problem.fix", at),
          lens("Show output", "pillion.problem.showOutput", at),
        ];
      }
      return item
        ? [lens("Rerun test", "pillion.tests.rerun", item)]
        : [lens("Run tests", "pillion.runTests", document.uri)];
    });
  }

  /** Others' diagnostics change with each letter that is typed; only Pillion's stand in the lenses. */
  private problemsChanged(uris: readonly vscode.Uri[]): void {
    let own = false;
    for (const uri of uris) {
      const key = uri.toString();
      const has = problems(uri).length > 0;
      own ||= has || this.withProblems.has(key);
      if (has) {
        this.withProblems.add(key);
      } else {
        this.withProblems.delete(key);
      }
    }
    if (own) {
      this.changed.fire(undefined);
    }
  }

  private async fix({ uri, range }: Place): Promise<void> {
    const found = vscode.languages
      .getDiagnostics(uri)
      .filter((diagnostic) => diagnostic.range.intersection(range) !== undefined);
    if (found.length === 0) {
      void vscode.window.showInformationMessage("Pillion: there is no problem here any more.");
      return;
    }
    await attempt(this.means.panel.send(fixPrompt(uri, range.start.line, found)));
  }

  private async rerunTest(at: Place): Promise<void> {
    const only = new Map<Task, string[]>();
    for (const { data } of problems(at.uri, at.range)) {
      const task = this.means.store.tasks.get(data.taskId);
      if (task && data.tests.length > 0) {
        only.set(task, [...(only.get(task) ?? []), ...data.tests]);
      }
    }
    for (const [task, tests] of only) {
      await this.means.tests.rerun(task, tests);
    }
    tellGone(only.size);
  }

  /** Starts the service that the failures here miss, and their task again. */
  private async startService(at: Place): Promise<void> {
    const missed = problems(at.uri, at.range).find(({ data }) => data.service !== null);
    if (missed) {
      await attempt(this.means.tasks.startService(missed.data.taskId));
    }
    tellGone(missed ? 1 : 0);
  }

  private async rerunFailed(at: Place): Promise<void> {
    const task = this.taskAt(at);
    const failed = task && (await attempt(this.means.tests.failed(task)));
    if (task && failed) {
      await this.means.tests.rerun(task, failed);
    }
    tellGone(task ? 1 : 0);
  }

  private async showOutput(at: Place): Promise<void> {
    const task = this.taskAt(at);
    const [first] = problems(at.uri, at.range);
    if (task && first) {
      const line = `${vscode.workspace.asRelativePath(at.uri, false)}:${first.diagnostic.range.start.line + 1}`;
      await attempt(
        this.means.tasks.log(task, [line, first.diagnostic.message.split("\n", 1)[0] ?? "", first.data.test ?? ""]),
      );
    }
    tellGone(task ? 1 : 0);
  }

  private async dismiss(at: Place): Promise<void> {
    const task = this.taskAt(at);
    if (task) {
      await vscode.commands.executeCommand("pillion.tasks.dismiss", task.id);
    }
    tellGone(task ? 1 : 0);
  }

  private taskAt({ uri, range }: Place): Task | undefined {
    return problems(uri, range)
      .map(({ data }) => this.means.store.tasks.get(data.taskId))
      .find((task) => task !== undefined);
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables).dispose();
  }
}

/** The place that a command is about: as it was given, else the cursor's line. */
function place(of: unknown): Place {
  if (typeof of === "object" && of !== null && "uri" in of && "range" in of) {
    const { uri, range } = of;
    if (uri instanceof vscode.Uri && range instanceof vscode.Range) {
      return { uri, range };
    }
  }
  const editor = vscode.window.activeTextEditor;
  const uri = editor?.document.uri ?? vscode.Uri.parse("untitled:none");
  return { uri, range: editor?.document.lineAt(editor.selection.active.line).range ?? new vscode.Range(0, 0, 0, 0) };
}

function tellGone(found: number): void {
  if (found === 0) {
    void vscode.window.showInformationMessage("Pillion: there is no problem of a task here any more.");
  }
}
