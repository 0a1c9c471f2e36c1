/** Cuts what the server tells down to what the page shows: no whole files, no output without an end. Pure. */

import { resolve } from "node:path";

import type { Content } from "../../webview/model/items";
import type { ViewQuestion, ViewUpdateParams } from "../../webview/model/messages";
import type { Question, ToolContent, UpdateParams } from "../protocol";
import { lineDiff } from "./diff";

/** Characters of one text of a tool call. */
export const MOST_OUTPUT = 20_000;
/** Characters of a call's input. */
const MOST_INPUT = 8_000;

function cut(text: string): Content {
  return { type: "text", text: text.slice(0, MOST_OUTPUT), omitted: Math.max(0, text.length - MOST_OUTPUT) };
}

function content(blocks: readonly ToolContent[]): Content[] {
  return blocks.flatMap((block): Content[] => {
    if (block.type === "diff") {
      return [lineDiff(block.path, block.oldText, block.newText)];
    }
    return block.content.type === "text" ? [cut(block.content.text)] : [];
  });
}

/** The input as a person reads it; null where the title says all of it. */
export function inputWords(input: unknown, kind: string): string | null {
  if (typeof input !== "object" || input === null || Object.keys(input).length === 0) {
    return null;
  }
  if ("command" in input && typeof input.command === "string") {
    return input.command.slice(0, MOST_INPUT);
  }
  if (kind === "edit" || (kind === "read" && Object.keys(input).length === 1)) {
    return null; // the diff says it, or the title
  }
  return JSON.stringify(input, null, 2).slice(0, MOST_INPUT);
}

/** Where a call works by its own word: a replay has no `locations`. */
function place(input: unknown, root: string): { path: string; line: null }[] {
  const path = typeof input === "object" && input !== null && "path" in input ? input.path : null;
  return typeof path === "string" && path !== "" ? [{ path: resolve(root, path), line: null }] : [];
}

/** `root` is the folder of relative paths. */
export function slimUpdate(params: UpdateParams, root = "/"): ViewUpdateParams {
  const { update } = params;
  switch (update.sessionUpdate) {
    case "tool_call": {
      const { rawInput, ...call } = update;
      const background =
        update.name === "background_run" ||
        (typeof rawInput === "object" &&
          rawInput !== null &&
          "run_in_background" in rawInput &&
          rawInput.run_in_background === true);
      return {
        ...params,
        update: {
          ...call,
          locations: call.locations.length > 0 ? call.locations : place(rawInput, root),
          input: inputWords(rawInput, update.kind),
          background,
          content: content(update.content),
        },
      };
    }
    case "tool_call_update": {
      const { rawOutput, content: blocks, ...call } = update;
      return {
        ...params,
        update: {
          ...call,
          ...(blocks ? { content: content(blocks) } : {}),
          ...(typeof rawOutput === "string" ? { output: cut(rawOutput) } : {}),
        },
      };
    }
    default:
      return { ...params, update };
  }
}

/** What an edit would do, where the server does not say it: by the call's own words, without line numbers. */
function intended(input: unknown): Content[] {
  const { path, old_string: before, new_string: after, content: all } = (input ?? {}) as Record<string, unknown>;
  const whole = before === undefined ? all : after;
  if (typeof path !== "string" || typeof whole !== "string" || (before !== undefined && typeof before !== "string")) {
    return [];
  }
  const diff = lineDiff(path, before ?? null, whole);
  // It is not known whether the file is there, nor where in it the words stand.
  return [{ ...diff, created: false, lines: diff.lines.map((line) => ({ ...line, line: 0 })) }];
}

export function slimQuestion(question: Question): ViewQuestion {
  const { rawInput, ...call } = question.toolCall;
  const blocks = content(call.content);
  const told = blocks.length > 0 || call.kind !== "edit" ? blocks : intended(rawInput);
  return {
    ...question,
    toolCall: { ...call, input: inputWords(rawInput, call.kind), content: told },
  };
}
