import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { worthTelling } from "../../src/attention/decide";
import type { Run } from "../../src/protocol";
import { ended } from "./task";

const run = (startedBy: Run["startedBy"]): Run => ({
  run: 1,
  status: "succeeded",
  endedAt: null,
  exitCode: 0,
  startedBy,
  sessionId: null,
  stoppedBy: null,
  narrowed: null,
});

describe("the end of a task", () => {
  it("is worth a notification when the task took longer than the setting says", () => {
    assert.equal(worthTelling(ended({ elapsedMs: 31_000 }), 30), true);
    assert.equal(worthTelling(ended({ elapsedMs: 29_000 }), 30), false);
    assert.equal(worthTelling(ended({ elapsedMs: 31_000 }), 0), false);
  });

  it("is not when somebody stopped it, a file change began it, it never ran or it is another window's", () => {
    const long = { elapsedMs: 60_000 };
    assert.equal(worthTelling(ended({ ...long, status: "killed" }), 30), false);
    assert.equal(worthTelling(ended({ ...long, runs: [run("watch")] }), 30), false);
    assert.equal(worthTelling(ended({ ...long, runs: [run("user")] }), 30), true);
    assert.equal(worthTelling(ended({ ...long, startedAt: null }), 30), false);
    assert.equal(worthTelling(ended({ ...long, owned: false }), 30), false);
  });
});
