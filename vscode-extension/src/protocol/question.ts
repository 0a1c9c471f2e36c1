/** What the server asks the client: a permission, a save; and the rules that "always" saved. */

import type { ToolCall } from "./update";

/** A question of a session: the params of `pillion/session/request_permission`. */
export interface Question {
  sessionId: string;
  questionId: string;
  parentToolCallId: string | null;
  toolCall: ToolCall;
  reason: string | null;
  options: PermissionOption[];
}

export interface PermissionOption {
  optionId: string;
  name: string;
  kind: "allow_once" | "allow_always" | "reject_once" | "reject_always";
}

export interface PermissionResult {
  outcome: { outcome: "selected"; optionId: string; reason?: string } | { outcome: "cancelled" };
}

export interface RuleRow {
  rule: string;
  decision: "allow" | "ask" | "deny";
  /** `saved` for one that "always" saved, else the file and the line. */
  source: string;
  script: string | null;
}

export interface RulesResult {
  rules: RuleRow[];
}

export interface SaveParams {
  uris: string[];
}

export interface SaveResult {
  saved: string[];
  failed: (string | { uri: string; reason: string })[];
}
