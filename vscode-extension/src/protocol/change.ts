/** The agent's edits: `pillion/change/*`. */

import type { SessionParams } from "./session";

export interface ChangeParams extends SessionParams {
  turnId?: string;
  /** A path or a `file:` URI. */
  path?: string;
  /** A hunk's `index`; needs `turnId` and `path`. */
  hunk?: number;
  /** Of a revert: it is in the files already, by an undo or by hand. Nothing is written. */
  gone?: boolean;
}

export type ChangeState = "pending" | "accepted" | "reverted";

export interface Change {
  path: string;
  turnId: string;
  kind: "create" | "edit" | "delete";
  state: ChangeState;
  diff: string;
  omittedLines: number;
  omittedBytes: number;
  hunks: Hunk[];
}

/** `oldStart` and `newStart` are 1-based, 0 where there are no lines. */
export interface Hunk {
  index: number;
  oldStart: number;
  oldLines: number;
  newStart: number;
  newLines: number;
  state: ChangeState;
}

export interface ChangesResult {
  changes: Change[];
  /** What a person must know besides. */
  notes: string[];
}
