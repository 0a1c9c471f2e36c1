/**
 * A window on a small Node project, with the packaged extension and a model that plays a script: what the UI tests need
 * around what they are about.
 */

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { chat, runCommand, scratch, startBrowser, startServer, STEP, until, workbenchUrl } from "./workbench.mjs";

export { TEST_MS } from "./workbench.mjs";

/** A project whose first test fails at once, and whose second waits until the file `gate` is there. */
const project = (gate) => ({
  "package.json": '{ "name": "demo", "version": "1.0.0", "scripts": { "test": "node --test" } }\n',
  "src/math.js": "exports.add = (a, b) => a - b;\n",
  "test/math.test.js": `const test = require("node:test");
const assert = require("node:assert");
const fs = require("node:fs");
const { add } = require("../src/math.js");
test("adds", () => assert.strictEqual(add(1, 2), 3));
test("waits for the gate", async () => {
  while (!fs.existsSync(${JSON.stringify(gate)})) await new Promise((done) => setTimeout(done, 20));
});
`,
});

/** The line of `test/math.test.js` at which the first test fails, 1-based. */
export const FAILING_LINE = 5;

/** The program is also what watches over single commands, as `pillion shim`. */
function isServer(pid) {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[1] === "serve";
}

export class Story {
  /**
   * A window with `script` as the model's answers (or what makes them, given a folder for gates); `mode` is the mode of new
   * sessions. `machine` and `env` are more settings of the machine and of the environment; with `trust` the folder is not
   * trusted yet; `beside` are folders of other extensions, installed as they are.
   */
  static async begin({
    script,
    mode = "ask",
    settings = {},
    machine = {},
    env = {},
    trust = false,
    beside = [],
    viewport,
  }) {
    const story = new Story();
    const { folder, remove } = scratch();
    Object.assign(story, { folder, remove, settings, gate: join(folder, "gate"), workspace: join(folder, "demo") });
    story.write(project(story.gate));
    const file = join(folder, "script.json");
    const played = typeof script === "function" ? script(folder) : script;
    writeFileSync(file, JSON.stringify({ model: "scripted", anyOrder: true, ...played }));
    for (const extension of beside) {
      cpSync(extension, join(folder, "extensions", basename(extension)), { recursive: true });
    }
    const provider = script === undefined ? {} : { "pillion.model.provider": `scripted:${file}` };
    story.server = await startServer({
      folder,
      vsix: [process.env.PILLION_VSIX],
      settings,
      machine: { ...provider, "pillion.permissions.mode": mode, ...machine },
      env,
      trust,
    });
    story.browser = await startBrowser({ folder, ...(viewport ? { viewport } : {}) });
    story.page = await story.browser.newPage();
    return story;
  }

