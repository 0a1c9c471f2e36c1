/** Which of the agent's edits in the shown session wait for the person, and keeping them or taking them back. */

import * as vscode from "vscode";

import { type Changes, changeKey } from "../../webview/model/messages";
import type { Change as FileChange, ChangeParams } from "../protocol";
import type { TurnDiff } from "../../webview/model/transcript";
import type { Settled, Sidecar } from "../sidecar";
import { patchDiff } from "./diff";

/** Diffs of a session that is opened again; those of older turns stay folded without one. */
const MOST_DIFFS = 500;

export class Edits {
  private sessionId: string | null = null;
  private known: Changes = {};

  constructor(
    private readonly sidecar: Sidecar,
    private readonly changed: (changes: Changes) => void,
  ) {}

  get now(): Changes {
    return this.known;
  }

  /** Another session is shown. Answers what its turns did to files. */
  async begin(sessionId: string): Promise<TurnDiff[]> {
    this.sessionId = sessionId;
    this.known = {};
    const changes = await this.look({ sessionId });
    return changes.slice(-MOST_DIFFS).map(({ turnId, path, kind, diff }) => ({
      turn: turnId,
      path,
      content: patchDiff(path, kind === "create", diff),
    }));
  }

  /** A turn that edited is over. */
  async ended(turnId: string): Promise<void> {
    if (this.sessionId !== null) {
      await this.look({ sessionId: this.sessionId, turnId });
    }
  }

  async settle(how: "accept" | "revert", turnId: string, path: string | null): Promise<void> {
    if (this.sessionId === null) {
      return;
    }
    const params = { sessionId: this.sessionId, turnId, ...(path === null ? {} : { path }) };
    const { notes } = await this.sidecar.request(`pillion/change/${how}`, params);
    if (notes.length > 0) {
      void vscode.window.showWarningMessage(`Pillion: ${notes.join(" ")}`);
    }
  }

  /** Edits were kept or taken back: here, in the code, or by a command. */
  settled({ sessionId, changes }: Settled): void {
    if (sessionId === this.sessionId) {
      this.take(changes);
    }
  }

  private async look(params: ChangeParams): Promise<FileChange[]> {
    const { changes } = await this.sidecar.request("pillion/change/list", params);
    if (params.sessionId === this.sessionId) {
      this.take(changes);
    }
    return changes;
  }

  /** A file may have several changes in a turn: it waits while one of them does. */
  private take(changes: readonly FileChange[]): void {
    const next = { ...this.known };
    const seen = new Set<string>();
    for (const { turnId, path, state } of changes) {
      const key = changeKey(turnId, path);
      const pending = seen.has(key) && next[key] === "pending";
      next[key] = pending ? "pending" : state;
      seen.add(key);
    }
    this.known = next;
    this.changed(next);
  }
}
