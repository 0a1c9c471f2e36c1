/**
 * A long conversation in a real window: 5,000 items that the server has written down and replays, scrolled to their first.
 * How long its frames take is measured by `cargo xtask bench --editor`.
 */

import { strict as assert } from "node:assert";

import { longConversation, openLong, scrollThrough } from "../harness/longConversation.mjs";
import { Story, TEST_MS } from "../harness/story.mjs";

const ITEMS = 5000;
/** Those of a view and of what is drawn ahead of it on both sides; a guess of heights may be a few times too low. */
const MOST_ROWS = 150;

describe("a conversation of 5,000 items", function () {
  this.timeout(2 * TEST_MS);
  let story;

  before(async () => {
    const long = longConversation(ITEMS);
    story = await Story.begin({ script: long.script });
    await openLong(story, long, TEST_MS);
  });

  after(() => story?.end());

  afterEach(function () {
    return story?.picture(this.currentTest);
  });

  it("scrolls to its first item, page by page as they come, and only what is near is drawn", async () => {
    const { frames, most } = await scrollThrough(story.log);
    const added = Math.max(...frames.map((frame) => frame.added));
    assert.ok(frames.length > 100, "it was scrolled");
    assert.ok(most <= MOST_ROWS, `${most} rows were in the page`);
    // A frame draws what came into view, however long the conversation is.
    assert.ok(added > 0 && added <= MOST_ROWS, `${added} rows were drawn in one frame`);
  });
});
