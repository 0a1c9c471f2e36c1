/** Logs of tasks: read-only documents `pillion-log:/ID/NAME` that follow the output and link to the places it names. */

import * as vscode from "vscode";
import type { Task } from "../protocol";
import { isFinal } from "../state";
import type { Sidecar } from "../sidecar";
import type { Store } from "../store";
import { LogText } from "./logText";
import { oneLine, parts } from "./words";

export const SCHEME = "pillion-log";

/** Lines of the first reading, and its bytes. */
const LINES = 10_000;
const FIRST = 256 * 1024;
/** How often a document is drawn again at most, in ms; a long one takes the editor longer. */
const REDRAW = 200;
const REDRAW_LONG = 1000;
const LONG = 128 * 1024;

export function logUri(task: Task): vscode.Uri {
  const name =
    task.label
      .replace(/[\\/:*?"<>|\s]+/g, " ")
      .trim()
      .slice(0, 60) || "task";
  return vscode.Uri.from({ scheme: SCHEME, path: `/${task.id}/${name}` });
}

/** The task of a log's document. */
export function taskOf(uri: vscode.Uri): string | undefined {
  return uri.scheme === SCHEME ? uri.path.split("/")[1] : undefined;
}

/** One log that is open. */
class Log {
  readonly text = new LogText();
  private reading = false;
  private redraw: NodeJS.Timeout | undefined;

  constructor(
    readonly uri: vscode.Uri,
    readonly taskId: string,
    private readonly sidecar: Sidecar,
    private readonly store: Store,
    private readonly draw: (uri: vscode.Uri) => void,
  ) {}

  /** The output, and behind it how the run ended. */
  content(): string {
    const task = this.store.tasks.get(this.taskId);
    const { text } = this.text;
    if (task === undefined || !isFinal(task.status) || task.run !== this.text.run) {
      return text;
    }
    const end = parts(task, { elapsed: this.store.elapsed(task), wide: true }).join(" · ");
    return `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}\n[${oneLine(task.label, 60)}: ${end}]\n`;
  }

  /** Reads the end of the newest run, and follows from there on. */
  async read(): Promise<void> {
    if (this.reading) {
      return;
    }
    this.reading = true;
    const run = this.store.tasks.get(this.taskId)?.run ?? 1;
    this.text.turn(run);
    try {
      const params = { taskId: this.taskId, run, tail: LINES, limit: FIRST };
      this.text.begin(run, await this.sidecar.request("pillion/task/output", params));
      await this.follow(true);
    } finally {
      this.reading = false;
      this.changed();
    }
  }

  take(piece: Parameters<LogText["take"]>[0]): void {
    const step = this.text.take(piece);
    if (step === "shown") {
      this.changed();
    } else if (step === "read_anew") {
      void this.read().catch(() => undefined); // it is read again when it is opened again
    }
  }

  async follow(on: boolean): Promise<void> {
    const { next } = this.text;
    const params = { taskId: this.taskId, on };
    await this.sidecar.request("pillion/task/follow", on && next !== undefined ? { ...params, offset: next } : params);
  }

  changed(): void {
    const wait = this.text.text.length > LONG ? REDRAW_LONG : REDRAW;
    this.redraw ??= setTimeout(() => {
      this.redraw = undefined;
      this.draw(this.uri);
    }, wait);
  }

  dispose(): void {
    clearTimeout(this.redraw);
  }
}

export class Logs implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly drawn = new vscode.EventEmitter<vscode.Uri>();
  private readonly logs = new Map<string, Log>();
  private readonly disposables: vscode.Disposable[];

  readonly onDidChange = this.drawn.event;

  constructor(
    private readonly sidecar: Sidecar,
    private readonly store: Store,
  ) {
    this.disposables = [
      this.drawn,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      sidecar.on("pillion/task/output", (piece) => {
        this.of(piece.taskId)?.take(piece);
      }),
      store.onDidChange((change) => {
        if (change.type === "task_ended" || change.type === "task_started") {
          this.of(change.task.id)?.changed();
          this.tellRunning();
        } else if (change.type === "tasks") {
          this.comeBack();
        }
      }),
      vscode.workspace.onDidCloseTextDocument((document) => {
        this.close(document.uri);
      }),
    ];
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const known = this.logs.get(uri.toString());
    if (known) {
      return known.content();
    }
    const taskId = taskOf(uri);
    if (taskId === undefined) {
      return "";
    }
    const log = new Log(uri, taskId, this.sidecar, this.store, (drawn) => {
      this.drawn.fire(drawn);
    });
    this.logs.set(uri.toString(), log);
    this.tellRunning();
    try {
      await log.read();
      return log.content();
    } catch (error) {
      this.close(uri);
      return error instanceof Error ? `[${error.message}]\n` : "";
    }
  }

  private of(taskId: string): Log | undefined {
    return [...this.logs.values()].find((log) => log.taskId === taskId);
  }

  /** For the buttons above a log: which of them have something to stop. */
  private tellRunning(): void {
    const live = [...this.logs.values()].filter((log) => {
      const task = this.store.tasks.get(log.taskId);
      return task !== undefined && !isFinal(task.status);
    });
    const paths = Object.fromEntries(live.map((log) => [log.uri.path, true]));
    void vscode.commands.executeCommand("setContext", "pillion.runningLogs", paths);
  }

  /** A new server knows the tasks: logs go on where they were, or begin anew where a run was missed. */
  private comeBack(): void {
    for (const log of this.logs.values()) {
      const task = this.store.tasks.get(log.taskId);
      if (task) {
        const again = task.run === log.text.run && log.text.next !== undefined ? log.follow(true) : log.read();
        void again.catch(() => undefined); // the server is gone again, or the task is: the next snapshot tells
      }
    }
  }

  private close(uri: vscode.Uri): void {
    const log = this.logs.get(uri.toString());
    if (log) {
      this.logs.delete(uri.toString());
      log.dispose();
      if (this.sidecar.state === "running") {
        void log.follow(false).catch(() => undefined); // it may be dismissed: then it is not followed any more
      }
    }
  }

  dispose(): void {
    for (const log of this.logs.values()) {
      log.dispose();
    }
    vscode.Disposable.from(...this.disposables).dispose();
  }
}
