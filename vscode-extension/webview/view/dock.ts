/** What stands between the transcript and the composer: the missing model, activity, the plan, messages that wait, chips. */

import { html, nothing, render } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { repeat } from "lit-html/directives/repeat.js";
import type { PlanEntry, QueuedPrompt, Usage } from "../../src/protocol/update";
import { isOffline } from "../model/chat";
import { isFinal } from "../../src/state";
import { count, shortSummary, WORDS } from "../../src/tasks/words";
import { statusIcon as iconOf } from "../model/taskLine";
import { words } from "../model/session";
import { action, button, icon, statusIcon, type Context, type Part } from "./context";

/** What a dock remembers of itself. */
export interface DockState {
  planOpen: boolean;
  /** The queued message that is edited, and its text. */
  editing: { promptId: string; text: string } | null;
  /** Tasks whose end somebody has taken off, until the server says so too. */
  withheld: Set<string>;
  /** The message that waits for a model. */
  awaiting: string | null;
}

export function drawDock(element: HTMLElement, context: Context, state: DockState, redraw: () => void): void {
  const { chat } = context;
  const session = chat.session;
  render(
    html`${activity(context)} ${session ? plan(session.plan, state, redraw) : nothing}
    ${session ? queue(session.queue, context, state, redraw) : nothing}`,
    element,
  );
}

/** What is wrong as a whole, with its remedies: below the header. */
export function drawTop(element: HTMLElement, context: Context): void {
  const session = context.chat.session;
  const offline = session !== null && isOffline(session.model);
  render(html`${connection(context)}${offline ? noModel(context) : nothing}`, element);
}

function connection({ chat, post }: Context): Part {
  const { state, message } = chat.connection;
  if (state === "starting")
    return html`<div class="banner quiet">
      ${icon("loading", "codicon-modifier-spin")}<span>Pillion starts…</span>
    </div>`;
  if (state !== "failed") return nothing;
  return html`<div class="banner error" role="group" aria-label="Pillion's server">
    <div>${icon("error", "look-failed")}<span>${message ?? "Pillion's server does not run."}</span></div>
    <div class="card-buttons">
      ${button("Try again", () => {
        post({ type: "command", name: "restart" });
      })}
      ${button(
        "Show log",
        () => {
          post({ type: "command", name: "showLog" });
        },
        "secondary",
      )}
    </div>
  </div>`;
}

function noModel({ post }: Context): Part {
  return html`<div class="banner" role="group" aria-label="No model">
    <div>${icon("info", "look-running")}<span>No model: tests and builds work, chat doesn't</span></div>
    <div class="card-buttons">
      ${button("Use the editor's models", () => {
        post({ type: "setup", what: "editor" });
      })}
      ${button(
        "Add key",
        () => {
          post({ type: "setup", what: "key" });
        },
        "secondary",
      )}
      ${button(
        "Use Ollama",
        () => {
          post({ type: "setup", what: "ollama" });
        },
        "secondary",
      )}
    </div>
  </div>`;
}

function activity({ chat }: Context): Part {
  const session = chat.session;
  if (!session) return nothing;
  if (session.retrying) {
    const { reason, attempt } = session.retrying;
    return html`<div class="activity">
      ${icon("sync", "codicon-modifier-spin")}<span>Trying again (${attempt}): ${reason}</span>
    </div>`;
  }
  const asks = chat.questions.some((question) => question.sessionId === session.id);
  if (session.turn !== null && !asks) {
    return html`<div class="activity">${icon("loading", "codicon-modifier-spin")}<span>Working…</span></div>`;
  }
  if (session.wakesPaused) {
    return html`<div class="activity">${icon("debug-pause")}<span>Waking is paused: say a word to go on</span></div>`;
  }
  return nothing;
}

const steps: Record<PlanEntry["status"], { name: string; look: string }> = {
  pending: { name: "circle-outline", look: "look-muted" },
  in_progress: { name: "circle-filled", look: "look-running" },
  completed: { name: "check", look: "look-passed" },
};

function plan(entries: PlanEntry[], state: DockState, redraw: () => void): Part {
  const done = entries.filter((entry) => entry.status === "completed").length;
  if (entries.length === 0 || done === entries.length) return nothing;
  const now =
    entries.find((entry) => entry.status === "in_progress") ?? entries.find((entry) => entry.status === "pending");
  const toggle = (): void => {
    state.planOpen = !state.planOpen;
    redraw();
  };
  return html`<section class="plan" aria-label="Plan">
    <button type="button" class="head" aria-expanded=${state.planOpen} @click=${toggle}>
      ${icon(state.planOpen ? "chevron-down" : "chevron-right", "twistie")}<span class="title"
        >Plan ${done}/${entries.length}</span
      >
      ${state.planOpen ? nothing : html`<span class="parts">${now?.content ?? ""}</span>`}
    </button>
    ${
      state.planOpen
        ? html`<ul>
            ${entries.map((entry) => {
              const { name, look } = steps[entry.status];
              return html`<li class=${entry.status}>${icon(name, look)}<span>${entry.content}</span></li>`;
            })}
          </ul>`
        : nothing
    }
  </section>`;
}

