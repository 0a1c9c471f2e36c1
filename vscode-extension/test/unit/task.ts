/** A task as the server tells it, for tests: running, owned, nothing special; with what a test says on top. */

import type { Task } from "../../src/protocol";

export function task(over: Partial<Task> = {}): Task {
  return {
    id: "t1",
    kind: "shell",
    label: "cargo test",
    command: "cargo test",
    cwd: "/w",
    environment: { set: {}, omitted: 0, withheld: [] },
    group: "test",
    origin: "user",
    sessionId: null,
    toolCallId: null,
    parentToolCallId: null,
    owned: true,
    status: "running",
    stopping: false,
    stoppedBy: null,
    run: 1,
    attempt: 1,
    maxAttempts: 1,
    flaky: false,
    runs: [],
    priority: 0,
    onExit: "next_turn",
    lifetime: "session",
    timeoutMs: null,
    createdAt: "2026-01-01T09:00:00.000Z",
    startedAt: "2026-01-01T09:00:00.012Z",
    endedAt: null,
    elapsedMs: 0,
    pid: 1,
    exitCode: null,
    signal: null,
    stragglers: 0,
    waitingFor: null,
    unsaved: [],
    output: { path: null, bytes: 0, lines: 0, lastLine: "", truncated: false },
    pattern: null,
    ready: null,
    watching: false,
    progress: { message: null, percent: null, passed: 0, failed: 0, skipped: 0 },
    diagnostics: { errors: 0, warnings: 0 },
    wantedAnswer: null,
    summary: null,
    delivery: "none",
    deliveredTurnId: null,
    dependsOn: [],
    ...over,
  };
}

/** A task that is over. */
export function ended(over: Partial<Task> = {}): Task {
  return task({ status: "succeeded", endedAt: "2026-01-01T09:00:12.400Z", exitCode: 0, ...over });
}
