/**
 * Windows that go and come: what runs goes on while nobody is there, and what was said is there again, however the window
 * went.
 */

import { strict as assert } from "node:assert";
import { join } from "node:path";

import { FAILING_LINE, Story, TEST_MS } from "../harness/story.mjs";
import { runCommand } from "../harness/workbench.mjs";

/** How long nobody is there. The time itself is what is tested: a shim that were bound to the window would be gone. */
const AWAY_MS = 30_000;

const run = (command) => ({ tool: "bash", input: { command, run_in_background: true } });

function script(gate) {
  const meanwhile = `until [ -e ${gate} ]; do sleep 0.1; done; echo it ended meanwhile; exit 3`;
  return {
    steps: [
      { expect: { lastUserContains: ["Run both"] }, answer: [run("node --test"), run(meanwhile)] },
      { expect: { lastUserContains: ["Started in the background"] }, answer: [{ text: "Both run." }] },
      {
        expect: { lastUserContains: ["What came of it?"], times: { "<status>failed</status>": 2 } },
        answer: [{ text: "Both have failed." }],
      },
    ],
  };
}

describe("windows that go and come", function () {
  this.timeout(TEST_MS);
  let story;
  let meanwhile;

  before(async () => {
    story = await Story.begin({ script: (folder) => script((meanwhile = join(folder, "meanwhile"))), mode: "auto" });
    await story.load("test/math.test.js");
    await story.openChat();
    await story.say("Run both.");
    await story.heard("Both run.");
    await story.statusSays(/2 running/);
  });

  after(() => story?.end());

  afterEach(function () {
    return story?.picture(this.currentTest);
  });

  it("a window that crashed is followed by one with its conversation, and its sidecar is gone", async () => {
    const [pid] = story.sidecars();
    await story.crash();
    await story.load("test/math.test.js");
    await story.openChat();
    await story.heard("Both run.");
    await story.anotherSidecar(pid);
    await story.statusSays(/2 running/);
    await story.squiggleAt(FAILING_LINE);
  });

  it("a window that somebody looks at keeps its conversation, and another one is told so", async () => {
    const first = story.page;
    const [pid] = story.sidecars();
    story.page = await story.browser.newPage();
    await story.load();
    await story.openChat();
    const toast = story.page.locator(".notification-toast", { hasText: "open in another window" });
    await toast.waitFor();
    assert.equal(await story.log.getByText("Both run.").count(), 0);
    assert.ok(story.sidecars().includes(pid));
    await toast.getByRole("button", { name: "Go on here" }).click();
    await story.heard("Both run.");
    await story.leave();
    await story.page.close();
    story.page = first;
    await first.bringToFront();
  });

  it("with the panel hidden and 30 seconds between, both commands go on without any sidecar", async () => {
    await runCommand(story.page, "View: Hide Secondary Side Bar");
    await story.leave();
    await story.noSidecar();
    const away = new Promise((back) => setTimeout(back, AWAY_MS));
    story.open(meanwhile); // one of them ends while nobody is there
    await away;
    assert.deepEqual(story.sidecars(), []);
    await story.load("test/math.test.js");
    await story.statusSays(/1 running.*1 failed/);
    await story.squiggleAt(FAILING_LINE);
    assert.equal(story.sidecars().length, 1);
  });

  it("the end of each is shown and told, also of the one that ended meanwhile", async () => {
    story.open(story.gate);
    await story.statusSays(/^(?!.*running).*2 failed/);
    await story.openChat();
    await story.heard("Both run.");
    // What will be told stands above the composer, and is told with what the person says next.
    await story.chat.locator(".chips").getByText("node --test: 1 failed").waitFor();
    await story.chat
      .locator(".chips")
      .getByText(/^until/)
      .waitFor();
    await story.say("What came of it?");
    await story.heard("Both have failed.");
  });
});
