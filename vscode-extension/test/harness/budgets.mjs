/**
 * Measures what the packaged extension promises, in a real window, and prints a row of BENCHMARKS.md for each: what its
 * start costs, how soon the model's first words are painted, how long the frames of a long conversation take. It judges
 * nothing: no check fails by a number.
 */

import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { longConversation, openLong, scrollThrough } from "./longConversation.mjs";
import { startModel } from "./modelServer.mjs";
import { Story } from "./story.mjs";
import { Trace } from "./trace.mjs";
import { runCommand } from "./workbench.mjs";

const WINDOWS = 10;
const PROMPTS = 20;
const ITEMS = 10_000;

const nobody = { steps: [{ answer: [{ text: "Nobody asks." }] }] };

function sorted(values) {
  return [...values].sort((one, other) => one - other);
}

function median(values) {
  return sorted(values)[values.length >> 1];
}

function row(what, measured, budget, note) {
  const over = measured > budget ? "**over budget** " : "";
  console.log(`| ${what} | ${measured.toFixed(0)} ms | ${budget} ms | ${over}${note} |`);
}

function spread(values) {
  const all = sorted(values);
  return `least ${all[0].toFixed(0)}, most ${all.at(-1).toFixed(0)}, n ${all.length}`;
}

/** Has the installed extension write down how long its start takes as a whole; the file is named. */
function watchStart(story) {
  const extensions = join(story.folder, "extensions");
  const own = readdirSync(extensions).find((name) => name.startsWith("pillion.pillion"));
  const times = join(story.folder, "ready.txt");
  const watch = `
;{
  const { activate } = module.exports;
  exports = module.exports = {
    activate: async (context) => {
      const begun = performance.now();
      const parts = await activate(context);
      require("node:fs").appendFileSync(${JSON.stringify(times)}, \`\${performance.now() - begun}\\n\`);
      return parts;
    },
  };
}
`;
  appendFileSync(join(extensions, own, "dist", "extension.js"), watch);
  return times;
}

/**
 * As VS Code itself tells it in "Show Running Extensions": reading the code, and the call of `activate`. VS Code begins to
 * count before it reads the extensions that start with this one, so that their reading is in it too. The second figure is
 * from the call of `activate` until all of it is there, with what others do between its turns.
 */
async function activation() {
  // All rows of the list are in the window: the slowest extension stands first.
  const story = await Story.begin({ script: nobody, viewport: { width: 1280, height: 2400 } });
  const file = watchStart(story);
  const times = [];
  let ready = [];
  try {
    for (let window = 0; window < WINDOWS; window += 1) {
      await story.load();
      await runCommand(story.page, "Developer: Show Running Extensions");
      const row = story.page.locator(".runtime-extensions-editor .monaco-list-row", { hasText: "pillion" }).first();
      times.push(Number(/(\d+)\s*ms/.exec(await row.locator(".activation-time").textContent())[1]));
    }
    ready = readFileSync(file, "utf8").trim().split("\n").map(Number);
  } finally {
    await story.end();
  }
  row("VS Code: activation of the extension, p50", median(times), 50, `${spread(times)}; a window each`);
  row("VS Code: from the call of `activate` until all is there, p50", median(ready), 50, spread(ready));
}

/** From the first byte that the model's service writes to the frame that shows its words, by one clock. */
async function firstWords() {
  const model = await startModel();
  const story = await Story.begin({
    machine: { "pillion.model.provider": "openai", "pillion.model.name": "measured" },
    env: { OPENAI_API_KEY: "sk-of-nobody", OPENAI_BASE_URL: model.url },
  });
  const times = [];
  try {
    await story.load();
    await story.openChat();
    for (let prompt = 0; prompt <= PROMPTS; prompt += 1) {
      const words = `First words ${prompt}.`;
      const painted = story.log.evaluate(
        (log, text) =>
          new Promise((seen) => {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = () => seen(performance.timeOrigin + performance.now()); // behind the paint of that frame
            const look = () => {
              if (log.textContent.includes(text)) requestAnimationFrame(() => port2.postMessage(null));
              else requestAnimationFrame(look);
            };
            look();
          }),
        words,
      );
      await story.say(`Say something, ${prompt}.`);
      times.push((await painted) - model.sent.get(words));
      await story.chat.getByText("Working…").waitFor({ state: "detached" });
    }
  } finally {
    await story.end();
    await model.stop();
  }
  times.shift(); // the first one warms both up
  row("VS Code: the model's first byte to its words painted, p50", median(times), 100, spread(times));
}

/** What the page's main threads work at once while all of a long conversation goes by, in CPU time. */
async function frames() {
  const long = longConversation(ITEMS);
  const story = await Story.begin({ script: long.script });
  try {
    await openLong(story, long, 600_000);
    const trace = await Trace.begin(story.page);
    const scrolled = await scrollThrough(story.log);
    const tasks = await trace.end();
    const apart = sorted(scrolled.frames.map((frame) => frame.apart));
    row(
      `VS Code: longest frame while ${ITEMS.toLocaleString("en")} items scroll, CPU time`,
      tasks.at(-1),
      50,
      `${apart.length} frames, ${median(apart).toFixed(0)} ms apart, at most ${apart.at(-1).toFixed(0)}; ${scrolled.most} rows in the page at most`,
    );
  } finally {
    await story.end();
  }
}

console.log("| what | measured | budget | |");
console.log("|---|---|---|---|");
await activation();
await firstWords();
await frames();
