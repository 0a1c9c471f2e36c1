/** Runs tests again as tasks: some of a suite, or all of it where they cannot be run alone. */

import * as vscode from "vscode";

import { attempt, messageOf, refusal } from "../errors";
import type { Task } from "../protocol";
import type { Sidecar } from "../sidecar";
import type { Store } from "../store";
import { oneLine } from "../tasks/words";
import { Items, type Suite } from "./items";

/** How long the status bar says that more runs than was asked for, in ms. */
const SAID = 8000;

/** What a person asked for in Test Explorer. Its run there has to be made from the request. */
export interface Asked {
  readonly request: vscode.TestRunRequest;
  /** What is to be said at the beginning of its output. */
  readonly note: string | undefined;
}

export class Reruns {
  /** By the task that does it, until its run begins. */
  private readonly asked = new Map<string, Asked>();
  /** By the task: whoever waits for the end of its run. Test Explorer takes a run for over when nobody does. */
  private readonly waiting = new Map<string, () => void>();

  constructor(
    private readonly sidecar: Sidecar,
    private readonly store: Store,
  ) {}

  has(taskId: string): boolean {
    return this.asked.has(taskId);
  }

  /** The request for the run that begins now. */
  take(taskId: string): Asked | undefined {
    const asked = this.asked.get(taskId);
    this.asked.delete(taskId);
    return asked;
  }

  /** The run of a task is over, or will not come. */
  over(taskId: string): void {
    this.asked.delete(taskId);
    this.waiting.get(taskId)?.();
    this.waiting.delete(taskId);
  }

  /** Runs some tests again, or all; with a `request` until their run is over. */
  async again(suite: Suite, only: readonly string[] | undefined, request?: vscode.TestRunRequest): Promise<void> {
    const known = this.newest(suite);
    const started = known ? await this.rerun(known, only, request) : await this.start(suite, only, request);
    if (!started) {
      if (known) {
        this.over(known.id);
      }
      return;
    }
    if (request && !isOver(this.store.tasks.get(started.id), started)) {
      await new Promise<void>((resolve) => {
        this.waiting.set(started.id, resolve);
      });
    }
  }

  private newest(suite: Suite): Task | undefined {
    return [...this.store.tasks.values()]
      .filter((task) => task.owned && Items.key(task) === Items.key(suite))
      .sort((left, right) => (left.createdAt < right.createdAt ? 1 : -1))[0];
  }

  private async start(
    { command, cwd, label }: Suite,
    only: readonly string[] | undefined,
    request?: vscode.TestRunRequest,
  ): Promise<Task | undefined> {
    const params = { command, cwd, label, group: "test", onExit: "next_turn" } as const;
    const started = await attempt(this.sidecar.request("pillion/task/start", params));
    if (started && request && !this.store.tasks.get(started.task.id)?.startedAt) {
      this.asked.set(started.task.id, { request, note: only && WHOLE });
    }
    return started?.task;
  }

  private async rerun(
    task: Task,
    only: readonly string[] | undefined,
    request?: vscode.TestRunRequest,
  ): Promise<Task | undefined> {
    const taskId = task.id;
    // Before the request: its first status may come ahead of the answer.
    const ask = (note?: string): void => {
      if (request) {
        this.asked.set(taskId, { request, note });
      }
    };
    ask();
    const wanted = only && (await attempt(this.choice(task, only)));
    if (wanted !== undefined) {
      try {
        return (await this.sidecar.request("pillion/task/rerun", { taskId, only: wanted })).task;
      } catch (error) {
        const { kind, field } = refusal(error);
        if (kind !== "not_narrowed" && field !== "only") {
          await attempt(Promise.reject(error instanceof Error ? error : new Error(messageOf(error))));
          return undefined;
        }
      }
    }
    if (only) {
      ask(WHOLE);
      const text = `$(info) Pillion: all of \`${oneLine(task.label, 60)}\` runs again, not these tests alone`;
      vscode.window.setStatusBarMessage(text, SAID);
    }
    return (await attempt(this.sidecar.request("pillion/task/rerun", { taskId })))?.task;
  }

  /** The server's word for these tests: one by its id, all that failed. There is none for any others. */
  private async choice(task: Task, only: readonly string[]): Promise<string | undefined> {
    const [first] = only;
    if (only.length === 1) {
      return first;
    }
    const failed = new Set(await this.failed(task));
    return only.length > 0 && only.length === failed.size && only.every((id) => failed.has(id)) ? "failed" : undefined;
  }

  /** The tests that failed in the newest run of a task. */
  async failed(task: Task): Promise<string[]> {
    const { tests } = await this.sidecar.request("pillion/test/results", { taskId: task.id });
    return tests.filter(({ status }) => status === "failed").map(({ id }) => id);
  }
}

/** Whether the run that was started has ended before anybody could wait for it. */
function isOver(now: Task | undefined, started: Task): boolean {
  return now === undefined ? started.endedAt !== null : now.run === started.run && now.endedAt !== null;
}

const WHOLE = "These tests cannot be run alone: this is a run of the whole command.";
