/** The review of what the agent has edited: all of it in one editor, kept and taken back by hunk, by file and as a whole. */

import { strict as assert } from "node:assert";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { Story } from "../harness/story.mjs";
import { runCommand } from "../harness/workbench.mjs";

const LONG = Array.from({ length: 30 }, (_, at) => `line ${at + 1}\n`).join("");
/** With the first of its two edits. */
const EDITED = LONG.replace("line 3\n", "line three\nnew\n");
const edit = (path, old_string, new_string) => ({ tool: "edit_file", input: { path, old_string, new_string } });
const read = (path) => ({ tool: "read_file", input: { path } });

const script = {
  steps: [
    { expect: { lastUserContains: ["Edit them"] }, answer: ["long.txt", "other.txt", "third.txt"].map(read) },
    {
      expect: { lastUserContains: ["line 29"] },
      answer: [
        edit("long.txt", "line 3\n", "line three\nnew\n"),
        edit("long.txt", "line 20\n", "line twenty\n"),
        edit("other.txt", "one", "two"),
        edit("third.txt", "one", "three"),
      ],
    },
    { expect: { lastUserContains: ["Edited"] }, answer: [{ text: "They are edited." }] },
  ],
};

describe("the review of a turn", function () {
  this.timeout(90_000);
  let story;
  let page;

  const now = (words) => page.locator(".multiDiffEntry .editor.modified .view-line", { hasText: words }).first();
  const was = (words) => page.locator(".multiDiffEntry .line-delete", { hasText: words }).first();
  const picture = (name) => page.screenshot({ path: join("test-results", `review-${name}.png`) });
  /** Chooses from the menu of a line; the click puts the cursor there. */
  const choose = async (words, title) => {
    await now(words).click({ button: "right" });
    // A menu takes no click in its first moment.
    await page.locator(".monaco-menu .action-label", { hasText: title }).hover();
    await page.locator(".monaco-menu .action-item.focused", { hasText: title }).waitFor();
    await page.keyboard.press("Enter");
  };

  before(async () => {
    mkdirSync("test-results", { recursive: true });
    story = await Story.begin({ script, mode: "accept_edits", viewport: { width: 1400, height: 900 } });
    ({ page } = story);
    story.write({ "long.txt": LONG, "other.txt": "one\n", "third.txt": "one\n" });
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
    await story.log.getByText("3 files changed").waitFor();
    assert.equal(await page.locator(".editor-group-container .tab").count(), 0);
    await story.log.getByRole("button", { name: "Review" }).click();
    await now("line three").waitFor();
    await now("two").waitFor();
    await now("three").waitFor();
    await picture("all");
  });

  it("keeps a hunk by the hover on it", async () => {
    await now("line three").hover({ position: { x: 20, y: 8 } }); // on a word
    const hover = page.locator(".monaco-hover", { hasText: "Before Pillion's edit:" }).first();
    await hover.getByText("line 3", { exact: true }).waitFor();
    await picture("hover");
    await hover.getByRole("link", { name: "Keep" }).click();
    await was("line 3").waitFor({ state: "detached" });
    await story.fileSays("long.txt", EDITED.replace("line 20\n", "line twenty\n"));
  });

  it("takes a hunk back by the menu of its line", async () => {
    await choose("line twenty", "Revert the edit at the cursor");
    await now("line twenty").waitFor({ state: "detached" });
    await story.fileSays("long.txt", EDITED);
    await picture("hunks");
  });

  it("takes a file back", async () => {
    await choose("two", "Revert the edits of this file");
    await now("two").waitFor({ state: "detached" });
    await story.fileSays("other.txt", "one\n");
    await story.fileSays("third.txt", "three\n");
  });

  it("keeps all that is left, by the editor's title", async () => {
    await page.locator('.editor-actions a.action-label[aria-label*="Keep all edits"]').click();
    await story.log.getByText("kept", { exact: true }).first().waitFor();
    await story.fileSays("third.txt", "three\n");
    await runCommand(page, "Pillion: Review edits…");
    await page.locator(".notification-toast", { hasText: "no edit waits for a review" }).waitFor();
  });
});
