import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { statusLine } from "../../src/tasks/statusLine";

describe("the status bar", () => {
  it("shows numbers with icons, and says them in words", () => {
    const line = statusLine({ running: 2, failed: 3, questions: 1 }, false);
    assert.equal(line.text, "$(loading~spin) 2 $(error) 3 $(question) 1");
    assert.equal(line.words, "2 running, 3 failed, 1 needs you");
  });

  it("is calm when there is nothing to tell", () => {
    assert.deepEqual(statusLine({ running: 0, failed: 0, questions: 0 }, false), {
      text: "$(checklist) Pillion",
      words: "nothing runs",
      color: undefined,
    });
  });

  it("is red for a failure that nobody has looked at, and only as long as it stands", () => {
    assert.equal(statusLine({ running: 0, failed: 1, questions: 1 }, true).color, "error");
    assert.equal(statusLine({ running: 0, failed: 1, questions: 0 }, false).color, undefined);
    assert.equal(statusLine({ running: 1, failed: 0, questions: 0 }, true).color, undefined);
  });

  it("says when there is no server", () => {
    assert.deepEqual(statusLine({ running: 0, failed: 0, questions: 0 }, false, "it does not start"), {
      text: "$(warning) Pillion",
      words: "it does not start",
      color: "warning",
    });
  });
});
