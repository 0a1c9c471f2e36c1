/**
 * Keys of model services: kept in the editor's secret storage, handed to each server at its start and at each change,
 * and written nowhere else.
 */

import * as vscode from "vscode";

import type { Client } from "./client";
import type { ProviderId, SetSecretParams } from "./protocol";

/** Who wants a key. The first three are services; the others are servers of one's own that may have one. */
const PROVIDERS: readonly { id: ProviderId; label: string; detail?: string }[] = [
  { id: "anthropic", label: "Anthropic" },
  { id: "openai", label: "OpenAI" },
  { id: "openrouter", label: "OpenRouter" },
  { id: "llamacpp", label: "llama.cpp", detail: "Only where your server wants one" },
  { id: "vllm", label: "vLLM", detail: "Only where your server wants one" },
  { id: "lmstudio", label: "LM Studio", detail: "Only where your server wants one" },
  { id: "ollama", label: "Ollama", detail: "Only where your server wants one" },
];

const PREFIX = "pillion.key.";

export class Secrets {
  constructor(
    private readonly storage: vscode.SecretStorage,
    private readonly client: Client,
  ) {}

  /** Greets each server with the stored keys, and tells the running one of changes, also those of another window. */
  register(): vscode.Disposable {
    this.client.greet(async (client) => {
      for (const { id } of PROVIDERS) {
        const secret = await this.storage.get(PREFIX + id);
        if (secret !== undefined) {
          await client.sendRequest("pillion/secret/set", own(id, secret));
        }
      }
    });
    return this.storage.onDidChange(async ({ key }) => {
      const provider = PROVIDERS.find(({ id }) => PREFIX + id === key);
      if (provider) {
        await this.tell(provider.id);
      }
    });
  }

  /** Asks for a provider, unless it is named, and its key. False when the person went away. */
  async add(provider?: ProviderId): Promise<boolean> {
    const chosen =
      PROVIDERS.find(({ id }) => id === provider) ??
      (await vscode.window.showQuickPick(PROVIDERS, { title: "Add API key", placeHolder: "Whose key is it?" }));
    if (!chosen) {
      return false;
    }
    const secret = await vscode.window.showInputBox({
      title: `API key of ${chosen.label}`,
      prompt: "It is kept in the editor's secret storage, and sent to this service alone.",
      password: true,
      ignoreFocusOut: true,
      validateInput: (text) => (text.trim() === "" ? "A key is not empty." : undefined),
    });
    if (secret === undefined) {
      return false;
    }
    await this.store(chosen.id, secret.trim());
    return true;
  }

  /** When it is over, what is asked next is asked with the key. */
  async store(provider: ProviderId, secret: string): Promise<void> {
    await this.storage.store(PREFIX + provider, secret);
    await this.tell(provider);
  }

  async forget(provider: ProviderId): Promise<void> {
    await this.storage.delete(PREFIX + provider);
    await this.tell(provider);
  }

  private async tell(provider: ProviderId): Promise<void> {
    const secret = await this.storage.get(PREFIX + provider);
    await this.client.whileRunning((client) => client.sendRequest("pillion/secret/set", own(provider, secret ?? null)));
  }

  /** Asks which stored key is to be forgotten. */
  async remove(): Promise<void> {
    const stored = [];
    for (const provider of PROVIDERS) {
      if ((await this.storage.get(PREFIX + provider.id)) !== undefined) {
        stored.push(provider);
      }
    }
    if (stored.length === 0) {
      await vscode.window.showInformationMessage("No API key is stored here.");
      return;
    }
    const chosen = await vscode.window.showQuickPick(stored, { title: "Remove API key" });
    if (chosen) {
      await this.forget(chosen.id);
    }
  }
}

/** The editor keeps it: the server holds it in memory alone. */
function own(provider: ProviderId, secret: string | null): SetSecretParams {
  return { provider, secret, persist: false };
}
