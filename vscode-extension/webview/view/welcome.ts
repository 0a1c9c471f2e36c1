/** What an empty conversation shows: what one can say. */

import { html, nothing } from "lit-html";
import { icon, type Context, type Part } from "./context";

const starts = ["Run the tests", "Build it", "What failed?"];

export function welcome({ chat }: Context, empty: boolean, say: (text: string) => void): Part {
  if (!empty || !chat.session || chat.session.replaying) return nothing;
  return html`<div class="welcome-box">
    ${icon("comment-discussion")}
    <h1>Pillion</h1>
    <p>
      Ask for a change. Builds and tests run beside the conversation, and failures appear in the code while they run.
    </p>
    <div class="starts">
      ${starts.map(
        (text) =>
          html`<button
            type="button"
            class="start"
            @click=${() => {
              say(text);
            }}
          >
            ${text}
          </button>`,
      )}
    </div>
  </div>`;
}
