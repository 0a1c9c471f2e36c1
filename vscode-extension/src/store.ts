/**
 * The one owner of the extension's state: feeds the server's messages to the reducer, tells what changed, and hands a
 * person's answers to the questions that wait for them.
 */

import * as vscode from "vscode";

import type { PermissionResult, Question, SessionResult, Task } from "./protocol";
import type { Sidecar } from "./sidecar";
import * as state from "./state";

/** What views see. */
export interface Store {
  readonly tasks: ReadonlyMap<string, Task>;
  readonly sessions: ReadonlyMap<string, state.Session>;
  /** Oldest first. */
  readonly questions: ReadonlyMap<string, state.OpenQuestion>;
  /** The session that the chat shows. */
  readonly current: state.Session | undefined;
  readonly onDidChange: vscode.Event<state.Change>;
  counts(): state.Counts;
  /** Milliseconds of the task's newest run, by now. */
  elapsed(task: Task): number;
  /** The chat shows the session of this answer of `session/new` or `session/load`. */
  opened(reply: SessionResult): void;
  /** The chat shows no session any more. */
  closed(): void;
  /** The server has taken a task off its list. */
  dismissed(taskId: string): void;
  /** False when the question is open no more. */
  answer(questionId: string, result: PermissionResult): boolean;
}

export class LiveStore implements Store, vscode.Disposable {
  private readonly state = state.initial();
  private readonly changed = new vscode.EventEmitter<state.Change>();
  private readonly waiting = new Map<string, (result: PermissionResult) => void>();
  private readonly disposables: vscode.Disposable[];

  readonly onDidChange = this.changed.event;

  constructor(sidecar: Sidecar) {
    this.disposables = [
      this.changed,
      sidecar.on("pillion/task/status", (params) => {
        this.tell(state.applyStatus(this.state, params, performance.now()));
      }),
      sidecar.on("pillion/task/snapshot", (params) => {
        this.tell(state.applySnapshot(this.state, params, performance.now()));
      }),
      sidecar.on("pillion/session/update", (params) => {
        this.tell(state.applyUpdate(this.state, params));
      }),
      sidecar.answer("pillion/session/request_permission", (question, token) => this.ask(question, token)),
      sidecar.onDidChangeState((now) => {
        if (now === "starting") {
          this.waiting.clear();
          this.tell(state.newInstance(this.state));
        }
      }),
    ];
  }

  get tasks(): ReadonlyMap<string, Task> {
    return this.state.tasks;
  }

  get sessions(): ReadonlyMap<string, state.Session> {
    return this.state.sessions;
  }

  get questions(): ReadonlyMap<string, state.OpenQuestion> {
    return this.state.questions;
  }

  get current(): state.Session | undefined {
    return this.state.current === null ? undefined : this.state.sessions.get(this.state.current);
  }

  counts(): state.Counts {
    return state.counts(this.state);
  }

  elapsed(task: Task): number {
    return state.elapsed(this.state, task, performance.now());
  }

  opened(reply: SessionResult): void {
    this.tell(state.opened(this.state, reply));
  }

  closed(): void {
    this.tell(state.closed(this.state));
  }

  dismissed(taskId: string): void {
    this.tell(state.dismissed(this.state, taskId));
  }

  answer(questionId: string, result: PermissionResult): boolean {
    const answer = this.waiting.get(questionId);
    answer?.(result);
    return answer !== undefined;
  }

  private ask(question: Question, token: vscode.CancellationToken): Promise<PermissionResult> {
    const id = question.questionId;
    return new Promise((resolve) => {
      const settle = (result: PermissionResult) => {
        // A question that was asked again has another waiter by now.
        if (this.waiting.get(id) === settle) {
          this.waiting.delete(id);
          this.tell(state.settled(this.state, id));
        }
        withdrawn.dispose();
        resolve(result);
      };
      const withdrawn = token.onCancellationRequested(() => {
        settle({ outcome: { outcome: "cancelled" } });
      });
      this.waiting.set(id, settle);
      this.tell(state.asked(this.state, question));
    });
  }

  private tell(changes: readonly state.Change[]): void {
    for (const change of changes) {
      this.changed.fire(change);
    }
  }

  dispose(): void {
    this.waiting.clear();
    vscode.Disposable.from(...this.disposables).dispose();
  }
}
