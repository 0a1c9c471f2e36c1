/** The difference of two texts as the lines that a row shows: what changed, with a little around it, and no more than fits. */

import { parsePatch, structuredPatch } from "diff";

import type { Content, DiffLine } from "../../webview/model/items";

/** Lines that are shown around a change. */
const AROUND = 2;
/** Lines of one diff that are shown; the rest is counted. */
const MOST_LINES = 400;
/** Characters of a line that are shown. */
const MOST_WIDE = 1000;
/** Milliseconds for looking for the smallest difference; a longer search ends with a coarser one. */
const TIMEOUT_MS = 100;

type Diff = Extract<Content, { type: "diff" }>;

export function lineDiff(path: string, oldText: string | null, newText: string): Diff {
  const before = oldText ?? "";
  const patch = structuredPatch("", "", before, newText, "", "", { context: AROUND, timeout: TIMEOUT_MS });
  return shown(path, oldText === null, patch?.hunks ?? [whole(before, newText)]);
}

/** The same of a unified diff, as the server keeps it. */
export function patchDiff(path: string, created: boolean, patch: string): Diff {
  return shown(
    path,
    created,
    parsePatch(patch).flatMap(({ hunks }) => hunks),
  );
}

interface Lines {
  oldStart: number;
  newStart: number;
  lines: string[];
}

function shown(path: string, created: boolean, hunks: readonly Lines[]): Diff {
  const diff: Diff = { type: "diff", path, created, added: 0, removed: 0, lines: [], omitted: 0 };
  for (const [at, hunk] of hunks.entries()) {
    if (at > 0) {
      put(diff, { kind: "gap", text: "", line: 0 });
    }
    let { oldStart, newStart } = hunk;
    for (const line of hunk.lines) {
      const text = line.slice(1, 1 + MOST_WIDE);
      switch (line[0]) {
        case "+":
          diff.added += 1;
          put(diff, { kind: "added", text, line: newStart++ });
          break;
        case "-":
          diff.removed += 1;
          put(diff, { kind: "removed", text, line: oldStart++ });
          break;
        case " ":
          oldStart += 1;
          put(diff, { kind: "context", text, line: newStart++ });
          break;
        default: // "\ No newline at end of file"
      }
    }
  }
  return diff;
}

/** All of the old, then all of the new: where the difference takes too long to find. */
function whole(before: string, after: string): Lines {
  const lines = (text: string): string[] => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));
  return {
    oldStart: 1,
    newStart: 1,
    lines: [...lines(before).map((line) => `-${line}`), ...lines(after).map((line) => `+${line}`)],
  };
}

function put(diff: Diff, line: DiffLine): void {
  if (diff.lines.length < MOST_LINES) {
    diff.lines.push(line);
  } else if (line.kind !== "gap") {
    diff.omitted += 1;
  }
}
