/** What the rest of the extension may ask of the chat. */

import type { ContentBlock } from "./protocol";

export interface Panel {
  /** A person sees it. */
  readonly visible: boolean;
  /** Shows the chat, the cursor in its composer. */
  reveal(): Promise<void>;
  newSession(): Promise<void>;
  /** Lets the person choose which session goes on. */
  chooseSession(): Promise<void>;
  /** Opens a session again. */
  load(sessionId: string): Promise<void>;
  /** Adds to what is being typed, and shows the chat. Nothing is sent. */
  add(blocks: readonly ContentBlock[]): Promise<void>;
  /** Says it in the chat's session, which is made if there is none. A running turn queues it. */
  send(blocks: readonly ContentBlock[]): Promise<void>;
}
