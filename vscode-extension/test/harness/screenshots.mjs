/**
 * The README's pictures: a conversation with a run in the background and the failing line marked, in the real editor, in a
 * dark, a light and a high-contrast theme. Written to `media/`.
 */

import { join } from "node:path";

import { FAILING_LINE, Story } from "./story.mjs";
import { runCommand } from "./workbench.mjs";

const THEMES = [
  { name: "dark", theme: "Default Dark Modern", kind: "vs-dark", inside: "vscode-dark" },
  { name: "light", theme: "Default Light Modern", kind: "vs", inside: "vscode-light" },
  { name: "contrast", theme: "Default High Contrast", kind: "hc-black", inside: "vscode-high-contrast" },
];
const media = join(import.meta.dirname, "..", "..", "media");

const script = {
  steps: [
    {
      expect: { lastUserContains: ["fix what fails"] },
      answer: [
        { text: "I'll start the tests and read the code meanwhile." },
        { tool: "bash", input: { command: "node --test", run_in_background: true } },
        { tool: "read_file", input: { path: "src/math.js" } },
      ],
    },
    {
      answer: [
        {
          text: "`add` subtracts:\n\n```js\nexports.add = (a, b) => a - b;\n```\n\nThe tests run; I'll see what they say before I change it.",
        },
      ],
    },
  ],
};

// As an editor looks that nobody has set up.
const settings = { "workbench.notifications.position": "bottom-right" };
const story = await Story.begin({ script, mode: "auto", settings, viewport: { width: 1400, height: 860 } });
try {
  await story.load("test/math.test.js");
  await runCommand(story.page, "View: Close Primary Side Bar");
  await story.openChat();
  await story.say("Run the tests and fix what fails.");
  await story.heard("before I change it");
  await story.squiggleAt(FAILING_LINE);
  for (const { name, theme, kind, inside } of THEMES) {
    story.set({ "workbench.colorTheme": theme });
    await story.load("test/math.test.js");
    await story.page.locator(`.monaco-workbench.${kind}`).waitFor();
    await story.chat.locator(`body.${inside}`).waitFor();
    await story.openChat();
    await story.heard("before I change it");
    await story.squiggleAt(FAILING_LINE);
    // The server of JavaScript is not part of code-server's package, and says so.
    await runCommand(story.page, "Notifications: Clear All Notifications");
    await story.page.mouse.move(700, 400);
    const path = join(media, `screenshot-${name}.png`);
    await story.page.screenshot({ path });
    console.log(path);
  }
} catch (error) {
  await story.page.screenshot({ path: join("test-results", "screenshots.png") });
  throw error;
} finally {
  await story.end();
}
