/** The page's styles: colours are the theme's. One of our own is wrong where a person has chosen high contrast. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "mocha";

const STYLES = join(import.meta.dirname, "..", "..", "webview", "styles");
/** A page is not told the theme's colours for code: these two have those of the editor's default themes. */
const PALETTES = ["body.vscode-dark", "body.vscode-light"];
const COLOUR =
  /#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|hwb|lab|lch|oklab|oklch|color)a?\(|\b(?:black|white|red|green|blue|gr[ae]y)\b/i;

/** The rules of a style sheet that name a colour, without those that may. */
function coloured(css) {
  const rules = css.replace(/\/\*[\s\S]*?\*\//g, "").matchAll(/([^{}]+)\{([^{}]*)\}/g);
  return [...rules]
    .filter(([, selector]) => !PALETTES.includes(selector.trim()))
    .flatMap(([, selector, body]) =>
      body
        .split(";")
        .filter((declaration) => COLOUR.test(declaration.replace(/^[^:]*:|--[\w-]+/g, "")))
        .map((declaration) => `${selector.trim()} { ${declaration.trim()} }`),
    );
}

describe("the page's colours", () => {
  for (const name of readdirSync(STYLES).filter((file) => file.endsWith(".css"))) {
    it(`are the theme's in ${name}`, () => {
      assert.deepEqual(coloured(readFileSync(join(STYLES, name), "utf8")), []);
    });
  }

  it("are found where they are not", () => {
    const own = "body.vscode-dark { --x: #fff; white-space: pre }";
    const found = coloured(`a { color: var(--vscode-foreground, #fff); } ${own}\n@media x { b { fill: red } }`);
    assert.deepEqual(found, ["a { color: var(--vscode-foreground, #fff) }", "b { fill: red }"]);
  });
});
