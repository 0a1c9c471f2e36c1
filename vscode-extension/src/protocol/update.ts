/** What happens in a session: `pillion/session/update`. */

import type { ContentBlock } from "./content";
import type { ModeId } from "./session";
import type { TaskStatus } from "./task";

export interface UpdateParams {
  sessionId: string;
  turnId: string | null;
  seq: number;
  /** The call of the tool `agent` in which it happens. */
  parentToolCallId: string | null;
  /** It happened earlier. */
  replay: boolean;
  update: Update;
}

export type Update =
  | { sessionUpdate: "user_message_chunk"; content: ContentBlock; messageId: string }
  | { sessionUpdate: "agent_message_chunk"; content: ContentBlock; messageId: string }
  | { sessionUpdate: "agent_thought_chunk"; content: ContentBlock; messageId: string }
  | { sessionUpdate: "message_discarded"; messageId: string }
  | ({ sessionUpdate: "tool_call" } & ToolCall)
  | {
      sessionUpdate: "tool_call_update";
      toolCallId: string;
      status?: ToolStatus;
      content?: ToolContent[];
      rawOutput?: unknown;
      locations?: ToolLocation[];
      taskId?: string;
    }
  | { sessionUpdate: "label"; toolCallIds: string[]; text: string }
  | {
      sessionUpdate: "since";
      since: string;
      tasks: EndedTask[];
      moreTasks: number;
      changes: WorkspaceChanges;
      text: string;
    }
  | { sessionUpdate: "session_closed"; reason: "moved" }
  | { sessionUpdate: "session_switch"; sessionId: string }
  | { sessionUpdate: "plan"; entries: PlanEntry[] }
  | { sessionUpdate: "queue"; prompts: QueuedPrompt[] }
  | { sessionUpdate: "task_notification"; taskIds: string[]; text: string }
  | { sessionUpdate: "turn_started"; reason: "prompt" | "task_notification" }
  | {
      sessionUpdate: "turn_ended";
      stopReason: StopReason;
      usage: Usage;
      auto: boolean;
      error: TurnError | null;
      /** Ids of prompts that only a model could have answered, where none is configured. */
      needsModel: string[];
      unsent: QueuedPrompt[];
    }
  | ({ sessionUpdate: "usage" } & Usage)
  | { sessionUpdate: "session_info"; title?: string; mode?: ModeId; model?: string; wakesPaused?: boolean }
  | { sessionUpdate: "retrying"; reason: string; afterMs: number; attempt: number }
  | {
      sessionUpdate: "compaction";
      status: "started" | "completed" | "failed" | "cancelled";
      before: number;
      after: number | null;
      message: string | null;
    }
  | { sessionUpdate: "replay_started"; before: string | null }
  | { sessionUpdate: "replay_ended"; before: string | null; hasMore: boolean };

export type UpdateKind = Update["sessionUpdate"];
/** The update of one kind. */
export type UpdateOf<K extends UpdateKind> = Extract<Update, { sessionUpdate: K }>;

export type StopReason =
  "end_turn" | "max_tokens" | "max_turn_requests" | "refusal" | "cancelled" | "interrupted" | "error";

/** What happened, and what to do. */
export interface TurnError {
  message: string;
}

export type ToolKind = "read" | "edit" | "search" | "execute" | "think" | "other";
export type ToolStatus = "pending" | "in_progress" | "completed" | "failed";

export interface ToolCall {
  toolCallId: string;
  title: string;
  name: string;
  kind: ToolKind;
  status: ToolStatus;
  rawInput: unknown;
  content: ToolContent[];
  locations: ToolLocation[];
}

/** `oldText` is null for a new file; both texts are the whole file. */
export type ToolContent =
  { type: "content"; content: ContentBlock } | { type: "diff"; path: string; oldText: string | null; newText: string };

export interface ToolLocation {
  path: string;
  line: number | null;
}

export interface QueuedPrompt {
  promptId: string;
  prompt: ContentBlock[];
}

export interface PlanEntry {
  content: string;
  status: "pending" | "in_progress" | "completed";
  priority: "high" | "medium" | "low";
}

export interface Usage {
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  contextUsed: number;
  contextWindow: number | null;
  /** US dollars; null when the price is not known. */
  cost: number | null;
  /** What of it is of turns that started by themselves. */
  autoCost: number | null;
}

/** A task that ended while a session was away. */
export interface EndedTask {
  taskId: string;
  label: string;
  status: TaskStatus;
  summary: string | null;
  endedAt: string;
}

/** What changed in the workspace meanwhile. */
export interface WorkspaceChanges {
  commits: { from: string; to: string } | null;
  files: number;
  /** There may be more files. */
  atLeast: boolean;
}
