/**
 * What the extension believes of the server's tasks, sessions and open questions: a pure reducer over its messages, with
 * no editor, no clock (`now` is handed in) and no process. What is said in a session is the chat's own matter.
 */

import type {
  ModeId,
  ModeInfo,
  Question,
  SessionResult,
  Task,
  TaskSnapshotParams,
  TaskStatus,
  TaskStatusParams,
  UpdateOf,
  UpdateParams,
  Usage,
  WaitingFor,
} from "./protocol";

/** A session that this window has seen. */
export interface Session {
  readonly sessionId: string;
  readonly title: string | null;
  readonly mode: ModeId;
  readonly modes: readonly ModeInfo[];
  readonly model: string;
  /** The turn that runs. */
  readonly turnId: string | null;
  readonly queued: number;
  readonly usage: Usage | null;
  readonly wakesPaused: boolean;
  /** Another window has it now. */
  readonly closed: boolean;
}

/** A question that somebody has to answer. */
export type OpenQuestion = PermissionQuestion | InputQuestion;

export interface PermissionQuestion {
  readonly kind: "permission";
  readonly id: string;
  readonly sessionId: string;
  readonly question: Question;
}

/** A command waits for its standard input. */
export interface InputQuestion {
  readonly kind: "input";
  readonly id: string;
  readonly sessionId: string | null;
  readonly task: Task;
  readonly waitingFor: WaitingFor;
}

/** What one message changed. */
export type Change =
  /** `before` is what was known of it. Told at every status. */
  | { readonly type: "task"; readonly task: Task; readonly before: Task | null }
  /** A run has begun, has ended: told once a run, after `task`; not of what a snapshot tells anew. */
  | { readonly type: "task_started"; readonly task: Task }
  | { readonly type: "task_ended"; readonly task: Task }
  | { readonly type: "task_dismissed"; readonly taskId: string }
  /** All tasks are to be read again. */
  | { readonly type: "tasks" }
  | { readonly type: "question"; readonly question: OpenQuestion }
  | { readonly type: "question_closed"; readonly question: OpenQuestion }
  | { readonly type: "session"; readonly session: Session }
  /** Not of a replay. */
  | {
      readonly type: "turn_ended";
      readonly session: Session;
      readonly turnId: string;
      readonly end: UpdateOf<"turn_ended">;
    }
  /** Another session is shown in the chat. */
  | { readonly type: "current"; readonly sessionId: string | null };

export interface Counts {
  running: number;
  /** Failed tests where they are known, else failed commands. */
  failed: number;
  questions: number;
}

export interface State {
  tasks: Map<string, Task>;
  sessions: Map<string, Session>;
  questions: Map<string, OpenQuestion>;
  /** The session that the chat shows. */
  current: string | null;
  /** The newest `seq` seen of each task. */
  taskSeq: Map<string, number>;
  snapshotSeq: number;
  /** When a task was last told of, in milliseconds of the caller's clock. */
  seenAt: Map<string, number>;
}

export function initial(): State {
  return {
    tasks: new Map(),
    sessions: new Map(),
    questions: new Map(),
    current: null,
    taskSeq: new Map(),
    snapshotSeq: -1,
    seenAt: new Map(),
  };
}

const FINAL: ReadonlySet<TaskStatus> = new Set(["succeeded", "failed", "timed_out", "killed", "interrupted"]);

export function isFinal(status: TaskStatus): boolean {
  return FINAL.has(status);
}

/** Its command reads its input, and nobody has answered. */
export function waitsForInput(task: Task): boolean {
  return task.status === "waiting_for_input" || (!isFinal(task.status) && task.waitingFor?.kind === "input");
}

function sessionOf(state: State, sessionId: string): Session {
  return (
    state.sessions.get(sessionId) ?? {
      sessionId,
      title: null,
      mode: "ask",
      modes: [],
      model: "",
      turnId: null,
      queued: 0,
      usage: null,
      wakesPaused: false,
      closed: false,
    }
  );
}

