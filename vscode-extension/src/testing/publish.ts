/** One run of a task as a run of Test Explorer: results as they come, the output at the end. */

import * as vscode from "vscode";

import type { Task, TestResult, TestResults } from "../protocol";
import type { Sidecar } from "../sidecar";
import { comparison } from "./comparison";
import type { Items } from "./items";
import { type Suite } from "./items";

/** Lines of a run's output that stand with its results; the log has all of it. */
const OUTPUT_LINES = 5000;
const OUTPUT_BYTES = 1024 * 1024;

export class PublishedRun {
  private readonly told = new Map<string, string>();
  private readonly run: vscode.TestRun;
  /** It is a run of some tests: it says nothing of the others, which their runner may call skipped. */
  private readonly narrowed: boolean;
  /** Results are taken one after another: later ones know more. */
  private queue: Promise<void> = Promise.resolve();

  constructor(
    controller: vscode.TestController,
    private readonly sidecar: Sidecar,
    private readonly items: Items,
    readonly task: Task,
    request: vscode.TestRunRequest | undefined,
    note: string | undefined,
  ) {
    const include = request ?? new vscode.TestRunRequest([items.root(task)]);
    this.run = controller.createTestRun(include, `${task.label}${task.run > 1 ? `, run ${task.run}` : ""}`);
    if (note !== undefined) {
      this.run.appendOutput(`${note}\r\n\r\n`);
    }
    this.narrowed = task.runs.some((each) => each.run === task.run && each.narrowed !== null);
    for (const item of this.narrowed ? [] : items.all(task)) {
      this.run.enqueued(item);
    }
  }

  /** A person stops it in Test Explorer. */
  get token(): vscode.CancellationToken {
    return this.run.token;
  }

  /** Takes the results since the last time. */
  hear(tests: readonly TestResult[]): void {
    this.queue = this.queue.then(() => this.take(tests));
  }

  /** Reads the results as they are now. */
  update(): Promise<void> {
    this.queue = this.queue.then(() => this.read());
    return this.queue;
  }

  /** Takes the last results and the output. */
  async end(): Promise<void> {
    await this.update();
    try {
      const { id: taskId, run } = this.task;
      const { text } = await this.sidecar.request("pillion/task/output", {
        taskId,
        run,
        tail: OUTPUT_LINES,
        limit: OUTPUT_BYTES,
      });
      this.run.appendOutput(text.replace(/\r?\n/g, "\r\n"));
    } catch {
      this.run.appendOutput("The output cannot be read any more.\r\n");
    }
    this.run.end();
  }

  /** The server is gone, or the task is: what was told stands. */
  cut(): void {
    this.run.end();
  }

  private async read(): Promise<void> {
    let results: TestResults;
    try {
      results = await this.sidecar.request("pillion/test/results", { taskId: this.task.id, run: this.task.run });
    } catch {
      return; // dismissed, or run again meanwhile: there is nothing more to tell of this run
    }
    await this.take(results.tests);
  }

  private async take(tests: readonly TestResult[]): Promise<void> {
    const suite: Suite = this.task;
    const omitted = await this.items.take(suite, tests);
    if (omitted > 0 && this.told.size === 0) {
      this.run.appendOutput(`${omitted} more tests are in the log alone.\r\n`);
    }
    for (const result of tests) {
      const item = this.items.itemOf(suite, result.id);
      const left = this.narrowed && result.status === "skipped";
      if (item && !left && this.told.get(result.id) !== said(result)) {
        this.told.set(result.id, said(result));
        this.tell(item, result);
      }
    }
  }

  private tell(item: vscode.TestItem, result: TestResult): void {
    const time = result.durationMs ?? undefined;
    if (result.status === "passed") {
      this.run.passed(item, time);
    } else if (result.status === "skipped") {
      this.run.skipped(item);
    } else {
      // The name alone comes first sometimes: messages of one failure add up, so that there is none yet.
      const known = result.file !== null || result.message !== null;
      this.run.failed(item, known ? message(result, this.task.id) : [], time);
    }
  }
}

/** A result is told once; of a failure whose place and message come later those once more. */
function said({ status, file, message: text }: TestResult): string {
  return `${status} ${status === "failed" && (file !== null || text !== null)}`;
}

function message(result: TestResult, taskId: string): vscode.TestMessage {
  const text = result.message ?? "failed";
  const compared = comparison(text);
  const told = compared
    ? vscode.TestMessage.diff(text, compared.expected, compared.actual)
    : new vscode.TestMessage(text);
  if (result.file !== null && result.line !== null) {
    const uri = vscode.Uri.file(result.file);
    const line = result.line - 1;
    told.location = new vscode.Location(uri, rangeOf(uri, result.id, taskId) ?? new vscode.Range(line, 0, line, 0));
  }
  return told;
}

/** Where its problem stands by now: diagnostics move with edits of the document. */
function rangeOf(uri: vscode.Uri, test: string, taskId: string): vscode.Range | undefined {
  return vscode.languages.getDiagnostics(uri).find((diagnostic) => {
    const data: unknown = Reflect.get(diagnostic, "data");
    return (
      typeof data === "object" &&
      data !== null &&
      Reflect.get(data, "test") === test &&
      Reflect.get(data, "taskId") === taskId
    );
  })?.range;
}
