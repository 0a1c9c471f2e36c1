/** The agent's edits of open documents: applied as edits of the workspace, which an undo takes back, and saved where asked. */

import * as vscode from "vscode";
import type {
  ApplyWorkspaceEditParams,
  ApplyWorkspaceEditRequest,
  ApplyWorkspaceEditResult,
} from "vscode-languageclient";

import { messageOf } from "../errors";
import type { SaveResult } from "../protocol";

function opened(uri: string): vscode.TextDocument | undefined {
  const wanted = vscode.Uri.parse(uri).toString();
  return vscode.workspace.textDocuments.find((document) => document.uri.toString() === wanted);
}

/** Answers `workspace/applyEdit`: as the language client does, and with the reason where nothing was done. */
export async function applyEdit(
  params: ApplyWorkspaceEditParams,
  next: ApplyWorkspaceEditRequest.HandlerSignature,
): Promise<ApplyWorkspaceEditResult> {
  for (const change of params.edit.documentChanges ?? []) {
    if (!("textDocument" in change)) {
      continue;
    }
    const { uri, version } = change.textDocument;
    const document = opened(uri);
    if (document && version !== null && version !== document.version) {
      const name = vscode.workspace.asRelativePath(document.uri);
      return { applied: false, failureReason: `${name} was changed in the editor since version ${version}` };
    }
  }
  const result = (await next(params, new vscode.CancellationTokenSource().token)) as ApplyWorkspaceEditResult;
  return result.applied || result.failureReason !== undefined
    ? result
    : { ...result, failureReason: "the editor refused the edit: a document may be read-only, or was changed just now" };
}

/** Why a document could not be saved; undefined when it is. */
async function saveOne(uri: string): Promise<string | undefined> {
  const document = opened(uri);
  if (!document) {
    return "it is not open";
  }
  if (document.isUntitled) {
    return "it has no file yet";
  }
  try {
    const saved = !document.isDirty || (await document.save());
    return saved ? undefined : "the editor did not save it: it is read-only, or has changed on disk";
  } catch (error) {
    return messageOf(error);
  }
}

/** Answers `pillion/document/save`: with the person's own format on save. */
export async function save(uris: readonly string[]): Promise<SaveResult> {
  const result: SaveResult = { saved: [], failed: [] };
  for (const uri of uris) {
    const reason = await saveOne(uri);
    if (reason === undefined) {
      result.saved.push(uri);
    } else {
      result.failed.push({ uri, reason });
    }
  }
  return result;
}
