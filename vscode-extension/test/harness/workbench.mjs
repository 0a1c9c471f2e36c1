/**
 * The real VS Code, served by code-server, in a real Chromium: starts both, gives a Playwright page on the workbench, and
 * ends both. Nothing of the person's own settings, extensions or state is read.
 *
 * PILLION_CODE_SERVER names code-server's package folder, PILLION_CHROMIUM the browser; `cargo xtask check` sets both.
 */

import { spawn, spawnSync } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "playwright-core";

const START_MS = 180_000;
const STOP_MS = 5_000;
/** How long anything that is waited for may take: a machine that does much else is slow, and only a failure waits so long. */
const WAIT_MS = 90_000;
/** How long one test may take, and what is done before the first. */
export const TEST_MS = 300_000;

/** Quiet and quick: no telemetry, no welcome, no update, no other extension's chat. */
const SETTINGS = {
  "telemetry.telemetryLevel": "off",
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.enableExperiments": false,
  "workbench.welcomePage.walkthroughs.openOnInstall": false,
  "workbench.reduceMotion": "on",
  "chat.disableAIFeatures": true,
  "chat.commandCenter.enabled": false,
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
  "update.mode": "none",
  "files.autoSave": "off",
  "git.enabled": false,
  "npm.autoDetect": "off",
  "typescript.disableAutomaticTypeAcquisition": true,
  "editor.cursorBlinking": "solid",
  "terminal.integrated.gpuAcceleration": "off",
  "window.commandCenter": false,
  // Whatever listens here, the tests themselves too, is told of in a notification.
  "remote.autoForwardPorts": false,
  // At the other side they lie over the composer and its questions, and take the clicks.
  "workbench.notifications.position": "bottom-left",
  "workbench.colorTheme": "Default Dark Modern",
};

const CHROMIUM = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

function named(variable) {
  const value = process.env[variable];
  if (!value) {
    throw new Error(`${variable} is not set; cargo xtask check sets it`);
  }
  return value;
}

/** A folder of its own for everything that one test run leaves behind. */
export function scratch() {
  const folder = mkdtempSync(join(tmpdir(), "pillion-vscode-"));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }) };
}

/** The environment of the server of VS Code: a home of its own, no gallery, nothing of an editor around it. */
function environment(folder, more) {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(VSCODE_|CODE_SERVER_|PILLION_|XDG_|ANTHROPIC_|OPENAI_|OPENROUTER_|PORT$|PASSWORD$)/.test(name),
  );
  const home = join(folder, "home");
  const runtime = join(folder, "run");
  mkdirSync(home, { recursive: true });
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  return {
    ...Object.fromEntries(own),
    HOME: home,
    XDG_STATE_HOME: join(home, "state"),
    XDG_CONFIG_HOME: join(home, "config"),
    XDG_RUNTIME_DIR: runtime,
    EXTENSIONS_GALLERY: "{}",
    ...more,
  };
}

/**
 * Starts code-server on a free port, with `vsix` installed; `machine` has settings of the scope `machine`. With `trust` a
 * folder has to be trusted first; else all are.
 */
export async function startServer({
  folder,
  vsix = [],
  settings = {},
  machine = {},
  env = {},
  args = [],
  trust = false,
}) {
  const user = join(folder, "user");
  mkdirSync(join(user, "User"), { recursive: true });
  const write = (more) => {
    writeFileSync(join(user, "User", "settings.json"), JSON.stringify({ ...SETTINGS, ...more }, null, 2));
  };
  write(settings);
  // Settings of the scope `machine` are those of the machine that the extension runs on.
  mkdirSync(join(user, "Machine"), { recursive: true });
  writeFileSync(join(user, "Machine", "settings.json"), JSON.stringify(machine, null, 2));
  writeFileSync(join(folder, "config.yaml"), "auth: none\n");
  const base = [named("PILLION_CODE_SERVER"), "--config", join(folder, "config.yaml")];
  base.push("--user-data-dir", user, "--extensions-dir", join(folder, "extensions"));
  const childEnv = environment(folder, env);
  for (const file of vsix) {
    const install = [...base, "--force", "--install-extension", file];
    const { status, stdout, stderr } = spawnSync(process.execPath, install, { env: childEnv, encoding: "utf8" });
    if (status !== 0 || !stdout.includes("successfully installed")) {
      throw new Error(`${file} was not installed: ${stdout}${stderr}`);
    }
  }
  const quiet = ["--auth", "none", "--disable-telemetry", "--disable-update-check"];
  quiet.push(...(trust ? [] : ["--disable-workspace-trust"]));
  quiet.push("--disable-getting-started-override", "--disable-proxy", "--ignore-last-opened", "--log", "info");
  const child = spawn(process.execPath, [...base, "--bind-addr", "127.0.0.1:0", ...quiet, ...args], {
    env: childEnv,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // a group of its own, so that all of it can be ended
  });
  const log = createWriteStream(join(folder, "code-server.log"));
  const url = await new Promise((listens, fails) => {
    let said = "";
    const late = setTimeout(() => fails(new Error(`code-server does not listen: ${said}`)), START_MS);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (piece) => {
        log.write(piece);
        said += piece;
        const found = /HTTP server listening on (http:\/\/\S+?)\/?\s/.exec(said);
        if (found) {
          clearTimeout(late);
          listens(found[1]);
        }
      });
    }
    child.on("exit", (code) => fails(new Error(`code-server ended with ${code}: ${said}`)));
  });
  const kill = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // all of the group is gone
    }
  };
  const stop = async () => {
    const over = child.exitCode !== null || child.signalCode !== null;
    const gone = over ? Promise.resolve() : new Promise((resolve) => child.once("exit", resolve));
    kill("SIGTERM");
    const last = setTimeout(() => kill("SIGKILL"), STOP_MS);
    await gone;
    clearTimeout(last);
    kill("SIGKILL");
    log.end();
  };
  return { url, stop, settings: write, home: childEnv.HOME, stateHome: childEnv.XDG_STATE_HOME };
}

