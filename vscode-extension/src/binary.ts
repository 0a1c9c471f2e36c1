/** Where the server's program is: in the settings, in the extension, or on PATH. */

import { access, constants } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";

/** Why there is no program; `message` says what to do. */
export class NoBinary extends Error {}

/** The systems for which the extension carries the program. */
export const SUPPORTED: ReadonlySet<string> = new Set(["linux-x64", "linux-arm64"]);

export interface Place {
  /** The setting `pillion.server.path`; empty when it is not set. */
  configured: string;
  /** The extension's own folder. */
  extension: string;
  path: string;
  home: string;
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The absolute path of the program. The setting alone counts where it is set. */
export async function find(place: Place): Promise<string> {
  const configured = place.configured.trim().replace(/^~(?=\/)/, place.home);
  if (configured !== "") {
    if (!isAbsolute(configured)) {
      throw new NoBinary(`The setting pillion.server.path has to be an absolute path, and is ${configured}.`);
    }
    if (await isProgram(configured)) {
      return configured;
    }
    throw new NoBinary(`The setting pillion.server.path names ${configured}, which is no program.`);
  }
  const folders = place.path.split(delimiter).filter(isAbsolute);
  for (const file of [join(place.extension, "bin", "pillion"), ...folders.map((folder) => join(folder, "pillion"))]) {
    if (await isProgram(file)) {
      return file;
    }
  }
  throw new NoBinary("The program pillion is not in this extension and not on PATH.");
}
