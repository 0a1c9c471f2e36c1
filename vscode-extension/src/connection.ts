/**
 * One process of the server and the language client that speaks with it, from its start to its end. It knows no restart
 * and no other part of the extension.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

import type * as vscode from "vscode";
import type { LanguageClient, LanguageClientOptions, Middleware } from "vscode-languageclient/node";

import { type ClientCapability, type ServerCapability, VERSION } from "./protocol";

/** A server that ends gets this long after `exit`, then it is killed. What it left running is not its child. */
const LAST_MS = 3000;
/** How long after the end of a server its standard error is read on: what it left running may hold it open. */
const LAST_WORDS_MS = 300;
/** Characters of standard error that are kept for the message about its end. */
const LAST_WORDS = 2000;

/** Everything that a start needs. */
export interface Start {
  program: string;
  cwd: string | undefined;
  env: NodeJS.ProcessEnv;
  settings: object;
  clientToken: string;
  log: vscode.LogOutputChannel;
  middleware: Middleware;
  /** Its requests and notifications get their handlers here, before it can send any. */
  prepare(client: LanguageClient): void;
  /** It ended and was not asked to. */
  gone(how: string): void;
}

/** The server speaks another version of the protocol. */
export class OtherVersion extends Error {
  constructor(
    readonly program: string,
    server: string,
    version: number | undefined,
  ) {
    super(
      version === undefined
        ? `${program} is not Pillion's server, or is too old for this extension.`
        : `${program} (${server}) speaks version ${version} of Pillion's protocol, this extension version ${VERSION}.`,
    );
  }
}

function isOver(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** How a process has ended, in words. */
function end(child: ChildProcess, lastWords: string): string {
  const how = child.signalCode ? `signal ${child.signalCode}` : `exit code ${child.exitCode ?? "unknown"}`;
  return lastWords === "" ? how : `${how}: ${lastWords}`;
}

export class Connection {
  private stopping = false;

  private constructor(
    readonly client: LanguageClient,
    private readonly child: () => ChildProcess | undefined,
  ) {}

  /** Rejects when the process cannot be started, ends before it answers, or has another version. */
  static async open(start: Start): Promise<Connection> {
    const { CloseAction, ErrorAction, LanguageClient, RevealOutputChannelOn, State } =
      await import("./languageclient.js");
    let child: ChildProcess | undefined;
    let lastWords = "";
    let heard: Promise<unknown> = Promise.resolve();
    const run = async () => {
      const started = spawn(start.program, ["serve", "--stdio"], { cwd: start.cwd, env: start.env });
      started.stderr.setEncoding("utf8").on("data", (text: string) => {
        lastWords = (lastWords + text).trim().slice(-LAST_WORDS);
      });
      heard = new Promise((resolve) => started.once("close", resolve));
      await once(started, "spawn");
      child = started;
      return { process: started, detached: true };
    };
    const options: LanguageClientOptions = {
      documentSelector: [{ scheme: "file" }],
      initializationOptions: start.settings,
      outputChannel: start.log,
      traceOutputChannel: withoutKeys(start.log),
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      diagnosticCollectionName: "pillion",
      middleware: start.middleware,
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => ({ action: CloseAction.DoNotRestart, handled: true }),
      },
    };
    /** Tells the log alone: what a person has to know is told by who starts servers. */
    class Quiet extends LanguageClient {
      override error(message: string, data?: unknown): void {
        super.error(message, data, false);
      }
    }
    const client = new Quiet("pillion", "Pillion", run, options);
    const capability: ClientCapability = {
      version: VERSION,
      sessionUpdates: true,
      requestPermission: true,
      documentSave: true,
      models: true,
      diagnostics: true,
      codeActions: true,
      clientToken: start.clientToken,
    };
    client.registerFeature({
      fillClientCapabilities: (capabilities) => {
        capabilities.experimental = { ...(capabilities.experimental as object | undefined), pillion: capability };
        // A task has its row and the status bar: it is not told a second time as the editor's progress.
        capabilities.window = { ...capabilities.window, workDoneProgress: false };
      },
      initialize: () => undefined,
      getState: () => ({ kind: "static" }),
      clear: () => undefined,
    });
    start.prepare(client);
    const connection = new Connection(client, () => child);
    try {
      await client.start();
    } catch (error) {
      await connection.close();
      await within(LAST_WORDS_MS, heard); // it may be gone before its last words are read
      // What it said of its end is worth more than that its pipe is broken.
      throw child?.exitCode ? new Error(`${start.program} ended at its start (${end(child, lastWords)}).`) : error;
    }
    const info = client.initializeResult;
    const theirs = (info?.capabilities.experimental as { pillion?: ServerCapability } | undefined)?.pillion;
    if (theirs?.version !== VERSION) {
      await connection.close();
      throw new OtherVersion(start.program, info?.serverInfo?.version ?? "unknown", theirs?.version);
    }
    client.onDidChangeState(({ newState }) => {
      if (newState === State.Stopped && !connection.stopping) {
        // By now the client has let go of its documents and commands: another one can take them.
        void connection.close().then(async () => {
          await within(LAST_WORDS_MS, heard);
          start.gone(child ? end(child, lastWords) : "no process");
        });
      }
    });
    return connection;
  }

  get pid(): number | undefined {
    return this.child()?.pid;
  }

  /** Asks the server to end and waits until it has. */
  async close(): Promise<void> {
    this.stopping = true;
    const child = this.child();
    const ended = child && !isOver(child) ? once(child, "exit") : undefined;
    const last = setTimeout(() => child?.kill("SIGKILL"), LAST_MS);
    // One that has failed, or is gone, cannot be asked: the end of its input says the same.
    await this.client.dispose(LAST_MS).catch(() => undefined);
    child?.stdin?.end();
    await ended;
    clearTimeout(last);
  }
}

/** Waits for it, but no longer than that. */
async function within(ms: number, what: Promise<unknown>): Promise<void> {
  let late: NodeJS.Timeout | undefined;
  await Promise.race([what, new Promise((resolve) => (late = setTimeout(resolve, ms)))]);
  clearTimeout(late);
}

/** The trace of messages is for reading and sending on: keys are not in it. */
function withoutKeys(log: vscode.LogOutputChannel): vscode.LogOutputChannel {
  const cut = (text: string) => text.replace(/("secret"\s*:\s*)"(?:[^"\\]|\\.)*"/g, '$1"…"');
  return new Proxy(log, {
    get(channel, name) {
      if (name === "trace") {
        return (text: string) => {
          channel.trace(cut(text));
        };
      }
      const value: unknown = Reflect.get(channel, name);
      return typeof value === "function" ? (value.bind(channel) as unknown) : value;
    },
  });
}
