/** A diff's lines: numbers, signs, colours. */

import { html } from "lit-html";
import type { Content } from "../model/items";
import type { Part } from "./context";

const signs = { context: " ", added: "+", removed: "−", gap: "" };

export function diffView(diff: Extract<Content, { type: "diff" }>): Part {
  return html`<div
    class="diff"
    tabindex="0"
    role="group"
    aria-label="Diff, ${diff.added} lines added, ${diff.removed} removed"
  >
    ${diff.lines.map((line) =>
      line.kind === "gap"
        ? html`<div class="diff-line gap">⋯</div>`
        : html`<div class="diff-line ${line.kind}">
            <span class="number">${line.line === 0 ? "" : line.line}</span><span class="sign">${signs[line.kind]}</span
            ><span class="text">${line.text === "" ? " " : line.text}</span>
          </div>`,
    )}
  </div>`;
}
