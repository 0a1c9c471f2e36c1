/**
 * A window on another machine, as all of these are: the page is in a browser, files and commands are behind a connection. The
 * sidecar runs where the files are, by the settings of that machine.
 */

import { strict as assert } from "node:assert";
import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Story, TEST_MS } from "../harness/story.mjs";
import { runCommand } from "../harness/workbench.mjs";

const script = {
  steps: [{ expect: { lastUserContains: ["Where is it?"] }, answer: [{ text: "It is in [math.js](src/math.js)." }] }],
};

describe("a window on another machine", function () {
  this.timeout(TEST_MS);
  let story;
  let page;

  const editor = (name) => page.locator(`.editor-group-container .tab[aria-label*="${name}"]`);
  const toast = (text) => page.locator(".notification-toast", { hasText: text });
  /** The settings of the machine that the folder is on, changed while the window is there. */
  const machine = (change) => {
    const file = join(story.folder, "user", "Machine", "settings.json");
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...change }));
  };

  before(async () => {
    story = await Story.begin({ script });
    ({ page } = story);
    await story.load();
    await story.openChat();
  });

  after(() => story?.end());

  afterEach(function () {
    return story?.picture(this.currentTest);
  });

  it("has its sidecar in its folder there, without what the editor's server has for itself", async () => {
    await page.locator('.statusbar-item[id="status.host"]').waitFor();
    await story.say("Where is it?");
    await story.heard("It is in");
    const [pid, ...more] = story.sidecars();
    assert.deepEqual(more, []);
    assert.equal(readlinkSync(`/proc/${pid}/cwd`), story.workspace);
    const names = readFileSync(`/proc/${pid}/environ`, "utf8")
      .split("\0")
      .map((entry) => entry.split("=", 1)[0]);
    assert.ok(names.includes("HOME"));
    assert.deepEqual(
      names.filter((name) => /^(VSCODE|ELECTRON|CODE_SERVER)_/.test(name)),
      [],
    );
  });

  it("opens files of that machine from the conversation", async () => {
    await story.log.getByRole("link", { name: "math.js" }).click();
    await editor("math.js").waitFor();
  });

  it("goes by the settings of that machine, live: a program that is not there is told with the remedy", async () => {
    machine({ "pillion.server.path": "/nowhere/pillion" });
    await toast("names /nowhere/pillion, which is no program").waitFor();
    await story.statusSays(/the sidecar does not run/);
    await story.chat.getByRole("group", { name: "Pillion's server" }).waitFor();
    machine({ "pillion.server.path": "" });
    await story.statusSays(/^(?!.*does not run)/);
    await story.chat.getByRole("group", { name: "Pillion's server" }).waitFor({ state: "detached" });
    await story.heard("It is in");
  });

  it("takes no such setting from the folder", async () => {
    story.write({
      ".vscode/settings.json": '{ "pillion.server.path": "/tmp/evil", "pillion.permissions.mode": "auto" }\n',
    });
    await runCommand(page, "Pillion: New session");
    await story.chat.getByRole("button", { name: /ask/i }).first().waitFor();
    assert.equal(await toast("/tmp/evil").count(), 0);
    assert.equal(story.sidecars().length, 1);
  });
});
