/** A person's own run in a real window, over the packaged extension: seen in the code while it runs, whatever happens. */

import { strict as assert } from "node:assert";

import { FAILING_LINE, Story, TEST_MS } from "../harness/story.mjs";
import { runCommand, runInBackground } from "../harness/workbench.mjs";

describe("tests run from the palette", function () {
  this.timeout(TEST_MS);
  let story;

  before(async () => {
    // The chat is hidden: a page that is shown would have the sidecar started for itself.
    const settings = { "workbench.secondarySideBar.defaultVisibility": "hidden" };
    story = await Story.begin({ script: { steps: [{ answer: [{ text: "Nobody asks." }] }] }, settings });
    await story.load("test/math.test.js");
  });

  after(() => story?.end());

  afterEach(function () {
    return story?.picture(this.currentTest);
  });

  it("start the sidecar; before there is none", async () => {
    assert.deepEqual(story.sidecars(), []);
    await runCommand(story.page, "Pillion: Run tests");
    await story.statusSays(/Pillion: 1 running/);
    assert.equal(story.sidecars().length, 1);
  });

  it("show the failing line while they still run", async () => {
    await story.squiggleAt(FAILING_LINE);
    await story.statusSays(/1 running/);
  });

  it("go on when the sidecar is killed, and so does what is seen of them", async () => {
    const [pid] = story.sidecars();
    process.kill(pid, "SIGKILL");
    await story.anotherSidecar(pid);
    await story.statusSays(/1 running/);
    await story.squiggleAt(FAILING_LINE);
  });

  it("go on when the window is loaded anew, with nothing of Pillion shown", async () => {
    const [pid] = story.sidecars();
    await story.load("test/math.test.js");
    await story.anotherSidecar(pid);
    await story.statusSays(/1 running/);
    await story.squiggleAt(FAILING_LINE);
    assert.equal(story.sidecars().length, 1);
  });

  it("end, and say so", async () => {
    story.open(story.gate);
    await story.statusSays(/1 failed/);
  });

  it("are green after the fix is saved and they are run again, and the squiggle is gone", async () => {
    story.write({ "src/math.js": "exports.add = (a, b) => a + b;\n" });
    await runCommand(story.page, "Pillion: Rerun last task");
    await story.page.locator(".squiggly-error").first().waitFor({ state: "detached" });
    await story.statusSays(/^(?!.*(running|failed))/);
  });

  it("may be any command: what is typed runs in the background, and has its row", async () => {
    await runInBackground(story.page, "echo from-the-picker");
    await runCommand(story.page, "Pillion: Show tasks");
    await story.taskRow("echo from-the-picker").waitFor();
  });
});
