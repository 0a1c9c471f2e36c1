/**
 * The panel in a light, a dark and two high-contrast themes, in the real editor: every word on it can be told from what is
 * behind it. The pictures are left in `test-results/` to be looked at; those of the README are of the same window.
 */

import { strict as assert } from "node:assert";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { FAILING_LINE, Story, TEST_MS } from "../harness/story.mjs";
import { choose, runCommand } from "../harness/workbench.mjs";

/** The least contrast of a word, as WCAG counts it: 3 for what is dimmed or large, 7 where contrast is asked for. */
const THEMES = [
  { name: "dark", theme: "Dark Modern", inside: "vscode-dark", least: 3 },
  { name: "light", theme: "Light Modern", inside: "vscode-light", least: 3 },
  { name: "contrast", theme: "Dark High Contrast", inside: "vscode-high-contrast", least: 7 },
  { name: "contrast-light", theme: "Light High Contrast", inside: "vscode-high-contrast-light", least: 7 },
];

const script = {
  steps: [
    {
      expect: { lastUserContains: ["Look at it"] },
      answer: [
        { thinking: "What is there to see?" },
        {
          text: "A [link](https://example.com), `code`, **bold**:\n\n```js\nexports.add = (a, b) => a - b; // mends\n```\n\n> quoted\n\n- one\n- two",
        },
        { tool: "read_file", input: { path: "src/math.js" } },
      ],
    },
    {
      expect: { lastUserContains: ["a - b"] },
      answer: [{ tool: "edit_file", input: { path: "src/math.js", old_string: "a - b", new_string: "a + b" } }],
    },
    { expect: { lastUserContains: ["Edited"] }, answer: [{ tool: "bash", input: { command: "rm -rf dist" } }] },
    { answer: [{ text: "Removed." }] },
  ],
};

/** Words that stand too weakly on what is behind them; runs in the panel. */
function weak(root, least) {
  const channels = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
    return colour.startsWith("color(") ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
  };
  const over = ([r, g, b, a], [r2, g2, b2]) => [r * a + r2 * (1 - a), g * a + g2 * (1 - a), b * a + b2 * (1 - a)];
  const light = (colour) => {
    const [r, g, b] = colour.map((part) =>
      part / 255 <= 0.03928 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const style = getComputedStyle(document.documentElement);
  const panel =
    style.getPropertyValue("--vscode-sideBar-background") || style.getPropertyValue("--vscode-editor-background");
  const probe = document.createElement("span");
  probe.style.color = panel;
  document.body.append(probe);
  const ground = channels(getComputedStyle(probe).color);
  probe.remove();
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.unshift(channels(getComputedStyle(at).backgroundColor));
    return layers.reduce((below, layer) => over(layer, below), ground);
  };
  const found = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    const box = element.getBoundingClientRect();
    if (node.textContent.trim() === "" || box.width <= 1 || box.height <= 1) continue;
    if (element.closest("[disabled], .inert, .unseen") || !element.checkVisibility()) continue;
    const below = behind(element);
    const [one, other] = [light(over(channels(getComputedStyle(element).color), below)), light(below)];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < least) found.push(`${contrast.toFixed(1)}: ${node.textContent.trim().slice(0, 40)}`);
  }
  return found;
}

describe("themes", function () {
  this.timeout(TEST_MS);
  let story;

  before(async () => {
    mkdirSync("test-results", { recursive: true });
    story = await Story.begin({ script, mode: "accept_edits", viewport: { width: 1400, height: 900 } });
    await story.load("test/math.test.js");
    await story.openChat();
    await runCommand(story.page, "Pillion: Run tests");
    await story.squiggleAt(FAILING_LINE);
    await story.openChat();
    await story.say("Look at it.");
    await story.chat.getByRole("alertdialog", { name: /rm -rf dist/ }).waitFor();
  });

  after(() => story?.end());

  afterEach(function () {
    return story?.picture(this.currentTest);
  });

  for (const { name, theme, inside, least } of THEMES) {
    it(`every word of the panel can be read in ${theme}`, async () => {
      await choose(story.page, () => runCommand(story.page, "Preferences: Color Theme"), theme, theme);
      await story.chat.locator(`body.${inside}`).waitFor();
      await story.chat.getByRole("alertdialog").and(story.chat.locator(":not(.inert)")).waitFor();
      await story.page.screenshot({ path: join("test-results", `theme-${name}.png`) });
      assert.deepEqual(await story.chat.locator("main").evaluate(weak, least), []);
    });
  }
});
