/** What the rest of the extension sees of the server. How it is started and spoken with is the client's matter. */

import type * as vscode from "vscode";

import type { Change, ClientNotifications, Requests, ServerNotifications, ServerRequests } from "./protocol";

/** There is no server; the person has been told why. */
export class NotRunning extends Error {
  override readonly name = "NotRunning";
}

/** What a handler of a server's request rejects with where the server wants a word for it: `data.kind`. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly kind: string,
  ) {
    super(message);
  }
}

/** `failed`: it does not start, or ended too often; a request tries again. */
export type SidecarState = "stopped" | "starting" | "running" | "failed";

/** The changes that are others now. */
export interface Settled {
  readonly sessionId: string;
  readonly changes: readonly Change[];
}

/**
 * The server of this window. The first request starts it. One that ends by itself is started again; what was asked of the
 * old one is rejected, handlers stay.
 */
export interface Sidecar extends vscode.Disposable {
  readonly state: SidecarState;
  readonly onDidChangeState: vscode.Event<SidecarState>;
  /** A person kept or took back edits of the agent's, wherever that was asked for: the server tells nobody else. */
  readonly onDidSettle: vscode.Event<Settled>;
  /** Whether a window that somebody looks at has this folder open too. Takes some seconds where there is none. */
  isHeldElsewhere(): Promise<boolean>;
  /** Rejects with a `ResponseError` whose `data` is an `ErrorData`, or with `NotRunning`. */
  request<M extends keyof Requests>(
    method: M,
    params: Requests[M]["params"],
    token?: vscode.CancellationToken,
  ): Promise<Requests[M]["result"]>;
  notify<M extends keyof ClientNotifications>(method: M, params: ClientNotifications[M]): Promise<void>;
  on<M extends keyof ServerNotifications>(
    method: M,
    handler: (params: ServerNotifications[M]) => void,
  ): vscode.Disposable;
  /** One handler a method. `token` is cancelled when the server withdraws its request. */
  answer<M extends keyof ServerRequests>(
    method: M,
    handler: (
      params: ServerRequests[M]["params"],
      token: vscode.CancellationToken,
    ) => Promise<ServerRequests[M]["result"]>,
  ): vscode.Disposable;
}
