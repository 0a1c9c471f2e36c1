/** Tasks: requests, the task itself, the results of its tests. */

export type TaskStatus =
  "queued" | "running" | "waiting_for_input" | "succeeded" | "failed" | "timed_out" | "killed" | "interrupted";
export type TaskKind = "shell" | "monitor" | "agent";
export type TaskGroup = "build" | "test" | "lint" | "install" | "run" | "other";
export type StoppedBy = "user" | "agent" | "limit" | "exit";
export type OnExit = "none" | "next_turn" | "wake";
export type Lifetime = "turn" | "session" | "detached";

/** A task: the same object in every message. */
export interface Task {
  id: string;
  kind: TaskKind;
  label: string;
  command: string;
  cwd: string;
  environment: Environment;
  group: TaskGroup;
  origin: "agent" | "user";
  sessionId: string | null;
  toolCallId: string | null;
  /** The call of the subagent whose call that is. */
  parentToolCallId: string | null;
  /** False: another window's task. */
  owned: boolean;
  status: TaskStatus;
  stopping: boolean;
  stoppedBy: StoppedBy | null;
  run: number;
  attempt: number;
  maxAttempts: number;
  flaky: boolean;
  runs: Run[];
  priority: number;
  onExit: OnExit;
  lifetime: Lifetime;
  timeoutMs: number | null;
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
  elapsedMs: number;
  pid: number | null;
  exitCode: number | null;
  signal: number | null;
  stragglers: number;
  waitingFor: WaitingFor | null;
  unsaved: string[];
  output: Output;
  pattern: string | null;
  ready: Ready | null;
  watching: boolean;
  progress: Progress;
  diagnostics: ProblemCounts;
  /** It had no input and ended as if it had wanted an answer: its last line. */
  wantedAnswer: string | null;
  summary: string | null;
  delivery: "none" | "pending" | "carried" | "delivered";
  deliveredTurnId: string | null;
  dependsOn: string[];
}

export interface Run {
  run: number;
  status: TaskStatus;
  endedAt: string | null;
  exitCode: number | null;
  startedBy: "agent" | "user" | "watch" | null;
  sessionId: string | null;
  stoppedBy: StoppedBy | null;
  /** What it ran instead of the task\'s command, for some of its tests. */
  narrowed: string | null;
}

/** What the environment of the newest run was, beside the person's own. */
export interface Environment {
  set: Record<string, string>;
  omitted: number;
  withheld: string[];
}

export interface Ready {
  line: string;
  url: string | null;
}

export interface WaitingFor {
  kind: "input" | "permission" | "slot" | "lock" | "dependency";
  question: string | null;
  holder: string | null;
  options: AnswerOption[];
  /** The answer is not to be shown while it is typed. */
  secret: boolean;
}

export interface AnswerOption {
  label: string;
  /** For `pillion/task/input`, as it stands. */
  text: string;
}

export interface Output {
  path: string | null;
  bytes: number;
  lines: number;
  lastLine: string;
  truncated: boolean;
}

export interface Progress {
  message: string | null;
  /** 0 to 100. */
  percent: number | null;
  passed: number;
  failed: number;
  skipped: number;
}

export interface ProblemCounts {
  errors: number;
  warnings: number;
}

export interface StartTaskParams {
  /** Not needed with the `label` of a task in `.vscode/tasks.json`. */
  command?: string;
  cwd?: string;
  env?: Record<string, string>;
  label?: string;
  kind?: TaskKind;
  group?: TaskGroup;
  sessionId?: string | null;
  timeoutMs?: number | null;
  priority?: number;
  retries?: number;
  onExit?: OnExit;
  lifetime?: Lifetime;
  stdin?: "null" | "pipe" | "pty";
  pattern?: string | null;
  ready?: string | null;
  watch?: boolean | WatchFiles;
  /** As a task's `problemMatcher`: names or objects, one or a list. */
  matchers?: unknown;
  dependsOn?: Dependency | Dependency[];
  dependsOrder?: "parallel" | "sequence";
  /** The active file, for a task of `.vscode/tasks.json` that needs one. */
  uri?: string;
}

/** The id of a task, the label of one in `.vscode/tasks.json`, or a start. */
export type Dependency = string | StartTaskParams;

export interface WatchFiles {
  paths?: string[];
  ignore?: string[];
  debounceMs?: number;
  restart?: boolean;
}

export interface RerunParams extends TaskParams {
  /** `failed`, the id of a test or several: the run is of these tests alone. */
  only?: string | string[];
}

export interface TaskResult {
  task: Task;
}

export interface StartTaskResult extends TaskResult {
  /** Nothing was started: the same runs already. */
  folded?: true;
}

/** A task that ran elsewhere, and is over. */
export interface ReportTaskParams {
  command: string;
  cwd: string;
  exitCode: number;
  output: string;
  startedAt: string;
  endedAt: string;
  label?: string;
  group?: TaskGroup;
  sessionId?: string | null;
}

export interface ListTasksParams {
  sessionId?: string | null;
  includeFinished?: boolean;
}

export interface ListTasksResult {
  tasks: Task[];
  seq: number;
}

export interface TaskParams {
  taskId: string;
}

export interface OutputParams extends TaskParams {
  run?: number;
  offset?: number;
  /** Bytes: 65,536 unless told, at most 1 MiB. */
  limit?: number;
  /** The last n lines; not with `offset`. */
  tail?: number;
}

export interface OutputResult {
  text: string;
  offset: number;
  /** Bytes between the wanted offset and `offset` that are gone. */
  skipped: number;
  nextOffset: number;
  totalBytes: number;
  eof: boolean;
}

export interface FollowParams extends TaskParams {
  on: boolean;
  offset?: number;
}

/** A piece of the output of a task that is followed. */
export interface TaskOutputParams extends TaskParams {
  run: number;
  offset: number;
  nextOffset: number;
  text: string;
  /** Bytes before `offset` that were left out. */
  skipped: number;
  /** The run is over, and this is its last piece. */
  eof: boolean;
}

export interface PromoteParams {
  sessionId?: string;
  toolCallId?: string;
  parentToolCallId?: string | null;
}

export interface InputParams extends TaskParams {
  text: string;
  /** Closes its input afterwards. */
  eof?: boolean;
}

export interface SetPriorityParams extends TaskParams {
  priority: number;
}

export interface TaskStatusParams {
  seq: number;
  task: Task;
}

export interface TaskSnapshotParams {
  seq: number;
  tasks: Task[];
}

export interface TestResultsParams extends TaskParams {
  run?: number;
}

export interface TestResult {
  id: string;
  name: string;
  file: string | null;
  line: number | null;
  status: "passed" | "failed" | "skipped";
  durationMs: number | null;
  message: string | null;
  /** How it went lately, where it fails now and has passed before; told once the run has ended. */
  recent: RecentResults | null;
}

/** Of its last results, at most ten, so many failed. */
export interface RecentResults {
  failed: number;
  of: number;
}

export interface TestResults {
  taskId: string;
  run: number;
  tests: TestResult[];
  counts: { passed: number; failed: number; skipped: number };
}

/** The same as a notification: results since the last one. A test that is named again has a new result. */
export interface TestResultsTold extends TestResults {
  seq: number;
}
