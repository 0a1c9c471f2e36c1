/**
 * Whether a server of this folder has left commands running: then the next one is started with the window, not at the
 * first request. The names on the disk are the server's (`store::workspace_dir`, `task::run_file`).
 */

import { access, readdir, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";

/** Task folders that are looked at, the newest names first; old ones are over. */
const LOOKED_AT = 500;

/** The folder of a workspace's state: named by the FNV-1a hash (128 bits) of the canonical root. */
export function workspaceFolder(stateHome: string, root: string): string {
  let hash = 0x6c62272e07bb014262b821756295c58dn;
  for (const byte of Buffer.from(root)) {
    hash = ((hash ^ BigInt(byte)) * 0x0000000001000000000000000000013bn) & ((1n << 128n) - 1n);
  }
  return join(stateHome, "pillion", "workspaces", hash.toString(16).padStart(32, "0"));
}

async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** A run is alive while its end is not written down and its shim listens. */
async function isAlive(run: string): Promise<boolean> {
  try {
    const { socket } = JSON.parse(await readFile(join(run, "run.json"), "utf8")) as { socket?: string | null };
    return !(await exists(join(run, "exit.json"))) && typeof socket === "string" && (await exists(socket));
  } catch {
    return false;
  }
}

export async function leftRunning(stateHome: string, folder: string): Promise<boolean> {
  const root = await realpath(folder).catch(() => folder);
  const tasks = join(workspaceFolder(stateHome, root), "tasks");
  for (const task of (await names(tasks)).sort().reverse().slice(0, LOOKED_AT)) {
    const runs = (await names(join(tasks, task))).map(Number).filter(Number.isInteger);
    if (runs.length > 0 && (await isAlive(join(tasks, task, String(Math.max(...runs)))))) {
      return true;
    }
  }
  return false;
}
