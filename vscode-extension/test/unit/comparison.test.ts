import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { comparison } from "../../src/testing/comparison";

describe("what was expected and what came", () => {
  for (const [message, expected, actual] of [
    ["assertion `left == right` failed: left: 200, right: 401", "401", "200"],
    ["assertion `left == right` failed\n  left: 200\n right: 401", "401", "200"],
    ["Expected values to be strictly equal: -1 !== 3", "3", "-1"],
    ["expect(received).toBe(expected)\n\nExpected: 3\nReceived: -1", "3", "-1"],
    ["expected -1 to be 3", "3", "-1"],
    ["assert -1 == 3", "3", "-1"],
    ["Add(1, 2): got -1, want 3", "3", "-1"],
    ["expected: <3> but was: <-1>", "3", "-1"],
  ] as const) {
    it(message.replace(/\n/g, " "), () => {
      assert.deepEqual(comparison(message), { expected, actual });
    });
  }

  it("is not made up", () => {
    assert.equal(comparison("Expected values to be strictly deep-equal"), undefined);
    assert.equal(comparison("no row found"), undefined);
  });
});
