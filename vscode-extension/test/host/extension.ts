/** The running extension, as tests see it, and waiting for what it tells. */

import * as vscode from "vscode";

import type { Parts } from "../../src/commands";
import type { UpdateParams } from "../../src/protocol";
import type { SidecarState } from "../../src/sidecar";
import type { Change } from "../../src/state";

export async function extension(): Promise<Parts> {
  const found = vscode.extensions.getExtension<Parts | undefined>("pillion.pillion");
  const parts = await found?.activate();
  if (!parts) {
    throw new Error("the extension tells nothing of itself");
  }
  return parts;
}

/** Resolves at the first event that fits; `start` causes it. */
export async function after<T>(event: vscode.Event<T>, fits: (value: T) => boolean, start: () => unknown): Promise<T> {
  let listener: vscode.Disposable | undefined;
  const found = new Promise<T>((resolve) => {
    listener = event((value) => {
      if (fits(value)) {
        resolve(value);
      }
    });
  });
  try {
    await start();
    return await found;
  } finally {
    listener?.dispose();
  }
}

export function state({ client }: Parts, wanted: SidecarState, start: () => unknown): Promise<SidecarState> {
  return after(client.onDidChangeState, (now) => now === wanted, start);
}

export function change<K extends Change["type"]>(
  { store }: Parts,
  type: K,
  fits: (change: Extract<Change, { type: K }>) => boolean,
  start: () => unknown,
): Promise<Extract<Change, { type: K }>> {
  type Wanted = Extract<Change, { type: K }>;
  return after(store.onDidChange, (it) => it.type === type && fits(it as Wanted), start) as Promise<Wanted>;
}

/** What is said in sessions while `run` runs, up to the end of a turn. */
export async function turn(parts: Parts, run: () => unknown): Promise<UpdateParams[]> {
  const heard: UpdateParams[] = [];
  const listener = parts.client.on("pillion/session/update", (params) => heard.push(params));
  try {
    await change(parts, "turn_ended", () => true, run);
    return heard;
  } finally {
    listener.dispose();
  }
}

/** The agent's words of a turn. */
export function words(updates: readonly UpdateParams[]): string {
  return updates
    .map(({ update }) =>
      update.sessionUpdate === "agent_message_chunk" && update.content.type === "text" ? update.content.text : "",
    )
    .join("");
}

/** Sets a setting for one test, and takes it back. */
export async function withSetting<T>(name: string, value: unknown, run: () => Promise<T>): Promise<T> {
  const settings = vscode.workspace.getConfiguration("pillion");
  const before = settings.inspect(name)?.globalValue;
  await settings.update(name, value, vscode.ConfigurationTarget.Global);
  try {
    return await run();
  } finally {
    await settings.update(name, before, vscode.ConfigurationTarget.Global);
  }
}

/** Records the error messages that a person would see while `run` runs; `choose` presses a button. */
export async function messages(run: () => Promise<void>, choose?: (buttons: string[]) => string): Promise<string[]> {
  const shown: string[] = [];
  const original = vscode.window.showErrorMessage;
  const record = (message: string, ...buttons: string[]) => {
    shown.push([message, ...buttons].join(" | "));
    return Promise.resolve(choose?.(buttons));
  };
  Object.assign(vscode.window, { showErrorMessage: record });
  try {
    await run();
  } finally {
    Object.assign(vscode.window, { showErrorMessage: original });
  }
  return shown;
}
