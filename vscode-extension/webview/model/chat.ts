/**
 * All that the page knows: the session that is shown, the tasks, the open questions, the state of the server. A reducer
 * over what the host sends; the clock is handed in. What it returns says what has to be drawn again.
 */

import type { CommandInfo } from "../../src/protocol/session";
import type { Task } from "../../src/protocol/task";
import type { Item, Session } from "./items";
import type { Changes, Connection, ToView, ViewQuestion } from "./messages";
import { isFinal, waitsForInput } from "../../src/state";
import { oneLine, WORDS } from "../../src/tasks/words";
import { Transcript, type CallName, type Change } from "./transcript";

export interface Redraw {
  /** Rows came or went. */
  rows: boolean;
  /** Another conversation is shown: unfolded rows and the place are forgotten. */
  reset: boolean;
  items: Set<Item>;
  /** What stands around the transcript. */
  frame: boolean;
  /** What somebody who does not look is told, in order. */
  events: string[];
}

export function nothing(): Redraw {
  return { rows: false, reset: false, items: new Set(), frame: false, events: [] };
}

/** A conversation that no model can answer. */
export function isOffline(model: string | null): boolean {
  return model !== null && (model === "offline" || model.startsWith("offline:"));
}

export class Chat {
  transcript: Transcript | null = null;
  tasks = new Map<string, Task>();
  questions: ViewQuestion[] = [];
  connection: Connection = { state: "starting", message: null };
  commands: CommandInfo[] = [];
  changes: Changes = {};
  roots: string[] = [];
  home = "";
  /** When a task was last told of, by the caller's clock. */
  readonly #seenAt = new Map<string, number>();

  get session(): Session | null {
    return this.transcript?.session ?? null;
  }

  /** How long a task's run has taken: what the server said, and the time since. */
  elapsed(task: Task, now: number): number {
    const live = task.status === "running" || task.status === "waiting_for_input";
    return live ? task.elapsedMs + Math.max(0, now - (this.#seenAt.get(task.id) ?? now)) : task.elapsedMs;
  }

  get running(): Task[] {
    return [...this.tasks.values()].filter((task) => task.owned && task.status === "running");
  }

  /** Tasks that ask something, of this window. */
  get asking(): Task[] {
    return [...this.tasks.values()].filter((task) => task.owned && waitsForInput(task));
  }

  /** Ends that go before the model with the next message. */
  get untold(): Task[] {
    const { session } = this;
    return [...this.tasks.values()].filter(
      (task) =>
        task.owned && task.delivery === "pending" && (task.sessionId === null || task.sessionId === session?.id),
    );
  }

  apply(message: ToView, now: number): Redraw {
    const redraw = nothing();
    switch (message.type) {
      case "everything":
        this.#show(message.session, redraw);
        this.#setTasks(message.tasks, now);
        this.questions = message.questions;
        this.connection = message.connection;
        this.commands = message.commands;
        this.changes = message.changes;
        this.roots = message.roots;
        this.home = message.home;
        this.#linkAll();
        break;
      case "session":
        this.#show(message.session, redraw);
        this.#linkAll();
        break;
      case "updates":
        for (const update of message.updates) {
          if (update.sessionId === this.session?.id) this.#took(this.transcript?.apply(update) ?? [], redraw);
        }
        this.#linkAll();
        break;
      case "diffs":
        for (const diff of message.diffs) this.#took(this.transcript?.attachDiff(diff) ?? [], redraw);
        break;
      case "tasks":
        this.#setTasks(message.tasks, now);
        redraw.rows = redraw.frame = true;
        for (const item of this.session?.items ?? []) redraw.items.add(item);
        this.#linkAll();
        break;
      case "task":
        this.#setTask(message.task, now, redraw);
        break;
      case "questions":
        this.#setQuestions(message.questions, redraw);
        break;
      case "connection":
        this.#setConnection(message.connection, redraw);
        break;
      case "commands":
        this.commands = message.commands;
        break;
      case "changes":
        this.changes = message.changes;
        for (const item of this.session?.items ?? [])
          if (item.kind === "tool" || item.kind === "end") redraw.items.add(item);
        redraw.rows = true;
        break;
      default:
        break;
    }
    return redraw;
  }

  #show(session: Session | null, redraw: Redraw): void {
    this.transcript = session ? new Transcript(session) : null;
    redraw.reset = redraw.rows = redraw.frame = true;
  }

  #took(changes: Change[], redraw: Redraw): void {
    for (const change of changes) {
      switch (change.type) {
        case "item":
          redraw.items.add(change.item);
          break;
        case "items":
          redraw.rows = true;
          break;
        case "reset":
          redraw.reset = redraw.rows = redraw.frame = true;
          break;
        case "facts":
          redraw.frame = true;
          break;
        case "turnStarted":
          if (change.auto) redraw.events.push("Pillion goes on by itself");
          break;
        case "turnEnded":
          redraw.events.push(
            change.reason === "end_turn" ? "Pillion has answered" : `The turn ended: ${change.reason}`,
          );
          break;
        case "unsent":
        case "switch":
          break; // the host's
      }
    }
  }

