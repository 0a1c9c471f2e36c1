/**
 * The server of this window: started at the first request, started again when it ends by itself, and the handlers that
 * outlive each of its processes.
 */

import { randomUUID } from "node:crypto";
import { homedir } from "node:os";

import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";

import { find } from "./binary";
import { Connection } from "./connection";
import type {
  ChangeParams,
  ChangesResult,
  ClientNotifications,
  Requests,
  ServerNotifications,
  ServerRequests,
} from "./protocol";
import { applyEdit } from "./changes/apply";
import { Problems } from "./diagnostics";
import { explain } from "./remedies";
import { explicit } from "./settings";
import { NotRunning, Refusal, type Settled, type Sidecar, type SidecarState } from "./sidecar";

/** More ends than this within the time are no accident. */
const ENDS = 5;
const ENDS_WITHIN_MS = 180_000;
const TOKEN = "clientToken";

type Handler = (...args: never[]) => unknown;

/** What is said to each new server before anything else: keys, models that the editor lends. */
export type Greeting = (client: LanguageClient) => Promise<void>;

export class Client implements Sidecar {
  private readonly changed = new vscode.EventEmitter<SidecarState>();
  private readonly settled = new vscode.EventEmitter<Settled>();
  private readonly listeners = new Map<string, Set<Handler>>();
  private readonly answers = new Map<string, Handler>();
  private readonly greetings: Greeting[] = [];
  private readonly ends: number[] = [];
  private readonly problems = new Problems();
  private starting: Promise<Connection> | undefined;
  private connection: Connection | undefined;
  private now: SidecarState = "stopped";
  private disposed = false;

  readonly onDidChangeState = this.changed.event;
  readonly onDidSettle = this.settled.event;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  get state(): SidecarState {
    return this.now;
  }

  /** Each new server hears it before any request. One that fails is logged, and the server is used all the same. */
  greet(greeting: Greeting): void {
    this.greetings.push(greeting);
  }

  async request<M extends keyof Requests>(
    method: M,
    params: Requests[M]["params"],
    token?: vscode.CancellationToken,
  ): Promise<Requests[M]["result"]> {
    const { client } = await this.start();
    type Result = Requests[M]["result"];
    const result = await (token
      ? client.sendRequest<Result>(method, params, token)
      : client.sendRequest<Result>(method, params));
    if (method === "pillion/change/accept" || method === "pillion/change/revert") {
      const { sessionId } = params as ChangeParams;
      this.settled.fire({ sessionId, changes: (result as ChangesResult).changes });
    }
    return result;
  }

  async notify<M extends keyof ClientNotifications>(method: M, params: ClientNotifications[M]): Promise<void> {
    const { client } = await this.start();
    await client.sendNotification(method, params);
  }

  on<M extends keyof ServerNotifications>(
    method: M,
    handler: (params: ServerNotifications[M]) => void,
  ): vscode.Disposable {
    const handlers = this.listeners.get(method) ?? new Set();
    this.listeners.set(method, handlers);
    handlers.add(handler);
    if (handlers.size === 1 && this.connection) {
      this.listen(this.connection.client, method);
    }
    return new vscode.Disposable(() => handlers.delete(handler));
  }

  answer<M extends keyof ServerRequests>(
    method: M,
    handler: (
      params: ServerRequests[M]["params"],
      token: vscode.CancellationToken,
    ) => Promise<ServerRequests[M]["result"]>,
  ): vscode.Disposable {
    if (this.answers.has(method)) {
      throw new Error(`${method} is answered already`);
    }
    this.answers.set(method, handler);
    if (this.connection) {
      this.serve(this.connection.client, method);
    }
    return new vscode.Disposable(() => this.answers.delete(method));
  }

  /** The running server; starts it if there is none. */
  start(): Promise<Connection> {
    if (this.disposed) {
      return Promise.reject(new NotRunning("the window closes"));
    }
    this.starting ??= this.open();
    return this.starting;
  }

  /** Tells a running server the settings of now. */
  async configure(): Promise<void> {
    await this.connection?.client.sendNotification("workspace/didChangeConfiguration", { settings: explicit() });
  }

  /** Says something to the running server, if there is one. */
  async whileRunning(greeting: Greeting): Promise<void> {
    if (this.connection) {
      await greeting(this.connection.client);
    }
  }

