/** Choosing a session, a mode, a model: the editor's own lists. */

import * as vscode from "vscode";

import type { Session } from "../../webview/model/items";
import type { SessionInfo } from "../protocol";
import type { Sidecar } from "../sidecar";
import type { Conversation } from "./conversation";

/** Sessions in the list. */
const LISTED = 100;

const rename: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon("edit"), tooltip: "Rename" };
const exported: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon("export"), tooltip: "Export as Markdown" };
const remove: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon("trash"), tooltip: "Delete" };

type Row = vscode.QuickPickItem & { session?: SessionInfo };

/** Answers `error.data.kind`, if the server said one. */
export function errorKind(error: unknown): string | undefined {
  const data = (error as { data?: { kind?: unknown } } | undefined)?.data;
  return typeof data?.kind === "string" ? data.kind : undefined;
}

export class Pickers {
  constructor(
    private readonly sidecar: Sidecar,
    private readonly conversation: Conversation,
  ) {}

  async mode(session: Session): Promise<void> {
    const rows = session.modes.map(({ id, name, description }) => ({
      id,
      label: name,
      detail: description,
      description: id === session.mode ? "now" : "",
    }));
    const chosen = await vscode.window.showQuickPick(rows, {
      title: "Mode",
      placeHolder: "What may the agent do without asking?",
    });
    if (chosen) {
      await this.sidecar.request("pillion/session/set_mode", { sessionId: session.id, mode: chosen.id });
    }
  }

  /** Only models of this provider where it is named. Answers whether one was chosen. */
  async model(session: Session, provider?: string): Promise<boolean> {
    const list = vscode.window.createQuickPick<vscode.QuickPickItem & { id?: string }>();
    list.title = "Model";
    list.placeholder = "Who answers in this session?";
    list.busy = true;
    list.matchOnDescription = true;
    list.show();
    const chosen = new Promise<string | undefined>((resolve) => {
      list.onDidAccept(() => {
        resolve(list.selectedItems[0]?.id);
      });
      list.onDidHide(() => {
        resolve(undefined);
      });
    });
    try {
      const { models, providers } = await this.sidecar.request("pillion/model/list", { sessionId: session.id });
      const shown = models.filter((model) => provider === undefined || model.provider === provider);
      list.items = [
        ...shown.map((model) => ({
          id: model.id,
          label: model.name,
          description: [
            providers.find(({ id }) => id === model.provider)?.name ?? model.provider,
            model.contextWindow === null ? "" : `${Math.round(model.contextWindow / 1000)}k`,
            model.current ? "now" : "",
          ]
            .filter((part) => part !== "")
            .join(" · "),
          ...(model.warning === null ? {} : { detail: model.warning }),
        })),
        ...providers
          .filter(
            ({ id, state, message }) =>
              message !== null && (provider === undefined ? state === "failed" : id === provider),
          )
          .map(({ name, message }) => ({ label: `$(warning) ${name}`, detail: message ?? "", alwaysShow: true })),
      ];
      if (list.items.length === 0) {
        list.placeholder = "There is no model. Add a key, or start a model server on this machine.";
      }
      list.busy = false;
      const model = await chosen;
      if (model === undefined) {
        return false;
      }
      await this.sidecar.request("pillion/session/set_model", { sessionId: session.id, model });
      return true;
    } finally {
      list.dispose();
    }
  }

  /** Answers whether one was chosen. */
  async sessions(): Promise<boolean> {
    const list = vscode.window.createQuickPick<Row>();
    list.title = "Sessions";
    list.placeholder = "Which session goes on?";
    list.matchOnDescription = true;
    list.busy = true;
    list.show();
    const fill = async (): Promise<void> => {
      const { sessions } = await this.sidecar.request("pillion/session/list", { limit: LISTED });
      const current = this.conversation.session?.id;
      list.items = [
        { label: "$(add) New session", alwaysShow: true },
        ...sessions.map((session) => ({
          session,
          label: session.title ?? "New session",
          description: `${session.turns} ${session.turns === 1 ? "turn" : "turns"} · ${new Date(session.updatedAt).toLocaleString()}`,
          ...(session.sessionId === current ? { detail: "In the chat now" } : {}),
          buttons: [rename, exported, remove],
        })),
      ];
      list.busy = false;
    };
    const done = new Promise<Row | undefined>((resolve, reject) => {
      list.onDidAccept(() => {
        resolve(list.selectedItems[0]);
      });
      list.onDidHide(() => {
        resolve(undefined);
      });
      list.onDidTriggerItemButton(({ button, item }) => {
        list.hide();
        if (item.session) {
          this.act(button, item.session).catch(reject);
        }
      });
    });
    try {
      await fill();
      const chosen = await done;
      if (chosen?.session) {
        await this.load(chosen.session);
      } else if (chosen) {
        await this.conversation.create();
      }
      return chosen !== undefined;
    } finally {
      list.dispose();
    }
  }

  /** One that another window has open goes on here if the person wants it to. */
  private async load({ sessionId }: SessionInfo): Promise<void> {
    try {
      await this.conversation.load(sessionId);
    } catch (error) {
      if (errorKind(error) !== "session_in_use") {
        throw error;
      }
      const take = "Go on here";
      const what = "This session is open in another window.";
      if ((await vscode.window.showWarningMessage(what, take)) === take) {
        await this.conversation.load(sessionId, true);
      }
    }
  }

  private async act(button: vscode.QuickInputButton, { sessionId, title }: SessionInfo): Promise<void> {
    if (button === rename) {
      const value = await vscode.window.showInputBox({
        title: "Rename session",
        value: title ?? "",
        prompt: "A line of at most 200 characters",
      });
      if (value !== undefined && value.trim() !== "") {
        await this.sidecar.request("pillion/session/rename", { sessionId, title: value.trim().slice(0, 200) });
      }
    } else if (button === exported) {
      const { text } = await this.sidecar.request("pillion/session/export", { sessionId });
      await vscode.window.showTextDocument(
        await vscode.workspace.openTextDocument({ language: "markdown", content: text }),
      );
    } else if (button === remove) {
      await this.forget(sessionId, title);
    }
  }

  private async forget(sessionId: string, title: string | null): Promise<void> {
    const yes = "Delete";
    const what = `Delete “${title ?? "New session"}”?`;
    const detail = "The conversation is removed. Its tasks go on.";
    if ((await vscode.window.showWarningMessage(what, { modal: true, detail }, yes)) !== yes) {
      return;
    }
    await this.sidecar.request("pillion/session/delete", { sessionId });
    if (this.conversation.session?.id === sessionId) {
      await this.conversation.create();
    }
  }
}
