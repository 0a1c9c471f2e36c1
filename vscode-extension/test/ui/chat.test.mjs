/** The main job in a real window, over the packaged extension: said, answered, run in the background, seen in the code. */

import { strict as assert } from "node:assert";

import { FAILING_LINE, Story, TEST_MS } from "../harness/story.mjs";

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
    {
      expect: { lastUserContains: ["waits for the user's permission"] },
      answer: [{ text: "The tests run in the background." }],
    },
    {
      expect: { lastUserContains: ["<status>failed</status>"] },
      answer: [{ text: "One test fails." }],
    },
    { expect: { lastUserContains: ["Still there?"] }, answer: [{ text: "Here I am again." }] },
  ],
};

describe("a conversation in a real window", function () {
  this.timeout(TEST_MS);
  let story;

  before(async () => {
    story = await Story.begin({ script });
    await story.load("test/math.test.js");
    await story.openChat();
  });

  after(() => story?.end());

  afterEach(function () {
    return story?.picture(this.currentTest);
  });

  it("has an answer to a prompt, as it is written", async () => {
    await story.say("Say hello");
    await story.heard("Hello, this is the answer, in several pieces.");
    assert.equal(story.sidecars().length, 1);
  });

  it("runs tests in the background once that is allowed, and the failing line shows while they still run", async () => {
    await story.say("Run the tests");
    const question = await story.question(/node --test/);
    await question.getByRole("button", { name: "Yes" }).click();
    await story.heard("The tests run in the background.");
    await story.squiggleAt(FAILING_LINE);
    await story.statusSays(/1 running/);
  });

  it("comes back when its sidecar is killed, with what was said and what runs", async () => {
    const [pid] = story.sidecars();
    process.kill(pid, "SIGKILL");
    await story.anotherSidecar(pid);
    await story.statusSays(/1 running/);
    await story.say("Still there?");
    await story.heard("Here I am again.");
    await story.heard("Hello, this is the answer, in several pieces.");
  });

  it("goes on after a reload, with what was said and what runs", async () => {
    const [pid] = story.sidecars();
    await story.load("test/math.test.js");
    await story.anotherSidecar(pid);
    await story.statusSays(/1 running/);
    await story.squiggleAt(FAILING_LINE);
    await story.openChat();
    await story.heard("Here I am again.");
  });

  it("tells the model of the end, which answers by itself or with the next prompt", async () => {
    story.open(story.gate);
    await story.statusSays(/1 failed/);
    await story.say("And now?");
    await story.heard("One test fails.");
  });
});
