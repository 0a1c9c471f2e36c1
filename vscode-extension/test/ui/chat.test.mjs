/** The main job in a real window, over the packaged extension: said, answered, run in the background, seen in the code. */

import { strict as assert } from "node:assert";

import { FAILING_LINE, Story } from "../harness/story.mjs";

const run = { tool: "bash", input: { command: "node --test", run_in_background: true } };

const script = {
  steps: [
    {
      expect: { lastUserContains: ["Say hello"] },
      answer: [{ text: "Hello, this is the answer, in several pieces.", chunks: 5 }],
    },
    {
      expect: { lastUserContains: ["Run the tests"] },
      answer: [{ text: "I'll start the tests and read the code meanwhile." }, run],
    },
    { expect: { lastUserContains: ["Started in the background"] }, answer: [{ text: "The tests run in the background." }] },
    {
      expect: { lastUserContains: ["<task_notification>", "<status>failed</status>"] },
      answer: [{ text: "One test fails." }],
    },
    { expect: { lastUserContains: ["Still there"] }, answer: [{ text: "Here I am again." }] },
  ],
};

describe("a window with the packaged extension", function () {
  this.timeout(90_000);
  let story;

  before(async () => {
    story = await Story.begin({ script });
    await story.load("test/math.test.js");
  });

  after(() => story?.end());

  afterEach(async function () {
    if (this.currentTest?.state === "failed") {
      await story?.page.screenshot({ path: `test-results/${this.currentTest.title.replace(/\W+/g, "-")}.png` });
    }
  });

  it("has no sidecar before it is asked for anything", () => {
    assert.deepEqual(story.sidecars(), []);
  });

  it("answers a prompt as it is written", async () => {
    await story.openChat();
    await story.say("Say hello");
    await story.heard("Hello, this is the answer, in several pieces.");
    assert.equal(story.sidecars().length, 1);
  });

  it("runs tests in the background once that is allowed, and shows the failing line while they still run", async () => {
    await story.say("Run the tests");
    const question = story.chat.getByRole("alertdialog", { name: /node --test/ });
    await question.waitFor();
    // A card takes no answer in its first moment: the button says when it does.
    await question.getByRole("button", { name: "Yes" }).click();
    await story.heard("The tests run in the background.");
    const squiggle = story.page.locator(".squiggly-error");
    await squiggle.first().waitFor();
    await story.page.keyboard.press("Escape");
    await assertSquiggleAt(story.page, FAILING_LINE);
    assert.match((await story.status.textContent()) ?? "", /1/);
    await story.page.locator(".squiggly-error").first().waitFor();
  });

  it("comes back when its sidecar is killed, with the conversation and the running task", async () => {
    const [pid] = story.sidecars();
    process.kill(pid, "SIGKILL");
    await story.page.waitForFunction(() => true);
    await story.say("Still there?");
    await story.heard("Here I am again.");
    await story.heard("Hello, this is the answer, in several pieces.");
    const [again] = story.sidecars();
    assert.notEqual(again, pid);
    assert.match((await story.status.textContent()) ?? "", /1/);
  });

  it("goes on with the running task after a reload, the chat not even shown", async () => {
    await story.load("test/math.test.js");
    await story.page.locator(".squiggly-error").first().waitFor();
    assert.match((await story.status.textContent()) ?? "", /1/);
    assert.equal(story.sidecars().length, 1);
    story.open(story.gate);
    await story.page.locator('[id="pillion.pillion.status"]', { hasText: /^(?!.*loading)/ }).waitFor();
  });
});

/** The squiggle stands on the line with this number: on the same height as it. */
async function assertSquiggleAt(page, line) {
  const mark = await page.locator(".squiggly-error").first().boundingBox();
  const number = await page.locator(".line-numbers", { hasText: new RegExp(`^${line}$`) }).first().boundingBox();
  assert.ok(mark && number);
  assert.ok(Math.abs(mark.y + mark.height / 2 - (number.y + number.height / 2)) < number.height, "on another line");
}
