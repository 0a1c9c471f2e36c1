/** Actions and lenses at a problem: each of Pillion's once, and those of another language's extension beside them. */

import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { FAILING_LINE, Story, TEST_MS } from "../harness/story.mjs";
import { placeOf, runCommand, until } from "../harness/workbench.mjs";

const PILLIONS = ["Fix with Pillion", "Rerun this test", "Rerun failed tests", "Show output at this line"];
const DISMISS = "Dismiss the problems of npm test";
const OTHERS = "Use deepStrictEqual";

describe("actions at a problem", function () {
  this.timeout(TEST_MS);
  let story;
  let page;

  const editor = () => page.locator(".editor-group-container .monaco-editor").first();
  const list = () => page.locator(".action-widget .monaco-list-row.action");

  /** The titles of what is offered at the failing line. */
  const offered = async () => {
    // Lenses move the lines, an edit takes the mark away for a moment.
    await editor().locator(".codelens-decoration", { hasText: "Lint says" }).waitFor();
    await editor().locator(".codelens-decoration", { hasText: "Fix with Pillion" }).waitFor();
    // All the same they may come between the place and the click: then it is another line.
    await until(list().filter({ hasText: "Fix with Pillion" }).first(), async () => {
      await page.keyboard.press("Escape");
      await story.squiggleAt(FAILING_LINE);
      const { x, y, width, height } = await placeOf(page.locator(".squiggly-error").first());
      await page.mouse.click(x + width / 2, y + height / 2);
      await page.keyboard.press("Control+.");
    });
    return list().evaluateAll((rows) => rows.map((row) => row.textContent.trim()));
  };

  before(async () => {
    const script = { steps: [{ expect: { lastUserContains: ["Fix this at"] }, answer: [{ text: "It subtracts." }] }] };
    story = await Story.begin({ script, beside: [join(import.meta.dirname, "linter")] });
    ({ page } = story);
    await story.load("test/math.test.js");
    await page.locator(".squiggly-warning").first().waitFor();
    await runCommand(page, "Pillion: Run tests");
    await story.squiggleAt(FAILING_LINE);
    story.open(story.gate);
    await story.statusSays(/1 failed/);
  });

  after(() => story?.end());

  afterEach(function () {
    return story?.picture(this.currentTest);
  });

  it("are offered once each, Pillion's and the other extension's", async () => {
    const titles = await offered();
    for (const title of [...PILLIONS, DISMISS, OTHERS]) {
      assert.equal(titles.filter((one) => one === title).length, 1, `${title} in ${titles.join("; ")}`);
    }
    await page.keyboard.press("Escape");
  });

  it("have their lenses once each too", async () => {
    const lenses = editor().locator(".codelens-decoration");
    await lenses.filter({ hasText: "Lint says" }).first().waitFor();
    const words = (await lenses.allTextContents()).join(" | ");
    for (const title of ["Fix with Pillion", "Show output", "Lint says"]) {
      assert.equal(words.split(title).length - 1, 1, `${title} in ${words}`);
    }
  });

  it("'Fix with Pillion' tells the agent of both problems", async () => {
    await offered();
    await list().filter({ hasText: "Fix with Pillion" }).click();
    await story.heard("It subtracts.");
    await story.heard("prefer deepStrictEqual (demo-lint prefer-deep)");
    await story.heard("-1 !== 3");
  });

  it("'Rerun this test' runs it again, and only it", async () => {
    await offered();
    await list().filter({ hasText: "Rerun this test" }).click();
    await runCommand(page, "Pillion: Show tasks");
    const row = page.locator('.pane-body .monaco-list-row[aria-label*="run 2, failed"]');
    await row.and(page.locator('[aria-label*="1 failed"]')).waitFor();
    assert.ok(readFileSync(join(story.workspace, "test/math.test.js"), "utf8").includes("assert.strictEqual"));
  });

  it("a dismissal takes Pillion's problems away, and no other", async () => {
    await offered();
    await list().filter({ hasText: DISMISS }).click();
    await page.locator(".squiggly-error").first().waitFor({ state: "detached" });
    await page.locator(".squiggly-warning").first().waitFor();
  });

  it("the other extension's does what it says", async () => {
    await until(list().filter({ hasText: OTHERS }), async () => {
      await page.keyboard.press("Escape");
      await editor().locator(".view-line", { hasText: 'test("adds"' }).click();
      await page.keyboard.press("Control+.");
    });
    assert.equal(await list().filter({ hasText: "Rerun" }).count(), 0, "Pillion's problem is dismissed");
    await list().filter({ hasText: OTHERS }).click();
    await editor().locator(".view-line", { hasText: "assert.deepStrictEqual" }).waitFor();
  });
});
