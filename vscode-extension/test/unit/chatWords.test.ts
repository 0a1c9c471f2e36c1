import assert from "node:assert/strict";
import { describe, it } from "mocha";

import { lineDiff } from "../../src/chat/diff";
import { commandItems, fuzzy, mention } from "../../src/chat/matching";
import { pageHtml } from "../../src/chat/page";
import { inputWords, slimQuestion } from "../../src/chat/slim";
import { Waiting } from "../../src/chat/waiting";
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
  const offline = (id = "s1"): Session => {
    const session = newSession(id);
    session.model = "offline";
    return session;
  };
  const words = (text: string) => [{ type: "text" as const, text }];
  const watched = () => {
    const sent: unknown[] = [];
    const shown: (string | null)[] = [];
    const waiting = new Waiting(
      (prompt) => sent.push(prompt),
      (text) => shown.push(text),
    );
    return { sent, shown, waiting };
  };

  it("is sent once a model is there, and once", () => {
    const { sent, shown, waiting } = watched();
    const session = offline();
    waiting.sent("p1", words("run the tests"), "run the tests");
    waiting.sent("p2", words("Explain"), "Explain");
    waiting.ended(session, ["p2"]);
    waiting.look(session);
    assert.deepEqual(sent, []);
    session.model = "claude-sonnet-5";
    waiting.look(session);
    waiting.look(session);
    assert.deepEqual(sent, [words("Explain")]);
    assert.deepEqual(shown, ["Explain", null]);
  });

  it("is all that needs one of the newest such turn, in its order", () => {
    const { sent, shown, waiting } = watched();
    const session = offline();
    waiting.sent("p1", words("Why?"), "Why?");
    waiting.ended(session, ["p1"]);
    waiting.sent("p2", words("Explain"), "Explain");
    waiting.sent("p3", words("And how?"), "And how?");
    waiting.ended(session, ["p2", "p3"]);
    session.model = "claude-sonnet-5";
    waiting.look(session);
    assert.deepEqual(sent, [words("Explain"), words("And how?")]);
    assert.deepEqual(shown, ["Why?", "Explain\nAnd how?", null]);
  });

  it("is none where no prompt of this window needs one", () => {
    const { sent, shown, waiting } = watched();
    const session = offline();
    waiting.sent("p1", words("run the tests"), "run the tests");
    waiting.ended(session, []);
    waiting.ended(session, ["p1"]); // of a turn that is over
    waiting.ended(session, ["p7"]); // of somebody else
    session.model = "claude-sonnet-5";
    waiting.look(session);
    assert.deepEqual([sent, shown], [[], []]);
  });

  it("is not said in another session", () => {
    const { sent, shown, waiting } = watched();
    waiting.sent("p1", words("Explain"), "Explain");
    waiting.ended(offline(), ["p1"]);
    const other = offline("s2");
    other.model = "claude-sonnet-5";
    waiting.look(other);
    assert.deepEqual(sent, []);
    assert.deepEqual(shown, ["Explain", null]);
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
      "default-src 'none'; script-src 'nonce-abc'; style-src https://own.test; font-src https://own.test; img-src data:; base-uri 'none'; form-action 'none'",
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
