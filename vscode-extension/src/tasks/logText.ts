/**
 * The text of one task's log: the end of its output, then what the server sends, into the next runs too. Pure.
 * Offsets are the server's bytes. The newest text is kept; what is left out is counted in its first line.
 */

import type { TaskOutputParams } from "../protocol";

/** The most text that is kept, in UTF-16 units: what an editor can take anew each second. All of it is in a file. */
const MOST = 384 * 1024;

/** What is to be done after a piece of output came. */
export type Step = "shown" | "ignored" | "read_anew";

export class LogText {
  private body = "";
  private leftOutBytes = 0;
  private leftOutLines = 0;
  private nextOffset: number | undefined;
  private shownRun: number | undefined;

  /** The run that is shown. */
  get run(): number | undefined {
    return this.shownRun;
  }

  /** The offset from which the server is to go on; undefined until the end of the output was read. */
  get next(): number | undefined {
    return this.nextOffset;
  }

  get text(): string {
    const notes: string[] = [];
    if (this.leftOutBytes > 0) {
      notes.push(`… ${size(this.leftOutBytes)} left out`);
    }
    if (this.leftOutLines > 0) {
      notes.push(`… ${this.leftOutLines} lines before this`);
    }
    return notes.length === 0 ? this.body : `${notes.join("\n")}\n${this.body}`;
  }

  /** Begins with an empty page. */
  turn(run: number | undefined, offset?: number): void {
    this.body = "";
    this.leftOutBytes = 0;
    this.leftOutLines = 0;
    this.shownRun = run;
    this.nextOffset = offset;
  }

  /** Takes the end of a run, as it was read. */
  begin(run: number, piece: { text: string; offset: number; nextOffset: number }): void {
    this.turn(run, piece.nextOffset);
    this.leftOutBytes = piece.offset;
    this.body = piece.text;
    this.trim();
  }

  /** Takes a piece that the server sent. A new run begins at 0, and so does a new attempt. */
  take(piece: TaskOutputParams): Step {
    if (this.nextOffset === undefined) {
      return "ignored"; // its end is read first
    }
    const begins = piece.offset === piece.skipped;
    if (piece.run !== this.shownRun && !begins) {
      return "read_anew"; // it began while the one before was read
    }
    if (piece.run !== this.shownRun || (begins && this.nextOffset > 0)) {
      this.turn(piece.run, 0);
    } else if (piece.nextOffset <= this.nextOffset) {
      return "ignored"; // the last, empty piece, or one that was read already
    }
    if (piece.skipped > 0) {
      const begin = this.body === "" || this.body.endsWith("\n") ? "" : "\n";
      this.body += `${begin}… ${size(piece.skipped)} left out\n`;
    }
    this.body += piece.text;
    this.nextOffset = piece.nextOffset;
    this.trim();
    return "shown";
  }

  /** Takes whole lines off the top where there is too much, half of it at once: each cut redraws the page. */
  private trim(): void {
    if (this.body.length <= MOST) {
      return;
    }
    const at = this.body.indexOf("\n", this.body.length - MOST / 2);
    const cut = at < 0 ? this.body.length - MOST / 2 : at + 1;
    this.leftOutLines += this.body.slice(0, cut).split("\n").length - 1;
    this.body = this.body.slice(cut);
  }
}

/** `1.5 KiB`, `2.0 MiB`. */
export function size(bytes: number): string {
  const kib = bytes / 1024;
  return kib < 1024 ? `${kib.toFixed(1)} KiB` : `${(kib / 1024).toFixed(1)} MiB`;
}
