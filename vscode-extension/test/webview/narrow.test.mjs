/** The chat's page in a narrow panel: 290 pixels, as the secondary side bar is opened first. Nothing that counts is cut. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";

import * as told from "./conversation.mjs";
import { openPage, startBrowser } from "./page.mjs";

const WIDTH = 290;

describe("a narrow panel", function () {
  this.timeout(120_000);
  let browser;
  let opened;

  before(async () => {
    browser = await startBrowser();
    opened = await openPage(browser, { width: WIDTH });
    const running = told.task("t1", { toolCallId: "call_1" });
    await opened.tell(
      told.everything({
        tasks: [running],
        changes: { "turn1\0/w/src/auth.rs": "pending" },
        questions: [told.permission],
      }),
    );
    await opened.tell({ type: "updates", updates: told.conversation() });
    await opened.settled();
    mkdirSync("test-results", { recursive: true });
    await opened.page.getByRole("article", { name: "cargo test", exact: true }).scrollIntoViewIfNeeded();
    await opened.page.screenshot({ path: join("test-results", "narrow.png") });
  });

  after(async () => {
    await opened?.close();
    await browser.close();
  });

  /** How much of an element's text is seen, in pixels, and how much there is. */
  const widths = (locator) => locator.evaluate((one) => [one.clientWidth, one.scrollWidth]);

  it("is no wider than it is", async () => {
    const wide = await opened.page.evaluate(() => document.documentElement.scrollWidth);
    assert.equal(wide, WIDTH);
  });

  it("tells of a task its command and how it goes", async () => {
    const row = opened.page.getByRole("article", { name: "cargo test", exact: true });
    await row.scrollIntoViewIfNeeded();
    const [shown, whole] = await widths(row.locator(".title"));
    assert.equal(shown, whole, "its command");
    assert.match(await row.locator(".parts").innerText(), /^12\/50/);
    const [parts, all] = await widths(row.locator(".parts"));
    assert.equal(parts, all, "how it goes");
    assert.match(await row.locator(".time").innerText(), /\d+s/);
  });

  it("tells of an end its command and what came of it", async () => {
    const row = opened.page.getByRole("article", { name: "cargo test finished: 3 failed (2 new)", exact: true });
    await row.scrollIntoViewIfNeeded();
    assert.match(await row.locator(".parts").innerText(), /^3 failed/);
    for (const part of [".title", ".parts"]) {
      const [shown, whole] = await widths(row.locator(part));
      assert.equal(shown, whole, part);
    }
  });

  it("tells of an edit its file, and lets it be kept and undone", async () => {
    const row = opened.page.getByRole("article", { name: "Edit src/auth.rs" });
    await row.scrollIntoViewIfNeeded();
    const [shown, whole] = await widths(row.locator(".title"));
    assert.equal(shown, whole);
    for (const name of ["Keep", "Undo"]) {
      const button = row.getByRole("button", { name, exact: true });
      const { x, width } = await button.boundingBox();
      assert.ok(width >= 16 && x + width <= WIDTH, `${name} from ${x}, ${width} wide`);
    }
  });

  it("shows all of a question and its answers", async () => {
    const card = opened.page.getByRole("alertdialog");
    for (const button of await card.getByRole("button").all()) {
      const [shown, whole] = await widths(button);
      assert.ok(shown >= whole, await button.innerText());
    }
  });

  it("says in the composer what can be typed, to its end", async () => {
    const field = opened.page.getByRole("textbox", { name: "Message Pillion" });
    const [shown, needed] = await field.evaluate((one) => {
      const style = getComputedStyle(one);
      const canvas = document.createElement("canvas").getContext("2d");
      canvas.font = style.font;
      return [
        one.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight),
        canvas.measureText(one.placeholder).width,
      ];
    });
    assert.ok(needed <= shown, `${needed} pixels of words in ${shown}`);
  });
});
