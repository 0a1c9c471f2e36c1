/**
 * The rows of a conversation and what the header knows of it: the shapes that the host builds, the page draws, and both
 * exchange. They are cut down to what is shown; a whole file or output never comes here.
 */

import type { ModeId, ModeInfo } from "../../src/protocol/session";
import type {
  PlanEntry,
  QueuedPrompt,
  StopReason,
  ToolKind,
  ToolLocation,
  ToolStatus,
  Usage,
} from "../../src/protocol/update";

/** A run of lines of a diff: shown as they stand, marked by their kind. */
export interface DiffLine {
  kind: "context" | "added" | "removed" | "gap";
  text: string;
  /** The line's number in the new text (in the old one where it was removed), 1-based; 0 for a gap. */
  line: number;
}

export type Content =
  | { type: "text"; text: string; omitted: number }
  | {
      type: "diff";
      path: string;
      created: boolean;
      added: number;
      removed: number;
      lines: DiffLine[];
      omitted: number;
    };

interface Base {
  /** Unique in its session. */
  key: number;
  /** Grows with each change of what is shown. */
  version: number;
  turn: string | null;
  /** The call of a subagent that it belongs to. */
  parent: string | null;
  /** It is shown inside of that call. */
  nested: boolean;
  /** It was taken back. */
  gone: boolean;
}

export interface Message extends Base {
  kind: "user" | "agent" | "thought";
  id: string;
  text: string;
  /** Characters that were left out at the end. */
  omitted: number;
  pictures: Picture[];
}

/** A picture of a message. */
export interface Picture {
  /** One of the types that models read. */
  mimeType: string;
  /** Base64; empty where there are too many to keep. */
  data: string;
}

export interface Tool extends Base {
  kind: "tool";
  id: string;
  title: string;
  name: string;
  toolKind: ToolKind;
  status: ToolStatus;
  /** The input as a person reads it: the command of a command, else JSON; null where the title says all. */
  input: string | null;
  background: boolean;
  content: Content[];
  /** The first thing that it is about. */
  location: ToolLocation | null;
  taskId: string | null;
  /** What its batch of calls is called, and how many there are. */
  label: string | null;
  batch: number;
  /** What its subagent did. */
  children: Item[];
}

export interface Notice extends Base {
  kind: "notice";
  taskIds: string[];
  /** Exactly what the model was given. */
  text: string;
}

export interface Since extends Base {
  kind: "since";
  text: string;
}

export interface Compaction extends Base {
  kind: "compaction";
  status: "started" | "completed" | "failed" | "cancelled";
  before: number;
  after: number | null;
  message: string | null;
}

export interface TurnEnd extends Base {
  kind: "end";
  reason: StopReason | "moved";
  error: string | null;
  /** The files that the agent's tools edited in it. */
  edited: string[];
}

export type Item = Message | Tool | Notice | Since | Compaction | TurnEnd;
export type ItemKind = Item["kind"];

export interface Session {
  id: string;
  title: string | null;
  mode: ModeId | null;
  modes: ModeInfo[];
  model: string | null;
  items: Item[];
  /** The running turn. */
  turn: string | null;
  lastTurn: string | null;
  queue: QueuedPrompt[];
  plan: PlanEntry[];
  usage: Usage | null;
  wakesPaused: boolean;
  replaying: boolean;
  retrying: { reason: string; attempt: number } | null;
  /** The cursor behind which older items go on; null where there are none. */
  older: string | null;
  /** Another window has it. */
  closed: boolean;
  nextKey: number;
}
