/** The reducer: order of messages, runs, questions, counts. */

import { strict as assert } from "node:assert";

import type { Question, Task, UpdateParams } from "../../src/protocol";
import * as state from "../../src/state";
import { task } from "./samples";

const types = (changes: readonly state.Change[]) => changes.map(({ type }) => type);
const status = (it: state.State, seq: number, changed: Partial<Task>, now = 0) =>
  types(state.applyStatus(it, { seq, task: task(changed) }, now));

function update(update: UpdateParams["update"], more: Partial<UpdateParams> = {}): UpdateParams {
  return { sessionId: "s1", turnId: "turn1", seq: 1, parentToolCallId: null, replay: false, update, ...more };
}

const question: Question = {
  sessionId: "s1",
  questionId: "q1",
  parentToolCallId: null,
  toolCall: {
    toolCallId: "c1",
    title: "cargo test",
    name: "bash",
    kind: "execute",
    status: "pending",
    rawInput: {},
    content: [],
    locations: [],
  },
  reason: null,
  options: [],
};

describe("tasks", () => {
  it("start and end once a run, whatever is told in between", () => {
    const it = state.initial();
    assert.deepEqual(status(it, 1, { status: "queued", startedAt: null }), ["task"]);
    assert.deepEqual(status(it, 2, { status: "running" }), ["task", "task_started"]);
    assert.deepEqual(status(it, 3, { status: "running" }), ["task"]);
    assert.deepEqual(status(it, 4, { status: "failed" }), ["task", "task_ended"]);
    assert.deepEqual(status(it, 5, { status: "failed", delivery: "carried" }), ["task"]);
    assert.deepEqual(status(it, 6, { status: "running", run: 2 }), ["task", "task_started"]);
  });

  it("that ended before anything was told of them have started too", () => {
    assert.deepEqual(status(state.initial(), 1, { status: "succeeded" }), ["task", "task_started", "task_ended"]);
  });

  it("that never started have only ended", () => {
    assert.deepEqual(status(state.initial(), 1, { status: "failed", startedAt: null }), ["task", "task_ended"]);
  });

  it("have no second start between two attempts", () => {
    const it = state.initial();
    status(it, 1, { status: "running", attempt: 1 });
    status(it, 2, { status: "queued", attempt: 2 });
    assert.deepEqual(status(it, 3, { status: "running", attempt: 2 }), ["task"]);
  });

  it("keep what is newer than a late message, also than the snapshot", () => {
    const it = state.initial();
    state.applySnapshot(it, { seq: 5, tasks: [task({ status: "failed" })] }, 0);
    assert.deepEqual(status(it, 4, { status: "running" }), []);
    assert.equal(it.tasks.get("t1")?.status, "failed");
    assert.deepEqual(state.applySnapshot(it, { seq: 3, tasks: [] }, 0), []);
    assert.equal(it.tasks.size, 1);
  });

  it("are what a new server's first snapshot says, and an end meanwhile is told", () => {
    const it = state.initial();
    status(it, 90, { status: "running" });
    status(it, 91, { id: "t2", status: "running" });
    state.newInstance(it);
    const changes = state.applySnapshot(it, { seq: 1, tasks: [task({ status: "failed" })] }, 0);
    assert.deepEqual(types(changes), ["tasks", "task_ended"]);
    assert.deepEqual([...it.tasks.keys()], ["t1"]);
  });

  it("grow older by the caller's clock only while they run", () => {
    const it = state.initial();
    status(it, 1, { status: "running", elapsedMs: 1000 }, 50);
    assert.equal(state.elapsed(it, task({ status: "running", elapsedMs: 1000 }), 300), 1250);
    assert.equal(state.elapsed(it, task({ status: "failed", elapsedMs: 1000 }), 300), 1000);
  });
});

