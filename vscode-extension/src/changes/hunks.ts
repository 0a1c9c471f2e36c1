/**
 * The hunks of an edit as the server's diff tells them, and where they stand in a document that may have been
 * written in since. Pure. Lines here are 0-based unless a name says otherwise.
 */

import type { Change, ChangeState } from "../protocol";

/** One hunk: what stood there and what stands there now, with the lines around that both have. */
export interface EditHunk {
  /** As the server counts it; what `pillion/change/accept` and `revert` take. */
  readonly index: number;
  readonly state: ChangeState;
  /** Where its new side began when the turn ended; 1-based, 0 where the file was empty. */
  readonly newStart: number;
  readonly oldSide: readonly string[];
  readonly newSide: readonly string[];
  /** How many lines both sides share at their beginning and at their end. */
  readonly before: number;
  readonly after: number;
}

interface Raw {
  readonly newStart: number;
  readonly lines: string[];
}

const HEADER = /^@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

function rawHunks(diff: string): Raw[] {
  const found: Raw[] = [];
  for (const line of diff.split("\n")) {
    const header = HEADER.exec(line);
    if (header) {
      found.push({ newStart: Number(header[1]), lines: [] });
    } else if (/^[ +-]/.test(line)) {
      found.at(-1)?.lines.push(line);
    }
  }
  return found;
}

function shared(lines: readonly string[]): number {
  const first = lines.findIndex((line) => !line.startsWith(" "));
  return first < 0 ? lines.length : first;
}

/** The hunks of a change; without those whose text the server left out (`omittedLines`). */
export function hunks(change: Change): EditHunk[] {
  const raw = rawHunks(change.diff);
  return change.hunks.flatMap(({ index, state, oldLines, newLines }, at) => {
    const { newStart, lines } = raw[at] ?? { newStart: 0, lines: [] };
    const side = (without: string): string[] =>
      lines.filter((line) => !line.startsWith(without)).map((line) => line.slice(1).replace(/\r$/, ""));
    const hunk = {
      index,
      state,
      newStart,
      oldSide: side("+"),
      newSide: side("-"),
      before: shared(lines),
      after: shared([...lines].reverse()),
    };
    return hunk.oldSide.length === oldLines && hunk.newSide.length === newLines ? [hunk] : [];
  });
}

/** A hunk in a document as it is now. `start` is the first line that it changed, `end` is behind the last. */
export interface Placed {
  readonly hunk: EditHunk;
  readonly start: number;
  readonly end: number;
  /** What stood in these lines before. */
  readonly was: readonly string[];
}

function stands(lines: readonly string[], wanted: readonly string[], at: number): boolean {
  return at >= 0 && at + wanted.length <= lines.length && wanted.every((line, offset) => lines[at + offset] === line);
}

/** The place of `wanted` in `lines` that is nearest to `near`. */
function nearest(lines: readonly string[], wanted: readonly string[], near: number): number | undefined {
  for (let away = 0; away <= Math.max(near, lines.length); away += 1) {
    for (const at of away === 0 ? [near] : [near - away, near + away]) {
      if (stands(lines, wanted, at)) {
        return at;
      }
    }
  }
  return undefined;
}

/** Where a hunk stands: with all that is around it, else with less, else nowhere. */
function place(hunk: EditHunk, lines: readonly string[], drift: number): Placed | undefined {
  for (let around = Math.max(hunk.before, hunk.after); around >= 0; around -= 1) {
    const skip = hunk.before - Math.min(hunk.before, around);
    const drop = hunk.after - Math.min(hunk.after, around);
    const wanted = hunk.newSide.slice(skip, hunk.newSide.length - drop);
    const whole = hunk.newSide.length === 0 && hunk.before + hunk.after === 0; // the file was emptied
    if (wanted.length === 0 && !whole) {
      return undefined;
    }
    const near = Math.max(0, hunk.newStart - 1) + skip + drift;
    const at = nearest(lines, wanted, near);
    if (at !== undefined) {
      const start = at + hunk.before - skip;
      return {
        hunk,
        start,
        end: start + hunk.newSide.length - hunk.before - hunk.after,
        was: hunk.oldSide.slice(hunk.before, hunk.oldSide.length - hunk.after),
      };
    }
  }
  return undefined;
}

/** Where the hunks stand in a text, in its order. Those that are reverted, or written over since, stand nowhere. */
export function placed(all: readonly EditHunk[], text: string): Placed[] {
  const lines = split(text);
  const found: Placed[] = [];
  let drift = 0;
  for (const hunk of all) {
    const here = hunk.state === "reverted" ? undefined : place(hunk, lines, drift);
    if (here) {
      found.push(here);
      drift = here.start - hunk.before - Math.max(0, hunk.newStart - 1);
    }
  }
  return found.sort((left, right) => left.start - right.start);
}

/** How many of the lines around a side of a hunk are found with it; -1 where it is nowhere, or is nothing by itself. */
function found(hunk: EditHunk, side: readonly string[], lines: readonly string[]): number {
  if (side.length === 0) {
    return lines.length === 0 ? 0 : -1;
  }
  for (let around = Math.max(hunk.before, hunk.after); around >= 0; around -= 1) {
    const skip = hunk.before - Math.min(hunk.before, around);
    const drop = hunk.after - Math.min(hunk.after, around);
    const wanted = side.slice(skip, side.length - drop);
    if (wanted.length > 0 && nearest(lines, wanted, Math.max(0, hunk.newStart - 1)) !== undefined) {
      return around;
    }
  }
  return -1;
}

/**
 * The hunks that wait, and that somebody seems to have taken back without a word: what stood there before stands there
 * again. The server knows for sure. `text` is undefined where there is no file.
 */
export function gone(all: readonly EditHunk[], text: string | undefined): EditHunk[] {
  const lines = split(text ?? "");
  return all.filter(
    (hunk) => hunk.state === "pending" && found(hunk, hunk.oldSide, lines) > found(hunk, hunk.newSide, lines),
  );
}

function split(text: string): string[] {
  const lines = text.split("\n").map((line) => line.replace(/\r$/, ""));
  if (lines.at(-1) === "") {
    lines.pop(); // a line end is the end of a line, not the beginning of another
  }
  return lines;
}

/** The text as it was before the hunks; undefined where one of them cannot be found any more. */
export function before(all: readonly EditHunk[], text: string): string | undefined {
  const wanted = all.filter((hunk) => hunk.state !== "reverted");
  const found = placed(wanted, text);
  if (found.length !== wanted.length) {
    return undefined;
  }
  const lines = split(text);
  for (const { start, end, was } of [...found].reverse()) {
    lines.splice(start, end - start, ...was);
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

/** `+3 −1`: lines that came and went. */
export function delta(all: readonly EditHunk[]): string {
  const added = all.reduce((sum, hunk) => sum + hunk.newSide.length - hunk.before - hunk.after, 0);
  const removed = all.reduce((sum, hunk) => sum + hunk.oldSide.length - hunk.before - hunk.after, 0);
  return [...(added > 0 ? [`+${added}`] : []), ...(removed > 0 ? [`−${removed}`] : [])].join(" ");
}
