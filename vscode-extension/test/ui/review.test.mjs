/** The review of what the agent has edited: all of it in one editor, kept and taken back by hunk, by file and as a whole. */

import { strict as assert } from "node:assert";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { Story, TEST_MS } from "../harness/story.mjs";
import { choose, runCommand, STEP, until } from "../harness/workbench.mjs";

const LONG = Array.from({ length: 30 }, (_, at) => `line ${at + 1}\n`).join("");
/** With the first of its two edits. */
const EDITED = LONG.replace("line 3\n", "line three\nnew\n");
const edit = (path, old_string, new_string) => ({ tool: "edit_file", input: { path, old_string, new_string } });
const read = (path) => ({ tool: "read_file", input: { path } });

const script = {
  steps: [
    {
      expect: { lastUserContains: ["Edit them"] },
      answer: ["long.txt", "other.txt", "third.txt", "fourth.txt"].map(read),
    },
    {
      expect: { lastUserContains: ["line 29"] },
      answer: [
        edit("long.txt", "line 3\n", "line three\nnew\n"),
        edit("long.txt", "line 20\n", "line twenty\n"),
        edit("other.txt", "one", "two"),
        edit("third.txt", "one", "three"),
        edit("fourth.txt", "one", "four"),
      ],
    },
    { expect: { lastUserContains: ["Edited"] }, answer: [{ text: "They are edited." }] },
    {
      expect: { lastUserContains: ["And now?", "took back edits of yours", "fourth.txt", "long.txt", "other.txt"] },
      answer: [{ text: "I know." }],
    },
  ],
};

describe("the review of a turn", function () {
  this.timeout(TEST_MS);
  let story;
  let page;

  const now = (words) => page.locator(".multiDiffEntry .editor.modified .view-line", { hasText: words }).first();
  const was = (words) => page.locator(".multiDiffEntry .line-delete", { hasText: words }).first();
  const picture = (name) => page.screenshot({ path: join("test-results", `review-${name}.png`) });
  /** Chooses from the menu of a line; the click puts the cursor there. */
  const fromMenu = async (words, title) => {
    // A menu takes no click in its first moment, and is gone as soon as something else takes the focus.
    await until(page.locator(".monaco-menu .action-item.focused", { hasText: title }), async () => {
      await page.keyboard.press("Escape");
      await now(words).click({ button: "right", ...STEP });
      await page.locator(".monaco-menu .action-label", { hasText: title }).hover(STEP);
    });
    await page.keyboard.press("Enter");
  };

  before(async () => {
    mkdirSync("test-results", { recursive: true });
    story = await Story.begin({ script, mode: "accept_edits", viewport: { width: 1400, height: 900 } });
    ({ page } = story);
    story.write({ "long.txt": LONG, "other.txt": "one\n", "third.txt": "one\n", "fourth.txt": "one\n" });
    await story.load();
    await story.openChat();
    await story.say("Edit them");
    await story.heard("They are edited.");
  });

  after(() => story?.end());

  afterEach(function () {
    return story?.picture(this.currentTest);
  });

  it("opens all files in one editor when it is asked for, and not before", async () => {
    await story.log.getByText("4 files changed").waitFor();
    assert.equal(await page.locator(".editor-group-container .tab").count(), 0);
    await story.log.getByRole("button", { name: "Review" }).click();
    await now("line three").waitFor();
    await now("two").waitFor();
    await now("three").waitFor();
    await picture("all");
  });

  it("keeps a hunk by the hover on it", async () => {
    const hover = page.locator(".monaco-hover", { hasText: "Before Pillion's edit:" }).first();
    await until(hover.getByText("line 3", { exact: true }), async () => {
      await page.mouse.move(0, 0);
      await now("line three").hover({ position: { x: 20, y: 8 }, ...STEP }); // on a word
    });
    await picture("hover");
    await hover.getByRole("link", { name: "Keep" }).click();
    await was("line 3").waitFor({ state: "detached" });
    await story.fileSays("long.txt", EDITED.replace("line 20\n", "line twenty\n"));
  });

  it("takes a hunk back by the menu of its line", async () => {
    await fromMenu("line twenty", "Revert the edit at the cursor");
    await now("line twenty").waitFor({ state: "detached" });
    await story.fileSays("long.txt", EDITED);
    await picture("hunks");
  });

  it("takes a file back", async () => {
    await fromMenu("two", "Revert the edits of this file");
    await now("two").waitFor({ state: "detached" });
    await story.fileSays("other.txt", "one\n");
    await story.fileSays("third.txt", "three\n");
  });

  it("knows what is taken back by the editor's own arrow, once it is saved", async () => {
    await choose(page, () => runCommand(page, "Pillion: Review edits…"), "fourth.txt", "fourth.txt");
    const row = story.log.getByRole("article", { name: "Edit fourth.txt" });
    await page.locator('.tab.active[aria-label*="fourth.txt"]').waitFor();
    const diff = page.locator(".editor-instance .monaco-diff-editor");
    await diff.locator('.gutterItem .action-label[aria-label="Revert Block"]').click();
    const editor = diff.locator(".editor.modified");
    await editor.locator(".view-line", { hasText: "four" }).waitFor({ state: "detached" });
    assert.equal(await row.getByText("undone").count(), 0, "it may still be done again");
    await editor.locator(".view-line").first().click();
    await page.keyboard.press("Control+s");
    await story.fileSays("fourth.txt", "one\n");
    await row.getByText("undone").waitFor();
    await story.log.getByRole("button", { name: "Review" }).click();
    await now("three").waitFor();
  });

  it("keeps all that is left, by the editor's title", async () => {
    await page.locator('.editor-actions a.action-label[aria-label*="Keep all edits"]').click();
    await story.log.getByText("kept", { exact: true }).first().waitFor();
    await story.fileSays("third.txt", "three\n");
    await runCommand(page, "Pillion: Review edits…");
    await page.locator(".notification-toast", { hasText: "no edit waits for a review" }).waitFor();
  });

  it("tells the agent what was taken back, with what the person says next", async () => {
    await story.say("And now?");
    await story.heard("I know.");
  });
});
