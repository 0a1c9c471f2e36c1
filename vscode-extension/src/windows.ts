/**
 * Other windows of the same person on the same folder. Where the editor runs on a server, the extension host of a window
 * that is gone can outlive it for hours, with its sidecar and its conversation: nobody told it. So each new window asks
 * the others, through a file, whether anybody is there; one without an answer from its own window leaves. Knows no editor.
 */

import { randomUUID } from "node:crypto";
import { type FSWatcher, watch } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** For each token a file that asks, with the name of who asks, and one that answers, with the same name. */
const ASKED = "asked";
const HELD = "held";
/** A window in the background answers within two seconds; on a machine that does much else it takes longer. */
const THERE_MS = 5000;
/** By then one that leaves has left. */
const LEFT_MS = 7000;

export interface Window {
  /** Resolves when the window itself answers. */
  answers(): Promise<unknown>;
  /** Lets go of everything that another window could go on with. */
  leave(): Promise<void>;
}

export class Windows {
  private readonly own = randomUUID();
  private watcher: FSWatcher | undefined;
  private token = "";
  private answered = "";
  private asked: Promise<boolean> | undefined;
  private said: (held: boolean) => void = () => undefined;

  /** `folder` is one for all windows of all folders. */
  constructor(
    private readonly folder: string,
    private readonly window: Window,
    private readonly limits = { thereMs: THERE_MS, leftMs: LEFT_MS },
  ) {}

  /** Asks the other windows of this token, once. From then on this one answers too. */
  async enter(token: string): Promise<void> {
    if (this.asked) {
      return;
    }
    this.token = token;
    this.asked = new Promise((resolve) => {
      const late = setTimeout(resolve, this.limits.leftMs, false);
      this.said = (held) => {
        clearTimeout(late);
        resolve(held);
      };
    });
    await mkdir(this.folder, { recursive: true });
    this.watcher = watch(this.folder, { persistent: false }, () => void this.look());
    this.watcher.on("error", () => {
      this.dispose(); // the folder is gone: so are the questions
    });
    await this.write(ASKED, this.own);
  }

  /** True as soon as another window says that it is there; false when by now all that are gone have left. */
  async isHeld(): Promise<boolean> {
    return (await this.asked) ?? false;
  }

  private async look(): Promise<void> {
    if ((await this.read(HELD)) === this.own) {
      this.said(true);
    }
    const window = await this.read(ASKED);
    // It may be half written: the rest of it is told too.
    if (window.length < this.own.length || window === this.own || window === this.answered) {
      return;
    }
    this.answered = window;
    const late = new Promise<boolean>((resolve) => setTimeout(resolve, this.limits.thereMs, false));
    const there = this.window.answers().then(
      () => true,
      () => false,
    );
    await ((await Promise.race([there, late])) ? this.write(HELD, window) : this.window.leave());
  }

  private write(name: string, window: string): Promise<void> {
    return writeFile(join(this.folder, `${this.token}.${name}`), window);
  }

  /** The text of a file; empty when there is none. */
  private read(name: string): Promise<string> {
    return readFile(join(this.folder, `${this.token}.${name}`), "utf8").catch(() => "");
  }

  dispose(): void {
    this.watcher?.close();
    this.said(false);
  }
}
