/** What a person reads of a task: its icon, what is said after its label, its time. Pure. */

import type { Task, TaskStatus } from "../protocol";
import { isFinal } from "../state";

/** What a person reads for a status, the same in every editor. */
export const WORDS: Readonly<Record<TaskStatus, string>> = {
  queued: "queued",
  running: "running",
  waiting_for_input: "needs you",
  succeeded: "passed",
  failed: "failed",
  timed_out: "timed out",
  killed: "stopped",
  interrupted: "interrupted",
};

/** Whether the newest run went wrong by itself: not what somebody stopped. */
export function wentWrong(task: Task): boolean {
  return task.status === "failed" || task.status === "timed_out";
}

/** Whether there is something to stop: a run, what one left behind, or the watching of files. */
export function canStop(task: Task): boolean {
  return !isFinal(task.status) || task.watching || task.stragglers > 0;
}

/** Whether a task waits for a person: for an answer on its standard input, or for a permission. */
export function needsPerson(task: Task): boolean {
  const kind = task.waitingFor?.kind;
  return !isFinal(task.status) && (task.status === "waiting_for_input" || kind === "input" || kind === "permission");
}

/** Whether another task had to succeed first and did not: it never ran, and its summary names the step. */
export function didNotStart(task: Task): boolean {
  return task.startedAt === null && task.dependsOn.length > 0;
}

/** `8s` while it runs, `12.4s` when it is over, `2m 05s` from a minute on, `1h 02m` from an hour on. */
export function duration(ms: number, live: boolean): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds >= 3600) {
    return `${Math.floor(seconds / 3600)}h ${two(Math.floor((seconds % 3600) / 60))}m`;
  }
  if (seconds >= 60) {
    return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  }
  return live ? `${seconds}s` : `${(ms / 1000).toFixed(1)}s`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** `1 task`, `2 tasks`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

const MOST = 120;

/** The first line of a text that came from a command, bounded for a row. */
export function oneLine(text: string, most = MOST): string {
  const line = text.trim().split("\n", 1)[0]?.replace(/\s+/g, " ").trim() ?? "";
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/** What a summary comes down to in a row: `3 failed (2 new)`, else what passed. `wide`: all that has changed. */
export function shortSummary(summary: string | null, wide = false): string | undefined {
  const line = summary === null ? "" : oneLine(summary, 400);
  if (line === "") {
    return undefined;
  }
  const compared = /^(.*?)\s*\((.+) since [^()]+\)$/.exec(line);
  const head = compared?.[1] ?? line;
  const delta = compared?.[2];
  const failed = /\d+ failed/.exec(head)?.[0];
  const passed = /\d+ passed/.exec(head)?.[0];
  const short = failed !== undefined && failed !== "0 failed" ? failed : (passed ?? head);
  const changes = wide ? delta : /\d+ new/.exec(delta ?? "")?.[0];
  return changes === undefined ? short : `${short} (${changes})`;
}

/** What a row knows beside its task. */
export interface Surroundings {
  /** How long the newest run has taken so far, in ms. */
  readonly elapsed?: number | undefined;
  /** For the names of those that it waits for. */
  readonly tasks?: ReadonlyMap<string, Task> | undefined;
  /** There is room for all that a run has changed. */
  readonly wide?: boolean | undefined;
}

const NOBODY: Readonly<Record<string, string>> = {
  slot: "a free slot",
  lock: "a lock",
  dependency: "what comes before it",
};

function holderName(task: Task, holder: string, tasks: ReadonlyMap<string, Task> | undefined): string {
  const other = tasks?.get(holder);
  if (other === undefined) {
    return holder;
  }
  return other.command === task.command && other.cwd === task.cwd ? "the same command before it" : other.label;
}

function waiting(task: Task, tasks: ReadonlyMap<string, Task> | undefined): string | undefined {
  const on = task.waitingFor;
  if (on === null) {
    return undefined;
  }
  if (on.kind === "input" || on.kind === "permission") {
    return on.question === null ? undefined : oneLine(on.question);
  }
  const named = on.holder === null ? undefined : holderName(task, on.holder, tasks);
  return `waits for ${named ?? NOBODY[on.kind] ?? `a ${on.kind}`}`;
}

function liveDetail(task: Task): string[] {
  const parts: string[] = [];
  const message = oneLine(task.progress.message ?? "");
  if (message !== "") {
    parts.push(message);
  }
  const failed = task.progress.failed;
  if (failed > 0 && !message.includes("failed")) {
    parts.push(`${failed} failed`);
  }
  return parts;
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
      return WORDS.killed;
  }
}

