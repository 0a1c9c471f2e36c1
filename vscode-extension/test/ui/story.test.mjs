/**
 * The whole story in a real window: tests in the background, their end told, the fix saved, the second run green; and the
 * ways in which a person steers, refuses, types over a question and stops.
 */

import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { FAILING_LINE, Story, TEST_MS } from "../harness/story.mjs";

const run = { tool: "bash", input: { command: "node --test", run_in_background: true } };
const remove = { tool: "bash", input: { command: "rm -rf src" } };

function script(hold) {
  return {
    steps: [
      { expect: { lastUserContains: ["Run the tests"] }, answer: [{ text: "I'll start the tests." }, run] },
      {
        expect: { lastUserContains: ["waits for the user's permission"] },
        answer: [{ text: "They wait for your word." }],
      },
      {
        expect: { lastUserContains: ["<status>failed</status>"] },
        answer: [{ text: "One test fails: I'll mend add()." }, { tool: "read_file", input: { path: "src/math.js" } }],
      },
      {
        expect: { lastUserContains: ["a - b"] },
        answer: [{ tool: "edit_file", input: { path: "src/math.js", old_string: "a - b", new_string: "a + b" } }],
      },
      { expect: { lastUserContains: ["Edited src/math.js"] }, answer: [run] },
      { expect: { lastUserContains: ["Started in the background"] }, answer: [{ text: "They run again." }] },
      { expect: { lastUserContains: ["<status>succeeded</status>"] }, answer: [{ text: "All green." }] },
      { expect: { lastUserContains: ["Clean up"] }, answer: [remove] },
      { expect: { lastUserContains: ["Keep the sources"] }, answer: [{ text: "I keep them." }] },
      {
        expect: { lastUserContains: ["Count slowly"] },
        answer: [{ text: "One. " }, { waitForFile: hold }, { text: "Two." }],
      },
      { expect: { lastUserContains: ["And three?"] }, answer: [{ text: "Three was asked for." }] },
      {
        expect: { lastUserContains: ["Count for ever"] },
        answer: [{ text: "And so on. " }, { waitForFile: `${hold}-never` }, { text: "Never." }],
      },
    ],
  };
}

describe("the whole story", function () {
  this.timeout(TEST_MS);
  let story;
  let hold;

  before(async () => {
    story = await Story.begin({ script: (folder) => script((hold = join(folder, "hold"))) });
    await story.load("test/math.test.js");
    await story.openChat();
  });

  after(() => story?.end());

  afterEach(function () {
    return story?.picture(this.currentTest);
  });

  const question = (name) => story.question(name);

  it("asks before it runs a command, and takes a yes by keyboard", async () => {
    await story.say("Run the tests and fix what fails.");
    const card = await question(/node --test/);
    // The question has not taken the focus.
    assert.equal(await story.composer.evaluate((field) => field.matches(":focus")), true);
    await card.getByRole("button", { name: /Always allow .node --test/ }).press("Enter");
    await card.waitFor({ state: "detached" });
    await story.squiggleAt(FAILING_LINE);
    await story.statusSays(/1 running/);
  });

  it("tells the agent of the end; the fix is saved, run again, and the squiggle is gone", async () => {
    story.open(story.gate);
    const edit = await question(/math\.js/);
    await edit.getByRole("button", { name: "Yes" }).click();
    await story.heard("All green.");
    assert.equal(readFileSync(join(story.workspace, "src", "math.js"), "utf8"), "exports.add = (a, b) => a + b;\n");
    await story.page.locator(".squiggly-error").first().waitFor({ state: "detached" });
  });

  it("shows the end as a row that unfolds to what the agent was told", async () => {
    await story.log
      .getByRole("article", { name: /finished: / })
      .first()
      .getByRole("button")
      .first()
      .click();
    await story.log
      .getByText(/<status>failed<.status>/)
      .first()
      .waitFor();
  });

  it("takes words that are typed over a question as a no, never as a yes", async () => {
    await story.say("Clean up.");
    await question(/rm -rf src/);
    await story.say("Keep the sources, please.");
    await story.heard("I keep them.");
    assert.equal(await story.chat.getByRole("alertdialog").count(), 0);
    assert.ok(readFileSync(join(story.workspace, "src", "math.js")));
  });

  it("queues what is said while a turn runs, and goes on with it", async () => {
    await story.say("Count slowly.");
    await story.heard("One.");
    await story.say("And three?");
    await story.chat.getByText("And three?").first().waitFor();
    story.open(hold);
    await story.heard("Three was asked for.");
  });

  it("stops at Escape", async () => {
    await story.say("Count for ever.");
    await story.heard("And so on.");
    await story.composer.press("Escape");
    await story.chat
      .getByText(/stopped|cancelled/i)
      .first()
      .waitFor();
    assert.equal(await story.log.getByText("Never.").count(), 0);
  });
});
