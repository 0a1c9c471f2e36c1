/** What a person starts and stops: commands of the project and of tasks.json from the picker, all tasks at once. */

import { strict as assert } from "node:assert";

import { Story, TEST_MS } from "../harness/story.mjs";
import { choose, quickRow, runCommand } from "../harness/workbench.mjs";

const TASKS = {
  version: "2.0.0",
  tasks: [
    { label: "say it", type: "shell", command: "echo from-tasks-json" },
    { label: "wait long", type: "shell", command: "sleep 600" },
  ],
};

describe("what a person starts", function () {
  this.timeout(TEST_MS);
  let story;
  let page;

  const rows = (text) => quickRow(page, text);
  const taskRow = (label, words) => story.taskRow(`${label}, ${words}`);
  /** Nothing is typed: that would be a command itself. */
  const pick = (label, source) =>
    choose(page, () => runCommand(page, "Pillion: Run in background…"), null, new RegExp(`${label}.*${source}`));

  before(async () => {
    story = await Story.begin({ script: { steps: [{ answer: [{ text: "Nobody asks." }] }] } });
    ({ page } = story);
    story.write({
      ".vscode/tasks.json": JSON.stringify(TASKS),
      "package.json": '{ "name": "demo", "scripts": { "build": "echo it is built", "test": "node --test" } }\n',
    });
    await story.load();
    await runCommand(page, "Pillion: Show tasks");
  });

  after(() => story?.end());

  afterEach(function () {
    return story?.picture(this.currentTest);
  });

  it("is offered: the project's commands, where each comes from, and those of tasks.json", async () => {
    await runCommand(page, "Pillion: Run in background…");
    await rows("wait long").waitFor();
    const said = await page.locator(".quick-input-list .monaco-list-row").evaluateAll((all) => {
      return all.map((row) => row.getAttribute("aria-label"));
    });
    for (const [label, source] of [
      ["npm run build", "package.json"],
      ["npm test", "package.json"],
      ["say it", ".vscode/tasks.json"],
      ["wait long", ".vscode/tasks.json"],
    ]) {
      const found = said.filter((row) => row.startsWith(label));
      assert.equal(found.length, 1, `${label} in ${said.join("; ")}`);
      assert.ok(found[0].includes(source), found[0]);
    }
    await page.keyboard.press("Escape");
    await rows("wait long").waitFor({ state: "hidden" });
  });

  it("is a command of the project", async () => {
    await pick("npm run build", "package.json");
    await taskRow("npm run build", "passed").waitFor();
  });

  it("is a task of tasks.json, by its label", async () => {
    await pick("say it", "tasks.json");
    await taskRow("say it", "passed").waitFor();
  });

  it("is stopped all at once, and what is over stays as it was", async () => {
    await pick("wait long", "tasks.json");
    await taskRow("wait long", "running").waitFor();
    await pick("npm test", "package.json");
    await story.statusSays(/2 running/);
    await runCommand(page, "Pillion: Stop all tasks");
    await taskRow("wait long", "stopped").waitFor();
    await taskRow("npm test", "stopped").waitFor();
    await taskRow("npm run build", "passed").waitFor();
    await story.statusSays(/^(?!.*running)/);
  });
});
