/**
 * Where a message is typed. What was typed is never lost: it is kept at every key, comes back when it could not be sent,
 * and nothing but sending takes it away. Enter always sends.
 */

import { html, render } from "lit-html";
import type { Attachment, Draft } from "../model/messages";
import { Completion } from "./completion";
import { icon } from "./context";
import { MOST_PICTURES, picture, pictures, refused } from "./pictures";

const MOST_REMEMBERED = 50;

export interface ComposerHost {
  send(text: string, attachments: Attachment[]): void;
  stop(): void;
  complete(id: number, query: string): void;
  /** The text or what is attached has changed. */
  changed(draft: Draft): void;
  /** Something could not be taken. */
  refused(why: string): void;
}

export interface Toolbar {
  running: boolean;
}

const HINT = "Ask, or / for commands, @ to mention";
/** Pixels that it takes in the largest usual font. */
const WIDE = 270;

export class Composer {
  readonly input: HTMLTextAreaElement;
  readonly completion: Completion;
  readonly #host: ComposerHost;
  readonly #chips: HTMLElement;
  readonly #tools: HTMLElement;
  #attachments: Attachment[] = [];
  /** Earlier messages of this page, newest last, and where in them one is. */
  #sent: string[] = [];
  #at = 0;
  #toolbar: Toolbar | null = null;

  constructor(element: HTMLElement, host: ComposerHost) {
    this.#host = host;
    element.className = "composer";
    this.#chips = document.createElement("div");
    this.#chips.className = "chips attached";
    this.input = document.createElement("textarea");
    this.input.rows = 1;
    this.input.spellcheck = false;
    this.input.setAttribute("aria-label", "Message Pillion");
    // A placeholder is not shortened with an ellipsis here: it would end in the middle.
    new ResizeObserver(([field]) => {
      this.input.placeholder = field && field.contentRect.width < WIDE ? "Ask, or type / or @" : HINT;
    }).observe(this.input);
    this.input.placeholder = HINT;
    this.#tools = document.createElement("div");
    this.#tools.className = "tools";
    this.completion = new Completion(this.input, (id, query) => {
      host.complete(id, query);
    });
    const line = document.createElement("div");
    line.className = "composer-line";
    line.append(this.input, this.#tools);
    element.append(this.completion.element, this.#chips, line);
    element.addEventListener("mousedown", (event) => {
      if (event.target === element || event.target === this.#tools) {
        event.preventDefault();
        this.focus();
      }
    });
    this.input.addEventListener("keydown", (event) => {
      this.#key(event);
    });
    this.input.addEventListener("input", () => {
      this.#edited();
    });
    this.input.addEventListener("paste", (event) => {
      const files = pictures(event.clipboardData);
      if (files.length === 0) return;
      event.preventDefault();
      void this.#attach(files);
    });
    this.input.addEventListener("blur", () => {
      this.completion.close();
    });
  }

  get text(): string {
    return this.input.value;
  }

  get draft(): Draft {
    return { text: this.input.value, attachments: this.#attachments };
  }

  focus(): void {
    this.input.focus();
  }

  /** Takes a draft that was kept. It is not told again. Pictures are not kept: those that are here stay. */
  restore(draft: Draft): void {
    this.input.value = draft.text;
    this.#attachments = [...draft.attachments, ...this.#attachments.filter(({ block }) => block.type === "image")];
    this.#grow();
    this.#drawChips();
    this.#drawTools();
  }

  /** Puts text ahead of what is typed, which stays. */
  prepend(text: string, attachments: Attachment[]): void {
    const { value } = this.input;
    if (text !== "") {
      this.input.value = value === "" ? text : `${text}${text.endsWith("\n") ? "" : "\n"}${value}`;
      const end = this.input.value.length;
      this.input.setSelectionRange(end, end);
    }
    const known = new Set(this.#attachments.map((one) => one.label));
    this.#attachments = [...this.#attachments, ...attachments.filter((one) => !known.has(one.label))];
    this.#drawChips();
    this.#edited();
  }

  send(): void {
    const text = this.input.value.trim();
    if (text === "" && this.#attachments.length === 0) return;
    const attachments = this.#attachments;
    if (text !== "") this.#sent = [...this.#sent.filter((one) => one !== text), text].slice(-MOST_REMEMBERED);
    this.#at = this.#sent.length;
    this.input.value = "";
    this.#attachments = [];
    this.#drawChips();
    this.#edited();
    this.#host.send(text, attachments);
  }

  toolbar(toolbar: Toolbar): void {
    this.#toolbar = toolbar;
    this.#drawTools();
  }

  #edited(): void {
    this.#grow();
    this.#drawTools();
    this.completion.update();
    this.#host.changed(this.draft);
  }

  /** As high as its text, up to a part of the panel; the style sheet knows which. */
  #grow(): void {
    this.input.style.height = "auto";
    this.input.style.height = `${this.input.scrollHeight}px`;
  }

  #key(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (this.completion.key(event)) {
      event.preventDefault();
      event.stopPropagation();
      this.#edited();
      return;
    }
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      this.send();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.#host.stop();
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      this.#recall(event);
    }
  }

