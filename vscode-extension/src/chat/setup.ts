/** From no model to one: the editor's own, one of a service with a key, one of Ollama on this machine. */

import * as vscode from "vscode";

import type { Session } from "../../webview/model/items";
import type { Sidecar } from "../sidecar";
import type { Pickers } from "./pickers";

export class Setup {
  constructor(
    private readonly sidecar: Sidecar,
    private readonly pickers: Pickers,
  ) {}

  async run(what: "editor" | "key" | "ollama", session: Session): Promise<void> {
    if (what === "key") {
      await vscode.commands.executeCommand("pillion.addApiKey");
      return;
    }
    if (what === "editor") {
      if ((await vscode.lm.selectChatModels()).length === 0) {
        const none =
          "This editor has no language model. Sign in to a provider of models in it, or add a key to Pillion.";
        void vscode.window.showInformationMessage(none);
        return;
      }
      await this.sidecar.request("pillion/session/set_model", { sessionId: session.id, model: "editor" });
    } else if (!(await this.pickers.model(session, "ollama"))) {
      return;
    }
    // New sessions begin with it too.
    await vscode.workspace
      .getConfiguration("pillion")
      .update("model.provider", what, vscode.ConfigurationTarget.Global);
  }
}
