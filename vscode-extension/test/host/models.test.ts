/** A whole turn over a language model of the editor, with a tool call; the vendor is the extension `lender` beside this. */

import { strict as assert } from "node:assert";

import * as vscode from "vscode";

import { change, extension, turn, withSetting, words } from "./extension";

describe("a model that the editor lends", () => {
  it("is in the list of models", async () => {
    const { client } = await extension();
    await vscode.lm.selectChatModels({ vendor: "parrot" });
    // The editor tells of a new vendor when it likes, and the server hears of it then.
    const listed = async () => {
      const { models } = await client.request("pillion/model/list", {});
      return models.find(({ id }) => id === "editor:parrot/grey");
    };
    let parrot = await listed();
    while (!parrot) {
      parrot = await listed();
    }
    assert.equal(parrot.name, "Grey parrot");
    assert.equal(parrot.offered, true);
  });

  it("answers a prompt, calls a tool and goes on with its result", async () => {
    const parts = await extension();
    await withSetting("model.provider", "editor", async () => {
      const session = await parts.client.request("pillion/session/new", { model: "editor:parrot/grey" });
      const { sessionId } = session;
      const updates = await turn(parts, () =>
        parts.client.request("pillion/session/prompt", {
          sessionId,
          prompt: [{ type: "text", text: "What is in it?" }],
        }),
      );
      assert.match(words(updates), /I look at it\.It holds: .*exports\.add/s);
      const calls = updates.flatMap(({ update }) => (update.sessionUpdate === "tool_call" ? [update.name] : []));
      assert.ok(calls.includes("read_file"), calls.join());
      const end = updates.at(-1)?.update;
      assert.equal(end?.sessionUpdate === "turn_ended" ? end.stopReason : end?.sessionUpdate, "end_turn");
      const heard = await vscode.commands.executeCommand<{ tools?: string[] }[]>("lender.requests");
      assert.ok(heard.at(-1)?.tools?.includes("bash"));
    });
  });

  it("tells why it does not answer", async () => {
    const parts = await extension();
    const { sessionId } = await parts.client.request("pillion/session/new", { model: "editor:parrot/grey" });
    const updates = await turn(parts, () =>
      parts.client.request("pillion/session/prompt", { sessionId, prompt: [{ type: "text", text: "Please fail." }] }),
    );
    const end = updates.at(-1)?.update;
    assert.equal(end?.sessionUpdate, "turn_ended");
    assert.match(end.error?.message ?? "", /not allowed to say this/);
  });

  it("is cancelled with its turn", async () => {
    const parts = await extension();
    const { sessionId } = await parts.client.request("pillion/session/new", { model: "editor:parrot/grey" });
    const ended = change(
      parts,
      "turn_ended",
      ({ session }) => session.sessionId === sessionId,
      () => undefined,
    );
    const said = new Promise<void>((resolve) => {
      const listener = parts.client.on("pillion/session/update", ({ update }) => {
        if (update.sessionUpdate === "agent_message_chunk") {
          listener.dispose();
          resolve();
        }
      });
    });
    await parts.client.request("pillion/session/prompt", {
      sessionId,
      prompt: [{ type: "text", text: "Please wait." }],
    });
    await said;
    await parts.client.notify("pillion/session/cancel", { sessionId });
    assert.equal((await ended).end.stopReason, "cancelled");
    await vscode.commands.executeCommand("lender.cancelled");
  });
});
