/** Which of several windows on a folder leaves, and what the new one hears. */

import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Windows } from "../../src/windows";

const never = new Promise<void>(() => undefined);

describe("windows on one folder", () => {
  let folder: string;
  let open: Windows[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pillion-unit-"));
    open = [];
  });

  afterEach(() => {
    open.forEach((one) => {
      one.dispose();
    });
    rmSync(folder, { recursive: true });
  });

  /** A window that answers or does not; `left` resolves when it leaves. */
  async function enter(answers: Promise<unknown>, token = "token", limits = { thereMs: 10, leftMs: 10_000 }) {
    let leaves: () => void = () => undefined;
    const left = new Promise<void>((resolve) => (leaves = resolve));
    const leave = () => {
      leaves();
      return Promise.resolve();
    };
    const windows = new Windows(folder, { answers: () => answers, leave }, limits);
    open.push(windows);
    await windows.enter(token);
    return { windows, left };
  }

  it("one that is gone leaves when another is opened", async () => {
    const gone = await enter(never);
    await enter(Promise.resolve());
    await gone.left;
  });

  it("one that is there stays, and the new one hears so at once", async () => {
    const there = await enter(Promise.resolve(), "token", { thereMs: 60_000, leftMs: 60_000 });
    const { windows } = await enter(Promise.resolve(), "token", { thereMs: 60_000, leftMs: 60_000 });
    assert.equal(await Promise.race([windows.isHeld(), there.left]), true);
  });

  it("another person's stays, gone or not", async () => {
    const other = await enter(never, "other");
    const gone = await enter(never);
    const { windows } = await enter(Promise.resolve(), "token", { thereMs: 10, leftMs: 200 });
    await gone.left;
    // Whoever was asked has decided by the time that the new one waits no more.
    assert.equal(await Promise.race([windows.isHeld(), other.left]), false);
  });

  it("a window alone is told so", async () => {
    const { windows } = await enter(Promise.resolve(), "token", { thereMs: 10, leftMs: 20 });
    assert.equal(await windows.isHeld(), false);
  });
});
