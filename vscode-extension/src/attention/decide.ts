/** Whether the end of a task is worth a notification. Pure. */

import type { Task } from "../protocol";

/**
 * A task of this window that ran by itself, longer than `seconds` (0: never). What somebody stopped is no news, nor is what
 * a change of files began: that comes with every save.
 */
export function worthTelling(task: Task, seconds: number): boolean {
  const startedBy = task.runs.find(({ run }) => run === task.run)?.startedBy;
  const long = seconds > 0 && task.startedAt !== null && task.elapsedMs > seconds * 1000;
  return task.owned && long && task.status !== "killed" && startedBy !== "watch";
}
