/**
 * Reads the short facts (status, command, summary, duration) out of the text that the model was given when tasks ended.
 * The text itself is shown untouched; this is only for the folded row. Pure.
 */

import type { TaskStatus } from "../../src/protocol/task";

export interface Told {
  id: string;
  status: TaskStatus;
  command: string;
  summary: string | null;
  duration: string | null;
}

const statuses = new Set<string>([
  "queued",
  "running",
  "waiting_for_input",
  "succeeded",
  "failed",
  "timed_out",
  "killed",
  "interrupted",
]);

const entities: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };

function field(block: string, name: string): string | null {
  const open = `<${name}>`;
  const from = block.indexOf(open);
  const to = from < 0 ? -1 : block.indexOf(`</${name}>`, from);
  if (to < 0) return null;
  const value = block.slice(from + open.length, to).trim();
  return value === "" ? null : value.replace(/&(?:lt|gt|amp);/g, (entity) => entities[entity] ?? entity);
}

/** The tasks that a text tells of, in its order. */
export function parse(text: string): Told[] {
  const told: Told[] = [];
  for (const piece of text.split("<task_notification>").slice(1)) {
    const block = piece.split("</task_notification>", 1)[0] ?? "";
    const id = field(block, "task_id");
    const status = field(block, "status");
    if (id === null) continue;
    told.push({
      id,
      status: status !== null && statuses.has(status) ? (status as TaskStatus) : "running",
      command: field(block, "command") ?? id,
      summary: field(block, "summary"),
      duration: field(block, "duration"),
    });
  }
  return told;
}

export interface Failure {
  path: string;
  line: number;
  /** The test and what it said. */
  what: string;
}

/** The failures that a text names with their places. */
export function failures(text: string): Failure[] {
  const found: Failure[] = [];
  for (const piece of text.split("<failures>").slice(1)) {
    for (const line of (piece.split("</failures>", 1)[0] ?? "").split("\n")) {
      const at = /^(\S+?):(\d+)(?::\d+)? (.+)$/.exec(line);
      if (at?.[1] && at[3])
        found.push({
          path: at[1],
          line: Number(at[2]),
          what: at[3].replace(/&(?:lt|gt|amp);/g, (e) => entities[e] ?? e),
        });
    }
  }
  return found;
}
