import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { busy, groups } from "../../src/tasks/groups";
import { ended, task } from "./task";

const input = { kind: "input", question: "name?", holder: null, options: [], secret: false } as const;

describe("the tasks view", () => {
  it("shows what runs, what needs someone, what waits, what is over, each newest first", () => {
    const shown = groups([
      ended({ id: "old", endedAt: "2026-01-01T09:00:01.000Z" }),
      ended({ id: "new", endedAt: "2026-01-01T09:00:02.000Z" }),
      ended({ id: "watching", endedAt: "2026-01-01T09:00:00.000Z", watching: true }),
      task({ id: "q", status: "queued" }),
      task({ id: "asks", status: "waiting_for_input", waitingFor: { ...input, options: [] } }),
      task({ id: "permission", status: "queued", waitingFor: { ...input, kind: "permission", options: [] } }),
      task({ id: "r" }),
    ]);
    assert.deepEqual(
      shown.map((group) => [group.id, group.tasks.map((each) => each.id)]),
      [
        ["running", ["r"]],
        ["needs", ["permission", "asks"]],
        ["queued", ["q"]],
        ["finished", ["watching", "new", "old"]],
      ],
    );
  });

  it("leaves empty groups out", () => {
    assert.deepEqual(groups([]), []);
  });
});

describe("the badge", () => {
  const permission = (toolCallId: string) =>
    ({
      kind: "permission",
      id: toolCallId,
      sessionId: "s1",
      question: {
        sessionId: "s1",
        questionId: toolCallId,
        parentToolCallId: null,
        toolCall: {
          toolCallId,
          title: "x",
          name: "bash",
          kind: "execute",
          status: "pending",
          rawInput: {},
          content: [],
          locations: [],
        },
        reason: null,
        options: [],
      },
    }) as const;

  it("counts what runs or needs an answer, each once", () => {
    const waits = task({
      id: "w",
      sessionId: "s1",
      status: "queued",
      toolCallId: "call_1",
      waitingFor: { ...input, kind: "permission", options: [] },
    });
    const open = [permission("call_1"), permission("call_2")].map((each) => ({
      ...each,
      question: { ...each.question, toolCall: { ...each.question.toolCall, content: [], locations: [] }, options: [] },
    }));
    assert.equal(busy([task(), waits, task({ id: "q", status: "queued" }), ended({ id: "e" })], open), 3);
    const ofSubagent = { ...waits, parentToolCallId: "call_9" };
    assert.equal(busy([ofSubagent], open), 3, "another call of the same name");
  });

  it("leaves another window's tasks to that window", () => {
    assert.equal(busy([task({ owned: false }), task({ id: "t2" })], []), 1);
  });
});
