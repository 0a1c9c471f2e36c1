/** The end of background tasks as the agent was told of it: a line a task, the first failures, and on request the text. */

import { html, nothing } from "lit-html";
import type { Notice } from "../model/items";
import { shortSummary, WORDS } from "../../src/tasks/words";
import { failures, parse, type Told } from "../model/notification";
import { statusIcon as iconOf } from "../model/taskLine";
import { action, icon, statusIcon, type Context, type Part } from "./context";

/** Failures that stand in the folded row. */
const MOST_FAILURES = 3;

const parsed = new WeakMap<Notice, Told[]>();

export function told(item: Notice): Told[] {
  let known = parsed.get(item);
  if (!known) {
    known = parse(item.text);
    parsed.set(item, known);
  }
  return known;
}

const FINISHED = "finished: ";

/** What a line says: `cargo test finished: 3 failed (2 new)`. */
export function toldWords(one: Told, context: Pick<Context, "chat">): { label: string; words: string } {
  const label = context.chat.tasks.get(one.id)?.label ?? one.command;
  const summary = shortSummary(one.summary) ?? null;
  const goesOn = one.status === "running" || one.status === "queued";
  if (goesOn) return { label, words: summary ?? "goes on" };
  if (one.status === "waiting_for_input")
    return { label, words: summary === null ? "needs you" : `needs you: ${summary}` };
  return { label, words: summary === null ? WORDS[one.status] : `${FINISHED}${summary}` };
}

export function noticeLines(item: Notice, context: Context): Part {
  return html`${told(item).map((one) => {
    const { label, words } = toldWords(one, context);
    return html`<span class="told">
      ${statusIcon(iconOf(one.status))}<span class="title command">${label}</span>
      <span class="parts">${spared(words)}</span
      >${one.duration === null ? nothing : html`<span class="time">${one.duration}</span>`}
    </span>`;
  })}`;
}

/** Where the panel is narrow, what it ended with is worth more than that it has. */
function spared(words: string): Part {
  return words.startsWith(FINISHED)
    ? html`<span class="wide">${FINISHED}</span>${words.slice(FINISHED.length)}`
    : words;
}

export function noticeRow(item: Notice, context: Context): Part {
  const open = context.open.has(item.key);
  const tasks = told(item);
  const names = tasks.map((one) => {
    const { label, words } = toldWords(one, context);
    return `${label} ${words}`;
  });
  const name = names.join("; ") || "Told to the agent";
  return html`<article class="notice" tabindex="-1" aria-label=${name}>
    <div class="line-of-row">
      <button
        type="button"
        class="head"
        aria-expanded=${open}
        title="Show what the agent was told"
        @click=${() => {
          context.toggle(item);
        }}
      >
        ${icon(open ? "chevron-down" : "chevron-right", "twistie")}
        <span class="tolds">
          ${tasks.length === 0 ? html`<span class="parts">Told of ${item.taskIds.join(", ")}</span>` : noticeLines(item, context)}
        </span>
      </button>
      <span class="actions">${tasks.slice(0, 1).map((one) => log(one, context))}</span>
    </div>
    ${open ? body(item, tasks, context) : firstFailures(item)}
  </article>`;
}

function log(one: Told, { chat, post }: Context): Part {
  const label = chat.tasks.get(one.id)?.label ?? one.command;
  return action("output", `Show the log of ${label}`, () => {
    post({ type: "showTask", taskId: one.id });
  });
}

function firstFailures(item: Notice): Part {
  const found = failures(item.text);
  if (found.length === 0) return nothing;
  const more = found.length - MOST_FAILURES;
  return html`<div class="failures">
    ${found.slice(0, MOST_FAILURES).map(
      (failure) =>
        html`<div class="failure">
          <a class="file" role="link" tabindex="0" data-path=${failure.path} data-line=${failure.line}
            >${failure.path}:${failure.line}</a
          >
          <span>${failure.what}</span>
        </div>`,
    )}
    ${more > 0 ? html`<div class="note">and ${more} more</div>` : nothing}
  </div>`;
}

function body(item: Notice, tasks: Told[], context: Context): Part {
  const links = tasks.slice(1).map((one) => log(one, context));
  return html`<div class="body">
    <p class="note">Told to the agent, word for word: ${links}</p>
    <pre class="block" tabindex="0" aria-label="What the agent was told">${item.text}</pre>
  </div>`;
}
