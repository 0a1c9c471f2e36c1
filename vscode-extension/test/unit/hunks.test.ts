import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Change } from "../../src/protocol";
import { before, delta, gone, hunks, placed } from "../../src/changes/hunks";

const long = Array.from({ length: 30 }, (_, index) => `line ${index + 1}`);
const edited = [...long.slice(0, 2), "line three", "new", ...long.slice(3, 19), ...long.slice(20)];
const text = (lines: readonly string[]): string => `${lines.join("\n")}\n`;

const change: Change = {
  path: "/w/long.txt",
  turnId: "turn1",
  kind: "edit",
  state: "pending",
  diff:
    "--- a/w/long.txt\n+++ b/w/long.txt\n@@ -1,6 +1,7 @@\n line 1\n line 2\n-line 3\n+line three\n+new\n line 4\n line 5\n line 6\n" +
    "@@ -17,7 +18,6 @@\n line 17\n line 18\n line 19\n-line 20\n line 21\n line 22\n line 23\n",
  omittedLines: 0,
  omittedBytes: 0,
  hunks: [
    { index: 0, oldStart: 1, oldLines: 6, newStart: 1, newLines: 7, state: "pending" },
    { index: 1, oldStart: 17, oldLines: 7, newStart: 18, newLines: 6, state: "pending" },
  ],
};

const spans = (of: Change, current: string): unknown[] =>
  placed(hunks(of), current).map(({ hunk, start, end, was }) => [hunk.index, start, end, was]);

describe("the hunks of an edit", () => {
  it("stand where the turn left them", () => {
    assert.deepEqual(spans(change, text(edited)), [
      [0, 2, 4, ["line 3"]],
      [1, 20, 20, ["line 20"]],
    ]);
    assert.equal(delta(hunks(change)), "+2 −2");
  });

  it("are found after somebody wrote above, and with other line ends", () => {
    const moved = ["a", "b", "c", ...edited].join("\r\n");
    assert.deepEqual(spans(change, moved), [
      [0, 5, 7, ["line 3"]],
      [1, 23, 23, ["line 20"]],
    ]);
  });

  it("are found when somebody wrote beside them", () => {
    const beside = [...edited];
    beside[4] = "line four";
    assert.deepEqual(spans(change, text(beside))[0], [0, 2, 4, ["line 3"]]);
  });

  it("stand nowhere when somebody wrote over them, or when they are reverted", () => {
    const over = [...edited];
    over[2] = "line 3 again";
    assert.deepEqual(spans(change, text(over)), [[1, 20, 20, ["line 20"]]]);
    const [first, second] = change.hunks;
    assert.ok(first && second);
    const half: Change = { ...change, hunks: [{ ...first, state: "reverted" }, second] };
    const current = [...long.slice(0, 19), ...long.slice(20)];
    assert.deepEqual(spans(half, text(current)), [[1, 19, 19, ["line 20"]]]);
  });

  it("tell how the file was before", () => {
    assert.equal(before(hunks(change), text(edited)), text(long));
    assert.equal(before(hunks(change), text(long)), undefined);
  });

  it("of a new file are all of it", () => {
    const made: Change = {
      ...change,
      kind: "create",
      diff: "--- /dev/null\n+++ b/w/new.txt\n@@ -0,0 +1,2 @@\n+hello\n+you\n",
      hunks: [{ index: 0, oldStart: 0, oldLines: 0, newStart: 1, newLines: 2, state: "pending" }],
    };
    assert.deepEqual(spans(made, "hello\nyou\n"), [[0, 0, 2, []]]);
    assert.equal(before(hunks(made), "hello\nyou\n"), "");
  });

  it("of which the server left the text out are left out", () => {
    const cut: Change = { ...change, diff: change.diff.slice(0, change.diff.indexOf("@@ -17")), omittedLines: 7 };
    assert.deepEqual(
      hunks(cut).map((hunk) => hunk.index),
      [0],
    );
  });

  it("keep lines that look like a diff's own", () => {
    const marks: Change = {
      ...change,
      diff: "--- a/w/a\n+++ b/w/a\n@@ -1,1 +1,1 @@\n--- x\n+++ y\n\\ No newline at end of file\n",
      hunks: [{ index: 0, oldStart: 1, oldLines: 1, newStart: 1, newLines: 1, state: "pending" }],
    };
    assert.deepEqual(spans(marks, "++ y"), [[0, 0, 1, ["-- x"]]]);
  });
});

describe("a hunk that somebody took back", () => {
  const indices = (of: Change, current: string | undefined): number[] =>
    gone(hunks(of), current).map(({ index }) => index);
  const first = ["line three", "new"];
  const back = (lines: readonly string[]): string[] =>
    lines.flatMap((line) => (first.includes(line) ? (line === "new" ? [] : ["line 3"]) : [line]));
  const again = [...edited.slice(0, 20), "line 20", ...edited.slice(20)];

  it("is gone where what was there before is there again", () => {
    assert.deepEqual(indices(change, text(edited)), []);
    assert.deepEqual(indices(change, text(back(edited))), [0]);
    assert.deepEqual(indices(change, text(again)), [1], "lines that were taken away are back");
    assert.deepEqual(indices(change, text(long)), [0, 1]);
    assert.deepEqual(indices(change, ["above", ...long].join("\r\n")), [0, 1]);
  });

  it("is not gone where somebody wrote something else there", () => {
    assert.deepEqual(indices(change, text(edited).replace("line three", "line drei")), []);
    assert.deepEqual(indices(change, ""), []);
  });

  it("is told once", () => {
    const settled = change.hunks.map((hunk) => ({ ...hunk, state: "reverted" as const }));
    assert.deepEqual(indices({ ...change, hunks: settled }, text(long)), []);
  });

  it("is an insertion of lines that are there more than once", () => {
    const diff = "@@ -1,4 +1,5 @@\n a\n }\n+}\n b\n }\n";
    const one = { index: 0, oldStart: 1, oldLines: 4, newStart: 1, newLines: 5, state: "pending" as const };
    const brace = { ...change, diff, hunks: [one] };
    assert.deepEqual(indices(brace, "a\n}\n}\nb\n}\n"), []);
    assert.deepEqual(indices(brace, "a\n}\nb\n}\n"), [0]);
  });

  it("is a file that the agent made, and that is deleted", () => {
    const one = { index: 0, oldStart: 0, oldLines: 0, newStart: 1, newLines: 1, state: "pending" as const };
    const made: Change = { ...change, kind: "create", diff: "@@ -0,0 +1,1 @@\n+made\n", hunks: [one] };
    assert.deepEqual(indices(made, undefined), [0]);
    assert.deepEqual(indices(made, "made\n"), []);
  });
});
