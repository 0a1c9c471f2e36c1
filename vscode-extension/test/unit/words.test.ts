import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { canStop, duration, icon, oneLine, parts, shortSummary } from "../../src/tasks/words";
import { ended, task } from "./task";

const progress = { message: "12/50", percent: 24, passed: 11, failed: 1, skipped: 0 };

describe("what is said of a task", () => {
  it("tells progress, failures and the time while it runs", () => {
    assert.deepEqual(parts(task({ progress }), { elapsed: 8100 }), ["12/50", "1 failed", "8s"]);
  });

  it("does not say twice that something failed", () => {
    const said = { ...progress, message: "12 done · 1 failed" };
    assert.deepEqual(parts(task({ progress: said }), { elapsed: 0 }), ["12 done · 1 failed", "0s"]);
  });

  it("falls back to the last line", () => {
    const output = { path: null, bytes: 9, lines: 1, lastLine: "bundling…", truncated: false };
    assert.deepEqual(parts(task({ output }), { elapsed: 21_000 }), ["21s", "bundling…"]);
  });

  it("names what a queued task waits for", () => {
    const other = task({ id: "t2", command: "npm ci", label: "npm ci" });
    const same = task({ id: "t3" });
    const tasks = new Map([other, same].map((each) => [each.id, each]));
    const waits = (holder: string | null, kind: "slot" | "lock" = "slot"): string[] =>
      parts(
        task({
          status: "queued",
          startedAt: null,
          waitingFor: { kind, question: null, holder, options: [], secret: false },
        }),
        { tasks },
      );
    assert.deepEqual(waits("t2"), ["waits for npm ci"]);
    assert.deepEqual(waits("t3"), ["waits for the same command before it"]);
    assert.deepEqual(waits("process 42"), ["waits for process 42"]);
    assert.deepEqual(waits(null), ["waits for a free slot"]);
    assert.deepEqual(waits(null, "lock"), ["waits for a lock"]);
  });

  it("shows the question of one that waits for an answer", () => {
    const waitingFor = {
      kind: "input",
      question: "package name: (demo) ",
      holder: null,
      options: [],
      secret: false,
    } as const;
    const asking = task({ status: "waiting_for_input", waitingFor: { ...waitingFor, options: [] } });
    assert.deepEqual(parts(asking), ["package name: (demo)"]);
    assert.equal(icon(asking).id, "question");
  });

  it("tells how one ended, with the time to a tenth", () => {
    const failed = ended({
      status: "failed",
      exitCode: 101,
      summary: "47 passed, 3 failed (2 new, 1 fixed since run 1)",
    });
    assert.deepEqual(parts(failed, { elapsed: 12_400 }), ["3 failed (2 new)", "12.4s"]);
    assert.deepEqual(parts(failed, { wide: true }), ["3 failed (2 new, 1 fixed)"]);
    assert.deepEqual(parts(ended({ status: "failed", exitCode: 2 })), ["failed (2)"]);
    assert.deepEqual(parts(ended()), ["passed"]);
    assert.deepEqual(parts(ended({ status: "killed", stoppedBy: "agent" })), ["stopped by the agent"]);
    assert.deepEqual(parts(ended({ status: "killed", stoppedBy: "user" })), ["stopped"]);
  });

  it("does not count the time of a server that is up", () => {
    const up = task({ ready: { line: "up", url: null }, progress: { ...progress, message: "ready", failed: 0 } });
    assert.deepEqual(parts(up, { elapsed: 60_000 }), ["ready"]);
  });

  it("keeps what a command wrote to one bounded line", () => {
    assert.equal(oneLine("  a\tb \n c"), "a b");
    assert.equal(oneLine("x".repeat(200)).length, 120);
  });
});

describe("words of a task", () => {
  it("writes durations", () => {
    assert.equal(duration(8100, true), "8s");
    assert.equal(duration(12_400, false), "12.4s");
    assert.equal(duration(125_000, true), "2m 05s");
    assert.equal(duration(3_725_000, false), "1h 02m");
  });

  it("shortens summaries", () => {
    assert.equal(shortSummary("50 passed"), "50 passed");
    assert.equal(shortSummary("47 passed, 0 failed"), "47 passed");
    assert.equal(shortSummary("12 errors"), "12 errors");
    assert.equal(shortSummary(null), undefined);
  });

  it("knows what can be stopped", () => {
    assert.equal(canStop(task()), true);
    assert.equal(canStop(ended()), false);
    assert.equal(canStop(ended({ stragglers: 1 })), true);
    assert.equal(canStop(ended({ watching: true })), true);
  });
});
