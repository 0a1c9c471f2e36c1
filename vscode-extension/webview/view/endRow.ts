/** The end of a turn, where there is something to say of it: why it ended, and what it edited, to keep or to undo. */

import { html, nothing } from "lit-html";
import type { TurnEnd } from "../model/items";
import { changeKey } from "../model/messages";
import { icon, shortPath, type Context, type Part } from "./context";

const reasons: Record<Exclude<TurnEnd["reason"], "end_turn">, string> = {
  moved: "This conversation goes on in another window",
  cancelled: "Stopped",
  interrupted: "Interrupted",
  refusal: "The model refused to go on",
  max_tokens: "The answer reached its longest length",
  max_turn_requests: "Stopped after many steps. Say “go on” to continue",
  error: "The turn failed",
};

export function endWords(item: TurnEnd): string | null {
  if (item.reason === "end_turn") return null;
  return item.error ?? reasons[item.reason];
}

export function endRow(item: TurnEnd, context: Context): Part {
  const words = endWords(item);
  const failed = item.reason === "error" || item.reason === "refusal";
  const why = words === null ? nothing : reason(words, failed);
  return html`<article class="end" tabindex="-1" aria-label=${words ?? "The agent's edits"}>
    ${why}${edits(item, context)}
  </article>`;
}

function reason(words: string, failed: boolean): Part {
  return html`<div class="line ${failed ? "error" : ""}">
    ${icon(failed ? "error" : "circle-slash", failed ? "look-failed" : "look-muted")}<span>${words}</span>
  </div>`;
}

function edits(item: TurnEnd, { chat, post }: Context): Part {
  const { turn, edited } = item;
  if (turn === null || edited.length === 0) return nothing;
  const states = edited.map((path) => chat.changes[changeKey(turn, path)]);
  const pending = states.filter((state) => state === "pending").length;
  const files = edited.length === 1 ? shortPath(edited[0] ?? "", chat) : `${edited.length} files`;
  if (states.every((state) => state === undefined)) return nothing;
  const all = states.every((state) => state === "reverted") ? "undone" : "kept";
  return html`<div class="line edits">
    ${icon("diff-multiple", "look-muted")}<span
      class="what"
      title=${edited.map((path) => shortPath(path, chat)).join("\n")}
      >${files} changed</span
    >
    ${
      pending === 0
        ? html`<span class="settled">${all}</span>`
        : html`<span class="actions stay">
            <button
              type="button"
              class="text-action"
              @click=${() => {
                post({ type: "review", turn, path: null });
              }}
            >
              Review
            </button>
            <button
              type="button"
              class="text-action"
              @click=${() => {
                post({ type: "settle", how: "accept", turn, path: null });
              }}
            >
              Keep
            </button>
            <button
              type="button"
              class="text-action"
              @click=${() => {
                post({ type: "settle", how: "revert", turn, path: null });
              }}
            >
              Undo this turn
            </button>
          </span>`
    }
  </div>`;
}
