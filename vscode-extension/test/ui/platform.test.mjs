/** A machine on which Pillion does not run: one message says where it does, and offers to go there. */

import { strict as assert } from "node:assert";
import { join } from "node:path";

import { Story, TEST_MS } from "../harness/story.mjs";
import { runCommand } from "../harness/workbench.mjs";

describe("on a platform that is not supported", function () {
  this.timeout(TEST_MS);
  let story;
  let page;

  before(async () => {
    story = await Story.begin({ beside: [join(import.meta.dirname, "elsewhere")] });
    ({ page } = story);
    await story.load();
  });

  after(() => story?.end());

  afterEach(function () {
    return story?.picture(this.currentTest);
  });

  const toast = () => page.locator(".notification-toast", { hasText: "Pillion runs on Linux" });

  it("nothing is said before somebody wants something of it", async () => {
    assert.equal(await toast().count(), 0);
  });

  it("one message says where it runs, with the way there", async () => {
    await runCommand(page, "Pillion: Run tests");
    await toast().waitFor();
    assert.equal(await toast().count(), 1);
    assert.match(await toast().innerText(), /WSL 2.*Remote SSH.*dev containers/);
    await story.statusSays(/the sidecar does not run/);
    await toast().getByRole("button", { name: "Reopen in…" }).click();
    await page.locator('.quick-input-widget input[placeholder*="Remote Window"]').waitFor();
    await page.keyboard.press("Escape");
    assert.deepEqual(story.sidecars(), []);
  });

  it("the panel says it too, and keeps what was typed", async () => {
    await story.openChat();
    await story.say("Explain this");
    await story.chat.getByRole("group", { name: "Pillion's server" }).waitFor();
    assert.equal(await story.composer.inputValue(), "Explain this");
  });
});