  /** Writes files of the project. */
  write(files) {
    for (const [name, text] of Object.entries(files)) {
      const file = join(this.workspace, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }

  /** Changes settings, for the next time that the window is loaded. */
  set(changed) {
    Object.assign(this.settings, changed);
    this.server.settings(this.settings);
  }

  /** Waits until a file of the project has this text. */
  async fileSays(name, text) {
    while (readFileSync(join(this.workspace, name), "utf8") !== text) {
      await this.frame();
    }
  }

  /** Lets what waits for the file go on. */
  open(gate) {
    writeFileSync(gate, "");
  }

  /** Opens the window, or opens it again: a reload. */
  async load(file) {
    await this.visit(file);
    // The item is there once the extension is.
    await this.status.waitFor();
  }

  /** Opens the window, whether the extension starts in it or not. */
  async visit(file) {
    const at = file ? { file: join(this.workspace, file) } : {};
    await this.page.goto(workbenchUrl(this.server.url, this.workspace, at), { waitUntil: "commit" });
    await this.page.locator(".monaco-workbench .part.statusbar").waitFor();
  }

  /** The window is gone at once: it says goodbye to nobody. The next one is another window on the same folder. */
  async crash() {
    const gone = this.page;
    const crashed = gone.waitForEvent("crash");
    gone.goto("chrome://crash").catch(() => undefined); // it never comes
    await crashed;
    this.page = await this.browser.newPage();
    await gone.close();
  }

  /** No window is there any more, in good order. */
  async leave() {
    await this.page.goto("about:blank");
  }

  /** Waits until no sidecar runs. */
  async noSidecar() {
    while (this.sidecars().length > 0) {
      await this.frame();
    }
  }

  /** A process is not told of: it is looked for at each frame of the window. */
  frame() {
    return this.page.evaluate(() => new Promise((frame) => requestAnimationFrame(frame)));
  }

  get status() {
    return this.page.locator('[id="pillion.pillion.status"]');
  }

  /** Waits until the status bar says so; its words are those that a screen reader reads. */
  async statusSays(pattern) {
    const words = this.status.locator("[aria-label]").or(this.status.and(this.page.locator("[aria-label]")));
    await this.page.waitForFunction(
      ({ id, source }) => {
        const item = document.getElementById(id);
        const said =
          item?.querySelector("[aria-label]")?.getAttribute("aria-label") ?? item?.getAttribute("aria-label");
        return new RegExp(source).test(said ?? "");
      },
      { id: "pillion.pillion.status", source: pattern.source },
    );
    return words.first().getAttribute("aria-label");
  }

  /** Waits for an error in the open editor, and for it to stand on the line with this number. */
  async squiggleAt(line) {
    await this.page.locator(".squiggly-error").first().waitFor();
    await this.page.waitForFunction((wanted) => {
      const middle = (one) => one.getBoundingClientRect().top + one.getBoundingClientRect().height / 2;
      const numbers = [...document.querySelectorAll(".line-numbers")];
      const number = numbers.find((one) => one.textContent === String(wanted));
      const marks = [...document.querySelectorAll(".squiggly-error")];
      return number && marks.some((mark) => Math.abs(middle(mark) - middle(number)) < number.clientHeight);
    }, line);
  }

  /** Waits until one sidecar runs, and that another one than `before`. */
  async anotherSidecar(before) {
    for (;;) {
      const [pid, ...more] = this.sidecars();
      if (pid !== undefined && pid !== before && more.length === 0) {
        return pid;
      }
      await this.frame();
    }
  }

  /** What is seen when a test has failed. */
  async picture(test) {
    if (test?.state === "failed") {
      const name = test.fullTitle().replace(/\W+/g, "-");
      await this.page.screenshot({ path: join("test-results", `${name}.png`) });
    }
  }

  get chat() {
    return chat(this.page);
  }

  get composer() {
    return this.chat.getByRole("textbox", { name: "Message Pillion" });
  }

  get log() {
    return this.chat.getByRole("log");
  }

  async openChat() {
    await runCommand(this.page, "Pillion: Open chat");
    await this.composer.waitFor();
  }

  /** Says it, wherever the focus is by then: an editor that opens late takes it. */
  async say(text) {
    await this.composer.click();
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  /** A question, once it takes an answer: in its first moment a card takes none. */
  async question(name) {
    const card = this.chat.getByRole("alertdialog", { name });
    await card.and(this.chat.locator(":not(.inert)")).waitFor();
    return card;
  }

  /** The row of a task in its view, by the beginning of what a screen reader reads there. */
  taskRow(start) {
    return this.page.locator(`.pane-body .monaco-list-row[aria-label^="${start}"]`);
  }

  /** Opens the log of a task by its row, which is drawn anew while the task runs, and waits for words in it. */
  async openLog(row, words) {
    const editor = this.page.locator(".editor-group-container .monaco-editor").first();
    await until(editor.getByText(words).first(), () => row.click(STEP));
  }

  /** Waits for words in the conversation. */
  async heard(text) {
    await this.log.getByText(text).first().waitFor();
  }

  /** The process ids of the servers that run from this window's extension. */
  sidecars() {
    const extensions = join(this.folder, "extensions");
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        try {
          const program = readlinkSync(`/proc/${pid}/exe`);
          return program.startsWith(extensions) && isServer(pid);
        } catch {
          return false; // it is gone, or another person's
        }
      });
  }

  /** Ends everything; what was written is kept with KEEP=1. */
  async end() {
    this.open(this.gate);
    await this.browser?.close();
    await this.server?.stop();
    if (!process.env.KEEP && existsSync(this.folder)) {
      this.remove();
    }
  }
}
