import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "mocha";

import { lineDiff } from "../../src/chat/diff";
import { commandItems, fuzzy, mention } from "../../src/chat/matching";
import { pageHtml } from "../../src/chat/page";
import { inputWords, slimQuestion } from "../../src/chat/slim";
import { NEEDS_MODEL, Waiting } from "../../src/chat/waiting";
import type { Question } from "../../src/protocol";
import type { Session } from "../../webview/model/items";
import { failures, parse } from "../../webview/model/notification";
import { newSession } from "../../webview/model/session";

describe("a diff in a row", () => {
  it("has the lines that changed, with their numbers", () => {
    const before = Array.from({ length: 30 }, (_, at) => `line ${at + 1}\n`).join("");
    const diff = lineDiff("/w/a", before, before.replace("line 10\n", "ten\nand a half\n"));
    assert.deepEqual([diff.added, diff.removed, diff.created], [2, 1, false]);
    assert.deepEqual(
      diff.lines.filter(({ kind }) => kind !== "context").map(({ kind, text, line }) => [kind, text, line]),
      [
        ["removed", "line 10", 10],
        ["added", "ten", 10],
        ["added", "and a half", 11],
      ],
    );
  });

  it("parts far changes, and says what of a long one it leaves out", () => {
    const lines = Array.from({ length: 2000 }, (_, at) => `${at}\n`);
    const parted = lineDiff(
      "/w/a",
      lines.join(""),
      lines.map((line, at) => (at === 5 || at === 900 ? "x\n" : line)).join(""),
    );
    assert.equal(parted.lines.filter(({ kind }) => kind === "gap").length, 1);
    const made = lineDiff("/w/b", null, lines.join(""));
    assert.deepEqual([made.created, made.added, made.lines.length, made.omitted], [true, 2000, 400, 1600]);
  });
});

describe("what was told of ended tasks", () => {
  const told = [
    "[Task notifications from Pillion.]",
    "<task_notification>",
    "<task_id>t1</task_id>",
    "<status>failed</status>",
    "<command>cargo test &lt;all&gt;</command>",
    "<failures>",
    "src/auth.rs:41:9 auth::login: left: 200, right: 401 (new)",
    "and 4 more",
    "</failures>",
    "</task_notification>",
    "<task_notification>no id</task_notification>",
  ].join("\n");

  it("is read out of the text", () => {
    assert.deepEqual(parse(told), [
      { id: "t1", status: "failed", command: "cargo test <all>", summary: null, duration: null },
    ]);
    assert.deepEqual(failures(told), [
      { path: "src/auth.rs", line: 41, what: "auth::login: left: 200, right: 401 (new)" },
    ]);
  });
});

describe("completion in the composer", () => {
  it("finds a file by its name before one by its folder, and by letters in their order", () => {
    const paths = ["auth/other.rs", "src/auth.rs", "src/a/u/t/h.md", "src/main.rs"];
    const ranked = paths.flatMap((path) => {
      const rank = fuzzy("auth", path);
      return rank === null ? [] : [{ path, rank }];
    });
    ranked.sort((a, b) => a.rank - b.rank);
    assert.deepEqual(
      ranked.map(({ path }) => path),
      ["src/auth.rs", "auth/other.rs", "src/a/u/t/h.md"],
    );
  });

  it("quotes a path with a space", () => {
    assert.equal(mention("a b.txt", ":3"), '@"a b.txt":3');
  });

  it("offers the server's commands", () => {
    const commands = [
      { name: "stop", description: "Stop the turn", argumentHint: "[TASK | all]" },
      { name: "help", description: "Help", argumentHint: null },
    ];
    assert.deepEqual(
      commandItems("/st", commands).map(({ insert, label }) => [insert, label]),
      [["/stop", "/stop [TASK | all]"]],
    );
  });
});

describe("a call's input", () => {
  it("is its command, else JSON, and nothing where the row says it", () => {
    assert.equal(inputWords({ command: "ls", description: "x" }, "execute"), "ls");
    assert.equal(inputWords({ pattern: "a" }, "search"), '{\n  "pattern": "a"\n}');
    assert.equal(inputWords({ path: "a" }, "read"), null);
    assert.equal(inputWords({}, "execute"), null);
  });
});

describe("a message that waits for a model", () => {
  const offline = (answer: string): Session => {
    const session = newSession("s1");
    session.model = "offline";
    const base = { key: 1, version: 1, turn: "turn1", parent: null, nested: false, gone: false };
    session.items.push({ ...base, kind: "agent", id: "m1", text: answer, omitted: 0 });
    return session;
  };

  it("is sent once a model is there, and once", () => {
    const sent: unknown[] = [];
    const shown: (string | null)[] = [];
    const waiting = new Waiting(
      (prompt) => sent.push(prompt),
      (text) => shown.push(text),
    );
    const session = offline(`It stays: ${NEEDS_MODEL}.`);
    const prompt = [{ type: "text" as const, text: "Explain" }];
    waiting.sent(session, prompt, "Explain");
    waiting.ended(session);
    waiting.look(session);
    assert.deepEqual(sent, []);
    session.model = "claude-sonnet-5";
    waiting.look(session);
    waiting.look(session);
    assert.deepEqual(sent, [prompt]);
    assert.deepEqual(shown, ["Explain", null]);
  });

  it("is none where the answer needed no model", () => {
    const waiting = new Waiting(
      () => assert.fail("nothing is sent"),
      () => assert.fail("nothing is kept"),
    );
    const session = offline("The tests passed.");
    waiting.sent(session, [], "run the tests");
    waiting.ended(session);
    session.model = "claude-sonnet-5";
    waiting.look(session);
  });

  it("is known by what the server says", () => {
    const answers = join(process.cwd(), "../server/src/provider/offline/answer.rs");
    assert.ok(readFileSync(answers, "utf8").includes(NEEDS_MODEL));
  });
});

describe("the page's policy", () => {
  it("lets nothing run or load but our own", () => {
    const html = pageHtml({
      source: "https://own.test",
      script: "https://own.test/a.js",
      style: "https://own.test/a.css",
      nonce: "abc",
    });
    const policy = /content="([^"]+)"/.exec(html)?.[1];
    assert.equal(
      policy,
      "default-src 'none'; script-src 'nonce-abc'; style-src https://own.test; font-src https://own.test; base-uri 'none'; form-action 'none'",
    );
    assert.ok(!html.includes("unsafe"));
  });
});

describe("a question about an edit", () => {
  const ask = (rawInput: unknown): Question => ({
    sessionId: "s1",
    questionId: "q1",
    parentToolCallId: null,
    toolCall: {
      toolCallId: "c1",
      title: "Edit a.js",
      name: "edit_file",
      kind: "edit",
      status: "pending",
      rawInput,
      content: [],
      locations: [],
    },
    reason: null,
    options: [],
  });

  it("shows what it would do", () => {
    const [diff] = slimQuestion(ask({ path: "a.js", old_string: "a - b", new_string: "a + b" })).toolCall.content;
    assert.ok(diff?.type === "diff");
    assert.deepEqual(
      diff.lines.map(({ kind, text, line }) => [kind, text, line]),
      [
        ["removed", "a - b", 0],
        ["added", "a + b", 0],
      ],
    );
    const [made] = slimQuestion(ask({ path: "a.js", content: "one\ntwo\n" })).toolCall.content;
    assert.deepEqual(made?.type === "diff" && [made.added, made.removed], [2, 0]);
    assert.deepEqual(slimQuestion(ask({ path: 1 })).toolCall.content, []);
  });
});
