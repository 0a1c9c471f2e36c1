/**
 * What the editor loads at its start: it reads the rest in a turn of its own, so that no other extension waits for this one.
 * The editor waits for all of it before it runs a command or shows a view.
 */

import type { ExtensionContext } from "vscode";

import type { Parts } from "./commands";

export async function activate(context: ExtensionContext): Promise<Parts | undefined> {
  await new Promise((turn) => setImmediate(turn));
  const begun = performance.now();
  const { begin } = await import("./main.js");
  return begin(context, begun);
}
