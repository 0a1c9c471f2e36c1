/**
 * Notifications, calm: a question raises one, with its answers, where nobody sees it otherwise; the end of a long task
 * one while the window has no focus. Closing a notification answers nothing.
 */

import * as vscode from "vscode";

import { worthTelling } from "./attention/decide";
import type { Panel } from "./panel";
import type { PermissionOption, Task } from "./protocol";
import type { InputQuestion, OpenQuestion, PermissionQuestion } from "./state";
import type { Store } from "./store";
import type { Tasks } from "./tasks";
import { questionText } from "./tasks/answer";
import { oneLine, parts, wentWrong } from "./tasks/words";

/** Answers in one notification; more are a choice of their own. */
const MOST_BUTTONS = 3;

export class Attention implements vscode.Disposable {
  private readonly told = new Set<string>();
  private readonly listening: vscode.Disposable;

  constructor(
    store: Store,
    private readonly tasks: Tasks,
    private readonly panel: Panel,
  ) {
    this.listening = store.onDidChange((change) => {
      if (change.type === "question") {
        this.question(change.question);
      } else if (change.type === "question_closed") {
        this.told.delete(change.question.id);
      } else if (change.type === "task_ended") {
        this.ended(change.task);
      }
    });
  }

  private question(open: OpenQuestion): void {
    const focused = vscode.window.state.focused;
    const visible = this.panel.visible || (open.kind === "input" && this.tasks.visible);
    if ((focused && visible) || this.told.has(open.id)) {
      return;
    }
    this.told.add(open.id);
    void (open.kind === "permission" ? this.permission(open) : this.input(open));
  }

  private async permission(open: PermissionQuestion): Promise<void> {
    const { options, reason } = open.question;
    const because = reason === null ? "" : ` ${oneLine(reason, 300)}`;
    const shown: readonly PermissionOption[] = options.length > MOST_BUTTONS ? [] : options;
    const other = "Answer…";
    const buttons = shown.length > 0 ? shown.map((option) => option.name) : [...once(options), other];
    const text = `Pillion: ${questionText(open)}${because}`;
    const chosen = await vscode.window.showWarningMessage(text, ...buttons);
    const option = options.find(({ name }) => name === chosen);
    if (option) {
      this.tasks.answers.choose(open, option);
    } else if (chosen === other) {
      await this.tasks.answers.ask(open);
    }
  }

  private async input(open: InputQuestion): Promise<void> {
    const type = "Answer…";
    const log = "Open log";
    const listed = open.waitingFor.options.slice(0, MOST_BUTTONS);
    const buttons = [...listed.map(({ label }) => label), type, log];
    const chosen = await vscode.window.showWarningMessage(`Pillion: ${questionText(open)}`, ...buttons);
    const answer = listed.find(({ label }) => label === chosen);
    if (answer) {
      await this.tasks.answers.send(open, answer.text);
    } else if (chosen === type) {
      await this.tasks.answers.type(open);
    } else if (chosen === log) {
      await this.tasks.log(open.task);
    }
  }

  private ended(task: Task): void {
    const seconds = vscode.workspace.getConfiguration("pillion").get("notifications.afterSeconds", 0);
    if (vscode.window.state.focused || !worthTelling(task, seconds)) {
      return;
    }
    const text = `${oneLine(task.label)}: ${parts(task, { elapsed: task.elapsedMs }).join(", ")}`;
    const log = "Open log";
    const told = wentWrong(task)
      ? vscode.window.showWarningMessage(text, log)
      : vscode.window.showInformationMessage(text, log);
    void told.then(async (chosen) => {
      if (chosen === log) {
        await this.tasks.log(task);
      }
    });
  }

  dispose(): void {
    this.listening.dispose();
  }
}

/** Of many options those that hold once: what "always" saves is to be read first. */
function once(options: readonly PermissionOption[]): string[] {
  return options.filter(({ kind }) => kind.endsWith("_once")).map(({ name }) => name);
}
