/** The icon and the time of a task in the page. What is said of it is said in the same words as everywhere. Pure. */

import type { Task, TaskStatus } from "../../src/protocol/task";
import { isFinal } from "../../src/state";
import { duration, needsPerson } from "../../src/tasks/words";

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
  failed: { name: "close", look: "failed", spin: false },
  timed_out: { name: "close", look: "failed", spin: false },
  killed: { name: "debug-stop", look: "muted", spin: false },
  interrupted: { name: "debug-stop", look: "muted", spin: false },
};

export function statusIcon(status: TaskStatus): Icon {
  return icons[status];
}

export function taskIcon(task: Task): Icon {
  if (needsPerson(task)) return icons.waiting_for_input;
  if (task.status === "running" && task.ready) return { name: "broadcast", look: "passed", spin: false };
  return icons[task.status];
}

/** How long it has taken; `elapsed` is in ms. How long a server has been up is no news. */
export function taskTime(task: Task, elapsed: number): string | null {
  const over = isFinal(task.status);
  const counts = task.startedAt !== null && task.status !== "queued" && (over || task.ready === null);
  return counts ? duration(elapsed, !over) : null;
}
