/** What a drawing needs beside the thing that it draws: the state, the clock, what is unfolded, and a way to the host. */

import type { nothing } from "lit-html";
import { html, type TemplateResult } from "lit-html";
import type { Chat } from "../model/chat";
import type { Item } from "../model/items";
import type { FromView } from "../model/messages";
import type { Icon } from "../model/taskLine";

export interface Context {
  chat: Chat;
  /** Milliseconds, of the clock that the state was fed with. */
  now: number;
  /** The keys of unfolded items. */
  open: ReadonlySet<number>;
  toggle: (item: Item) => void;
  post: (message: FromView) => void;
}

export type Part = TemplateResult | typeof nothing | string;

export function icon(name: string, extra = ""): TemplateResult {
  return html`<span class="codicon codicon-${name} ${extra}" aria-hidden="true"></span>`;
}

export function statusIcon({ name, look, spin }: Icon): TemplateResult {
  return icon(name, `look-${look} ${spin ? "codicon-modifier-spin" : ""}`);
}

/** A button that is an icon: what it does is its name and its tooltip. */
export function action(name: string, title: string, act: () => void, extra = ""): TemplateResult {
  return html`<button
    type="button"
    class="action codicon codicon-${name} ${extra}"
    title=${title}
    aria-label=${title}
    @click=${act}
  ></button>`;
}

/** A word that is an icon where the panel is narrow. */
export function textAction(word: string, name: string, title: string, act: () => void): TemplateResult {
  return html`<button type="button" class="text-action" title=${title} aria-label=${word} @click=${act}>
    ${icon(name)}<span class="word">${word}</span>
  </button>`;
}

export function button(title: string, act: () => void, extra = ""): TemplateResult {
  return html`<button type="button" class="button ${extra}" @click=${act}>${title}</button>`;
}

/** A path as a person writes it: below the workspace, else below home, else whole. */
export function shortPath(path: string, chat: Pick<Chat, "roots" | "home">): string {
  for (const root of chat.roots) if (path.startsWith(`${root}/`)) return path.slice(root.length + 1);
  return chat.home !== "" && path.startsWith(`${chat.home}/`) ? `~${path.slice(chat.home.length)}` : path;
}