  /** Up in an empty composer, or in a message that was recalled, brings the one before. */
  #recall(event: KeyboardEvent): void {
    const { value } = this.input;
    const recalled = this.#at < this.#sent.length && value === this.#sent[this.#at];
    if (value !== "" && !recalled) {
      this.#at = this.#sent.length;
      return;
    }
    const next = this.#at + (event.key === "ArrowUp" ? -1 : 1);
    if (next < 0 || next > this.#sent.length || this.#sent.length === 0) return;
    event.preventDefault();
    this.#at = next;
    this.input.value = this.#sent[next] ?? "";
    this.#edited();
    this.completion.close();
  }

  #drawChips(): void {
    const chips = this.#attachments.map(
      (one) =>
        html`<span class="chip">
          ${icon(one.block.type === "image" ? "file-media" : "file")}<span class="chip-label">${one.label}</span>
          <button
            type="button"
            class="action codicon codicon-close"
            title="Remove ${one.label}"
            aria-label="Remove ${one.label}"
            @click=${() => {
              this.#detach(one);
            }}
          ></button>
        </span>`,
    );
    render(html`${chips}`, this.#chips);
    this.#chips.hidden = chips.length === 0;
  }

  async #attach(files: File[]): Promise<void> {
    for (const file of files) {
      const known = this.#attachments.filter(({ block }) => block.type === "image").length;
      const why = known < MOST_PICTURES ? refused(file) : `At most ${MOST_PICTURES} pictures go with a message`;
      if (why === null) this.#attachments = [...this.#attachments, await picture(file, known + 1)];
      else this.#host.refused(why);
    }
    this.#drawChips();
    this.#edited();
  }

  #detach(one: Attachment): void {
    this.#attachments = this.#attachments.filter((other) => other !== one);
    this.#drawChips();
    this.#edited();
    this.focus();
  }

  #drawTools(): void {
    const toolbar = this.#toolbar;
    if (!toolbar) return;
    const empty = this.input.value.trim() === "" && this.#attachments.length === 0;
    const stops = toolbar.running && empty;
    render(
      html`
        <button
          type="button"
          class="action codicon codicon-mention"
          title="Mention a file, a symbol, a task…"
          aria-label="Mention"
          @click=${() => {
            this.#mention();
          }}
        ></button>
        ${
          stops
            ? html`<button
                type="button"
                class="action primary codicon codicon-debug-stop"
                title="Stop (Escape)"
                aria-label="Stop"
                @click=${() => {
                  this.#host.stop();
                }}
              ></button>`
            : html`<button
                type="button"
                class="action primary codicon codicon-${toolbar.running ? "list-ordered" : "send"}"
                ?disabled=${empty}
                title=${toolbar.running ? "Queue: it is read before the next step (Enter)" : "Send (Enter)"}
                aria-label="Send"
                @click=${() => {
                  this.send();
                }}
              ></button>`
        }
      `,
      this.#tools,
    );
  }

  #mention(): void {
    const { value, selectionStart } = this.input;
    const before = value.slice(0, selectionStart);
    this.focus();
    this.input.setRangeText(before === "" || /\s$/.test(before) ? "@" : " @", selectionStart, selectionStart, "end");
    this.#edited();
  }
}
