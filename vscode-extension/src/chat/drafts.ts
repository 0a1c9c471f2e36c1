/** What is typed and not sent yet: kept for the window's next life, and given back to whoever types next. */

import type * as vscode from "vscode";

import type { Attachment, Draft } from "../../webview/model/messages";

const KEY = "pillion.chat.draft";
/** Milliseconds after the last key until it is written down. The page itself keeps every key. */
const QUIET_MS = 400;

export class Drafts implements vscode.Disposable {
  private draft: Draft;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly memory: vscode.Memento) {
    this.draft = memory.get<Draft>(KEY) ?? { text: "", attachments: [] };
  }

  get now(): Draft {
    return this.draft;
  }

  set(draft: Draft): void {
    this.draft = draft;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.write();
    }, QUIET_MS);
  }

  /** Puts words ahead of what is typed, while no page is there that could. */
  prepend(text: string, attachments: Attachment[]): void {
    const { draft } = this;
    this.set({
      text: [text, draft.text].filter((part) => part !== "").join("\n"),
      attachments: [...draft.attachments, ...attachments],
    });
  }

  private write(): void {
    clearTimeout(this.timer);
    void this.memory.update(KEY, this.draft);
  }

  dispose(): void {
    this.write();
  }
}