function failedDetail(task: Task): string {
  const failed = task.progress.failed;
  if (failed > 0) {
    return `${failed} failed`;
  }
  return task.exitCode === null ? WORDS.failed : `${WORDS.failed} (${task.exitCode})`;
}

function endedDetail(task: Task, wide: boolean): string[] {
  const summary = shortSummary(task.summary, wide);
  const parts: string[] = [];
  if (task.status === "succeeded") {
    parts.push(summary ?? WORDS.succeeded);
  } else if (task.status === "failed") {
    parts.push(summary ?? failedDetail(task));
  } else if (task.status === "killed") {
    parts.push(stopped(task));
  } else {
    parts.push(WORDS[task.status]);
  }
  if (task.flaky) {
    parts.push(`flaky: attempt ${task.attempt} of ${task.maxAttempts}`);
  }
  if (task.wantedAnswer !== null) {
    parts.push("may have wanted an answer");
  }
  if (task.stragglers > 0) {
    parts.push(`${task.stragglers} left running`);
  }
  return parts;
}

/** How long a server has been up is no news, and a row that stands still is calmer. */
function timed(task: Task): boolean {
  return task.startedAt !== null && task.status !== "queued" && (isFinal(task.status) || task.ready === null);
}

/** What is said of a task after its label: words, progress, time. */
export function parts(task: Task, around: Surroundings = {}): string[] {
  const ended = isFinal(task.status);
  // Not at the end: where a row is cut, its end goes first.
  const time = timed(task) && around.elapsed !== undefined ? duration(around.elapsed, !ended) : undefined;
  let said: (string | undefined)[];
  if (ended) {
    const [how, ...more] = endedDetail(task, around.wide ?? false);
    said = [how, time, ...more];
  } else if (needsPerson(task)) {
    said = [task.waitingFor?.kind === "permission" ? "may it run?" : undefined, waiting(task, undefined), time];
  } else if (task.status === "queued") {
    said = [waiting(task, around.tasks) ?? WORDS.queued];
  } else {
    const detail = liveDetail(task);
    said = [...detail, time, waiting(task, around.tasks)];
    if (detail.length === 0 && task.waitingFor === null) {
      said.push(oneLine(task.output.lastLine, 80));
    }
  }
  if (task.stopping) {
    said.push("stopping");
  }
  if (task.attempt > 1 && !ended) {
    said.push(`attempt ${task.attempt} of ${task.maxAttempts}`);
  }
  if (task.watching) {
    said.push("watching");
  }
  if (task.unsaved.length > 0) {
    said.push(`${task.unsaved.length} unsaved`);
  }
  if (!task.owned) {
    said.push("other window");
  }
  return said.filter((part): part is string => part !== undefined && part !== "");
}

/** A product icon of VS Code and the theme colour that it is shown in. */
export interface Icon {
  readonly id: string;
  readonly color?: string;
}

/** The icon of a task as it stands. */
export function icon(task: Task): Icon {
  if (needsPerson(task)) {
    return { id: "question", color: "notificationsWarningIcon.foreground" };
  }
  switch (task.status) {
    case "queued":
      return { id: "circle-outline", color: "testing.iconQueued" };
    case "running":
    case "waiting_for_input":
      return task.ready === null ? { id: "loading~spin" } : { id: "broadcast", color: "testing.iconPassed" };
    case "succeeded":
      return { id: "check", color: "testing.iconPassed" };
    case "failed":
    case "timed_out":
      return { id: "close", color: "testing.iconFailed" };
    case "killed":
    case "interrupted":
      return { id: "debug-stop", color: "testing.iconSkipped" };
  }
}
