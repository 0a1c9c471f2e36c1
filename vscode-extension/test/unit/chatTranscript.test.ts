import assert from "node:assert/strict";
import { describe, it } from "mocha";

import { patchDiff } from "../../src/chat/diff";
import { MOST_OUTPUT, slimUpdate } from "../../src/chat/slim";
import type { Update, UpdateParams } from "../../src/protocol";
import type { Item, Session } from "../../webview/model/items";
import { newSession } from "../../webview/model/session";
import { type Change, MOST_PICTURE_DATA, MOST_TEXT, Transcript } from "../../webview/model/transcript";

let seq = 0;
const at = (update: Update, over: Partial<UpdateParams> = {}): UpdateParams => ({
  sessionId: "s1",
  turnId: "turn1",
  seq: ++seq,
  parentToolCallId: null,
  replay: false,
  update,
  ...over,
});
const text = (words: string) => ({ type: "text" as const, text: words });
const says = (messageId: string, words: string): Update => ({
  sessionUpdate: "agent_message_chunk",
  content: text(words),
  messageId,
});
const call = (toolCallId: string, over: Partial<Extract<Update, { sessionUpdate: "tool_call" }>> = {}): Update => ({
  sessionUpdate: "tool_call",
  toolCallId,
  title: "cargo test",
  name: "bash",
  kind: "execute",
  status: "pending",
  rawInput: { command: "cargo test" },
  content: [],
  locations: [],
  ...over,
});
const usage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  contextUsed: 0,
  contextWindow: null,
  cost: null,
  autoCost: null,
};
const ended = (over: Partial<Extract<Update, { sessionUpdate: "turn_ended" }>> = {}): Update => ({
  sessionUpdate: "turn_ended",
  stopReason: "end_turn",
  usage,
  auto: false,
  error: null,
  needsModel: [],
  unsent: [],
  ...over,
});

function played(...updates: (Update | UpdateParams)[]): {
  transcript: Transcript;
  session: Session;
  changes: Change[];
} {
  const transcript = new Transcript(newSession("s1"));
  const changes = updates.flatMap((update) => transcript.apply(slimUpdate("update" in update ? update : at(update))));
  return { transcript, session: transcript.session, changes };
}

const texts = (items: Item[]): string[] => items.flatMap((item) => ("text" in item && !item.gone ? [item.text] : []));

