/** The chat's page alone in Chromium: the real bundle and the real policy, a host that the test plays, a theme of VS Code. */

import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../..");
const ORIGIN = "http://page.test";
const types = { ".js": "text/javascript", ".css": "text/css", ".ttf": "font/ttf" };

/** Bundles a module of the extension and loads it. */
export async function load(path) {
  const { outputFiles } = await build({
    entryPoints: [join(root, path)],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    logLevel: "error",
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}

export async function startBrowser() {
  return chromium.launch({
    executablePath: process.env.PILLION_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
}

/** Opens the page. `tell` is the host speaking; `said` are the page's messages. */
export async function openPage(browser, { theme = "dark", width = 420, height = 900, kept = null } = {}) {
  const { pageHtml } = await load("src/chat/page.ts");
  const context = await browser.newContext({ viewport: { width, height } });
  context.setDefaultTimeout(60_000); // a machine that does much else is slow
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  const colours = JSON.parse(readFileSync(join(here, `themes/${theme}.json`), "utf8"));
  const html = pageHtml({
    source: ORIGIN,
    script: `${ORIGIN}/webview.js`,
    style: `${ORIGIN}/webview.css`,
    nonce: "n0nce",
  });
  await page.route("**/*", (route) => {
    const { origin, pathname } = new URL(route.request().url());
    if (origin !== ORIGIN) return route.abort();
    if (pathname === "/") return route.fulfill({ contentType: "text/html", body: html });
    if (pathname === "/favicon.ico") return route.fulfill({ status: 204 });
    return route.fulfill({ contentType: types[extname(pathname)], path: join(root, "dist", pathname) });
  });
  await page.addInitScript(
    ({ colours, kept }) => {
      const said = [];
      let state = kept;
      Object.assign(window, {
        said,
        keptState: () => state,
        acquireVsCodeApi: () => ({
          postMessage: (message) => said.push(structuredClone(message)),
          getState: () => state,
          setState: (value) => (state = structuredClone(value)),
        }),
      });
      document.addEventListener("DOMContentLoaded", () => {
        const { style } = document.documentElement;
        for (const [name, value] of Object.entries(colours.vars)) style.setProperty(name, value);
        document.body.className = colours.body;
        // What VS Code gives every page, below the page's own style.
        const defaults = new CSSStyleSheet();
        defaults.replaceSync(
          "@layer vscode { body { padding: 0 20px; background: transparent; } img, video { max-width: 100%; }" +
            " code { color: var(--vscode-textPreformat-foreground); background: var(--vscode-textPreformat-background); padding: 1px 3px; border-radius: 4px; }" +
            " pre code { padding: 0; } blockquote { border-color: var(--vscode-textBlockQuote-border); } a { color: var(--vscode-textLink-foreground); } }",
        );
        document.adoptedStyleSheets.push(defaults);
        // The panel's background is what VS Code paints behind the page.
        document.body.style.background =
          colours.vars["--vscode-sideBar-background"] ?? colours.vars["--vscode-editor-background"];
      });
    },
    { colours, kept },
  );
  await page.goto(`${ORIGIN}/`);
  const tell = (...messages) => page.evaluate((all) => all.forEach((one) => window.postMessage(one, "*")), messages);
  const said = (type) => page.evaluate((kind) => window.said.filter((one) => !kind || one.type === kind), type ?? null);
  /** Two frames: what was told is painted. */
  const settled = () =>
    page.evaluate(
      () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))),
    );
  return { page, tell, said, settled, errors, close: () => context.close() };
}