  #setTasks(tasks: Task[], now: number): void {
    this.tasks = new Map(tasks.map((task) => [task.id, task]));
    this.#seenAt.clear();
    for (const task of tasks) this.#seenAt.set(task.id, now);
  }

  #setTask(task: Task, now: number, redraw: Redraw): void {
    const before = this.tasks.get(task.id);
    this.tasks.set(task.id, task);
    this.#seenAt.set(task.id, now);
    redraw.frame = true;
    const { toolCallId, parentToolCallId } = task;
    if (toolCallId !== null) {
      this.#took(this.transcript?.link({ toolCallId, parentToolCallId }, task.id) ?? [], redraw);
    }
    for (const item of this.transcript?.itemsOf(task.id) ?? []) redraw.items.add(item);
    const over = isFinal(task.status);
    if (over && before && (!isFinal(before.status) || before.run !== task.run)) {
      const failed = task.status === "failed" && task.summary !== null ? `failed: ${oneLine(task.summary)}` : null;
      redraw.events.push(`${task.label} ${failed ?? WORDS[task.status]}`);
    } else if (task.owned && task.status === "waiting_for_input" && before?.status !== "waiting_for_input") {
      redraw.events.push(`${task.label} needs you: ${task.waitingFor?.question ?? "it waits for an answer"}`);
    }
  }

  /** A task may be told of before its call, and a call before its task. */
  #linkAll(): void {
    for (const task of this.tasks.values()) {
      const { toolCallId, parentToolCallId } = task;
      if (toolCallId !== null) this.transcript?.link({ toolCallId, parentToolCallId }, task.id);
    }
  }

  #setQuestions(questions: ViewQuestion[], redraw: Redraw): void {
    const known = new Set(this.questions.map((question) => question.questionId));
    for (const question of questions) {
      if (question.sessionId !== this.session?.id) continue;
      this.#took(this.transcript?.preview(callOf(question), question.toolCall.content) ?? [], redraw);
      if (!known.has(question.questionId)) redraw.events.push(`Pillion asks: ${asked(question)}`);
    }
    // The row of a call says whether it is asked about.
    for (const question of [...this.questions, ...questions]) {
      const item = this.transcript?.call(callOf(question));
      if (item) redraw.items.add(item);
    }
    this.questions = questions;
    redraw.frame = true;
  }

  #setConnection(connection: Connection, redraw: Redraw): void {
    const before = this.connection.state;
    this.connection = connection;
    redraw.frame = true;
    if (connection.state === "failed") redraw.events.push(connection.message ?? "Pillion's server has stopped");
    else if (connection.state === "running" && before === "failed") redraw.events.push("Pillion's server is back");
  }
}

/** What a question asks, in a sentence: the command is in it. */
/** The call that a question is about. */
function callOf({ toolCall, parentToolCallId }: ViewQuestion): CallName {
  return { toolCallId: toolCall.toolCallId, parentToolCallId };
}

export function asked(question: ViewQuestion): string {
  const { kind, title } = question.toolCall;
  return kind === "execute" ? `Run \`${title.replaceAll("`", "'")}\`?` : `${title}?`;
}