describe("the chat's reducer", () => {
  it("joins the pieces of a message, and keeps messages apart", () => {
    const { session } = played(says("m1", "Hel"), says("m1", "lo"), says("m2", "there"));
    assert.deepEqual(texts(session.items), ["Hello", "there"]);
  });

  it("forgets half an answer that is tried again", () => {
    const { session } = played(
      says("m1", "Half an ans"),
      { sessionUpdate: "message_discarded", messageId: "m1" },
      says("m1", "Whole"),
    );
    assert.deepEqual(texts(session.items), ["Whole"]);
  });

  it("takes the second telling of a call for the first", () => {
    const { session } = played(call("c1", { rawInput: {} }), call("c1"));
    assert.equal(session.items.length, 1);
    const [item] = session.items;
    assert.equal(item?.kind === "tool" && item.input, "cargo test");
  });

  it("ties a call to the task that it became, whichever was told first", () => {
    const { transcript } = played(call("c1"), { sessionUpdate: "tool_call_update", toolCallId: "c1", taskId: "t1" });
    assert.equal([...transcript.itemsOf("t1")].length, 1);
    const early = played(call("c2"));
    early.transcript.link({ toolCallId: "c2", parentToolCallId: null }, "t2");
    assert.equal([...early.transcript.itemsOf("t2")].length, 1);
  });

  it("puts what a subagent does into its call", () => {
    const inner = at(call("c2", { title: "Read a.rs" }), { parentToolCallId: "c1" });
    const { session, changes } = played(call("c1", { name: "agent" }), inner);
    const [outer, nested] = session.items;
    assert.ok(outer?.kind === "tool" && nested?.kind === "tool");
    assert.deepEqual(outer.children, [nested]);
    assert.ok(nested.nested);
    assert.ok(changes.some((change) => change.type === "item" && change.item === outer));
  });

  it("tells a subagent's call from one of the session with the same id", () => {
    const inside = { parentToolCallId: "c1" };
    const { session, transcript } = played(
      call("c1", { name: "agent", title: "Look around" }),
      at(call("c1", { title: "make" }), inside),
      at({ sessionUpdate: "tool_call_update", toolCallId: "c1", status: "completed" }, inside),
    );
    const [outer, nested] = session.items;
    assert.ok(outer?.kind === "tool" && nested?.kind === "tool");
    assert.deepEqual([outer.title, outer.status, outer.children], ["Look around", "pending", [nested]]);
    assert.deepEqual([nested.title, nested.status], ["make", "completed"]);
    transcript.link({ toolCallId: "c1", parentToolCallId: "c1" }, "t2");
    assert.deepEqual([outer.taskId, nested.taskId], [null, "t2"]);
  });

  it("labels a batch, and not a single call", () => {
    const { session } = played(
      call("c1"),
      call("c2"),
      { sessionUpdate: "label", toolCallIds: ["c1", "c2"], text: "Read 2 files" },
      { sessionUpdate: "label", toolCallIds: ["c2"], text: "Read a.rs" },
    );
    const labels = session.items.map((item) => (item.kind === "tool" ? item.label : null));
    assert.deepEqual(labels, ["Read 2 files", null]);
  });

  it("knows at the end of a turn which files it edited", () => {
    const edit = (id: string, path: string): Update[] => [
      call(id, { kind: "edit", name: "edit_file" }),
      {
        sessionUpdate: "tool_call_update",
        toolCallId: id,
        status: "completed",
        content: [{ type: "diff", path, oldText: "a\n", newText: "b\n" }],
      },
    ];
    const { session } = played(...edit("c1", "/w/a"), ...edit("c2", "/w/b"), ...edit("c3", "/w/a"), ended());
    const end = session.items.at(-1);
    assert.deepEqual(new Set(end?.kind === "end" ? end.edited : []), new Set(["/w/a", "/w/b"]));
  });

  it("gives back what was not sent, but not when that is long ago", () => {
    const unsent = [{ promptId: "p2", prompt: [text("And the docs.")] }];
    const now = played(ended({ stopReason: "cancelled", unsent })).changes;
    assert.ok(now.some((change) => change.type === "unsent" && change.prompts === unsent));
    const old = played(at(ended({ stopReason: "cancelled", unsent }), { replay: true })).changes;
    assert.ok(!old.some((change) => change.type === "unsent"));
  });

  it("begins again with a replay, and shows it once", () => {
    const replay = { replay: true };
    const { session } = played(
      says("m1", "Old"),
      at({ sessionUpdate: "replay_started", before: null }, replay),
      at(says("m1", "Old"), replay),
      at({ sessionUpdate: "replay_ended", before: "412", hasMore: true }, replay),
    );
    assert.deepEqual(texts(session.items), ["Old"]);
    assert.equal(session.older, "412");
  });

  it("puts an older page ahead, and what happens meanwhile at the end", () => {
    const replay = { replay: true };
    const { session } = played(
      { sessionUpdate: "turn_started", reason: "prompt" },
      says("m5", "Newest"),
      at({ sessionUpdate: "replay_started", before: "412" }, replay),
      at({ sessionUpdate: "turn_started", reason: "prompt" }, { replay: true, turnId: "turn0" }),
      at(says("m1", "Oldest"), replay),
      says("m5", " of all"),
      says("m6", "Later"),
      at({ sessionUpdate: "replay_ended", before: null, hasMore: false }, replay),
    );
    assert.deepEqual(texts(session.items), ["Oldest", "Newest of all", "Later"]);
    assert.equal(session.turn, "turn1", "an older turn does not run now");
    assert.equal(session.older, null);
  });

  it("goes on from a copy as from itself", () => {
    const first = played(call("c1", { name: "agent" }), at(call("c2"), { parentToolCallId: "c1" }), says("m1", "Hel"));
    const copy = new Transcript(structuredClone(first.session));
    const next = [at(says("m1", "lo")), at(call("c3"), { parentToolCallId: "c1" }), at(ended())];
    for (const update of next) {
      first.transcript.apply(slimUpdate(update));
      copy.apply(slimUpdate(update));
    }
    assert.deepEqual(copy.session, first.session);
  });

  it("keeps a bound on a message and on an output, and counts the rest", () => {
    const { session } = played(says("m1", "x".repeat(MOST_TEXT)), says("m1", "yyy"), call("c1"), {
      sessionUpdate: "tool_call_update",
      toolCallId: "c1",
      rawOutput: "z".repeat(MOST_OUTPUT + 7),
    });
    const [message, tool] = session.items;
    assert.ok(message?.kind === "agent" && tool?.kind === "tool");
    assert.equal(message.text.length, MOST_TEXT);
    assert.equal(message.omitted, 3);
    const [output] = tool.content;
    assert.ok(output?.type === "text");
    assert.equal(output.omitted, 7);
  });

  it("takes an update of a kind that it does not know for nothing", () => {
    const unknown = { sessionUpdate: "a_later_kind" } as unknown as Update;
    assert.deepEqual(played(unknown).changes, []);
  });
});

