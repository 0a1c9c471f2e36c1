/** Messages that only a model could have answered, said while there was none: they are kept, and sent once there is one. */

import { isOffline } from "../../webview/model/chat";
import type { Session } from "../../webview/model/items";
import type { ContentBlock } from "../protocol";

interface Said {
  readonly prompt: ContentBlock[];
  readonly text: string;
}

interface Kept {
  readonly session: string;
  readonly said: readonly Said[];
}

export class Waiting {
  /** What was said in the turn that runs, by the ids of the prompts. */
  private readonly said = new Map<string, Said>();
  private kept: Kept | null = null;

  constructor(
    private readonly send: (prompt: ContentBlock[]) => void,
    private readonly changed: (text: string | null) => void,
  ) {}

  get text(): string | null {
    return this.kept?.said.map(({ text }) => text).join("\n") ?? null;
  }

  sent(promptId: string, prompt: ContentBlock[], text: string): void {
    this.said.set(promptId, { prompt, text });
  }

  /** A turn is over: which of its prompts need a model. Those of the newest such turn are kept. */
  ended(session: Session, needsModel: readonly string[]): void {
    const said = needsModel.flatMap((id) => this.said.get(id) ?? []);
    this.said.clear();
    if (said.length > 0) {
      this.kept = { session: session.id, said };
      this.changed(this.text);
    }
  }

  /** Something about the session is another thing: maybe its model. What was meant for one session is not for another. */
  look(session: Session | null): void {
    const { kept } = this;
    if (!kept || !session) {
      return;
    }
    const isOther = session.id !== kept.session;
    const hasModel = session.model !== null && session.model !== "" && !isOffline(session.model);
    if (isOther || hasModel) {
      this.forget();
    }
    if (!isOther && hasModel) {
      for (const { prompt } of kept.said) {
        this.send(prompt);
      }
    }
  }

  forget(): void {
    if (this.kept) {
      this.kept = null;
      this.changed(null);
    }
  }
}