function queue(prompts: QueuedPrompt[], context: Context, state: DockState, redraw: () => void): Part {
  if (prompts.length === 0) return nothing;
  return html`<section class="queue" aria-label="Messages that wait">
    ${repeat(
      prompts,
      (prompt) => prompt.promptId,
      (prompt) =>
        state.editing?.promptId === prompt.promptId
          ? edited(prompt, context, state, redraw)
          : waits(prompt, context, state, redraw),
    )}
  </section>`;
}

function waits(prompt: QueuedPrompt, { post }: Context, state: DockState, redraw: () => void): Part {
  const text = words(prompt.prompt);
  const edit = (): void => {
    state.editing = { promptId: prompt.promptId, text };
    redraw();
    document.querySelector<HTMLElement>(".queue textarea")?.focus();
  };
  return html`<div class="queued">
    ${icon("clock", "look-muted")}<span class="queued-text" title=${text}>${text}</span>
    <span class="actions stay">
      ${action("edit", "Edit this message", edit)}
      ${action("close", "Remove this message", () => {
        post({ type: "requeue", promptId: prompt.promptId, text: null });
      })}
    </span>
  </div>`;
}

function edited(prompt: QueuedPrompt, { post }: Context, state: DockState, redraw: () => void): Part {
  const leave = (save: boolean): void => {
    const text = state.editing?.text.trim() ?? "";
    if (save) post({ type: "requeue", promptId: prompt.promptId, text: text === "" ? null : text });
    state.editing = null;
    redraw();
    document.querySelector<HTMLElement>(".composer textarea")?.focus();
  };
  return html`<div class="queued editing">
    <textarea
      rows="2"
      aria-label="Edit the message"
      .value=${live(state.editing?.text ?? "")}
      @input=${(event: InputEvent) => {
        if (state.editing) state.editing.text = (event.target as HTMLTextAreaElement).value;
      }}
      @keydown=${(event: KeyboardEvent) => {
        if (event.isComposing || (event.key !== "Escape" && (event.key !== "Enter" || event.shiftKey))) return;
        event.preventDefault();
        event.stopPropagation();
        leave(event.key === "Enter");
      }}
    ></textarea>
    <span class="actions stay">
      ${action("check", "Save (Enter)", () => {
        leave(true);
      })}
      ${action("discard", "Leave it as it was (Escape)", () => {
        leave(false);
      })}
    </span>
  </div>`;
}

/** What goes before the model with the next message, to be taken off. */
export function drawChips(element: HTMLElement, { chat, post }: Context, state: DockState, redraw: () => void): void {
  const tasks = chat.untold.filter((task) => !state.withheld.has(task.id));
  const chips = tasks.map((task) => {
    const summary =
      shortSummary(task.summary) ?? (task.progress.failed > 0 ? `${task.progress.failed} failed` : WORDS[task.status]);
    const what = `${task.label}: ${isFinal(task.status) ? summary : WORDS[task.status]}`;
    const remove = (): void => {
      state.withheld.add(task.id);
      post({ type: "withhold", taskId: task.id });
      redraw();
    };
    return html`<span class="chip" title="The agent is told this with your next message">
      ${statusIcon(iconOf(task.status))}<span class="chip-label">${what}</span>
      ${action("close", `Do not tell: ${what}`, remove)}
    </span>`;
  });
  if (state.awaiting !== null) {
    chips.push(
      html`<span class="chip" title=${state.awaiting}>
        ${icon("clock", "look-muted")}<span class="chip-label">Sent once a model is there: ${state.awaiting}</span>
        ${action("close", "Do not send it", () => {
          post({ type: "forget" });
        })}
      </span>`,
    );
  }
  render(html`${chips}`, element);
  element.hidden = chips.length === 0;
}

export function drawFooter(element: HTMLElement, { chat }: Context): void {
  const session = chat.session;
  const running = chat.running.length;
  const usage = session?.usage ?? null;
  const parts = [
    meter(usage),
    usage !== null && usage.cost !== null && usage.cost > 0
      ? html`<span title=${costTitle(usage)}>${money(usage.cost)}</span>`
      : null,
    running > 0 ? html`<span>${count(running, "task")} running</span>` : null,
    (session?.turn ?? null) !== null ? html`<span>Esc stops</span>` : null,
  ].filter((part) => part !== null);
  render(html`${parts}`, element);
}

function money(dollars: number): string {
  return dollars < 0.01 ? "<$0.01" : `$${dollars.toFixed(2)}`;
}

function costTitle(usage: Usage): string {
  const own =
    usage.autoCost !== null && usage.autoCost > 0
      ? `, ${money(usage.autoCost)} of it in turns that began by themselves`
      : "";
  return `This conversation, by list prices${own}`;
}

function meter(usage: Usage | null): Part | null {
  if (!usage?.contextWindow || usage.contextUsed === 0) return null;
  const percent = Math.min(100, Math.round((usage.contextUsed * 100) / usage.contextWindow));
  const title = `${usage.contextUsed.toLocaleString("en")} of ${usage.contextWindow.toLocaleString("en")} tokens of the model's context`;
  return html`<span class="meter ${percent >= 80 ? "high" : ""}" title=${title}>
    <progress max="100" value=${percent} aria-label="Context"></progress>context ${percent} %
  </span>`;
}
