/** What the page and its host say to each other. */

import type { ChangeState } from "../../src/protocol/change";
import type { ContentBlock } from "../../src/protocol/content";
import type { PermissionResult, Question } from "../../src/protocol/question";
import type { CommandInfo } from "../../src/protocol/session";
import type { Task } from "../../src/protocol/task";
import type { Update, UpdateParams } from "../../src/protocol/update";
import type { Content, Session } from "./items";
import type { TurnDiff } from "./transcript";

type Told = Exclude<Update, { sessionUpdate: "tool_call" | "tool_call_update" }>;
type Call = Extract<Update, { sessionUpdate: "tool_call" }>;
type CallUpdate = Extract<Update, { sessionUpdate: "tool_call_update" }>;

/** An update as the page gets it: what a tool was given and gave is cut down to what a row shows. */
export type ViewUpdate =
  | Told
  | (Omit<Call, "rawInput" | "content"> & { input: string | null; background: boolean; content: Content[] })
  | (Omit<CallUpdate, "rawOutput" | "content"> & { content?: Content[]; output?: Content });

export type ViewUpdateParams = Omit<UpdateParams, "update"> & { update: ViewUpdate };

/** A question with the diff that its card shows. */
export type ViewQuestion = Omit<Question, "toolCall"> & {
  toolCall: Omit<Question["toolCall"], "rawInput" | "content"> & { input: string | null; content: Content[] };
};

export interface Connection {
  state: "starting" | "running" | "stopped" | "failed";
  /** What a person can do. */
  message: string | null;
}

/** Whether the agent's edits of a turn's file still wait for the person. The key is from `changeKey`. */
export type Changes = Record<string, ChangeState>;

export function changeKey(turn: string, path: string): string {
  return `${turn}\0${path}`;
}

/** Something that goes with the next message. */
export interface Attachment {
  label: string;
  block: ContentBlock;
}

export interface Draft {
  text: string;
  attachments: Attachment[];
}

/** All that the page draws, when it begins and when the host says so. */
export interface Everything {
  session: Session | null;
  tasks: Task[];
  questions: ViewQuestion[];
  connection: Connection;
  commands: CommandInfo[];
  changes: Changes;
  draft: Draft;
  awaiting: string | null;
  /** The workspace's folders: paths below them are shown without them. */
  roots: string[];
  home: string;
}

export interface CompletionItem {
  /** What replaces the word that is completed. */
  insert: string;
  label: string;
  detail: string;
  /** A codicon's name. */
  icon: string;
}

export type ToView =
  | ({ type: "everything" } & Everything)
  | { type: "session"; session: Session | null }
  | { type: "updates"; updates: ViewUpdateParams[] }
  | { type: "tasks"; tasks: Task[] }
  | { type: "task"; task: Task }
  | { type: "questions"; questions: ViewQuestion[] }
  | { type: "connection"; connection: Connection }
  | { type: "commands"; commands: CommandInfo[] }
  | { type: "changes"; changes: Changes }
  /** What turns did to files, of a conversation that was opened again. */
  | { type: "diffs"; diffs: TurnDiff[] }
  | { type: "completions"; id: number; items: CompletionItem[] }
  /** Text that comes back, or that a command brings: it is put before what is typed. */
  | { type: "compose"; text: string; attachments: Attachment[]; send: boolean }
  | { type: "accepted"; id: number }
  /** The message that is sent once a model is there. */
  | { type: "awaiting"; text: string | null }
  | { type: "notice"; text: string }
  | { type: "focus"; what: "composer" | "last" | "question" | "find" };

export type FromView =
  | { type: "ready" }
  | { type: "draft"; draft: Draft }
  /** Something could not be attached. */
  | { type: "refused"; why: string }
  | { type: "prompt"; id: number; text: string; attachments: Attachment[] }
  | { type: "cancel" }
  | { type: "requeue"; promptId: string; text: string | null }
  | { type: "answer"; questionId: string; outcome: PermissionResult["outcome"] }
  | { type: "input"; taskId: string; question: string | null; text: string }
  | { type: "stop"; taskId: string }
  | { type: "withhold"; taskId: string }
  | { type: "showTask"; taskId: string }
  | { type: "promote"; toolCallId: string; parentToolCallId: string | null }
  | { type: "pick"; what: "mode" | "model" | "sessions" }
  | { type: "setup"; what: "editor" | "key" | "ollama" }
  | { type: "settle"; how: "accept" | "revert"; turn: string; path: string | null }
  | { type: "review"; turn: string; path: string | null }
  | { type: "open"; path: string; line: number | null }
  | { type: "link"; href: string }
  | { type: "copy"; text: string }
  | { type: "complete"; id: number; query: string }
  | { type: "older" }
  /** Another session is to be shown. */
  | { type: "load"; sessionId: string }
  /** The message that waits for a model is not sent. */
  | { type: "forget" }
  | { type: "command"; name: "showLog" | "restart" | "newSession" | "compact" };
