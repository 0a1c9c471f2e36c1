/** The server's life as the extension leads it: started late, again after a crash, and told why when it is not there. */

import { strict as assert } from "node:assert";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as vscode from "vscode";

import { change, extension, messages, state, withSetting } from "./extension";

/** A program that answers `initialize` with another version of the protocol. */
const OLD_SERVER = `#!/usr/bin/env node
let all = "";
process.stdin.setEncoding("utf8").on("data", (piece) => {
  all += piece;
  for (let found; (found = /Content-Length: (\\d+)\\r\\n\\r\\n/.exec(all)); ) {
    const start = found.index + found[0].length;
    if (all.length < start + Number(found[1])) return;
    const { id, method } = JSON.parse(all.slice(start, start + Number(found[1])));
    all = all.slice(start + Number(found[1]));
    const capabilities = { experimental: { pillion: { version: 0, instanceId: "old" } } };
    const result = method === "initialize" ? { capabilities, serverInfo: { name: "pillion", version: "0.0.1" } } : null;
    const body = JSON.stringify({ jsonrpc: "2.0", id, result });
    if (id !== undefined) process.stdout.write("Content-Length: " + body.length + "\\r\\n\\r\\n" + body);
    if (method === "exit") process.exit(0);
  }
});
`;

function program(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), "pillion-program-")), "pillion");
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

describe("the sidecar", () => {
  it("is not started by the extension's start", async () => {
    const { client } = await extension();
    assert.equal(client.state, "stopped");
  });

  const languageClients = () => Object.keys(require.cache).filter((file) => file.endsWith("dist/languageclient.js"));

  it("costs the extension's start nothing: the language client is not even read", () => {
    assert.deepEqual(languageClients(), []);
  });

  it("is started by the first request", async () => {
    const { client } = await extension();
    const { modes } = await client.request("pillion/session/new", {});
    assert.equal(client.state, "running");
    assert.equal(languageClients().length, 1);
    assert.deepEqual(
      modes.map(({ id }) => id),
      ["ask", "accept_edits", "plan", "auto"],
    );
  });

  it("runs a command, and the store sees its start, its progress and its end", async () => {
    const parts = await extension();
    const { task } = await change(
      parts,
      "task_ended",
      ({ task }) => task.command === "echo done",
      () => parts.client.request("pillion/task/start", { command: "echo done" }),
    );
    assert.equal(task.status, "succeeded");
    assert.equal(parts.store.tasks.get(task.id)?.output.lastLine, "done");
  });

  it("comes back after it was killed, and goes on with its running task", async () => {
    const parts = await extension();
    const { task } = await change(
      parts,
      "task",
      ({ task }) => task.command === "sleep 600" && task.status === "running",
      () => parts.client.request("pillion/task/start", { command: "sleep 600", label: "Long" }),
    );
    const pid = await serverPid();
    const running = state(parts, "running", () => process.kill(pid, "SIGKILL"));
    await change(
      parts,
      "tasks",
      () => true,
      () => running,
    );
    const again = parts.store.tasks.get(task.id);
    assert.equal(again?.status, "running");
    assert.equal(again.owned, true);
    assert.equal(again.pid, task.pid);
    assert.notEqual(await serverPid(), pid);
    await change(
      parts,
      "task_ended",
      (ended) => ended.task.id === task.id,
      () => parts.client.request("pillion/task/stop", { taskId: task.id }),
    );
  });

  it("says what to do when its program is not there, and starts once it is", async () => {
    const parts = await extension();
    const shown = await messages(() =>
      withSetting("server.path", "/nowhere/pillion", async () => {
        await state(parts, "failed", () => undefined);
        await assert.rejects(parts.client.request("pillion/task/list", {}), { name: "NotRunning" });
        assert.equal(parts.client.state, "failed");
      }),
    );
    assert.match(shown[0] ?? "", /pillion\.server\.path names \/nowhere\/pillion.*\| Open settings \| Try again/);
    await parts.client.request("pillion/task/list", {});
    assert.equal(parts.client.state, "running");
  });

  it("refuses a program of another version, and says which", async () => {
    const parts = await extension();
    const old = program(OLD_SERVER);
    const shown = await messages(() =>
      withSetting("server.path", old, async () => {
        await state(parts, "failed", () => undefined);
      }),
    );
    assert.match(shown[0] ?? "", /\(0\.0\.1\) speaks version 0 of Pillion's protocol, this extension version 1/);
    await parts.client.start();
  });

  it("gives up a program that ends at its start, with its last words", async () => {
    const parts = await extension();
    const broken = program("#!/bin/sh\necho 'no state folder' >&2\nexit 3\n");
    const shown = await messages(() =>
      withSetting("server.path", broken, async () => {
        await state(parts, "failed", () => undefined);
      }),
    );
    assert.match(shown[0] ?? "", /exit code 3: no state folder.*\| Try again \| Show log/s);
    await parts.client.start();
  });

  it("hears of a changed setting", async () => {
    const parts = await extension();
    const { client } = parts;
    await withSetting("permissions.mode", "plan", async () => {
      const { mode } = await client.request("pillion/session/new", {});
      assert.equal(mode, "plan");
    });
  });

  it("gets the keys of the secret storage, and loses them", async () => {
    const { client, secrets } = await extension();
    const ask = () => client.request("pillion/session/new", { model: "anthropic:claude-sonnet-5" });
    await assert.rejects(ask, /API key/);
    await secrets.store("anthropic", "sk-ant-test");
    assert.equal((await ask()).model, "anthropic:claude-sonnet-5");
    await client.restart();
    assert.equal((await ask()).model, "anthropic:claude-sonnet-5");
    await secrets.forget("anthropic");
    await assert.rejects(ask, /API key/);
  });

  it("has every command of the manifest", async () => {
    const manifest = vscode.extensions.getExtension("pillion.pillion")?.packageJSON as {
      contributes: { commands: { command: string }[] };
    };
    const known = new Set(await vscode.commands.getCommands(true));
    const missing = manifest.contributes.commands.filter(({ command }) => !known.has(command));
    assert.deepEqual(missing, []);
  });

  async function serverPid(): Promise<number> {
    const { pid } = await (await extension()).client.start();
    assert.ok(pid);
    return pid;
  }
});