describe("a conversation that is opened again", () => {
  it("gets the diffs that its replay does not tell, once, and knows which turn edited", () => {
    const { transcript, session } = played(
      call("c1", { kind: "edit", name: "edit_file", rawInput: { path: "src/a.rs" } }),
      { sessionUpdate: "tool_call_update", toolCallId: "c1", status: "completed", rawOutput: "Edited." },
      ended(),
    );
    const content = patchDiff("/src/a.rs", false, "--- a\n+++ b\n@@ -1,1 +1,1 @@\n-old\n+new\n");
    transcript.attachDiff({ turn: "turn1", path: "/src/a.rs", content });
    transcript.attachDiff({ turn: "turn1", path: "/src/a.rs", content });
    const [tool, end] = session.items;
    assert.ok(tool?.kind === "tool" && end?.kind === "end");
    assert.deepEqual(tool.content, [content]);
    assert.deepEqual(end.edited, ["/src/a.rs"]);
    assert.equal(content.added, 1);
  });
});

describe("pictures", () => {
  const sent = (messageId: string, data: string, over: Partial<UpdateParams> = {}): UpdateParams =>
    at(
      { sessionUpdate: "user_message_chunk", content: { type: "image", data, mimeType: "image/png" }, messageId },
      over,
    );
  const asked = (messageId: string): Update => ({
    sessionUpdate: "user_message_chunk",
    content: text("Which colour?"),
    messageId,
  });
  const kept = (session: Session): string[][] =>
    session.items.map((item) => (item.kind === "user" ? item.pictures.map(({ data }) => data.slice(0, 1)) : []));

  it("belong to the message that they were sent with, and are no words of it", () => {
    const { session } = played(asked("m1"), sent("m1", "AAAA"), sent("m1", "BBBB"));
    assert.deepEqual(texts(session.items), ["Which colour?"]);
    assert.deepEqual(kept(session), [["A", "B"]]);
  });

  it("are kept up to a size, the newest ones", () => {
    const half = MOST_PICTURE_DATA / 2;
    const { session, transcript } = played(sent("m1", "A".repeat(half)), sent("m2", "B".repeat(half)));
    assert.deepEqual(kept(session), [["A"], ["B"]]);
    const again = new Transcript(structuredClone(session)); // as the page gets it
    for (const one of [transcript, again]) {
      const changes = one.apply(slimUpdate(sent("m3", "C")));
      assert.deepEqual(kept(one.session), [[""], ["B"], ["C"]]);
      assert.ok(changes.some((change) => change.type === "item" && change.item === one.session.items[0]));
    }
  });

  it("of an older page are older than all that are there", () => {
    const replay: Partial<UpdateParams> = { replay: true };
    const { session } = played(
      sent("m2", "B".repeat(MOST_PICTURE_DATA - 1)),
      at({ sessionUpdate: "replay_started", before: "7" }, replay),
      sent("m1", "A", replay),
      sent("m1", "Z", replay),
      at({ sessionUpdate: "replay_ended", before: null, hasMore: false }, replay),
    );
    assert.deepEqual(kept(session), [["A", ""], ["B"]]);
  });
});