  /** Ends the server and starts it anew. Its tasks go on. */
  async restart(): Promise<void> {
    this.ends.length = 0;
    await this.stop();
    await this.start();
  }

  private async open(): Promise<Connection> {
    this.tell("starting");
    this.problems.clear();
    try {
      const program = await find({
        configured: vscode.workspace.getConfiguration("pillion").get("server.path", ""),
        extension: this.context.extensionPath,
        path: process.env.PATH ?? "",
        home: homedir(),
      });
      this.log.info(`starting ${program}`);
      const connection = await Connection.open({
        program,
        cwd: vscode.workspace.workspaceFolders?.[0]?.uri.fsPath,
        env: environment(process.env),
        settings: explicit(),
        clientToken: await this.token(),
        log: this.log,
        middleware: { ...this.problems.middleware, workspace: { handleApplyEdit: applyEdit } },
        prepare: (client) => {
          this.prepare(client);
        },
        gone: (how) => {
          this.gone(how);
        },
      });
      for (const greeting of this.greetings) {
        await greeting(connection.client).catch((error: unknown) => {
          this.log.error("a greeting failed", error);
        });
      }
      this.connection = connection;
      this.tell("running");
      return connection;
    } catch (error) {
      this.starting = undefined;
      this.log.error(`the server does not start: ${String(error)}`);
      this.tell("failed");
      void explain(error, this);
      throw new NotRunning(String(error));
    }
  }

  private prepare(client: LanguageClient): void {
    for (const method of this.listeners.keys()) {
      this.listen(client, method);
    }
    for (const method of this.answers.keys()) {
      this.serve(client, method);
    }
  }

  private listen(client: LanguageClient, method: string): void {
    client.onNotification(method, (params: unknown) => {
      for (const handler of this.listeners.get(method) ?? []) {
        try {
          (handler as (params: unknown) => void)(params);
        } catch (error) {
          this.log.error(`${method} was not taken in`, error);
        }
      }
    });
  }

  private serve(client: LanguageClient, method: string): void {
    client.onRequest(method, (params: unknown, token: vscode.CancellationToken) => {
      const handler = this.answers.get(method) as
        ((params: unknown, token: vscode.CancellationToken) => Promise<unknown>) | undefined;
      return handler?.(params, token).catch(async (error: unknown) => {
        if (error instanceof Refusal) {
          const { ErrorCodes, ResponseError } = await import("./languageclient.js");
          throw new ResponseError(ErrorCodes.InternalError, error.message, { kind: error.kind });
        }
        throw error;
      });
    });
  }

  /** The server ended by itself. It is started again at once, unless it has ended too often. */
  private gone(how: string): void {
    this.connection = undefined;
    this.starting = undefined;
    if (this.disposed) {
      return;
    }
    this.log.warn(`the server ended (${how})`);
    const now = Date.now();
    this.ends.push(now);
    while ((this.ends[0] ?? now) < now - ENDS_WITHIN_MS) {
      this.ends.shift();
    }
    if (this.ends.length > ENDS) {
      this.ends.length = 0;
      this.tell("failed");
      void explain(
        new Error(`Pillion's sidecar ended ${ENDS + 1} times within three minutes, last with ${how}.`),
        this,
      );
      return;
    }
    this.start().catch(() => undefined); // it has been told
  }

  private async stop(): Promise<void> {
    const connection = this.connection ?? (await this.starting?.catch(() => undefined));
    this.connection = undefined;
    this.starting = undefined;
    await connection?.close();
    this.tell("stopped");
  }

  /** By it the next server goes on with what the last one of this window left running. */
  private async token(): Promise<string> {
    const known = this.context.workspaceState.get<string>(TOKEN);
    const token = known ?? randomUUID();
    if (known === undefined) {
      await this.context.workspaceState.update(TOKEN, token);
    }
    return token;
  }

  private tell(state: SidecarState): void {
    if (this.now !== state) {
      this.now = state;
      this.changed.fire(state);
    }
  }

  /** Also waited for at the end of the window: see `deactivate`. */
  async end(): Promise<void> {
    this.disposed = true;
    await this.stop();
  }

  dispose(): void {
    void this.end();
    this.problems.dispose();
    this.changed.dispose();
    this.settled.dispose();
  }
}

/** The person's own environment: without what the editor has for itself. */
function environment(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(own).filter(([name]) => !/^(VSCODE|ELECTRON|CODE_SERVER)_/.test(name)));
}
