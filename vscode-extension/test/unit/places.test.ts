import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { places } from "../../src/tasks/places";

const found = (text: string): unknown[] => places(text).map(({ path, line, column }) => [path, line, column]);

describe("places in output", () => {
  for (const [text, expected] of [
    ["thread 'a' panicked at src/auth.rs:41:9:", [["src/auth.rs", 41, 9]]],
    ["src/a.ts(3,5): error TS2322: no", [["src/a.ts", 3, 5]]],
    ['  File "app/main.py", line 7, in <module>', [["app/main.py", 7, undefined]]],
    ["    at Object.<anonymous> (/w/src/a.test.js:12:34)", [["/w/src/a.test.js", 12, 34]]],
    ["  --> src/lib.rs:4:5", [["src/lib.rs", 4, 5]]],
    ["main_test.go:12: got 1", [["main_test.go", 12, undefined]]],
    ["at file:///w/a.js:3:5", [["/w/a.js", 3, 5]]],
    ["12:30:45 listening on localhost:3000", []],
    ["nothing here", []],
  ] as const) {
    it(text.trim(), () => {
      assert.deepEqual(found(text), expected);
    });
  }

  it("tells where the place stands in the line", () => {
    const [place] = places("--> a.rs:4:5 x");
    assert.deepEqual([place?.start, place?.end], [4, 12]);
  });
});
