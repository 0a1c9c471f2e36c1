/** The agent's edits of a session that nobody has settled yet, by file. Pure; the newest list replaces what was known. */

import type { Change } from "../protocol";
import { type EditHunk, gone, hunks } from "./hunks";

/** A hunk that waits for a decision, with what the server calls it. */
export interface PendingHunk {
  readonly turnId: string;
  readonly path: string;
  readonly hunk: EditHunk;
}

export class PendingEdits {
  private readonly byPath: ReadonlyMap<string, readonly Change[]>;

  constructor(changes: readonly Change[]) {
    const byPath = new Map<string, Change[]>();
    for (const change of changes.filter(({ state }) => state === "pending")) {
      byPath.set(change.path, [...(byPath.get(change.path) ?? []), change]);
    }
    this.byPath = byPath;
  }

  /** In the order in which the agent began to edit them. */
  get paths(): string[] {
    return [...this.byPath.keys()];
  }

  changes(path: string): readonly Change[] {
    return this.byPath.get(path) ?? [];
  }

  /** What became of a file: the newest of its changes says it. */
  kind(path: string): Change["kind"] | undefined {
    const all = this.changes(path);
    return all[0]?.kind === "create" && all.at(-1)?.kind !== "delete" ? "create" : all.at(-1)?.kind;
  }

  /**
   * What is to be taken out of a file to have it as it was before what waits, by change, the oldest first. What is kept
   * stays; it goes too in the second way, for where an edit that waits was written over by one that is kept.
   */
  ways(path: string): EditHunk[][][] {
    const standing = this.changes(path).map((change) => hunks(change).filter(({ state }) => state !== "reverted"));
    return [standing.map((all) => all.filter(({ state }) => state === "pending")), standing];
  }

  /** The hunks that wait for a decision. */
  pending(path: string): PendingHunk[] {
    return this.changes(path).flatMap((change) =>
      hunks(change)
        .filter(({ state }) => state === "pending")
        .map((hunk) => ({ turnId: change.turnId, path, hunk })),
    );
  }

  /** Those that somebody seems to have taken back in the file, without a word. `text` is undefined where it is gone. */
  gone(path: string, text: string | undefined): PendingHunk[] {
    return this.changes(path).flatMap((change) =>
      gone(hunks(change), text).map((hunk) => ({ turnId: change.turnId, path, hunk })),
    );
  }

  /** Lines that are not in the diffs, because they were too many. */
  omitted(path: string): number {
    return this.changes(path).reduce((sum, { omittedLines }) => sum + omittedLines, 0);
  }
}
