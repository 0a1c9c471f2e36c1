/** Notifications in a real window: one for a question that nobody sees, with its answers, and one for the end of a long task. */

import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { join } from "node:path";

import { Story, TEST_MS } from "../harness/story.mjs";
import { quickField, runCommand, runInBackground, STEP } from "../harness/workbench.mjs";

/** From how many seconds on a task is a long one here: a short one is none on a busy machine either. */
const LONG_S = 8;

const remove = { tool: "bash", input: { command: "rm -rf src" } };
const refused = { expect: { lastUserContains: ["The user refused this"] }, answer: [{ text: "I keep them." }] };

const script = (hold) => ({
  steps: [
    { expect: { lastUserContains: ["Clean up"] }, answer: [remove] },
    refused,
    { expect: { lastUserContains: ["Once more"] }, answer: [remove] },
    refused,
    { expect: { lastUserContains: ["And again"] }, waitForFile: hold, answer: [remove] },
    { answer: [{ text: "They are gone." }] },
  ],
});

describe("notifications", function () {
  this.timeout(TEST_MS);
  let story;
  let page;
  let hold;

  const toast = (text) => page.locator(".notification-toast", { hasText: text });
  const card = () => story.chat.getByRole("alertdialog", { name: /rm -rf src/ });
  const awake = () => story.question(/rm -rf src/);

  /** The window keeps or loses the focus, as the editor is told of it. */
  const focused = (is) =>
    page.evaluate((now) => {
      document.hasFocus = () => now;
      window.dispatchEvent(new Event(now ? "focus" : "blur"));
    }, is);

  before(async () => {
    story = await Story.begin({
      script: (folder) => script((hold = join(folder, "hold"))),
      settings: { "pillion.notifications.afterSeconds": LONG_S },
    });
    ({ page } = story);
    await story.load();
    await story.openChat();
  });

  after(() => story?.end());

  afterEach(async function () {
    await story?.picture(this.currentTest);
    await focused(true);
  });

  it("there is none for a question in a panel that is seen, in a window that has the focus", async () => {
    await story.say("Clean up.");
    const asked = await awake();
    assert.equal(await toast("rm -rf src").count(), 0);
    await asked.getByRole("button", { name: "No", exact: true }).click();
    await story.heard("I keep them.");
  });

  it("a question while the window has no focus raises one, which answers it", async () => {
    await focused(false);
    await story.say("Once more.");
    await toast("rm -rf src").waitFor();
    assert.equal(await toast("rm -rf src").count(), 1);
    await card().waitFor();
    await toast("rm -rf src").getByRole("button", { name: "No", exact: true }).click();
    await card().waitFor({ state: "detached" });
    assert.ok(existsSync(join(story.workspace, "src")));
  });

  it("a question while the panel is hidden raises one; closing it answers nothing", async () => {
    await story.say("And again.");
    await runCommand(page, "View: Hide Secondary Side Bar");
    story.open(hold);
    const one = toast("rm -rf src");
    await one.waitFor();
    assert.equal(await one.count(), 1);
    for (let there = true; there; there = await one.isVisible()) {
      await one.hover(STEP);
      await one
        .locator(".codicon-notifications-clear")
        .click(STEP)
        .catch(() => undefined); // it is there while the mouse is on it
    }
    assert.ok(existsSync(join(story.workspace, "src")));
    await story.openChat();
    await (await awake()).getByRole("button", { name: "Yes" }).click();
    await story.heard("They are gone.");
  });

  it("a task that took longer than the setting says when it ends, while the window has no focus", async () => {
    // First: the extension hears of it before it hears of the command.
    await focused(false);
    const command = `sleep ${LONG_S + 0.2}`;
    await runInBackground(page, `${command}; echo long`);
    await toast(command).waitFor();
    assert.match(await toast(command).innerText(), /passed/);
    assert.equal(await toast(command).count(), 1);
    await toast(command).getByRole("button", { name: "Open log" }).click();
    await page.locator(".editor-group-container .monaco-editor").first().getByText(`[${command}`).waitFor();
  });

  it("a command's question is answered from its notification, in words of one's own", async () => {
    await runCommand(page, "View: Hide Secondary Side Bar");
    await runInBackground(page, "printf 'package name: '; read name; echo it is $name");
    const one = toast("package name:");
    await one.waitFor();
    assert.equal(await one.count(), 1);
    await one.getByRole("button", { name: "Answer…" }).click();
    await page.locator(".quick-input-widget", { hasText: "package name:" }).waitFor();
    await quickField(page).fill("demo-two");
    await quickField(page).press("Enter");
    await one.waitFor({ state: "detached" });
    await runCommand(page, "Pillion: Show tasks");
    const row = story.taskRow("printf").and(page.locator('[aria-label*="passed"]'));
    await story.openLog(row, "it is demo-two");
  });

  it("a shorter one says nothing", async () => {
    await focused(false);
    await runInBackground(page, "echo short");
    await runCommand(page, "Pillion: Show tasks");
    await story.taskRow("echo short, passed").waitFor();
    assert.equal(await toast("echo short").count(), 0);
  });
});
