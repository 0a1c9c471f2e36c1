/** A folder that nobody trusts yet: nothing of Pillion runs there, and everything does as soon as it is trusted. */

import { strict as assert } from "node:assert";

import { Story, TEST_MS } from "../harness/story.mjs";
import { palette, runCommand, STEP, until } from "../harness/workbench.mjs";

describe("workspace trust", function () {
  this.timeout(TEST_MS);
  let story;
  let page;

  before(async () => {
    story = await Story.begin({
      script: { steps: [{ answer: [{ text: "Nobody asks." }] }] },
      settings: { "security.workspace.trust.startupPrompt": "never", "security.workspace.trust.banner": "always" },
      trust: true,
    });
    ({ page } = story);
  });

  after(() => story?.end());

  afterEach(function () {
    return story?.picture(this.currentTest);
  });

  it("in restricted mode there is no sidecar, no status and no command of Pillion's", async () => {
    await story.visit();
    await page.locator("#workbench\\.parts\\.banner, .banner").getByText("Restricted Mode").first().waitFor();
    // The extensions that may run have begun: the ones that have a command in the palette are there.
    const none = page.locator(".quick-input-list .monaco-list-row", { hasText: "No matching commands" });
    await until(none, async () => (await palette(page)).fill(">Pillion", STEP));
    await page.keyboard.press("Escape");
    assert.equal(await story.status.count(), 0);
    assert.deepEqual(story.sidecars(), []);
  });

  it("once the folder is trusted everything is there, without a reload", async () => {
    await runCommand(page, "Workspaces: Manage Workspace Trust");
    await page.locator(".workspace-trust-editor").getByRole("button", { name: "Trust", exact: true }).click();
    await story.status.waitFor();
    await runCommand(page, "Pillion: Run tests");
    await story.statusSays(/1 running/);
    assert.equal(story.sidecars().length, 1);
  });
});