/** A browser with an empty profile in `folder`. */
export async function startBrowser({ folder, viewport = { width: 1280, height: 800 } }) {
  const browser = await chromium.launchPersistentContext(join(folder, "profile"), {
    timeout: START_MS,
    executablePath: named("PILLION_CHROMIUM"),
    headless: true,
    args: CHROMIUM,
    viewport,
    locale: "en-US",
    serviceWorkers: "allow",
  });
  browser.setDefaultTimeout(WAIT_MS);
  return browser;
}

/** The address of the workbench on a folder of this machine; `file` is opened in it. */
export function workbenchUrl(url, folder, { file, payload = [] } = {}) {
  const authority = new URL(url).host;
  const all = file ? [["openFile", `vscode-remote://${authority}${file}`], ...payload] : payload;
  const rest = all.length > 0 ? `&payload=${encodeURIComponent(JSON.stringify(all))}` : "";
  return `${url}/?folder=${encodeURI(folder)}${rest}`;
}

/** The chat's own page: the webview's frame in its frame. */
export function chat(page) {
  return page.frameLocator('iframe.webview[src*="extensionId=pillion.pillion"]').frameLocator("iframe#active-frame");
}

/** How long something may take that is on its way, before it is asked for again. */
const AGAIN_MS = 3_000;
/** How often that may be. */
const MOST_TRIES = 25;

/** Whether it is there within a moment. */
function soon(locator) {
  return locator.waitFor({ timeout: AGAIN_MS }).then(
    () => true,
    () => false,
  );
}

/**
 * Does something until it is seen, as a person does where the editor has redrawn what was clicked, or has closed what was
 * opened: for the editor's own lists, menus and hovers, and only for what may be done twice.
 */
export async function until(seen, act) {
  for (let tries = 1; ; tries += 1) {
    let failed;
    await act().catch((error) => (failed = error));
    if (await soon(seen)) {
      return;
    }
    if (tries === MOST_TRIES) {
      throw failed ?? new Error(`it was done ${tries} times, and is not seen: ${String(seen)}`);
    }
  }
}

/** How long one step of such a thing may take. */
export const STEP = { timeout: AGAIN_MS };
/** How long a list may take that somebody has to be asked for. */
const LIST = { timeout: 5 * AGAIN_MS };

const quickInput = (page) => page.locator(".quick-input-widget");
/** The field of what is open there. */
export const quickField = (page) => page.locator(".quick-input-widget input.input");
/** Its rows with these words. */
export const quickRow = (page, words) => page.locator(".quick-input-list .monaco-list-row", { hasText: words });

/** Frames in which a list is the same: then what was typed has done its work, and a click hits the row that it is meant for. */
const SAME_FRAMES = 10;

/** Waits until the list of rows is another one no more. */
function settledList(page) {
  return page.evaluate(
    (most) =>
      new Promise((settled) => {
        let before;
        let same = 0;
        const look = () => {
          const rows = [...document.querySelectorAll(".quick-input-list .monaco-list-row")];
          const now = rows.map((row) => row.ariaLabel).join("\n");
          same = now === before ? same + 1 : 0;
          before = now;
          if (same < most) requestAnimationFrame(look);
          else settled();
        };
        look();
      }),
    SAME_FRAMES,
  );
}

/** Opens the palette. Keys that come while a page of an extension is loaded are lost, and so are those of a busy window. */
export async function palette(page) {
  // What the last command was chosen from may still be going. What stays open gives way.
  await quickInput(page)
    .waitFor({ state: "hidden", ...STEP })
    .catch(() => undefined);
  // Where it is there late, the second key changes nothing.
  await until(quickField(page), () => page.keyboard.press("F1"));
  return quickField(page);
}

/**
 * Chooses from a list that `open` opens, by what is typed (null: nothing) and the row that it brings. Whatever takes the focus closes such a
 * list, and a window that is being restored, or a view that the last command has opened, may do so late: then it is opened
 * again. Only what was not chosen is tried again. `patience` is for a list that comes when its command has asked for it.
 */
export async function choose(page, open, typed, words, patience = LIST) {
  for (let tries = 1; ; tries += 1) {
    await open();
    try {
      if (typed === null) {
        await quickRow(page, words).first().waitFor(LIST);
      } else {
        await quickField(page).fill(typed, patience);
      }
      await settledList(page);
      await quickRow(page, words).first().click(LIST);
      return;
    } catch (error) {
      if (tries === MOST_TRIES) {
        throw error;
      }
      if (await quickInput(page).isVisible()) {
        await page.keyboard.press("Escape");
      }
    }
  }
}

/** Runs a command by its title in the palette. What is open afterwards is the command's own. */
export async function runCommand(page, title) {
  await choose(page, () => palette(page), `>${title}`, title, STEP); // it was there
  await page.waitForFunction((typed) => {
    const input = document.querySelector(".quick-input-widget input.input");
    return !input?.checkVisibility() || input.value !== typed;
  }, `>${title}`);
}

/** Runs a command line in the background, by the picker of Pillion. */
export function runInBackground(page, command) {
  const open = async () => {
    await runCommand(page, "Pillion: Run in background");
    await quickRow(page, "package.json").first().waitFor();
  };
  return choose(page, open, command, command);
}

/** Where something is, once it has a place: what is drawn anew has none for a moment. */
export async function placeOf(locator) {
  for (;;) {
    await locator.waitFor();
    const place = await locator.boundingBox();
    if (place) {
      return place;
    }
  }
}
