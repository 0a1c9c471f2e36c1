/**
 * The server of this window: started at the first request, started again when it ends by itself, and the handlers that
 * outlive each of its processes.
 */

import { randomUUID } from "node:crypto";
import { homedir } from "node:os";

import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";

import { find, NoBinary, PLATFORM } from "./binary";
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
import { Windows } from "./windows";

/** More ends than this within the time are no accident. */
const ENDS = 5;
const ENDS_WITHIN_MS = 180_000;
const TOKEN = "clientToken";
/** How long settings may come after the extension is started. */
const SETTINGS_MS = 2000;

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
  private readonly windows: Windows;
  private starting: Promise<Connection> | undefined;
  private connection: Connection | undefined;
  private now: SidecarState = "stopped";
  private disposed = false;

  readonly onDidChangeState = this.changed.event;
  readonly onDidSettle = this.settled.event;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: vscode.LogOutputChannel,
  ) {
    // The editor gives a second window of a folder another storage of the folder: only this one is shared.
    this.windows = new Windows(vscode.Uri.joinPath(context.globalStorageUri, "windows").fsPath, {
      answers: async () => vscode.commands.getCommands(true), // the window knows them, not its extension host
      leave: async () => {
        log.warn("this window is gone, and another one goes on: the server is ended");
        await this.stop();
      },
    });
  }

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

  isHeldElsewhere(): Promise<boolean> {
    return this.windows.isHeld();
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
      const program = await this.program().catch(async (error: unknown) => {
        // Settings of a remote machine come a moment after its window: the one that says where may be among them.
        if (!(error instanceof NoBinary) || !(await located())) {
          throw error;
        }
        return this.program();
      });
      this.log.info(`starting ${program}`);
      const clientToken = await this.token();
      await this.windows.enter(clientToken).catch((error: unknown) => {
        this.log.warn("other windows could not be asked", error);
      });
      const connection = await Connection.open({
        program,
        cwd: vscode.workspace.workspaceFolders?.[0]?.uri.fsPath,
        env: environment(process.env),
        settings: explicit(),
        clientToken,
        log: this.log,
        middleware: {
          ...this.problems.middleware,
          workspace: { handleApplyEdit: applyEdit },
          // The server's own are for editors without an extension: here each would be there twice.
          provideCodeActions: () => [],
          provideCodeLenses: () => [],
        },
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

  private program(): Promise<string> {
    return find({
      configured: configured(),
      extension: this.context.extensionPath,
      path: process.env.PATH ?? "",
      home: homedir(),
      platform: PLATFORM,
    });
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

  /** Nobody waits for it at the end of the window: the end of its input ends a server too. */
  async end(): Promise<void> {
    this.disposed = true;
    await this.stop();
  }

  dispose(): void {
    void this.end();
    this.windows.dispose();
    this.problems.dispose();
    this.changed.dispose();
    this.settled.dispose();
  }
}

function configured(): string {
  return vscode.workspace.getConfiguration("pillion").get("server.path", "");
}

/** Where nothing says where the program is: whether something does within a moment. */
function located(): Promise<boolean> {
  if (configured() !== "") {
    return Promise.resolve(false);
  }
  return new Promise((resolve) => {
    const end = (found: boolean): void => {
      clearTimeout(late);
      listening.dispose();
      resolve(found);
    };
    const late = setTimeout(end, SETTINGS_MS, false);
    const listening = vscode.workspace.onDidChangeConfiguration(() => {
      if (configured() !== "") {
        end(true);
      }
    });
  });
}

/** The person's own environment: without what the editor has for itself. */
function environment(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(own).filter(([name]) => !/^(VSCODE|ELECTRON|CODE_SERVER)_/.test(name)));
}
