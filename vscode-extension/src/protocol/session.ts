/** Requests about sessions, and what they answer. */

import type { ContentBlock } from "./content";

export type ModeId = "ask" | "accept_edits" | "plan" | "auto";

export interface ModeInfo {
  id: ModeId;
  name: string;
  description: string;
}

export interface NewSessionParams {
  cwd?: string;
  mode?: ModeId | null;
  model?: string | null;
}

export interface SessionResult {
  sessionId: string;
  mode: ModeId;
  modes: ModeInfo[];
  model: string;
}

export interface LoadSessionResult extends SessionResult {
  hasMore: boolean;
  /** The cursor behind which older items go on. */
  before: string | null;
}

export interface ListSessionsParams {
  /** 50 unless told, at most 500. */
  limit?: number;
  /** The id of a session of an earlier list: this one goes on behind it. */
  before?: string | null;
}

/** A row of the sessions' list. */
export interface SessionInfo {
  sessionId: string;
  title: string | null;
  cwd: string;
  createdAt: string;
  updatedAt: string;
  turns: number;
  open: boolean;
}

export interface ListSessionsResult {
  sessions: SessionInfo[];
}

export interface LoadSessionParams {
  sessionId: string;
  /** About how many items; all of them where it is left out. */
  limit?: number;
  before?: string | null;
  /** Takes it from the window that has it open. */
  move?: boolean;
}

export interface SessionParams {
  sessionId: string;
}

export interface PromptParams extends SessionParams {
  prompt: ContentBlock[];
}

export interface PromptResult {
  turnId: string;
  promptId: string;
  queued: boolean;
}

export interface QueueParams extends SessionParams {
  promptId: string;
  remove?: boolean;
  replace?: ContentBlock[];
}

export interface CancelParams extends SessionParams {
  /** An id of an older turn is ignored. */
  turnId?: string;
}

export interface SetModeParams extends SessionParams {
  mode: ModeId;
}

export interface SetModelParams extends SessionParams {
  model: string;
}

export interface RenameParams extends SessionParams {
  /** One line of at most 200 characters, not blank. */
  title: string;
}

export interface CompactParams extends SessionParams {
  instructions?: string;
}

export interface ExportParams extends SessionParams {
  format?: "markdown" | "jsonl";
}

/** A slash command of the chat. */
export interface CommandInfo {
  /** Without the slash. */
  name: string;
  description: string;
  argumentHint: string | null;
}

export interface ListCommandsResult {
  commands: CommandInfo[];
}
