/** The page in its view: makes it, speaks to it, and knows when it has missed something. */

import { randomBytes } from "node:crypto";

import * as vscode from "vscode";

import type { FromView, ToView } from "../../webview/model/messages";
import { pageHtml } from "./page";

export class View implements vscode.WebviewViewProvider, vscode.Disposable {
  private view: vscode.WebviewView | undefined;
  /** The page has said that it is there. */
  private ready = false;
  /** The page was not told everything: it was hidden. */
  private stale = false;
  private readonly registration: vscode.Disposable;

  constructor(
    private readonly extension: vscode.Uri,
    private readonly hear: (message: FromView) => void,
    /** The page needs all of it, from the beginning or again. */
    private readonly missed: () => void,
  ) {
    this.registration = vscode.window.registerWebviewViewProvider("pillion.chat", this, {
      webviewOptions: { retainContextWhenHidden: true },
    });
  }

  get visible(): boolean {
    return this.view?.visible ?? false;
  }

  /** Somebody listens: what is told now arrives. */
  get listens(): boolean {
    return this.ready;
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    this.ready = false;
    const dist = vscode.Uri.joinPath(this.extension, "dist");
    const file = (name: string): string => view.webview.asWebviewUri(vscode.Uri.joinPath(dist, name)).toString();
    view.webview.options = { enableScripts: true, localResourceRoots: [dist] };
    view.webview.onDidReceiveMessage((message: FromView) => {
      if (message.type === "ready") {
        this.ready = true;
        this.missed();
      } else {
        this.hear(message);
      }
    });
    view.onDidChangeVisibility(() => {
      if (view.visible && this.stale && this.ready) {
        this.missed();
      }
    });
    view.onDidDispose(() => {
      this.view = undefined;
      this.ready = false;
    });
    view.webview.html = pageHtml({
      source: view.webview.cspSource,
      script: file("webview.js"),
      style: file("webview.css"),
      nonce: randomBytes(16).toString("hex"),
    });
  }

  tell(message: ToView): void {
    if (!this.view || !this.ready) {
      return; // it asks for everything when it is there
    }
    if (message.type === "everything") {
      this.stale = false;
    }
    this.view.webview.postMessage(message).then(
      (arrived) => {
        this.stale ||= !arrived;
      },
      () => {
        this.stale = true;
      },
    );
  }

  dispose(): void {
    this.registration.dispose();
  }
}
