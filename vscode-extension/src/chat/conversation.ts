/**
 * The session that the chat shows: opens it, makes it, goes on with it when the server is another one, and tells what
 * happens in it. It knows the server and no page.
 */

import * as vscode from "vscode";

import type { Session } from "../../webview/model/items";
import type { ViewUpdateParams } from "../../webview/model/messages";
import { newSession } from "../../webview/model/session";
import { type Change, Transcript, type TurnDiff } from "../../webview/model/transcript";
import type { ContentBlock, LoadSessionResult, PromptResult, SessionResult, UpdateParams } from "../protocol";
import { attempt, messageOf, refusal } from "../errors";
import type { Sidecar, SidecarState } from "../sidecar";
import type { Store } from "../store";
import { slimUpdate } from "./slim";

/** Items that are asked for at a time. */
const PAGE = 300;
/** Updates of sessions that nobody knows yet: a notification may overtake the answer that names its session. */
const MOST_EARLY = 200;
const LAST_SESSION = "pillion.chat.session";

/** What the page has to be told. */
export type Told =
  /** Another session, or all of it anew. */
  { type: "session" } | { type: "updates"; updates: ViewUpdateParams[]; changes: Change[] };

export class Conversation implements vscode.Disposable {
  private transcript: Transcript | null = null;
  private opening: Promise<Session> | undefined;
  private served: boolean;
  /** Somebody has asked for a session. */
  private wanted = false;
  /** Updates that the page gets together, while a page of older items comes. */
  private held: ViewUpdateParams[] | null = null;
  private replaying = false;
  private early: UpdateParams[] = [];
  private readonly told = new vscode.EventEmitter<Told>();
  private readonly disposables: vscode.Disposable[];

  readonly onTold = this.told.event;

  constructor(
    private readonly sidecar: Sidecar,
    private readonly store: Store,
    private readonly memory: vscode.Memento,
  ) {
    this.served = sidecar.state === "running";
    this.disposables = [
      this.told,
      sidecar.on("pillion/session/update", (params) => {
        this.take(params);
      }),
      sidecar.onDidChangeState((state) => {
        this.serverIs(state);
      }),
    ];
  }

  get session(): Session | null {
    return this.transcript?.session ?? null;
  }

  /** The session that is shown, opened: the last one of this folder, else a new one. */
  ensure(): Promise<Session> {
    this.wanted = true;
    if (!this.opening) {
      const opening = this.open();
      this.opening = opening;
      opening.catch(() => {
        if (this.opening === opening) {
          this.opening = undefined; // whoever asks next tries again
        }
      });
    }
    return this.opening;
  }

  async create(): Promise<void> {
    const before = this.opening;
    const opening = this.make();
    this.wanted = true;
    this.opening = opening;
    try {
      await opening;
    } catch (error) {
      if (this.opening === opening) {
        this.opening = before;
      }
      throw error;
    }
  }

  async load(sessionId: string, move = false): Promise<void> {
    const before = this.transcript;
    const opening = this.reopen(sessionId, move);
    this.wanted = true;
    this.opening = opening;
    try {
      await opening;
    } catch (error) {
      if (this.opening === opening) {
        this.transcript = before;
        this.opening = before ? Promise.resolve(before.session) : undefined;
        this.replaying = false;
        this.told.fire({ type: "session" });
      }
      throw error;
    }
  }

  /** What turns did to files, where the replay did not say it. */
  attach(sessionId: string, diffs: TurnDiff[]): void {
    if (this.session?.id === sessionId) {
      for (const diff of diffs) {
        this.transcript?.attachDiff(diff);
      }
    }
  }

  private get root(): string {
    return vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? "/";
  }

  async prompt(prompt: ContentBlock[]): Promise<PromptResult> {
    let session = await this.ensure();
    if (session.closed) {
      await this.create();
      session = await this.ensure();
    }
    return this.sidecar.request("pillion/session/prompt", { sessionId: session.id, prompt });
  }

  async cancel(): Promise<void> {
    const { session } = this;
    if (session?.turn) {
      await this.sidecar.notify("pillion/session/cancel", { sessionId: session.id, turnId: session.turn });
    }
  }

