/** A long conversation in a real window: 5,000 items that the server has written down and replays, scrolled to their first. */

import { strict as assert } from "node:assert";

import { Story } from "../harness/story.mjs";
import { Trace } from "../harness/trace.mjs";

const ANSWERS = 100;
const CALLS = 49;
/** Milliseconds that the page may work in one frame. Other programs are no part of it: CPU time is measured. */
const MOST_FRAME = 50;

const ITEMS = ANSWERS * (CALLS + 1);

/** One turn of 100 answers, each with a text and 49 calls: 5,000 items. */
const script = {
  anyOrder: false,
  contextWindow: 50_000_000,
  steps: Array.from({ length: ANSWERS }, (_, at) => ({
    answer: [
      {
        text: `**Answer ${at + 1}.** It has \`code\`:\n\n\`\`\`js\nexports.add = (a, b) => a + b; // ${at}\n\`\`\``,
        chunks: 1,
      },
      ...Array.from({ length: at + 1 < ANSWERS ? CALLS : 0 }, (_, call) => ({
        tool: "read_file",
        input: { path: "long.txt", offset: at * CALLS + call + 1, limit: 1 },
      })),
    ],
  })),
};

describe("a conversation of 5,000 items", function () {
  this.timeout(240_000);
  let story;

  before(async () => {
    story = await Story.begin({ script });
    story.write({ "long.txt": "one of many lines\n".repeat(ANSWERS * CALLS) });
    await story.load();
    await story.openChat();
    await story.say("Read all of it.");
    await story.log.getByText(`Answer ${ANSWERS}.`).waitFor({ timeout: 180_000 });
    await story.load();
    await story.openChat();
    await story.heard(`Answer ${ANSWERS}.`);
  });

  after(() => story?.end());

  afterEach(function () {
    return story?.picture(this.currentTest);
  });

  it(`scrolls to its first item, page by page as they come, without a frame over ${MOST_FRAME} ms of work`, async () => {
    const trace = await Trace.begin(story.page);
    const frames = await story.log.evaluate(async (log) => {
      const first = () => [...log.querySelectorAll(".row")].some((row) => row.textContent.includes("Read all of it."));
      const apart = [];
      for (let last = performance.now(), now; !first(); last = now) {
        log.scrollTop -= 900; // page up, held; at the top it waits for the older ones
        now = await new Promise((next) => requestAnimationFrame(next));
        apart.push(now - last);
      }
      for (let at = 0; at < 100; at++) {
        log.scrollTop = ((at * 7919) % 100) * (log.scrollHeight / 100); // the bar, dragged
        await new Promise((next) => requestAnimationFrame(next));
      }
      return { count: apart.length, worst: Math.max(...apart), rows: log.querySelectorAll(".row").length };
    });
    const tasks = await trace.end();
    console.log(
      `      ${ITEMS} items: longest task ${tasks.at(-1).toFixed(1)} ms of CPU, of ${tasks.length};` +
        ` ${frames.count} frames up to the first item, at worst ${frames.worst.toFixed(0)} ms apart`,
    );
    assert.ok(tasks.length > frames.count, "the work was measured");
    assert.ok(frames.rows < 150, "only what is near is in the page");
    assert.ok(tasks.at(-1) <= MOST_FRAME, `a frame took ${tasks.at(-1)} ms`);
  });
});
