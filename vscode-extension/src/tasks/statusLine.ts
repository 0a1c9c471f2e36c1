/** The status bar's words: what runs, what failed, what waits for a person. Pure. */

import type { Counts } from "../state";

export interface StatusLine {
  /** With product icons. */
  readonly text: string;
  /** In words, for the tooltip and for screen readers, which do not read icons. */
  readonly words: string;
  readonly color: "error" | "warning" | undefined;
}

/** `unseen`: something failed since a person last looked. `trouble`: why the server is not there when it should be. */
export function statusLine(counts: Counts, unseen: boolean, trouble?: string): StatusLine {
  if (trouble !== undefined) {
    return { text: "$(warning) Pillion", words: trouble, color: "warning" };
  }
  const { running, failed, questions } = counts;
  const shown = [
    { number: running, icon: "$(loading~spin)", words: `${running} running` },
    { number: failed, icon: "$(error)", words: `${failed} failed` },
    { number: questions, icon: "$(question)", words: questions === 1 ? "1 needs you" : `${questions} need you` },
  ].filter(({ number }) => number > 0);
  return {
    text: shown.length === 0 ? "$(checklist) Pillion" : shown.map(({ icon, number }) => `${icon} ${number}`).join(" "),
    words: shown.length === 0 ? "nothing runs" : shown.map(({ words }) => words).join(", "),
    color: unseen && failed > 0 ? "error" : questions > 0 ? "warning" : undefined,
  };
}
