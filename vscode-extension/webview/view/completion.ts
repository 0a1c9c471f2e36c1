/**
 * The list that opens while `/command` or `@mention` is typed. It has no choice until somebody moves to one: Enter sends
 * the message as it stands, Tab takes the first.
 */

import { html, render } from "lit-html";
import type { CompletionItem } from "../model/messages";
import { icon } from "./context";

interface Word {
  text: string;
  start: number;
}

/** The word that could be completed: a command at the very beginning, a mention after a space. */
export function wordAt(value: string, caret: number): Word | null {
  const before = value.slice(0, caret);
  const command = /^\/[a-z]*$/.exec(before);
  if (command) return { text: before, start: 0 };
  const mention = /(?:^|\s)(@(?:"[^"\n]*|[^\s"]*))$/.exec(before)?.[1];
  return mention === undefined ? null : { text: mention, start: caret - mention.length };
}

export class Completion {
  readonly element = document.createElement("div");
  readonly #input: HTMLTextAreaElement;
  readonly #ask: (id: number, query: string) => void;
  #items: CompletionItem[] = [];
  #chosen = -1;
  #asked = 0;
  #word: Word | null = null;
  /** The word that was put away with Escape. */
  #closed: string | null = null;

  constructor(input: HTMLTextAreaElement, ask: (id: number, query: string) => void) {
    this.#input = input;
    this.#ask = ask;
    this.element.className = "completion";
    this.element.id = "completion";
    this.element.setAttribute("role", "listbox");
    this.element.setAttribute("aria-label", "Suggestions");
    this.element.hidden = true;
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", "completion");
    input.setAttribute("aria-expanded", "false");
  }

  get isOpen(): boolean {
    return !this.element.hidden;
  }

  /** The text has changed. */
  update(): void {
    const { value, selectionStart, selectionEnd } = this.#input;
    const word = selectionStart === selectionEnd ? wordAt(value, selectionStart) : null;
    this.#word = word;
    if (!word || word.text === this.#closed) {
      this.#show([]);
      return;
    }
    this.#closed = null;
    this.#ask(++this.#asked, word.text);
  }

  answered(id: number, items: CompletionItem[]): void {
    const done = items.length === 1 && items[0]?.insert === this.#word?.text;
    if (id === this.#asked && this.#word && document.activeElement === this.#input) this.#show(done ? [] : items);
  }

  close(): void {
    this.#asked++;
    this.#show([]);
  }

  /** Whether the key was the list's. */
  key(event: KeyboardEvent): boolean {
    if (!this.isOpen) return false;
    switch (event.key) {
      case "ArrowDown":
      case "ArrowUp": {
        const step = event.key === "ArrowDown" ? 1 : -1;
        const from = this.#chosen < 0 && step < 0 ? 0 : this.#chosen;
        this.#chosen = (from + step + this.#items.length) % this.#items.length;
        this.#draw();
        return true;
      }
      case "Tab":
        if (event.shiftKey) return false;
        this.#take(Math.max(0, this.#chosen));
        return true;
      case "Enter":
        if (this.#chosen < 0) return false;
        this.#take(this.#chosen);
        return true;
      case "Escape":
        this.#closed = this.#word?.text ?? null;
        this.close();
        return true;
      default:
        return false;
    }
  }

  #take(at: number): void {
    const item = this.#items[at];
    const word = this.#word;
    if (!item || !word) return;
    const { value } = this.#input;
    const end = word.start + word.text.length;
    const space = value[end] === " " || item.insert.endsWith(":") || item.insert.endsWith("/") ? "" : " ";
    this.#input.setRangeText(item.insert + space, word.start, end, "end");
    this.close();
    this.#input.dispatchEvent(new InputEvent("input"));
  }

  #show(items: CompletionItem[]): void {
    this.#items = items;
    this.#chosen = -1;
    this.element.hidden = items.length === 0;
    this.#input.setAttribute("aria-expanded", String(items.length > 0));
    this.#draw();
  }

  #draw(): void {
    render(
      html`${this.#items.map(
        (item, at) =>
          html`<div
            role="option"
            id="completion-${at}"
            class="option"
            aria-selected=${at === this.#chosen}
            @mousedown=${(event: Event) => {
              event.preventDefault();
            }}
            @click=${() => {
              this.#take(at);
            }}
          >
            ${icon(item.icon)}<span class="option-label">${item.label}</span
            ><span class="option-detail">${item.detail}</span>
          </div>`,
      )}`,
      this.element,
    );
    const chosen = this.element.children[this.#chosen];
    chosen?.scrollIntoView({ block: "nearest" });
    if (chosen) this.#input.setAttribute("aria-activedescendant", chosen.id);
    else this.#input.removeAttribute("aria-activedescendant");
  }
}
