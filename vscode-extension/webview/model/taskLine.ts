/** What is said of a task in one row: an icon, words, progress, time. Pure. */

import type { Task, TaskStatus } from "../../src/protocol/task";
import { short } from "./notification";

const finals: readonly TaskStatus[] = ["succeeded", "failed", "timed_out", "killed", "interrupted"];

export function isFinal(status: TaskStatus): boolean {
  return finals.includes(status);
}

/** The words that a person reads everywhere. */
export const statusWords: Record<TaskStatus, string> = {
  queued: "queued",
  running: "running",
  waiting_for_input: "needs you",
  succeeded: "passed",
  failed: "failed",
  timed_out: "timed out",
  killed: "stopped",
  interrupted: "interrupted",
};

export type Look = "muted" | "running" | "passed" | "failed" | "question";

export interface Icon {
  /** A codicon's name. */
  name: string;
  look: Look;
  spin: boolean;
}

const icons: Record<TaskStatus, Icon> = {
  queued: { name: "circle-outline", look: "muted", spin: false },
  running: { name: "loading", look: "running", spin: true },
  waiting_for_input: { name: "question", look: "question", spin: false },
  succeeded: { name: "check", look: "passed", spin: false },
  failed: { name: "error", look: "failed", spin: false },
  timed_out: { name: "watch", look: "failed", spin: false },
  killed: { name: "circle-slash", look: "muted", spin: false },
  interrupted: { name: "warning", look: "failed", spin: false },
};

export function needsPerson(task: Task): boolean {
  const on = task.waitingFor?.kind;
  return !isFinal(task.status) && (task.status === "waiting_for_input" || on === "input" || on === "permission");
}

export function statusIcon(status: TaskStatus): Icon {
  return icons[status];
}

export function taskIcon(task: Task): Icon {
  return icons[needsPerson(task) ? "waiting_for_input" : task.status];
}

/** `8s` while it runs, `12.4s` when it is over, `2m 05s` from a minute on. */
export function duration(ms: number, live: boolean): string {
  if (ms >= 60_000) {
    const seconds = Math.floor(ms / 1000);
    return `${Math.floor(seconds / 60)}m ${String(seconds % 60).padStart(2, "0")}s`;
  }
  return live ? `${Math.floor(ms / 1000)}s` : `${(ms / 1000).toFixed(1)}s`;
}

const nobody = { slot: "a free slot", lock: "a lock", dependency: "what comes before it" };

function waiting(task: Task, tasks: ReadonlyMap<string, Task>): string | null {
  const on = task.waitingFor;
  if (!on) return null;
  if (on.kind === "input" || on.kind === "permission") return on.question;
  const holder = on.holder === null ? undefined : tasks.get(on.holder);
  if (!holder) return `waits for ${on.holder ?? nobody[on.kind]}`;
  const same = holder.command === task.command && holder.cwd === task.cwd;
  return `waits for ${same ? "the same command before it" : holder.label}`;
}

function live(task: Task): (string | null)[] {
  const { message, failed } = task.progress;
  const said = message !== null && message.includes("failed");
  return [message, failed > 0 && !said ? `${failed} failed` : null];
}

/** Who stopped it, unless it was the person. */
function stopped(task: Task): string {
  switch (task.stoppedBy) {
    case "agent":
      return "stopped by the agent";
    case "limit":
      return "stopped by a limit";
    case "exit":
      return task.lifetime === "turn" ? "stopped with its turn" : "stopped with its window";
    default:
      return statusWords.killed;
  }
}

function ending(task: Task): string {
  const summary = short(task.summary);
  switch (task.status) {
    case "succeeded":
      return summary ?? statusWords.succeeded;
    case "failed":
      if (summary !== null) return summary;
      if (task.progress.failed > 0) return `${task.progress.failed} failed`;
      return task.exitCode === null ? statusWords.failed : `failed (${task.exitCode})`;
    case "killed":
      return stopped(task);
    default:
      return statusWords[task.status];
  }
}

function ended(task: Task): (string | null)[] {
  return [
    ending(task),
    task.flaky ? `flaky: attempt ${task.attempt} of ${task.maxAttempts}` : null,
    task.wantedAnswer === null ? null : "may have wanted an answer",
    task.stragglers > 0 ? `${task.stragglers} left running` : null,
  ];
}

/** What is said of a task after its label, without its time. */
export function taskParts(task: Task, tasks: ReadonlyMap<string, Task>): string[] {
  const over = isFinal(task.status);
  let parts: (string | null)[];
  if (over) parts = ended(task);
  else if (needsPerson(task)) parts = [statusWords.waiting_for_input, waiting(task, tasks)];
  else if (task.status === "queued") parts = [statusWords.queued, waiting(task, tasks)];
  else parts = [...live(task), waiting(task, tasks)];
  if (task.stopping) parts.push("stopping");
  if (task.attempt > 1 && !over) parts.push(`attempt ${task.attempt} of ${task.maxAttempts}`);
  if (task.watching) parts.push("watching");
  if (task.unsaved.length > 0) parts.push(`${task.unsaved.length} unsaved`);
  if (!task.owned) parts.push("other window");
  return parts.filter((part) => part !== null && part !== "") as string[];
}

/** How long it has taken; `elapsed` is in ms. How long a server has been up is no news, and a row that stands still is calmer. */
export function taskTime(task: Task, elapsed: number): string | null {
  const over = isFinal(task.status);
  const counts = task.startedAt !== null && task.status !== "queued" && (over || task.ready === null);
  return counts ? duration(elapsed, !over) : null;
}
