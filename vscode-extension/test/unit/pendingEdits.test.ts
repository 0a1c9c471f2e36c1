import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { PendingEdits } from "../../src/changes/edits";
import type { Change, ChangeState } from "../../src/protocol";

const change = (turnId: string, path: string, states: ChangeState[], over: Partial<Change> = {}): Change => ({
  path,
  turnId,
  kind: "edit",
  state: states.includes("pending") ? "pending" : "accepted",
  diff: states.map((_, at) => `@@ -${at * 9 + 1},1 +${at * 9 + 1},1 @@\n-old ${at}\n+new ${at}\n`).join(""),
  omittedLines: 0,
  omittedBytes: 0,
  hunks: states.map((state, index) => ({
    index,
    state,
    oldStart: index * 9 + 1,
    oldLines: 1,
    newStart: index * 9 + 1,
    newLines: 1,
  })),
  ...over,
});

describe("the edits that wait", () => {
  const edits = new PendingEdits([
    change("t1", "/w/a", ["pending", "accepted"]),
    change("t1", "/w/b", ["accepted"]),
    change("t2", "/w/a", ["reverted", "pending"]),
  ]);

  it("are those of files with an open hunk", () => {
    assert.deepEqual(edits.paths, ["/w/a"]);
    assert.deepEqual(edits.changes("/w/b"), []);
  });

  it("are told by hunk, with what the server calls each", () => {
    assert.deepEqual(
      edits.pending("/w/a").map(({ turnId, hunk }) => [turnId, hunk.index]),
      [
        ["t1", 0],
        ["t2", 1],
      ],
    );
  });

  it("are taken out alone, or else with those that were kept, never those that were taken back", () => {
    assert.deepEqual(
      edits.ways("/w/a").map((way) => way.map((hunks) => hunks.map(({ index }) => index))),
      [
        [[0], [1]],
        [[0, 1], [1]],
      ],
    );
  });

  it("make a file new that the agent made, and gone that it removed", () => {
    const kind = (...kinds: Change["kind"][]) =>
      new PendingEdits(kinds.map((each, at) => change(`t${at}`, "/w/c", ["pending"], { kind: each }))).kind("/w/c");
    assert.equal(kind("create", "edit"), "create");
    assert.equal(kind("create", "delete"), "delete");
    assert.equal(kind("edit"), "edit");
  });
});