  /** Asks for the items ahead of the first one. */
  async older(): Promise<void> {
    const { session } = this;
    const before = session?.older ?? null;
    if (session && before !== null && !this.replaying) {
      await this.sidecar.request("pillion/session/load", { sessionId: session.id, limit: PAGE, before });
    }
  }

  /** A session is open in one server: when another one is there, it goes on in that. */
  private serverIs(state: SidecarState): void {
    if (state !== "running") {
      if (this.served) {
        this.opening = undefined;
      }
      this.served = false;
      return;
    }
    this.served = true;
    if (this.wanted && !this.opening) {
      this.ensure().catch(() => undefined); // whoever asks next is told
    }
  }

  private async open(): Promise<Session> {
    const last = this.session?.closed ? undefined : (this.session?.id ?? this.memory.get<string>(LAST_SESSION));
    if (last !== undefined) {
      try {
        return await this.reopen(last, false);
      } catch (error) {
        if (this.sidecar.state !== "running") {
          throw error;
        }
        return this.instead(last, error);
      }
    }
    return this.make();
  }

  /** The last session does not open: a new one is made, and what became of the last one is said. */
  private async instead(last: string, error: unknown): Promise<Session> {
    const { kind } = refusal(error);
    if (kind === "session_in_use" && !(await this.sidecar.isHeldElsewhere())) {
      try {
        return await this.reopen(last, false); // the window that had it has gone
      } catch (again) {
        this.replaced(last, again);
      }
    } else if (kind !== "unknown_session") {
      this.replaced(last, error);
    }
    return this.make();
  }

  private replaced(last: string, error: unknown): void {
    const inUse = refusal(error).kind === "session_in_use";
    const move = "Go on here";
    const why = inUse ? "This folder's last session is open in another window." : `${messageOf(error)}.`;
    const what = `${why.replace(/\.+$/, ".")} This is a new one.`;
    void vscode.window.showInformationMessage(what, ...(inUse ? [move] : [])).then((chosen) => {
      if (chosen === move) {
        void attempt(this.load(last, true));
      }
    });
  }

  private async make(): Promise<Session> {
    this.early = [];
    const reply = await this.sidecar.request("pillion/session/new", {});
    const early = this.early.filter((params) => params.sessionId === reply.sessionId);
    const transcript = new Transcript(newSession(reply.sessionId));
    this.transcript = transcript;
    this.replaying = false;
    this.show(reply);
    for (const params of early) {
      this.take(params);
    }
    return transcript.session;
  }

  private async reopen(sessionId: string, move: boolean): Promise<Session> {
    const transcript = new Transcript(newSession(sessionId));
    // The replay may come before the answer.
    this.transcript = transcript;
    this.replaying = false;
    const reply = await this.sidecar.request("pillion/session/load", {
      sessionId,
      limit: PAGE,
      ...(move ? { move } : {}),
    });
    this.show(reply);
    return transcript.session;
  }

  private show(reply: SessionResult | LoadSessionResult): void {
    this.transcript?.describe(reply);
    this.store.opened(reply);
    void this.memory.update(LAST_SESSION, reply.sessionId);
    this.told.fire({ type: "session" });
  }

  private take(params: UpdateParams): void {
    const { transcript } = this;
    if (params.sessionId !== transcript?.session.id) {
      this.early.push(params);
      this.early.splice(0, this.early.length - MOST_EARLY);
      return;
    }
    const { update } = params;
    const slim = slimUpdate(params, this.root);
    const changes = transcript.apply(slim);
    if (update.sessionUpdate === "replay_started") {
      if (update.before === null) {
        this.replaying = true;
      } else {
        this.held = [];
      }
    }
    if (this.replaying) {
      // The page gets all of it at once.
      if (update.sessionUpdate === "replay_ended") {
        this.replaying = false;
        this.told.fire({ type: "session" });
      }
      return;
    }
    if (this.held) {
      this.held.push(slim);
      if (update.sessionUpdate === "replay_ended") {
        const updates = this.held;
        this.held = null;
        this.told.fire({ type: "updates", updates, changes });
      }
      return;
    }
    this.told.fire({ type: "updates", updates: [slim], changes });
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables).dispose();
  }
}
