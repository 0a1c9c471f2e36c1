/** The order of the tasks view: what runs, what needs someone, what waits, what is over. Pure. */

import type { Question, Task } from "../protocol";
import { isFinal, type OpenQuestion } from "../state";
import { needsPerson } from "./words";

export type GroupId = "running" | "needs" | "queued" | "finished";

export const GROUP_IDS: readonly GroupId[] = ["running", "needs", "queued", "finished"];

export const GROUP_LABELS: Readonly<Record<GroupId, string>> = {
  running: "Running",
  needs: "Needs you",
  queued: "Queued",
  finished: "Finished",
};

export interface Group {
  readonly id: GroupId;
  readonly tasks: readonly Task[];
}

export function groupOf(task: Task): GroupId {
  if (isFinal(task.status)) {
    return "finished";
  }
  if (needsPerson(task)) {
    return "needs";
  }
  return task.status === "queued" ? "queued" : "running";
}

/** What waits for a change of files stands above what is over for good; then newest first. */
function compare(left: Task, right: Task): number {
  const watching = Number(right.watching) - Number(left.watching);
  if (isFinal(left.status) && isFinal(right.status) && watching !== 0) {
    return watching;
  }
  const [a, b] = [left.endedAt ?? left.createdAt, right.endedAt ?? right.createdAt];
  if (a !== b) {
    return a > b ? -1 : 1;
  }
  return left.id > right.id ? -1 : 1;
}

/** The groups that have tasks, each in the order in which it is shown. */
export function groups(tasks: Iterable<Task>): Group[] {
  const found = new Map<GroupId, Task[]>(GROUP_IDS.map((id) => [id, []]));
  for (const task of tasks) {
    found.get(groupOf(task))?.push(task);
  }
  return GROUP_IDS.map((id) => ({ id, tasks: (found.get(id) ?? []).sort(compare) })).filter(
    (group) => group.tasks.length > 0,
  );
}

/** Whether a question is about the call that started a task. Calls of subagents may have the ids of others. */
export function isAboutCallOf(task: Task, question: Question): boolean {
  return (
    task.toolCallId === question.toolCall.toolCallId &&
    task.parentToolCallId === question.parentToolCallId &&
    task.sessionId === question.sessionId
  );
}

/** The badge's number: what runs in this window or needs an answer, each once. */
export function busy(tasks: Iterable<Task>, questions: Iterable<OpenQuestion>): number {
  const live = [...tasks].filter((task) => task.owned && ["running", "needs"].includes(groupOf(task)));
  const others = [...questions].filter(
    (open) => open.kind === "permission" && !live.some((task) => isAboutCallOf(task, open.question)),
  );
  return live.length + others.length;
}