function setSession(state: State, session: Session): Change {
  state.sessions.set(session.sessionId, session);
  return { type: "session", session };
}

/**
 * The server was started anew: its `seq` begins again, its questions are gone and no turn runs. Tasks stay as they were
 * until its snapshot replaces them.
 */
export function newInstance(state: State): Change[] {
  state.snapshotSeq = -1;
  state.taskSeq.clear();
  const changes: Change[] = [...state.questions.values()].map((question) => ({ type: "question_closed", question }));
  state.questions.clear();
  for (const session of state.sessions.values()) {
    changes.push(setSession(state, { ...session, turnId: null, queued: 0 }));
  }
  return changes;
}

/** Takes the answer of `session/new` or `session/load`; the chat shows that session from now on. */
export function opened(state: State, reply: SessionResult): Change[] {
  state.current = reply.sessionId;
  const { sessionId, mode, modes, model } = reply;
  const session = setSession(state, { ...sessionOf(state, sessionId), mode, modes, model, closed: false });
  return [{ type: "current", sessionId }, session];
}

/** The chat shows no session any more. */
export function closed(state: State): Change[] {
  state.current = null;
  return [{ type: "current", sessionId: null }];
}

/** A permission is asked for, maybe again: after a reload a question has the id that it had. */
export function asked(state: State, question: Question): Change[] {
  const open: PermissionQuestion = {
    kind: "permission",
    id: question.questionId,
    sessionId: question.sessionId,
    question,
  };
  const known = state.questions.has(open.id);
  state.questions.set(open.id, open);
  return known ? [] : [{ type: "question", question: open }];
}

/** A question is answered or withdrawn. */
export function settled(state: State, id: string): Change[] {
  const question = state.questions.get(id);
  return state.questions.delete(id) && question ? [{ type: "question_closed", question }] : [];
}

/** A person took a finished task off the list; the server sends nothing of that. */
export function dismissed(state: State, taskId: string): Change[] {
  return state.tasks.delete(taskId) ? [{ type: "task_dismissed", taskId }] : [];
}

const inputId = (task: Task): string => `input:${task.id}:${task.run}:${task.waitingFor?.question ?? ""}`;
const UNKNOWN: WaitingFor = { kind: "input", question: null, holder: null, options: [], secret: false };

/** The input question of a task, as it is now. Another window's question is asked there. */
function askInput(state: State, task: Task): Change[] {
  const id = task.owned && waitsForInput(task) ? inputId(task) : null;
  if (id !== null && state.questions.has(id)) {
    return [];
  }
  const changes: Change[] = [];
  for (const [known, question] of state.questions) {
    if (question.kind === "input" && question.task.id === task.id) {
      state.questions.delete(known);
      changes.push({ type: "question_closed", question });
    }
  }
  if (id !== null) {
    const waitingFor = task.waitingFor ?? UNKNOWN;
    const question: InputQuestion = { kind: "input", id, sessionId: task.sessionId, task, waitingFor };
    state.questions.set(id, question);
    changes.push({ type: "question", question });
  }
  return changes;
}

export function applyStatus(state: State, params: TaskStatusParams, now: number): Change[] {
  const { task, seq } = params;
  if (seq <= (state.taskSeq.get(task.id) ?? state.snapshotSeq)) {
    return []; // older than what is known
  }
  const before = state.tasks.get(task.id) ?? null;
  state.taskSeq.set(task.id, seq);
  state.tasks.set(task.id, task);
  state.seenAt.set(task.id, now);
  const changes: Change[] = [{ type: "task", task, before }];
  const sameRun = before?.run === task.run;
  const ended = isFinal(task.status);
  // Between two attempts a run is queued again; what is over without a start has not begun.
  const hadBegun = sameRun && (before.status !== "queued" || task.attempt > 1);
  if (!hadBegun && task.status !== "queued" && !(ended && task.startedAt === null)) {
    changes.push({ type: "task_started", task });
  }
  if (ended && !(sameRun && isFinal(before.status))) {
    changes.push({ type: "task_ended", task });
  }
  return [...changes, ...askInput(state, task)];
}

