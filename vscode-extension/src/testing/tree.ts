/** The tree that Test Explorer shows of the tests of a run: by the parts of their names. Pure. */

import type { TestResult } from "../protocol";

export interface Node {
  /** Unique below its root, and the same in every run: the parts of the name up to here. VS Code allows no NUL in it. */
  readonly id: string;
  readonly label: string;
  readonly children: Node[];
  /** Set on what is a test itself. */
  test?: TestResult;
}

/** What test runners put between the parts of a name: Rust and C++, Vitest and Playwright, Jest. */
const SEPARATOR = /::| > | › | » /;

/** The most tests of one run that are shown; the rest is counted. */
export const MOST_TESTS = 10_000;

/** The parts of a test's name, outermost first. Its id may name the suite that the name leaves out. */
export function path(test: TestResult): string[] {
  const { id, name } = test;
  if (name !== id && id.endsWith(name)) {
    const suite = id.slice(0, id.length - name.length).replace(/[\s:>›».#/]+$/, "");
    const parts = suite === "" ? [] : suite.split(SEPARATOR);
    return [...parts, ...name.split(SEPARATOR)].filter((part) => part !== "");
  }
  const parts = id.split(SEPARATOR).filter((part) => part !== "");
  return parts.length === 0 ? [id] : parts;
}

/** The tests as a tree. A name that is a test and a suite at once (Go's subtests) is both. */
export function tree(tests: readonly TestResult[]): { roots: Node[]; omitted: number } {
  const roots: Node[] = [];
  const known = new Map<string, Node>();
  for (const test of tests.slice(0, MOST_TESTS)) {
    let siblings = roots;
    let id = "";
    for (const part of path(test)) {
      id = id === "" ? part : `${id}\n${part}`;
      let node = known.get(id);
      if (node === undefined) {
        node = { id, label: part, children: [] };
        known.set(id, node);
        siblings.push(node);
      }
      siblings = node.children;
    }
    const leaf = known.get(id);
    if (leaf) {
      leaf.test = test;
    }
  }
  return { roots, omitted: Math.max(0, tests.length - MOST_TESTS) };
}
