/** Tells a person what went wrong with something that they asked for, in the server's own words. */

import * as vscode from "vscode";

import { NotRunning } from "./sidecar";

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What a request was refused for: `data.kind` and `data.field` of the server's error. */
export function refusal(error: unknown): { kind?: string; field?: string } {
  const data: unknown = typeof error === "object" && error !== null && "data" in error ? error.data : undefined;
  const word = (key: string): string | undefined => {
    const value: unknown = typeof data === "object" && data !== null ? Reflect.get(data, key) : undefined;
    return typeof value === "string" ? value : undefined;
  };
  const [kind, field] = [word("kind"), word("field")];
  return { ...(kind === undefined ? {} : { kind }), ...(field === undefined ? {} : { field }) };
}

/** Waits for what a person asked for; where it fails they are told, and it is undefined. */
export async function attempt<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof NotRunning) {
      return undefined; // the client has told it
    }
    // Not waited for: a message that nobody closes would hold up what comes after.
    void vscode.window.showErrorMessage(`Pillion: ${messageOf(error)}`);
    return undefined;
  }
}
