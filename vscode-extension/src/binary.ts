/** Where the server's program is: in the settings, in the extension, or on PATH. */

import { access, constants, open } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";

/** Why there is no program; `message` says what to do. */
export class NoBinary extends Error {}

/** The systems for which the extension carries the program. */
export const SUPPORTED: ReadonlySet<string> = new Set(["linux-x64", "linux-arm64"]);

/** This machine. */
export const PLATFORM = `${process.platform}-${process.arch}`;

/** `e_machine` of ELF, by the machine. */
const MACHINES: Readonly<Record<string, number>> = { "linux-x64": 62, "linux-arm64": 183 };

export interface Place {
  /** The setting `pillion.server.path`; empty when it is not set. */
  configured: string;
  /** The extension's own folder. */
  extension: string;
  path: string;
  home: string;
  /** The machine: a key of `SUPPORTED` where the extension's own program runs. */
  platform: string;
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether a program is made for another machine. Such a one is never started: the C library would hand it to the shell,
 * which takes its bytes for commands.
 */
async function isForeign(file: string, platform: string): Promise<boolean> {
  const machine = MACHINES[platform];
  const opened = machine === undefined ? undefined : await open(file).catch(() => undefined);
  if (opened === undefined) {
    return false;
  }
  try {
    const head = Buffer.alloc(20);
    const { bytesRead } = await opened.read(head);
    const isElf = bytesRead === head.length && head.toString("latin1", 0, 4) === "\x7fELF";
    return isElf && head.readUInt16LE(18) !== machine;
  } finally {
    await opened.close();
  }
}

/** The absolute path of the program. The setting alone counts where it is set. */
export async function find(place: Place): Promise<string> {
  const configured = place.configured.trim().replace(/^~(?=\/)/, place.home);
  if (configured !== "") {
    if (!isAbsolute(configured)) {
      throw new NoBinary(`The setting pillion.server.path has to be an absolute path, and is ${configured}.`);
    }
    if (!(await isProgram(configured))) {
      throw new NoBinary(`The setting pillion.server.path names ${configured}, which is no program.`);
    }
    if (await isForeign(configured, place.platform)) {
      throw new NoBinary(`The setting pillion.server.path names ${configured}, which is made for another machine.`);
    }
    return configured;
  }
  // The extension's own cannot run elsewhere; one that somebody has built there is on PATH.
  const own = SUPPORTED.has(place.platform) ? [join(place.extension, "bin", "pillion")] : [];
  const folders = place.path.split(delimiter).filter(isAbsolute);
  for (const file of [...own, ...folders.map((folder) => join(folder, "pillion"))]) {
    if ((await isProgram(file)) && !(await isForeign(file, place.platform))) {
      return file;
    }
  }
  throw new NoBinary("The program pillion is not in this extension and not on PATH.");
}
