/** What stands beside the chat in a real window: tasks, their logs and questions, Test Explorer, review of edits. */

import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Story, TEST_MS } from "../harness/story.mjs";
import { runCommand, runInBackground, STEP, until } from "../harness/workbench.mjs";

const LINES = Array.from({ length: 30 }, (_, index) => `line ${index + 1}\n`);

const edit = (old_string, new_string) => ({ tool: "edit_file", input: { path: "long.txt", old_string, new_string } });

const script = {
  steps: [
    {
      expect: { lastUserContains: ["Edit it"] },
      answer: [{ tool: "read_file", input: { path: "long.txt" } }],
    },
    {
      expect: { lastUserContains: ["line 29"] },
      answer: [edit("line 3\n", "line three\nnew\n"), edit("line 20\n", "")],
    },
    { expect: { lastUserContains: ["Edited"] }, answer: [{ text: "It is edited." }] },
  ],
};

describe("beside the chat", function () {
  this.timeout(TEST_MS);
  let story;
  let page;

  // Rows of Test Explorer and of its results have no comma behind the name.
  const taskRow = (label) => story.taskRow(`${label}, `);
  const testRow = (name) => page.locator(".test-explorer .monaco-list-row", { hasText: name });
  const editor = () => page.locator(".editor-group-container .monaco-editor").first();
  const read = (name) => readFileSync(join(story.workspace, name), "utf8");

  /** Waits until the row of a task says so. */
  const rowSays = (label, pattern) =>
    page.waitForFunction(
      ({ start, source }) => {
        const rows = [...document.querySelectorAll(".pane-body .monaco-list-row")];
        const labels = rows.map((row) => row.getAttribute("aria-label") ?? "");
        return labels.some((said) => said.startsWith(start) && new RegExp(source).test(said));
      },
      { start: label, source: pattern.source },
    );

  before(async () => {
    story = await Story.begin({ script, mode: "accept_edits" });
    ({ page } = story);
    story.write({ "long.txt": LINES.join("") });
    await story.load("long.txt");
  });

  after(() => story?.end());

  afterEach(function () {
    return story?.picture(this.currentTest);
  });

  it("a run has a row that tells how it goes", async () => {
    await runCommand(page, "Pillion: Run tests");
    await runCommand(page, "Pillion: Show tasks");
    await rowSays("npm test", /running.*1 failed.*\d+s/);
  });

  it("its log links to the places that it names, follows, and says how it ended", async () => {
    await story.openLog(taskRow("npm test"), "/demo/test/math");
    await editor().locator(".detected-link", { hasText: "/demo/test/math" }).first().waitFor();
    story.open(story.gate);
    await editor().getByText("[npm test: ").waitFor();
    await rowSays("npm test", /failed/);
  });

  it("Test Explorer shows its tests, at the functions that they are", async () => {
    await runCommand(page, "Testing: Focus on Test Explorer View");
    const suite = testRow("npm test");
    await until(testRow("adds"), async () => {
      if ((await suite.getAttribute("aria-expanded", STEP)) !== "true") {
        await suite.locator(".monaco-tl-twistie").click(STEP);
      }
    });
    const peek = page.locator(".test-output-peek, .peekview-widget");
    await until(peek.getByText("-1 !== 3").first(), () => testRow("adds").dblclick(STEP));
    await editor().getByText("Fix with Pillion").first().waitFor();
  });

  it("runs them again from there, and they are green when the code is", async () => {
    story.write({ "src/math.js": "exports.add = (a, b) => a + b;\n" });
    const run = testRow("npm test").locator('a.action-label[aria-label="Run Test"]');
    await until(run, () => testRow("npm test").hover(STEP));
    await run.click();
    await rowSays("npm test", /run 2.*2 passed/);
    await page.locator('.test-explorer .monaco-list-row[aria-label*="adds (Passed)"]').waitFor();
  });

  it("a command's question raises one notification with the answers where nobody sees it", async () => {
    await runCommand(page, "View: Hide Secondary Side Bar");
    await taskRow("npm test, run 2, passed").waitFor({ state: "detached" });
    await runInBackground(page, "printf 'Go on? [y/n] '; read answer; echo it was $answer");
    const toast = page.locator(".notification-toast", { hasText: "Go on?" });
    await toast.waitFor();
    assert.equal(await toast.count(), 1);
    await toast.getByRole("button", { name: "y", exact: true }).click();
    await runCommand(page, "Pillion: Show tasks");
    await rowSays("printf", /passed/);
  });

  it("the agent's edits are saved, marked where they stand, kept and taken back one by one", async () => {
    await story.load("long.txt");
    await story.openChat();
    await story.say("Edit it");
    await story.heard("It is edited.");
    await editor().getByText("+2 −1 by Pillion").waitFor();
    await editor().getByText("−1 by Pillion", { exact: true }).waitFor();
    assert.equal(read("long.txt"), LINES.join("").replace("line 3\n", "line three\nnew\n").replace("line 20\n", ""));
    await editor().getByText("Revert", { exact: true }).last().click();
    await editor().getByText("−1 by Pillion", { exact: true }).waitFor({ state: "detached" });
    assert.equal(read("long.txt"), LINES.join("").replace("line 3\n", "line three\nnew\n"));
    await editor().getByText("Keep", { exact: true }).click();
    await editor().getByText("by Pillion").waitFor({ state: "detached" });
    assert.equal(read("long.txt"), LINES.join("").replace("line 3\n", "line three\nnew\n"));
  });

  it("an undo in the editor takes an edit of the agent's back", async () => {
    await editor().getByText("line three").waitFor();
    await editor().getByText("line 5", { exact: true }).click();
    await page.locator(".editor-group-container .monaco-editor.focused").first().waitFor();
    await page.keyboard.press("Control+z"); // what was reverted
    await page.keyboard.press("Control+z"); // the second edit
    await page.keyboard.press("Control+z"); // the first
    await editor().getByText("line three").waitFor({ state: "detached" });
    await editor().getByText("line 3", { exact: true }).waitFor();
  });
});
