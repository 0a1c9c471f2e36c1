/**
 * Questions that wait for the person. A card never takes the focus, answers only to who is on it, and to nobody in its
 * first half second: what was meant for the composer, or for the card before, cannot answer it.
 */

import { html, nothing, render } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { Task } from "../../src/protocol/task";
import { asked } from "../model/chat";
import type { FromView, ViewQuestion } from "../model/messages";
import { button, icon, shortPath, type Context, type Part } from "./context";
import { diffView } from "./diffView";

/** Milliseconds in which a card that has come into view answers nothing. */
export const INERT_MS = 500;
/** Cards that are drawn; the others are counted. */
const MOST_CARDS = 5;

interface Shown {
  since: number;
}

/** Words that are typed in a card's own field. */
interface Typed {
  text: string;
  secret: boolean;
}

export class Cards {
  readonly #element: HTMLElement;
  readonly #clock: () => number;
  #shown = new Map<string, Shown>();
  #typed = new Map<string, Typed>();
  #context: Context | null = null;
  /** Gets the words that were typed in a card which is gone without an answer from here. */
  onLost: (text: string) => void = () => undefined;
  /** A card that had the focus is gone. */
  onLeft: () => void = () => undefined;

  constructor(element: HTMLElement, clock: () => number = () => performance.now()) {
    this.#element = element;
    this.#clock = clock;
    element.className = "cards";
    // A card that comes back into view is as new.
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") for (const shown of this.#shown.values()) shown.since = this.#clock();
    });
  }

  draw(context: Context): void {
    this.#context = context;
    const { chat } = context;
    const mine = chat.questions.filter((question) => question.sessionId === chat.session?.id);
    const tasks = chat.asking;
    const cards = [
      ...mine.map((question) => ({ id: question.questionId, draw: () => this.#permission(question, context) })),
      ...tasks.map((task) => ({ id: inputId(task), draw: () => this.#input(task, context) })),
    ];
    const shown = cards.slice(0, MOST_CARDS);
    this.#note(shown.map((card) => card.id));
    const more = cards.length - shown.length;
    const held = this.#element.contains(document.activeElement);
    render(
      html`${repeat(
        shown,
        (card) => card.id,
        (card) => card.draw(),
      )}${more > 0 ? html`<div class="note">${more} more ${more === 1 ? "question" : "questions"}</div>` : nothing}${this.#elsewhere(context)}`,
      this.#element,
    );
    this.#element.hidden = this.#element.childElementCount === 0;
    if (held && !this.#element.contains(document.activeElement)) this.onLeft();
  }

  /** A question of another session of this window: it is answered there. */
  #elsewhere({ chat, post }: Context): Part {
    const other = chat.questions.find((question) => question.sessionId !== chat.session?.id);
    if (!other) return nothing;
    const show = (): void => {
      post({ type: "load", sessionId: other.sessionId });
    };
    return html`<div class="elsewhere">
      ${icon("question", "look-question")}<span>Another session asks: ${asked(other)}</span>
      <button type="button" class="text-action" @click=${show}>Show</button>
    </div>`;
  }

  /** Puts the focus on the oldest question: only because a person asked for it. */
  focus(): boolean {
    const first = this.#element.querySelector<HTMLElement>("[role=alertdialog]");
    first?.focus();
    return first !== null;
  }

  /** A card that was pushed to another place is as new: whoever aimed at it aimed at another one. */
  #note(ids: string[]): void {
    const before = [...this.#shown.keys()];
    const now = this.#clock();
    const next = new Map<string, Shown>();
    for (const [at, id] of ids.entries()) {
      const known = this.#shown.get(id);
      next.set(id, known && before[at] === id ? known : { since: now });
      if (known && before[at] === id) continue;
      // Looks awake once it is.
      setTimeout(() => {
        if (this.#context) this.draw(this.#context);
      }, INERT_MS + 20);
    }
    this.#shown = next;
    for (const [id, typed] of this.#typed) {
      if (next.has(id)) continue;
      this.#typed.delete(id);
      if (typed.text.trim() !== "" && !typed.secret) this.onLost(typed.text);
    }
  }

  #awake(id: string): boolean {
    const shown = this.#shown.get(id);
    return shown !== undefined && this.#clock() - shown.since >= INERT_MS;
  }

  #words(id: string, secret: boolean): Typed {
    let typed = this.#typed.get(id);
    if (!typed) {
      typed = { text: "", secret };
      this.#typed.set(id, typed);
    }
    return typed;
  }

  /** Passes an answer on, if the card is awake. */
  #answer(id: string, context: Context, message: FromView): void {
    if (!this.#awake(id)) return;
    if (message.type !== "stop") this.#typed.delete(id);
    context.post(message);
  }

  #permission(question: ViewQuestion, context: Context): Part {
    const id = question.questionId;
    const title = asked(question);
    const typed = this.#words(id, false);
    const choose = (optionId: string, reason?: string): void => {
      this.#answer(id, context, {
        type: "answer",
        questionId: id,
        outcome: { outcome: "selected", optionId, ...(reason === undefined || reason === "" ? {} : { reason }) },
      });
    };
    const allows = question.options.filter((option) => !option.kind.startsWith("reject"));
    const reject = question.options.find((option) => option.kind.startsWith("reject"));
    return this.#card(
      id,
      title,
      html`${this.#asks(question, context)}
        <div class="card-buttons">
          ${allows.map((option, at) =>
            button(
              option.name,
              () => {
                choose(option.optionId);
              },
              at === 0 ? "" : "secondary",
            ),
          )}
          ${
            reject
              ? button(
                  reject.name,
                  () => {
                    choose(reject.optionId, typed.text.trim());
                  },
                  "secondary",
                )
              : nothing
          }
        </div>
        ${
          reject
            ? this.#reason(typed, () => {
                choose(reject.optionId, typed.text.trim());
              })
            : nothing
        }`,
    );
  }

  #asks(question: ViewQuestion, { chat }: Context): Part {
    const { toolCall } = question;
    const diff = toolCall.content.find((content) => content.type === "diff");
    const command = toolCall.kind === "execute";
    const agent = question.parentToolCallId === null ? nothing : html`<div class="note">Asked by a subagent</div>`;
    return html`<div class="card-title">
        ${icon("question", "look-question")}${command ? html`<span>Run this command?</span>` : html`<span>${toolCall.title}?</span>`}
      </div>
      ${command ? html`<pre class="card-command" tabindex="0">${toolCall.input ?? toolCall.title}</pre>` : nothing}
      ${
        diff
          ? html`<div class="card-path">
                ${shortPath(diff.path, chat)}
                <span class="counts"
                  ><span class="added">+${diff.added}</span> <span class="removed">−${diff.removed}</span></span
                >
              </div>
              ${diffView(diff)}`
          : nothing
      }
      ${question.reason === null ? nothing : html`<div class="card-reason">${question.reason}</div>`} ${agent}`;
  }

  #reason(typed: Typed, say: () => void): Part {
    return html`<input
      class="card-words"
      type="text"
      placeholder="No, and say why…"
      aria-label="Why not"
      .value=${typed.text}
      @input=${(event: InputEvent) => (typed.text = (event.target as HTMLInputElement).value)}
      @keydown=${(event: KeyboardEvent) => {
        if (event.key !== "Enter" || event.isComposing) return;
        event.preventDefault();
        event.stopPropagation();
        say();
      }}
    />`;
  }

  /** What a command asks on its standard input. It goes to the command alone. */
  #input(task: Task, context: Context): Part {
    const on = task.waitingFor;
    const id = inputId(task);
    const typed = this.#words(id, on?.secret ?? false);
    const question = on?.question ?? "It waits for an answer.";
    const give = (text: string): void => {
      this.#answer(id, context, { type: "input", taskId: task.id, question: on?.question ?? null, text });
    };
    const say = (): void => {
      give(`${typed.text}\n`);
    };
    return this.#card(
      id,
      `${task.label} asks: ${question}`,
      html`<div class="card-title">
          ${icon("question", "look-question")}<span class="command">${task.label}</span><span>needs you</span>
        </div>
        <pre class="card-command">${question}</pre>
        <div class="card-buttons">
          ${(on?.options ?? []).map((option, at) =>
            button(
              option.label,
              () => {
                give(option.text);
              },
              at === 0 ? "" : "secondary",
            ),
          )}
          <input
            class="card-words"
            type=${on?.secret ? "password" : "text"}
            placeholder="Answer"
            autocomplete="off"
            aria-label="Answer to ${task.label}"
            .value=${typed.text}
            @input=${(event: InputEvent) => (typed.text = (event.target as HTMLInputElement).value)}
            @keydown=${(event: KeyboardEvent) => {
              if (event.key !== "Enter" || event.isComposing) return;
              event.preventDefault();
              event.stopPropagation();
              say();
            }}
          />
          ${button("Send", say, "secondary")}
          ${button(
            "Stop the task",
            () => {
              this.#answer(id, context, { type: "stop", taskId: task.id });
            },
            "secondary",
          )}
        </div>`,
    );
  }

  #card(id: string, name: string, content: Part): Part {
    const awake = this.#awake(id);
    // A key that went down before the card was awake does not answer it when it comes up, either: buttons act on "click".
    return html`<section
      class="card ${awake ? "" : "inert"}"
      role="alertdialog"
      aria-modal="false"
      aria-label=${name}
      tabindex="-1"
      data-question=${id}
    >
      ${content}
    </section>`;
  }
}

export function inputId(task: Task): string {
  return `input:${task.id}:${task.run}:${task.waitingFor?.question ?? ""}`;
}
