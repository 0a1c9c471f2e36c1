/** A session before anything is known of it, and the words of what people send. Pure. */

import type { ContentBlock } from "../../src/protocol/content";
import type { Session } from "./items";

export function newSession(id: string): Session {
  return {
    id,
    title: null,
    mode: null,
    modes: [],
    model: null,
    items: [],
    turn: null,
    lastTurn: null,
    queue: [],
    plan: [],
    usage: null,
    wakesPaused: false,
    replaying: false,
    retrying: null,
    older: null,
    closed: false,
    nextKey: 1,
  };
}

/** What is read of a content block. */
export function blockText(block: ContentBlock): string {
  switch (block.type) {
    case "text":
      return block.text;
    case "resource_link": {
      const name = block.name || block.uri.replace(/^.*\//, "");
      const { range } = block;
      if (!range) return `@${name}`;
      return range.start === range.end ? `@${name}:${range.start}` : `@${name}:${range.start}-${range.end}`;
    }
    case "image":
      return "[image]";
    case "resource":
      return `[${block.resource.uri.replace(/^.*\//, "")}]`;
  }
}

/** The person's own words of a prompt, without what was attached. */
export function words(prompt: ContentBlock[]): string {
  return prompt.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("\n");
}