export function applySnapshot(state: State, params: TaskSnapshotParams, now: number): Change[] {
  if (params.seq <= state.snapshotSeq) {
    return [];
  }
  const before = state.tasks;
  state.snapshotSeq = params.seq;
  state.taskSeq.clear();
  state.seenAt.clear();
  state.tasks = new Map(params.tasks.map((task) => [task.id, task]));
  const changes: Change[] = [{ type: "tasks" }];
  for (const question of [...state.questions.values()]) {
    if (question.kind === "input" && !state.tasks.has(question.task.id)) {
      changes.push(...settled(state, question.id));
    }
  }
  for (const task of params.tasks) {
    state.taskSeq.set(task.id, params.seq);
    state.seenAt.set(task.id, now);
    const known = before.get(task.id);
    if (known && !isFinal(known.status) && isFinal(task.status)) {
      changes.push({ type: "task_ended", task });
    }
    changes.push(...askInput(state, task));
  }
  return changes;
}

/** Of a session only what others than the chat need. */
export function applyUpdate(state: State, params: UpdateParams): Change[] {
  const { update, turnId } = params;
  if (params.parentToolCallId !== null) {
    return [];
  }
  const session = sessionOf(state, params.sessionId);
  switch (update.sessionUpdate) {
    case "turn_started":
      return [setSession(state, { ...session, turnId })];
    case "turn_ended": {
      const change = setSession(state, { ...session, turnId: null, queued: 0 });
      const after = sessionOf(state, params.sessionId);
      return params.replay || turnId === null
        ? [change]
        : [change, { type: "turn_ended", session: after, turnId, end: update }];
    }
    case "queue":
      return [setSession(state, { ...session, queued: update.prompts.length })];
    case "usage": {
      const { sessionUpdate, ...usage } = update;
      return [setSession(state, { ...session, usage })];
    }
    case "session_info": {
      const { title, mode, model, wakesPaused } = update;
      return [
        setSession(state, {
          ...session,
          title: title ?? session.title,
          mode: mode ?? session.mode,
          model: model ?? session.model,
          wakesPaused: wakesPaused ?? session.wakesPaused,
        }),
      ];
    }
    case "session_closed":
      return [setSession(state, { ...session, turnId: null, queued: 0, closed: true })];
    default:
      return [];
  }
}

/** How long a task's run has taken, in milliseconds: what the server said, and the time since. */
export function elapsed(state: State, task: Task, now: number): number {
  const runs = task.status === "running" || task.status === "waiting_for_input";
  return task.elapsedMs + (runs ? Math.max(0, now - (state.seenAt.get(task.id) ?? now)) : 0);
}

/**
 * The numbers of the status bar, of this window's tasks. Of several tasks with the same command and folder only the newest
 * counts, and what did not start because another one failed does not count once more.
 */
export function counts(state: State): Counts {
  const sum: Counts = { running: 0, failed: 0, questions: state.questions.size };
  const newest = new Map<string, Task>();
  for (const task of state.tasks.values()) {
    if (!task.owned) {
      continue; // another window's is counted there
    }
    if (task.status === "running" || task.status === "waiting_for_input") {
      sum.running += 1;
    } else if (isFinal(task.status)) {
      const key = `${task.cwd}\0${task.command}`;
      const other = newest.get(key);
      if (!other || (task.endedAt ?? "") > (other.endedAt ?? "")) {
        newest.set(key, task);
      }
    }
  }
  for (const task of newest.values()) {
    const notStarted = task.startedAt === null && task.dependsOn.length > 0;
    if ((task.status === "failed" || task.status === "timed_out") && !notStarted) {
      sum.failed += Math.max(task.progress.failed, 1);
    }
  }
  return sum;
}
