/** The line above the transcript: what the conversation is, how it stands, and who answers in which mode. */

import { html, nothing, render } from "lit-html";
import { isOffline } from "../model/chat";
import { icon, type Context, type Part } from "./context";

export function drawHeader(element: HTMLElement, context: Context): void {
  const { chat, post } = context;
  const session = chat.session;
  if (!session) {
    render(nothing, element);
    element.hidden = true;
    return;
  }
  element.hidden = false;
  const title = session.title ?? "New session";
  const mode = session.modes.find((one) => one.id === session.mode)?.name ?? session.mode ?? "";
  const offline = isOffline(session.model);
  render(
    html`${dot(context)}
      <button
        type="button"
        class="session-title"
        title="${title}. Show all sessions"
        @click=${() => {
          post({ type: "pick", what: "sessions" });
        }}
      >
        ${title}
      </button>
      <span class="pickers">
        ${picker(mode.toLowerCase(), "Mode", () => {
          post({ type: "pick", what: "mode" });
        })}
        <span class="dot" aria-hidden="true">·</span>
        ${picker(offline ? "no model" : modelName(session.model), "Model", () => {
          post({ type: "pick", what: "model" });
        })}
      </span>`,
    element,
  );
}

/** `ollama:qwen3:8b` is long enough without its provider; a provider's own choice is the provider. */
function modelName(model: string | null): string {
  const own = /^(\w+):default$/.exec(model ?? "")?.[1];
  if (own !== undefined) return own;
  return model?.replace(/^(?:anthropic|openai|openrouter|ollama|llamacpp|vllm|lmstudio|editor):/, "") ?? "";
}

function dot({ chat }: Context): Part {
  const session = chat.session;
  const asks = chat.questions.some((question) => question.sessionId === session?.id) || chat.asking.length > 0;
  if (asks) return icon("question", "look-question");
  if ((session?.turn ?? null) !== null) return icon("loading", "look-running codicon-modifier-spin");
  return icon("circle-filled", "session-dot look-muted");
}

function picker(words: string, what: string, act: () => void): Part {
  return html`<button
    type="button"
    class="picker"
    title="${what}: ${words}"
    aria-label="${what}: ${words}"
    aria-haspopup="true"
    @click=${act}
  >
    ${words}
  </button>`;
}
