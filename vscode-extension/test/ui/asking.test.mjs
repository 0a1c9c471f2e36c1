/** The first steps of a person with the installed extension: walkthrough, a key, a question about lines, an earlier session. */

import { strict as assert } from "node:assert";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { Story, TEST_MS } from "../harness/story.mjs";
import { choose, quickField, quickRow, runCommand, until } from "../harness/workbench.mjs";

const KEY = "sk-ant-this-is-no-real-key";

const script = {
  steps: [
    {
      expect: {
        lastUserContains: ["What are these?", "second line", "third line"],
        lastUserNotContains: ["first line", "fourth line"],
      },
      answer: [{ text: "The second and the third." }],
    },
    { expect: { lastUserContains: ["Another talk"] }, answer: [{ text: "About something else." }] },
  ],
};

describe("a person who begins", function () {
  this.timeout(TEST_MS);
  let story;
  let page;

  before(async () => {
    story = await Story.begin({ script });
    ({ page } = story);
    story.write({ "lines.txt": "first line\nsecond line\nthird line\nfourth line\n" });
    await story.load("lines.txt");
  });

  after(() => story?.end());

  afterEach(function () {
    return story?.picture(this.currentTest);
  });

  const rows = (text) => quickRow(page, text);
  /** Chooses from the list that a command opens. */
  const pick = (command, words) => choose(page, () => runCommand(page, command), words, words);

  it("has the licences of all that is in the package", () => {
    const extensions = join(story.folder, "extensions");
    const own = readdirSync(extensions).find((name) => name.startsWith("pillion.pillion"));
    const text = readFileSync(join(extensions, own, "ThirdPartyNotices.txt"), "utf8");
    for (const part of [
      /^lit-html \S+ \(npm; /m,
      /^vscode-languageclient \S+ \(npm; /m,
      /^tokio \S+ \(crates\.io; /m,
    ]) {
      assert.match(text, part);
    }
    assert.match(text, /Permission is hereby granted, free of charge/);
  });

  it("finds three steps that need no key", async () => {
    await pick("Welcome: Open Walkthrough...", "Start with Pillion");
    const steps = page.locator(".getting-started-step");
    await steps.nth(2).waitFor();
    assert.equal(await steps.count(), 3);
    await page.locator(".getting-started-step", { hasText: "See what fails while it runs" }).click();
    await page.getByRole("button", { name: "Show tasks" }).click();
    await page.locator(".pane-header", { hasText: "Tasks" }).waitFor();
    await runCommand(page, "View: Close All Editors");
  });

  it("asks about the lines that are selected, and the model is given these", async () => {
    await story.load("lines.txt");
    const selected = page.locator('.statusbar-item[id="status.editor.selection"]', { hasText: "selected" });
    await until(selected, async () => {
      await page.locator(".editor-group-container .view-lines").first().getByText("second line").click();
      await page.keyboard.press("Home");
      await page.keyboard.press("Shift+ArrowDown");
      await page.keyboard.press("Shift+ArrowDown"); // up to the beginning of the fourth, of which nothing is selected
    });
    await runCommand(page, "Pillion: Ask about selection");
    await story.chat.getByText("lines.txt:2-3").first().waitFor();
    await story.say("What are these?");
    await story.heard("The second and the third.");
  });

  it("adds a key, which is shown nowhere and written nowhere", async () => {
    await pick("Pillion: Add API key", "Anthropic");
    const field = quickField(page);
    await page.locator(".quick-input-widget", { hasText: "API key of Anthropic" }).waitFor();
    assert.equal(await field.getAttribute("type"), "password");
    await field.press("Enter");
    await page.locator(".quick-input-widget", { hasText: "A key is not empty." }).waitFor();
    await field.fill(KEY);
    await field.press("Enter");
    await page.locator(".quick-input-widget").waitFor({ state: "hidden" });
    await runCommand(page, "Pillion: Remove API key");
    await rows("Anthropic").first().waitFor();
    await page.keyboard.press("Escape");
    for (const file of readdirSync(join(story.folder, "user"), { recursive: true, withFileTypes: true })) {
      if (file.isFile()) {
        const text = readFileSync(join(file.parentPath, file.name), "latin1");
        assert.ok(!text.includes(KEY), `${file.name} has the key`);
      }
    }
  });

  it("goes on with an earlier session", async () => {
    await runCommand(page, "Pillion: New session");
    await story.say("Another talk.");
    await story.heard("About something else.");
    await pick("Pillion: Resume session", "What are these?");
    await story.heard("The second and the third.");
    await story.log.getByText("About something else.").waitFor({ state: "detached" });
  });
});
