/** Where the program is looked for, and whether a window left something running. */

import { strict as assert } from "node:assert";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { find, NoBinary } from "../../src/binary";
import { leftRunning, workspaceFolder } from "../../src/left";

let folder: string;

/** Each test of the suite that calls this has a folder of its own. Hooks beside the suites would be every file's. */
function withFolder(): void {
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "pillion-unit-")));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
}

function file(path: string, mode = 0o644, text = ""): string {
  const whole = join(folder, path);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, text);
  chmodSync(whole, mode);
  return whole;
}

describe("the program", () => {
  withFolder();

  const place = (configured: string, platform = "linux-x64") => ({
    configured,
    extension: join(folder, "extension"),
    path: `relative:${join(folder, "a")}:${join(folder, "b")}`,
    home: folder,
    platform,
  });

  it("is the one of the settings alone where they name one", async () => {
    const own = file("own/pillion", 0o755);
    file("extension/bin/pillion", 0o755);
    assert.equal(await find(place(own)), own);
    assert.equal(await find(place(" ~/own/pillion ")), own);
    await assert.rejects(find(place(join(folder, "nowhere"))), NoBinary);
    await assert.rejects(find(place("bin/pillion")), /absolute/);
  });

  it("is the extension's own, else the first on PATH that can be run", async () => {
    file("a/pillion", 0o644);
    const onPath = file("b/pillion", 0o755);
    assert.equal(await find(place("")), onPath);
    const bundled = file("extension/bin/pillion", 0o755);
    assert.equal(await find(place("")), bundled);
  });

  it("is never the extension's own where that cannot run, but may be one on PATH", async () => {
    file("extension/bin/pillion", 0o755);
    await assert.rejects(find(place("", "darwin-arm64")), NoBinary);
    const onPath = file("b/pillion", 0o755);
    assert.equal(await find(place("", "darwin-arm64")), onPath);
  });

  it("is never one that is made for another machine: the shell would run its bytes", async () => {
    const elf = (machine: number): string => {
      const head = Buffer.alloc(64);
      head.write("\x7fELF", "latin1");
      head.writeUInt16LE(machine, 18);
      return head.toString("latin1");
    };
    const ours = file("a/pillion", 0o755, elf(62));
    await assert.rejects(find(place(ours, "linux-arm64")), /made for another machine/);
    await assert.rejects(find(place("", "linux-arm64")), NoBinary);
    assert.equal(await find(place(ours)), ours);
    file("extension/bin/pillion", 0o755, elf(183));
    assert.equal(await find(place("")), ours);
    const script = file("script", 0o755, "#!/bin/sh\n");
    assert.equal(await find(place(script, "linux-arm64")), script);
  });

  it("is missed with a sentence", async () => {
    await assert.rejects(find(place("")), /not in this extension and not on PATH/);
  });
});

describe("what a window left running", () => {
  withFolder();

  const state = () => join(folder, "state");
  const run = (task: string, number: number, name: string, text = "{}") =>
    file(join(workspaceFolder(state(), folder).slice(folder.length), "tasks", task, `${number}`, name), 0o600, text);

  it("is looked for where the server keeps it", () => {
    // The server's own name for this folder: `store::workspace_dir`.
    assert.equal(workspaceFolder("/s", "/w"), "/s/pillion/workspaces/0880948ec8ab1be95aa073305546c29b");
  });

  it("is there while the newest run's shim listens and has written no end", async () => {
    assert.equal(await leftRunning(state(), folder), false);
    const socket = file("shim.socket");
    run("t1", 2, "run.json", JSON.stringify({ marker: "m", socket }));
    run("t1", 10, "run.json", JSON.stringify({ marker: "m", socket: null }));
    assert.equal(await leftRunning(state(), folder), false);
    run("t2", 1, "run.json", JSON.stringify({ marker: "m", socket }));
    assert.equal(await leftRunning(state(), folder), true);
    run("t2", 1, "exit.json");
    assert.equal(await leftRunning(state(), folder), false);
  });

  it("is nothing where files are broken", async () => {
    run("t1", 1, "run.json", "{");
    assert.equal(await leftRunning(state(), folder), false);
  });
});
