/**
 * Measures what the extension costs the start of a window, as VS Code itself tells it ("Show Running Extensions"): five
 * windows, in milliseconds. The budget is 50.
 */

import { Story } from "./story.mjs";
import { runCommand } from "./workbench.mjs";

const story = await Story.begin({ script: { steps: [{ answer: [{ text: "Nobody asks." }] }] } });
try {
  for (let window = 0; window < 5; window += 1) {
    await story.load();
    await runCommand(story.page, "Developer: Show Running Extensions");
    const row = story.page.locator(".runtime-extensions-editor .monaco-list-row", { hasText: "pillion" }).first();
    console.log(await row.locator(".activation-time").textContent());
  }
} finally {
  await story.end();
}
