/** One row of the transcript: which kind of item is drawn by what, and how high it will probably be. */

import { html, nothing, render } from "lit-html";
import type { Item, Message } from "../model/items";
import { icon, type Context, type Part } from "./context";
import { endRow } from "./endRow";
import { Markdown } from "./markdown";
import { noticeRow } from "./noticeRow";
import { THUMBNAIL, thumbnails } from "./thumbnails";
import { toolRow } from "./toolRow";

/** Whether an item has a row of its own. */
export function isShown(item: Item, context: Pick<Context, "chat">): boolean {
  if (item.gone || item.nested) return false;
  switch (item.kind) {
    case "user":
      return item.text !== "" || item.pictures.length > 0;
    case "agent":
    case "thought":
      return item.parent === null && item.text.trim() !== "";
    case "end":
      return item.reason !== "end_turn" || item.edited.length > 0;
    case "tool":
    case "notice":
    case "since":
    case "compaction":
      return item.parent === null || context.chat.session !== null;
  }
}

/** It is still being written. */
function isLive(item: Item, { chat: { session } }: Context): boolean {
  return session !== null && session.turn !== null && session.items.at(-1) === item;
}

/** Markdown is drawn by hand into its element, and grows there. */
const drawings = new WeakMap<HTMLElement, Markdown>();

function drawMarkdown(row: HTMLElement, text: string, grows: boolean): void {
  const target = row.querySelector<HTMLElement>(".markdown");
  if (!target) return;
  let drawing = drawings.get(target);
  if (!drawing) {
    drawing = new Markdown(target);
    drawings.set(target, drawing);
  }
  drawing.draw(text, grows);
}

export function drawRow(item: Item, row: HTMLElement, context: Context): void {
  render(template(item, context), row);
  if (item.kind === "agent" || item.kind === "since" || (item.kind === "thought" && context.open.has(item.key))) {
    drawMarkdown(row, item.text, isLive(item, context));
  }
}

function template(item: Item, context: Context): Part {
  switch (item.kind) {
    case "user":
      return html`<article class="message user" tabindex="-1" aria-label="You">
        <div class="bubble">${thumbnails(item)}${item.text.replace(/\s+$/, "")}${cut(item)}</div>
      </article>`;
    case "agent":
      return html`<article class="message agent" tabindex="-1" aria-label="Pillion">
        <div class="markdown"></div>
        ${cut(item)}
      </article>`;
    case "since":
      return html`<article class="message since" tabindex="-1" aria-label="While this was closed">
        ${icon("history", "look-muted")}
        <div class="markdown"></div>
      </article>`;
    case "thought":
      return thought(item, context);
    case "tool":
      return toolRow(item, context);
    case "notice":
      return noticeRow(item, context);
    case "compaction":
      return compaction(item);
    case "end":
      return endRow(item, context);
  }
}

function cut(item: Message): Part {
  if (item.omitted === 0) return nothing;
  return html`<p class="note">${item.omitted.toLocaleString("en")} more characters are not shown here.</p>`;
}

function thought(item: Message, context: Context): Part {
  const open = context.open.has(item.key);
  const live = isLive(item, context);
  return html`<article class="thought" tabindex="-1" aria-label=${live ? "Thinking" : "Thought"}>
    <button
      type="button"
      class="head"
      aria-expanded=${open}
      @click=${() => {
        context.toggle(item);
      }}
    >
      ${icon(open ? "chevron-down" : "chevron-right", "twistie")}
      <span class="title ${live ? "live" : ""}">${live ? "Thinking…" : "Thought"}</span>
    </button>
    ${open ? html`<div class="body markdown"></div>` : nothing}
  </article>`;
}

const tokens = (count: number): string => (count >= 1000 ? `${Math.round(count / 1000)}k` : String(count));

function compaction(item: Extract<Item, { kind: "compaction" }>): Part {
  const words = {
    started: "Summing up the conversation…",
    completed: `Summed up: ${tokens(item.before)} → ${tokens(item.after ?? 0)} tokens`,
    failed: "The conversation could not be summed up",
    cancelled: "Summing up was stopped",
  }[item.status];
  return html`<article class="line" tabindex="-1" aria-label=${words}>
    ${icon("fold", "look-muted")}<span>${words}${item.message === null ? nothing : html` · ${item.message}`}</span>
  </article>`;
}

/** Pixels, good enough for the scroll bar until the row is measured. */
export function guessHeight(item: Item, width: number, context: Pick<Context, "open">): number {
  switch (item.kind) {
    case "user":
    case "agent":
    case "since": {
      const perLine = Math.max(20, width / 7);
      let lines = 0;
      for (const line of item.text.slice(0, 20_000).split("\n")) lines += Math.max(1, Math.ceil(line.length / perLine));
      return 20 + lines * 19 + (item.kind === "user" && item.pictures.length > 0 ? THUMBNAIL : 0);
    }
    case "tool":
      return (item.label === null ? 26 : 46) + (context.open.has(item.key) ? 200 : 0);
    case "thought":
      return 26 + (context.open.has(item.key) ? item.text.length / 3 : 0);
    case "notice":
      return 26 * Math.max(1, item.taskIds.length);
    case "compaction":
    case "end":
      return 28;
  }
}
