/** A message that needs a model and came while there was none: it is kept, and sent once there is one. */

import { isOffline } from "../../webview/model/chat";
import type { Session } from "../../webview/model/items";
import type { ContentBlock } from "../protocol";

/** What the server says where only a model could have answered. A test looks whether it still says so. */
export const NEEDS_MODEL = "send it again once a model is there";

export class Waiting {
  private last: { prompt: ContentBlock[]; text: string } | null = null;
  private kept: { prompt: ContentBlock[]; text: string } | null = null;

  constructor(
    private readonly send: (prompt: ContentBlock[]) => void,
    private readonly changed: (text: string | null) => void,
  ) {}

  get text(): string | null {
    return this.kept?.text ?? null;
  }

  sent(session: Session | null, prompt: ContentBlock[], text: string): void {
    this.last = session !== null && isOffline(session.model) ? { prompt, text } : null;
  }

  /** A turn is over: whether its answer said that a model is needed. */
  ended(session: Session): void {
    const answer = session.items.findLast((item) => item.kind === "agent" && item.parent === null);
    if (this.last && answer?.kind === "agent" && answer.text.includes(NEEDS_MODEL)) {
      this.kept = this.last;
      this.changed(this.kept.text);
    }
    this.last = null;
  }

  /** Something about the session is another thing: maybe its model. */
  look(session: Session | null): void {
    const { kept } = this;
    if (kept && session && session.model !== null && session.model !== "" && !isOffline(session.model)) {
      this.forget();
      this.send(kept.prompt);
    }
  }

  forget(): void {
    if (this.kept) {
      this.kept = null;
      this.changed(null);
    }
  }
}
