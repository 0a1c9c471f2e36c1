/**
 * Find in the conversation: over all rows, drawn or not, folded or not. Looking through them is cut into pieces, so that
 * typing stays fast; what is found is marked in the rows that are drawn.
 */

import { html, render } from "lit-html";
import type { Item } from "../model/items";
import { action, type Context } from "./context";
import type { List } from "./list";
import { count, searchText } from "./searchText";

/** Milliseconds of looking before the page gets its turn. */
const SLICE = 8;

interface Match {
  item: Item;
  /** Which one in its row. */
  nth: number;
  /** It is only there when the row is unfolded. */
  folded: boolean;
}

export interface FindHost {
  context(): Context;
  /** Unfolds a row. */
  open(item: Item): void;
  closed(): void;
  /** Older rows are on their way. */
  more(): boolean;
}

export class Find {
  readonly #element: HTMLElement;
  readonly #list: List<Item>;
  readonly #host: FindHost;
  #needle = "";
  #matches: Match[] = [];
  #at = -1;
  #search = 0;
  #searching = false;

  constructor(element: HTMLElement, list: List<Item>, host: FindHost) {
    this.#element = element;
    this.#list = list;
    this.#host = host;
    element.className = "find";
    element.setAttribute("role", "search");
    element.hidden = true;
    element.addEventListener("keydown", (event) => {
      this.#key(event);
    });
  }

  get isOpen(): boolean {
    return !this.#element.hidden;
  }

  open(): void {
    this.#element.hidden = false;
    this.#draw();
    const input = this.#input();
    const selected = String(document.getSelection() ?? "").trim();
    if (input && selected !== "" && !selected.includes("\n")) {
      input.value = selected;
      this.#look(selected);
    }
    input?.focus();
    input?.select();
    this.mark();
  }

  close(): void {
    if (!this.isOpen) return;
    this.#element.hidden = true;
    this.#search++;
    CSS.highlights.delete("find");
    CSS.highlights.delete("find-current");
    this.#host.closed();
  }

  /** The rows have changed: what is found is looked for again, the place stays. */
  refresh(): void {
    if (this.isOpen && this.#needle !== "") this.#look(this.#needle, this.#matches[this.#at]);
  }

  #input(): HTMLInputElement | null {
    return this.#element.querySelector("input");
  }

  #key(event: KeyboardEvent): void {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    } else if (event.key === "Enter" && event.target === this.#input()) {
      event.preventDefault();
      this.#go(event.shiftKey ? -1 : 1);
    } else if (event.key === "F3") {
      event.preventDefault();
      this.#go(event.shiftKey ? -1 : 1);
    }
  }

  #look(text: string, keep?: Match): void {
    this.#needle = text.toLowerCase();
    const matches: Match[] = [];
    const search = ++this.#search;
    const items = this.#list.items;
    const needle = this.#needle;
    this.#searching = needle !== "";
    let next = 0;
    const slice = (): void => {
      if (search !== this.#search) return;
      const until = performance.now() + SLICE;
      const context = this.#host.context();
      while (next < items.length && performance.now() < until) {
        const item = items[next++];
        if (item) collect(item, needle, context, matches);
      }
      if (next < items.length) {
        setTimeout(slice);
        return;
      }
      this.#found(matches, keep);
    };
    if (needle === "") this.#found([], undefined);
    else slice();
  }

  #found(matches: Match[], keep: Match | undefined): void {
    this.#searching = false;
    this.#matches = matches;
    this.#at = keep ? matches.findIndex((match) => match.item === keep.item && match.nth === keep.nth) : -1;
    if (!keep && matches.length > 0) {
      // The newest one: the end of a conversation is where one looks first.
      this.#at = matches.length - 1;
      this.#show();
    }
    this.#draw();
    this.mark();
  }

  #go(step: number): void {
    if (this.#matches.length === 0) return;
    this.#at = (this.#at + step + this.#matches.length) % this.#matches.length;
    this.#show();
    this.#draw();
    this.mark();
  }

  #show(): void {
    const match = this.#matches[this.#at];
    if (!match) return;
    if (match.folded) this.#host.open(match.item);
    const row = this.#list.reveal(match.item);
    const range = row ? ranges(row, this.#needle)[match.nth] : undefined;
    range?.startContainer.parentElement?.scrollIntoView({ block: "nearest" });
  }

  /** Marks what is found in the rows that are drawn. */
  mark(): void {
    if (!this.isOpen) return;
    const all = new Highlight();
    const current = new Highlight();
    const match = this.#matches[this.#at];
    if (this.#needle !== "") {
      for (const [item, row] of this.#list.drawn()) {
        const found = ranges(row, this.#needle);
        const at = match?.item === item ? Math.min(match.nth, found.length - 1) : -1;
        for (const [index, range] of found.entries()) (index === at ? current : all).add(range);
      }
    }
    CSS.highlights.set("find", all);
    CSS.highlights.set("find-current", current);
  }

  #draw(): void {
    const total = this.#matches.length;
    const more = this.#host.more() ? "+" : "";
    const found = total === 0 ? (more === "" ? "No results" : "…") : `${this.#at + 1} of ${total}${more}`;
    const words = this.#needle === "" ? "" : this.#searching ? "…" : found;
    render(
      html`<input
          type="text"
          placeholder="Find"
          aria-label="Find in the conversation"
          spellcheck="false"
          @input=${(event: InputEvent) => {
            this.#look((event.target as HTMLInputElement).value);
          }}
        />
        <span class="find-count" role="status">${words}</span>
        ${action("arrow-up", "Previous match (Shift+Enter)", () => {
          this.#go(-1);
        })}
        ${action("arrow-down", "Next match (Enter)", () => {
          this.#go(1);
        })}
        ${action("close", "Close (Escape)", () => {
          this.close();
        })}`,
      this.#element,
    );
  }
}

function collect(item: Item, needle: string, context: Context, matches: Match[]): void {
  const { head, body } = searchText(item, context);
  const inHead = count(head, needle);
  const inBody = body === "" ? 0 : count(body, needle);
  for (let nth = 0; nth < inHead + inBody; nth++) matches.push({ item, nth, folded: nth >= inHead });
}

function ranges(row: HTMLElement, needle: string): Range[] {
  const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
  const nodes: { node: Node; start: number }[] = [];
  let text = "";
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    nodes.push({ node, start: text.length });
    text += node.nodeValue?.toLowerCase() ?? "";
  }
  const found: Range[] = [];
  let at = 0;
  const place = (offset: number): { node: Node; offset: number } | null => {
    while (at + 1 < nodes.length && (nodes[at + 1]?.start ?? Infinity) <= offset) at++;
    const here = nodes[at];
    return here ? { node: here.node, offset: Math.min(offset - here.start, here.node.nodeValue?.length ?? 0) } : null;
  };
  for (let from = text.indexOf(needle); from >= 0; from = text.indexOf(needle, from + needle.length)) {
    const start = place(from);
    const end = place(from + needle.length - 1);
    if (!start || !end) break;
    const range = document.createRange();
    range.setStart(start.node, start.offset);
    range.setEnd(end.node, Math.min(end.offset + 1, end.node.nodeValue?.length ?? 0));
    found.push(range);
  }
  return found;
}
