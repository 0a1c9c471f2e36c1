/** How a typed word is matched, and what a match is written as. Pure. */

import type { CompletionItem } from "../../webview/model/messages";
import type { CommandInfo } from "../protocol";

export function commandItems(query: string, commands: readonly CommandInfo[]): CompletionItem[] {
  return commands
    .filter(({ name }) => `/${name}`.startsWith(query))
    .map(({ name, description, argumentHint }) => ({
      insert: `/${name}`,
      label: argumentHint === null ? `/${name}` : `/${name} ${argumentHint}`,
      detail: description,
      icon: "terminal",
    }));
}

/** A path with a space is quoted. */
export function mention(path: string, lines = ""): string {
  return /\s/.test(path) ? `@"${path}"${lines}` : `@${path}${lines}`;
}

/** Whether all letters of the query are in the text, in their order; the lower the closer. Null: they are not. */
export function fuzzy(query: string, text: string): number | null {
  const hay = text.toLowerCase();
  const needle = query.toLowerCase();
  const whole = hay.lastIndexOf(needle);
  if (whole >= 0) {
    const name = hay.lastIndexOf("/") + 1;
    return (whole === name ? 0 : whole > name ? 10 : 20) + text.length / 1000;
  }
  let at = -1;
  let gaps = 0;
  for (const letter of needle) {
    const next = hay.indexOf(letter, at + 1);
    if (next < 0) {
      return null;
    }
    gaps += next - at - 1;
    at = next;
  }
  return 30 + gaps + text.length / 1000;
}
