/**
 * What the page does for a frame, counted in Chromium: rows of a long conversation, drawings of what streams. How long it
 * takes is measured by `cargo xtask bench --editor`.
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";

import * as told from "./conversation.mjs";
import { openPage, startBrowser } from "./page.mjs";

const ITEMS = 10_000;
/** Those of a view and of what is drawn ahead of it on both sides; a guess of heights may be a few times too low. */
const MOST_ROWS = 150;

/** Answers with code, lists and tables, prompts, calls with diffs and outputs: none of it cheap. */
function long() {
  const updates = [];
  for (let at = 0; at < ITEMS; at++) {
    const id = `i${at}`;
    switch (at % 5) {
      case 0:
        updates.push(told.asks(id, `Question ${at}: what about the ${"very ".repeat(at % 13)}long one?`));
        break;
      case 1:
        updates.push(told.says(id, `${told.answer}\n\nNumber ${at}.`));
        break;
      case 2:
        updates.push(
          told.call(id, `Edit src/file${at}.rs`, { kind: "edit" }),
          told.called(id, { content: [told.diff] }),
        );
        break;
      case 3:
        updates.push(told.update("task_notification", { taskIds: ["t1"], text: told.notification }));
        break;
      default:
        updates.push(told.says(id, "A short one.\n\n".repeat(1 + (at % 7))));
    }
  }
  return updates;
}

describe("the work of a frame", function () {
  this.timeout(120_000);
  let browser;
  let opened;
  before(async () => {
    browser = await startBrowser();
    opened = await openPage(browser);
    await opened.tell(told.everything());
    await opened.tell({ type: "updates", updates: long() });
    await opened.settled();
    await opened.page.getByText(`Number ${ITEMS - 4}.`).waitFor();
  });
  after(async () => {
    await opened?.close();
    await browser.close();
  });

  it(`scrolls ${ITEMS.toLocaleString("en")} items, and draws only what is near`, async () => {
    const { page } = opened;
    const frames = await page.evaluate(async () => {
      const log = document.querySelector(".log");
      let added = 0;
      const observer = new MutationObserver((records) => {
        for (const { addedNodes } of records) {
          for (const node of addedNodes) if (node.classList?.contains("row")) added += 1;
        }
      });
      observer.observe(log, { childList: true, subtree: true });
      let [most, mostAdded] = [0, 0];
      const step = async (move) => {
        added = 0;
        move();
        await new Promise((next) => requestAnimationFrame(next));
        await new Promise((next) => setTimeout(next)); // behind this frame's own drawing
        most = Math.max(most, log.querySelectorAll(".row").length);
        mostAdded = Math.max(mostAdded, added);
      };
      for (let at = 0; at < 200; at++) await step(() => (log.scrollTop -= 120)); // a wheel
      for (let at = 0; at < 100; at++) await step(() => (log.scrollTop -= 900)); // page up, held
      for (let at = 0; at < 60; at++)
        await step(() => (log.scrollTop = ((at * 7919) % 100) * (log.scrollHeight / 100))); // the bar, dragged
      observer.disconnect();
      return { most, mostAdded };
    });
    assert.ok(frames.most < MOST_ROWS, `${frames.most} rows were in the page`);
    assert.ok(frames.mostAdded > 0 && frames.mostAdded < MOST_ROWS, `${frames.mostAdded} rows were drawn in one frame`);
  });

  it("draws what streams at most once a frame", async () => {
    const { page } = opened;
    await page.evaluate(() => document.querySelector(".to-end").click());
    const draws = await page.evaluate(
      async (updates) => {
        let drawn = 0;
        const observer = new MutationObserver(() => drawn++);
        observer.observe(document.querySelector(".log"), { childList: true, subtree: true, characterData: true });
        let frames = 0;
        let counting = true;
        const count = () => {
          frames++;
          if (counting) requestAnimationFrame(count);
        };
        requestAnimationFrame(count);
        for (const update of updates) {
          window.postMessage({ type: "updates", updates: [update] }, "*");
          await new Promise((next) => setTimeout(next));
        }
        await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
        counting = false;
        return { drawn, frames };
      },
      Array.from({ length: 300 }, (_, at) => told.says("stream", `word ${at} `)),
    );
    // Rows are drawn and then placed: a frame is told of once or twice, whatever came in it.
    assert.ok(draws.drawn <= draws.frames * 1.5, "at most once a frame");
  });
});
