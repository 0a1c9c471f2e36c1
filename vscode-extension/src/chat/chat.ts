/** The chat view `pillion.chat`: registers its page, and is what the rest of the extension asks of the chat. */

import * as vscode from "vscode";

import type { Panel } from "../panel";
import type { ContentBlock } from "../protocol";
import type { Sidecar } from "../sidecar";
import type { Store } from "../store";

export class Chat implements Panel, vscode.WebviewViewProvider, vscode.Disposable {
  private readonly registration: vscode.Disposable;
  private view: vscode.WebviewView | undefined;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly sidecar: Sidecar,
    private readonly store: Store,
  ) {
    this.registration = vscode.window.registerWebviewViewProvider("pillion.chat", this);
  }

  get visible(): boolean {
    return this.view?.visible ?? false;
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    const dist = vscode.Uri.joinPath(this.context.extensionUri, "dist");
    view.webview.options = { enableScripts: true, localResourceRoots: [dist] };
    const script = view.webview.asWebviewUri(vscode.Uri.joinPath(dist, "webview.js")).toString();
    const policy = `default-src 'none'; script-src ${view.webview.cspSource}`;
    view.webview.html = `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}"></head><body><main></main><script src="${script}"></script></body></html>`;
  }

  async reveal(): Promise<void> {
    await vscode.commands.executeCommand("pillion.chat.focus");
  }

  async newSession(): Promise<void> {
    this.store.opened(await this.sidecar.request("pillion/session/new", {}));
  }

  async load(sessionId: string): Promise<void> {
    this.store.opened(await this.sidecar.request("pillion/session/load", { sessionId, limit: 200 }));
  }

  async add(): Promise<void> {
    await this.reveal();
  }

  async send(blocks: readonly ContentBlock[]): Promise<void> {
    if (!this.store.current) {
      await this.newSession();
    }
    const sessionId = this.store.current?.sessionId;
    if (sessionId !== undefined) {
      await this.sidecar.request("pillion/session/prompt", { sessionId, prompt: [...blocks] });
    }
  }

  dispose(): void {
    this.registration.dispose();
  }
}
