import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { TestResult } from "../../src/protocol";
import { type Node, path, tree } from "../../src/testing/tree";

const result = (id: string, name = id): TestResult => ({
  id,
  name,
  file: null,
  line: null,
  status: "passed",
  durationMs: null,
  message: null,
  recent: null,
});

const drawn = (nodes: readonly Node[]): unknown[] => nodes.map((node) => [node.label, ...drawn(node.children)]);

describe("the tree of tests", () => {
  it("follows the parts of the names", () => {
    const { roots } = tree([
      result("auth::login"),
      result("auth::logout"),
      result("db::tests::connects"),
      result("top"),
    ]);
    assert.deepEqual(drawn(roots), [["auth", ["login"], ["logout"]], ["db", ["tests", ["connects"]]], ["top"]]);
  });

  it("takes the suite from the id where the name leaves it out", () => {
    assert.deepEqual(path(result("group deep", "deep")), ["group", "deep"]);
    assert.deepEqual(path(result("a > b > c", "c")), ["a", "b", "c"]);
    assert.deepEqual(path(result("tests/test_a.py::TestA::test_b", "test_b")), ["tests/test_a.py", "TestA", "test_b"]);
  });

  it("has a test that is a suite as well once", () => {
    const { roots } = tree([result("TestA"), result("TestA::sub")]);
    assert.deepEqual(drawn(roots), [["TestA", ["sub"]]]);
    assert.equal(roots[0]?.test?.id, "TestA");
  });

  it("counts what it leaves out", () => {
    const many = Array.from({ length: 10_003 }, (_, index) => result(`t${index}`));
    const { roots, omitted } = tree(many);
    assert.equal(roots.length, 10_000);
    assert.equal(omitted, 3);
  });
});
