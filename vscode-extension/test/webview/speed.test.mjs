/** The page's budgets, measured in Chromium: long conversations scroll, the first words are painted at once. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";

import * as told from "./conversation.mjs";
import { openPage, startBrowser } from "./page.mjs";

const ITEMS = 10_000;
/** Milliseconds of work in one frame. */
const MOST_FRAME = 50;
/** Milliseconds from the host's message to the paint that shows it. */
const MOST_FIRST = 100;

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
        updates.push(told.call(id, `Edit src/file${at}.rs`, { kind: "edit" }), told.called(id, { content: [told.diff] }));
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

describe("the page's budgets", function () {
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

  it(`scrolls ${ITEMS.toLocaleString("en")} items without a frame over ${MOST_FRAME} ms`, async () => {
    const { page } = opened;
    const frames = await page.evaluate(async () => {
      const log = document.querySelector(".log");
      const work = [];
      const observer = new PerformanceObserver((list) => work.push(...list.getEntries().map(({ duration }) => duration)));
      observer.observe({ type: "long-animation-frame" });
      const times = [];
      let last = performance.now();
      const frame = () => new Promise((next) => requestAnimationFrame(next));
      const step = async (move) => {
        move();
        await frame();
        const now = performance.now();
        times.push(now - last);
        last = now;
      };
      for (let at = 0; at < 200; at++) await step(() => (log.scrollTop -= 120)); // a wheel
      for (let at = 0; at < 100; at++) await step(() => (log.scrollTop -= 900)); // page up, held
      for (let at = 0; at < 60; at++) await step(() => (log.scrollTop = ((at * 7919) % 100) * (log.scrollHeight / 100))); // the bar, dragged
      await new Promise((done) => setTimeout(done, 200));
      observer.disconnect();
      times.sort((a, b) => a - b);
      return { long: Math.max(0, ...work), worst: times.at(-1), p95: times[Math.floor(times.length * 0.95)], rows: document.querySelectorAll(".row").length };
    });
    console.log(`      worst ${frames.worst.toFixed(1)} ms, 95 % ${frames.p95.toFixed(1)} ms, longest animation frame ${frames.long.toFixed(1)} ms, ${frames.rows} rows in the page`);
    assert.ok(frames.rows < 150, "only what is near is in the page");
    assert.ok(frames.long <= MOST_FRAME, `a frame took ${frames.long} ms`);
    assert.ok(frames.worst <= MOST_FRAME, `a frame came ${frames.worst} ms after the one before`);
  });

  it(`paints the first words within ${MOST_FIRST} ms, and the following ones at most once a frame`, async () => {
    const { page } = opened;
    await page.evaluate(() => document.querySelector(".to-end").click());
    const times = [];
    for (let at = 0; at < 10; at++) {
      const update = told.says(`first${at}`, `First words ${at}`);
      times.push(
        await page.evaluate(
          ({ update, words }) =>
            new Promise((done) => {
              const begun = performance.now();
              const look = () => {
                if (!document.querySelector(".log").textContent.includes(words)) return requestAnimationFrame(look);
                const { port1, port2 } = new MessageChannel();
                port1.onmessage = () => done(performance.now() - begun); // behind the paint of this frame
                requestAnimationFrame(() => port2.postMessage(null));
              };
              window.postMessage({ type: "updates", updates: [update] }, "*");
              requestAnimationFrame(look);
            }),
          { update, words: `First words ${at}` },
        ),
      );
    }
    console.log(`      first words painted after ${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)} ms`);
    assert.ok(Math.max(...times) <= MOST_FIRST, `it took ${Math.max(...times)} ms`);
    const draws = await page.evaluate(async (updates) => {
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
    }, Array.from({ length: 300 }, (_, at) => told.says("stream", `word ${at} `)));
    console.log(`      300 pieces: drawn ${draws.drawn} times in ${draws.frames} frames`);
    assert.ok(draws.drawn <= draws.frames + 2);
  });
});
