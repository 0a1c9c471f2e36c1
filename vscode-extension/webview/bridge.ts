/** The way to the host, and what the page keeps across its own end. */

import type { Draft, FromView, ToView } from "./model/messages";

/** What VS Code keeps for the page. */
export interface Kept {
  draft: Draft;
  /** Messages that were sent and that nobody has taken yet. */
  sending: Draft[];
}

interface VsCode {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCode;

export interface Bridge {
  post(message: FromView): void;
  keep(kept: Kept): void;
  kept(): Kept | null;
  listen(handler: (message: ToView) => void): void;
}

export function bridge(): Bridge {
  const code = acquireVsCodeApi();
  return {
    post: (message) => {
      code.postMessage(message);
    },
    keep: (kept) => {
      code.setState(kept);
    },
    kept: () => (code.getState() as Kept | undefined) ?? null,
    listen: (handler) => {
      window.addEventListener("message", (event: MessageEvent<ToView>) => {
        if (typeof event.data === "object" && typeof event.data.type === "string") handler(event.data);
      });
    },
  };
}
