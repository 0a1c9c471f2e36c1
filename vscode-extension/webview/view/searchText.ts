/** The text of a row as somebody would look for it: what the folded row shows, and what it shows when unfolded. */

import type { Item } from "../model/items";
import { endWords } from "./endRow";
import { plainText } from "./markdown";
import { told, toldWords } from "./noticeRow";
import { toolTitle } from "./toolRow";
import type { Context } from "./context";

export interface SearchText {
  head: string;
  body: string;
}

const known = new WeakMap<Item, { version: number; text: SearchText }>();

export function searchText(item: Item, context: Pick<Context, "chat">): SearchText {
  const cached = known.get(item);
  if (cached?.version === item.version) return cached.text;
  const text = make(item, context);
  known.set(item, { version: item.version, text });
  return text;
}

function make(item: Item, context: Pick<Context, "chat">): SearchText {
  switch (item.kind) {
    case "user":
      return { head: item.text, body: "" };
    case "agent":
    case "since":
      return { head: plainText(item.text), body: "" };
    case "thought":
      return { head: "Thought", body: plainText(item.text) };
    case "tool":
      return { head: `${item.label ?? ""}\n${toolTitle(item, context.chat)}`, body: toolBody(item, context) };
    case "notice": {
      const lines = told(item).map((one) => {
        const { label, words } = toldWords(one, context);
        return `${label} ${words}`;
      });
      return { head: lines.join("\n"), body: item.text };
    }
    case "compaction":
      return { head: item.message ?? "", body: "" };
    case "end":
      return { head: endWords(item) ?? "", body: "" };
  }
}

function toolBody(item: Extract<Item, { kind: "tool" }>, context: Pick<Context, "chat">): string {
  const parts = [item.input ?? ""];
  for (const child of item.children) if (child.kind === "tool") parts.push(toolTitle(child, context.chat));
  for (const content of item.content) {
    if (content.type === "text") parts.push(content.text);
    else parts.push(content.path, ...content.lines.map((line) => line.text));
  }
  return parts.join("\n");
}

/** How often a text occurs, whatever its capitals. `needle` is in small letters. */
export function count(text: string, needle: string): number {
  const hay = text.toLowerCase();
  let found = 0;
  for (let at = hay.indexOf(needle); at >= 0; at = hay.indexOf(needle, at + needle.length)) found++;
  return found;
}