describe("questions", () => {
  const waiting: Partial<Task> = {
    status: "waiting_for_input",
    waitingFor: { kind: "input", question: "Continue?", holder: null, options: [], secret: false },
  };

  it("of a task are asked once, and closed when it goes on", () => {
    const it = state.initial();
    assert.deepEqual(status(it, 1, waiting), ["task", "task_started", "question"]);
    assert.deepEqual(status(it, 2, waiting), ["task"]);
    assert.deepEqual(status(it, 3, { status: "running" }), ["task", "question_closed"]);
    assert.equal(it.questions.size, 0);
  });

  it("of another window's task are asked there", () => {
    const it = state.initial();
    assert.deepEqual(status(it, 1, { ...waiting, owned: false }), ["task", "task_started"]);
  });

  it("of a session that are asked again are the same", () => {
    const it = state.initial();
    assert.deepEqual(types(state.asked(it, question)), ["question"]);
    assert.deepEqual(types(state.asked(it, question)), []);
    assert.deepEqual(types(state.settled(it, "q1")), ["question_closed"]);
    assert.deepEqual(types(state.settled(it, "q1")), []);
  });

  it("are gone with their server", () => {
    const it = state.initial();
    state.asked(it, question);
    assert.deepEqual(types(state.newInstance(it)), ["question_closed"]);
  });
});

describe("sessions", () => {
  it("have a turn from its start to its end", () => {
    const it = state.initial();
    state.applyUpdate(it, update({ sessionUpdate: "turn_started", reason: "prompt" }));
    assert.equal(it.sessions.get("s1")?.turnId, "turn1");
    const usage = {
      inputTokens: 0,
      outputTokens: 0,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      contextUsed: 0,
      contextWindow: null,
      cost: null,
      autoCost: null,
    };
    const end = {
      sessionUpdate: "turn_ended",
      stopReason: "end_turn",
      usage,
      auto: false,
      error: null,
      needsModel: [],
      unsent: [],
    } as const;
    assert.deepEqual(types(state.applyUpdate(it, update({ ...end, needsModel: [], unsent: [] }))), [
      "session",
      "turn_ended",
    ]);
    assert.equal(it.sessions.get("s1")?.turnId, null);
    assert.deepEqual(types(state.applyUpdate(it, update({ ...end, needsModel: [], unsent: [] }, { replay: true }))), [
      "session",
    ]);
  });

  it("take what changed of their title, mode and model", () => {
    const it = state.initial();
    state.opened(it, { sessionId: "s1", mode: "ask", modes: [], model: "offline" });
    state.applyUpdate(it, update({ sessionUpdate: "session_info", title: "Login" }));
    state.applyUpdate(it, update({ sessionUpdate: "session_info", mode: "plan" }));
    const { title, mode, model } = it.sessions.get("s1") ?? {};
    assert.deepEqual({ title, mode, model }, { title: "Login", mode: "plan", model: "offline" });
    assert.equal(it.current, "s1");
  });

  it("are not touched by what a subagent does", () => {
    const it = state.initial();
    const inside = { parentToolCallId: "c1" };
    assert.deepEqual(state.applyUpdate(it, update({ sessionUpdate: "turn_started", reason: "prompt" }, inside)), []);
  });
});

describe("the counts", () => {
  it("count failed tests, of several runs of a command the newest, and nothing of another window", () => {
    const it = state.initial();
    const failed = { passed: 1, failed: 3, skipped: 0, message: null, percent: null };
    status(it, 1, { id: "t1", status: "failed", progress: failed, endedAt: "2026-01-01T09:00:00Z" });
    status(it, 2, { id: "t2", status: "succeeded", endedAt: "2026-01-01T09:01:00Z" });
    status(it, 3, { id: "t3", status: "failed", command: "make", endedAt: "2026-01-01T09:00:00Z" });
    status(it, 4, { id: "t4", status: "failed", command: "other", owned: false });
    status(it, 5, { id: "t5", status: "running", command: "serve" });
    assert.deepEqual(state.counts(it), { running: 1, failed: 1, questions: 0 });
  });

  it("do not count what did not start because of another", () => {
    const it = state.initial();
    status(it, 1, { status: "failed", startedAt: null, dependsOn: ["t0"] });
    assert.equal(state.counts(it).failed, 0);
  });
});
