/**
 * Test Explorer: shows the results of every run that Pillion sees, and runs tests again as tasks. It looks for no tests
 * itself: what has not run yet is known by its project's command alone, and that only where no other extension does more.
 */

import * as vscode from "vscode";

import { attempt } from "./errors";
import type { Task } from "./protocol";
import type { Sidecar } from "./sidecar";
import type { Store } from "./store";
import { Items, type Suite } from "./testing/items";
import { showsSource } from "./testing/others";
import { PublishedRun } from "./testing/publish";
import { Reruns } from "./testing/reruns";

export class Tests implements vscode.Disposable {
  readonly items: Items;
  private readonly controller = vscode.tests.createTestController("pillion", "Pillion");
  /** By the task's id: its newest run. */
  private readonly live = new Map<string, PublishedRun>();
  private readonly reruns: Reruns;
  private readonly published = new Set<string>();
  private readonly disposables: vscode.Disposable[];

  constructor(
    private readonly sidecar: Sidecar,
    private readonly store: Store,
  ) {
    this.items = new Items(this.controller);
    this.reruns = new Reruns(sidecar, store);
    this.controller.resolveHandler = async (item) => {
      if (item === undefined) {
        await this.findCommands();
      }
    };
    this.controller.refreshHandler = () => this.findCommands();
    this.disposables = [
      this.controller,
      this.items,
      vscode.commands.registerCommand("pillion.tests.rerun", (item: vscode.TestItem) => this.rerunItem(item)),
      this.controller.createRunProfile("Run", vscode.TestRunProfileKind.Run, (request) => this.run(request), true),
      sidecar.on("pillion/test/results", ({ taskId, run, tests }) => {
        const live = this.live.get(taskId);
        if (live?.task.run === run) {
          live.hear(tests);
        }
      }),
      store.onDidChange((change) => {
        if (change.type === "task") {
          this.see(change.task);
        } else if (change.type === "task_ended") {
          this.ended(change.task);
        } else if (change.type === "tasks") {
          this.compare();
        } else if (change.type === "task_dismissed") {
          this.forget(change.taskId);
        }
      }),
    ];
  }

  /** Runs some tests of a suite again, or all of it. */
  rerun(suite: Suite, only: readonly string[] | undefined): Promise<void> {
    return this.reruns.again(suite, only);
  }

  /** The tests that failed in the newest run of a task. */
  failed(task: Task): Promise<string[]> {
    return this.reruns.failed(task);
  }

  private async rerunItem(item: vscode.TestItem): Promise<void> {
    const suite = this.items.suiteOf(item);
    if (suite) {
      await this.rerun(suite, this.items.testsOf(item));
    }
  }

  /** The project's test commands, so that there is something to run before the first run. */
  private async findCommands(): Promise<void> {
    const installed = (id: string): boolean => vscode.extensions.getExtension(id) !== undefined;
    const found = await attempt(this.sidecar.request("pillion/project/commands", {}));
    for (const { command, cwd, label, group, source } of found?.commands ?? []) {
      if (group === "test" && !showsSource(source, installed)) {
        this.items.root({ command, cwd, label });
      }
    }
  }

  private async run(request: vscode.TestRunRequest): Promise<void> {
    const included = request.include ?? [...this.controller.items].map(([, item]) => item);
    const excluded = new Set((request.exclude ?? []).flatMap((item) => this.items.testsOf(item)));
    const bySuite = new Map<string, { suite: Suite; whole: boolean; only: string[] }>();
    for (const item of included) {
      const suite = this.items.suiteOf(item);
      if (suite) {
        const key = Items.key(suite);
        const entry = bySuite.get(key) ?? { suite, whole: false, only: [] };
        entry.whole ||= item.parent === undefined && excluded.size === 0;
        entry.only.push(...this.items.testsOf(item).filter((id) => !excluded.has(id)));
        bySuite.set(key, entry);
      }
    }
    await Promise.all(
      [...bySuite.values()].map(({ suite, whole, only }) =>
        this.reruns.again(suite, whole ? undefined : only, request),
      ),
    );
  }

  /** A task is told of: a run of tests begins to be shown when its first result is there, or when it is known to test. */
  private see(task: Task): void {
    const known = this.items.all(task).length > 0 || this.reruns.has(task.id);
    const live = this.live.get(task.id);
    if (!task.owned || task.startedAt === null || task.status === "queued" || !(counted(task) || known || live)) {
      return;
    }
    if (task.endedAt !== null && live?.task.run !== task.run && !counted(task)) {
      return;
    }
    this.show(task);
  }

  private show(task: Task): PublishedRun {
    const known = this.live.get(task.id);
    if (known?.task.run === task.run) {
      return known;
    }
    this.drop(task.id);
    const asked = this.reruns.take(task.id);
    const run = new PublishedRun(this.controller, this.sidecar, this.items, task, asked?.request, asked?.note);
    run.token.onCancellationRequested(() => {
      void attempt(this.sidecar.request("pillion/task/stop", { taskId: task.id }));
    });
    this.live.set(task.id, run);
    this.published.add(runOf(task));
    void run.update(); // what it told before it was shown here
    return run;
  }

  private ended(task: Task): void {
    const live = this.live.get(task.id);
    if (live?.task.run === task.run) {
      this.live.delete(task.id);
      void live.end().finally(() => {
        this.reruns.over(task.id);
      });
    } else {
      this.reruns.over(task.id);
    }
  }

  private drop(taskId: string): void {
    const live = this.live.get(taskId);
    if (live) {
      this.live.delete(taskId);
      live.cut();
    }
  }

  private forget(taskId: string): void {
    for (const run of this.published) {
      if (run.startsWith(`${taskId}\n`)) {
        this.published.delete(run);
      }
    }
  }

  /** A new server: what it does not know is not shown as running. What goes on is shown again. */
  private compare(): void {
    for (const id of [...this.live.keys()]) {
      if (!this.store.tasks.has(id)) {
        this.drop(id);
        this.reruns.over(id);
      }
    }
    const newest = new Map<string, Task>();
    for (const task of this.store.tasks.values()) {
      if (task.endedAt === null) {
        this.see(task);
      } else if (task.owned && counted(task) && task.endedAt > (newest.get(Items.key(task))?.endedAt ?? "")) {
        newest.set(Items.key(task), task);
      }
    }
    // After a reload the last results are there again, unless a newer run of the same command goes on.
    for (const task of newest.values()) {
      const goesOn = [...this.live.values()].some((run) => Items.key(run.task) === Items.key(task));
      if (!goesOn && !this.published.has(runOf(task))) {
        void this.restore(task);
      }
    }
  }

  /** A run that was over before this server began: it may know no single results of it any more. */
  private async restore(task: Task): Promise<void> {
    this.items.root(task);
    try {
      const { tests } = await this.sidecar.request("pillion/test/results", { taskId: task.id, run: task.run });
      if (tests.length > 0 && !this.published.has(runOf(task))) {
        this.show(task);
        this.ended(task);
      }
    } catch {
      // Dismissed or run again meanwhile: what comes of that is told by itself.
    }
  }

  dispose(): void {
    for (const id of [...this.live.keys()]) {
      this.drop(id);
    }
    vscode.Disposable.from(...this.disposables).dispose();
  }
}

function counted(task: Task): boolean {
  const { passed, failed, skipped } = task.progress;
  return passed + failed + skipped > 0;
}

function runOf(task: Task): string {
  return `${task.id}\n${task.run}`;
}
