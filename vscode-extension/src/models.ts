/**
 * Lends the editor's language models (`vscode.lm`) to the server: tells which there are, and asks one when the server
 * wants an answer. Nothing is asked before the person has chosen such a model.
 */

import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";

import type { Client } from "./client";
import type {
  ChunkPart,
  CompleteParams,
  CompleteResult,
  MessagePart,
  ModelMessage,
  OfferModelsParams,
  OfferedModel,
} from "./protocol";
import { Refusal } from "./sidecar";

/** More models than this are not offered. */
const OFFERED = 200;
/** A new server waits no longer than this for the list of models; then it comes when it comes. */
const OFFER_MS = 500;
const JUSTIFICATION = "Pillion's agent answers with this model.";

export function registerModels(client: Client): vscode.Disposable {
  const offer = async (server: LanguageClient) => {
    const params: OfferModelsParams = { models: (await vscode.lm.selectChatModels()).slice(0, OFFERED).map(offered) };
    await server.sendNotification("pillion/model/offer", params);
  };
  // A vendor of models that is slow to start holds nobody up.
  client.greet((server) => Promise.race([offer(server), new Promise<void>((done) => setTimeout(done, OFFER_MS))]));
  return vscode.Disposable.from(
    vscode.lm.onDidChangeChatModels(() => client.whileRunning(offer)),
    client.answer("pillion/model/complete", (params, token) =>
      complete(params, token, (part) => client.notify("pillion/model/chunk", { requestId: params.requestId, part })),
    ),
  );
}

/** Models of several vendors may have the same id. */
function nameOf(model: vscode.LanguageModelChat): string {
  return `${model.vendor}/${model.id}`;
}

function offered(model: vscode.LanguageModelChat): OfferedModel {
  return { id: nameOf(model), name: model.name, contextWindow: model.maxInputTokens };
}

async function chosen(name: string | null): Promise<vscode.LanguageModelChat> {
  const all = await vscode.lm.selectChatModels();
  const model = name === null ? all[0] : all.find((one) => nameOf(one) === name);
  if (!model) {
    const what = name === null ? "The editor has no language model." : `The editor has no language model ${name}.`;
    throw new Refusal(`${what} Sign in to a provider of models, or choose another model.`, "not_found");
  }
  return model;
}

function words(part: MessagePart): vscode.LanguageModelInputPart {
  switch (part.type) {
    case "text":
      return new vscode.LanguageModelTextPart(part.text);
    case "image":
      return vscode.LanguageModelDataPart.image(Buffer.from(part.data, "base64"), part.mimeType);
    case "tool_call":
      return new vscode.LanguageModelToolCallPart(part.callId, part.name, object(part.input));
    case "tool_result":
      return new vscode.LanguageModelToolResultPart(part.callId, [new vscode.LanguageModelTextPart(part.content)]);
  }
}

function object(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

/** `vscode.lm` has no system role: the system text is the user's first word. */
function conversation(system: string, messages: readonly ModelMessage[]): vscode.LanguageModelChatMessage[] {
  const told = messages.map(({ role, content }) => {
    const parts = content.map(words);
    // A call stands in the assistant's messages alone, a result in the user's: the server sees to that.
    return role === "user"
      ? vscode.LanguageModelChatMessage.User(parts as vscode.LanguageModelTextPart[])
      : vscode.LanguageModelChatMessage.Assistant(parts as vscode.LanguageModelTextPart[]);
  });
  return system === "" ? told : [vscode.LanguageModelChatMessage.User(system), ...told];
}

async function complete(
  params: CompleteParams,
  token: vscode.CancellationToken,
  say: (part: ChunkPart) => Promise<void>,
): Promise<CompleteResult> {
  const model = await chosen(params.model);
  let calls = 0;
  try {
    const answer = await model.sendRequest(
      conversation(params.system, params.messages),
      { justification: JUSTIFICATION, tools: params.tools },
      token,
    );
    for await (const part of answer.stream) {
      if (part instanceof vscode.LanguageModelTextPart) {
        await say({ type: "text", text: part.value });
      } else if (part instanceof vscode.LanguageModelToolCallPart) {
        calls += 1;
        await say({ type: "tool_call", callId: part.callId, name: part.name, input: part.input });
      }
      // Other parts are of a later version of the editor: nothing here could show them.
    }
  } catch (error) {
    throw error instanceof vscode.LanguageModelError ? new Refusal(error.message, error.code) : error;
  }
  return { stopReason: calls > 0 ? "tool_use" : "end_turn", model: nameOf(model) };
}
