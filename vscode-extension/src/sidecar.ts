/** What the rest of the extension sees of the server. How it is started and spoken with is the client's matter. */

import type * as vscode from "vscode";

import type { ClientNotifications, Requests, ServerNotifications, ServerRequests } from "./protocol";

/** `failed`: it does not start, or ended too often; a request tries again. */
export type SidecarState = "stopped" | "starting" | "running" | "failed";

/**
 * The server of this window. The first request starts it. One that ends by itself is started again; what was asked of the
 * old one is rejected, handlers stay.
 */
export interface Sidecar extends vscode.Disposable {
  readonly state: SidecarState;
  readonly onDidChangeState: vscode.Event<SidecarState>;
  /** Rejects with a `ResponseError` whose `data` is an `ErrorData`, or with an `Error` that says why there is no server. */
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
