/** Answering open questions away from the chat: a permission, or what a command asks on its standard input. */

import * as vscode from "vscode";
import { attempt } from "../errors";
import type { PermissionOption, Task } from "../protocol";
import type { Sidecar } from "../sidecar";
import type { InputQuestion, OpenQuestion, PermissionQuestion } from "../state";
import type { Store } from "../store";
import { isAboutCallOf } from "./groups";
import { oneLine } from "./words";

export class Answers {
  constructor(
    private readonly sidecar: Sidecar,
    private readonly store: Store,
  ) {}

  /** The open question of a task: its own, or the permission for the call that it was started by. */
  of(task: Task): OpenQuestion | undefined {
    return [...this.store.questions.values()].find((open) =>
      open.kind === "input" ? open.task.id === task.id : isAboutCallOf(task, open.question),
    );
  }

  /** Opens the choice. Closing it answers nothing. */
  async ask(open: OpenQuestion): Promise<void> {
    await (open.kind === "permission" ? this.permission(open) : this.input(open));
  }

  /** Gives the answer to a permission; a "no" may come with a reason for the agent. */
  choose(open: PermissionQuestion, option: PermissionOption, reason?: string): void {
    const { optionId } = option;
    const outcome = { outcome: "selected", optionId, ...(reason ? { reason } : {}) } as const;
    if (!this.store.answer(open.id, { outcome })) {
      tellLate();
    }
  }

  /** Gives a command its answer, unless the question is over: what was meant for it is not for the next. */
  async send(open: InputQuestion, text: string): Promise<void> {
    if (!this.store.questions.has(open.id)) {
      tellLate();
      return;
    }
    await attempt(this.sidecar.request("pillion/task/input", { taskId: open.task.id, text }));
  }

  /** Lets a person type the answer. */
  async type(open: InputQuestion): Promise<void> {
    const text = await this.whileOpen(open, (token) =>
      vscode.window.showInputBox(
        {
          title: open.task.label,
          prompt: open.waitingFor.question === null ? "It waits for an answer" : oneLine(open.waitingFor.question, 300),
          password: open.waitingFor.secret,
          ignoreFocusOut: true,
        },
        token,
      ),
    );
    if (text !== undefined) {
      await this.send(open, `${text}\n`);
    }
  }

  private async permission(open: PermissionQuestion): Promise<void> {
    const { options, reason } = open.question;
    const items = options.map((option) => ({ label: option.name, option }));
    const picked = await this.whileOpen(open, (token) =>
      vscode.window.showQuickPick(
        items,
        { title: questionText(open), placeHolder: reason === null ? "" : oneLine(reason, 300), ignoreFocusOut: true },
        token,
      ),
    );
    if (!picked) {
      return; // put off, not answered
    }
    if (!picked.option.kind.startsWith("reject")) {
      this.choose(open, picked.option);
      return;
    }
    const why = await this.whileOpen(open, (token) =>
      vscode.window.showInputBox({ title: questionText(open), prompt: "Why not? Enter alone gives no reason" }, token),
    );
    if (why !== undefined) {
      this.choose(open, picked.option, why);
    }
  }

  private async input(open: InputQuestion): Promise<void> {
    const { options, question } = open.waitingFor;
    if (options.length === 0) {
      await this.type(open);
      return;
    }
    const choices = [
      ...options.map(({ label, text }) => ({ label, run: () => this.send(open, text) })),
      { label: "Another answer…", run: () => this.type(open) },
      { label: "Stop the task", run: () => this.stop(open.task.id) },
    ];
    const title = open.task.label;
    const placeHolder = oneLine(question ?? "It waits for an answer", 300);
    const picked = await this.whileOpen(open, (token) =>
      vscode.window.showQuickPick(choices, { title, placeHolder, ignoreFocusOut: true }, token),
    );
    await picked?.run();
  }

  private async stop(taskId: string): Promise<void> {
    await attempt(this.sidecar.request("pillion/task/stop", { taskId }));
  }

  /** A choice closes by itself when its question is answered elsewhere or withdrawn. */
  private async whileOpen<T>(
    open: OpenQuestion,
    show: (token: vscode.CancellationToken) => Thenable<T | undefined>,
  ): Promise<T | undefined> {
    if (!this.store.questions.has(open.id)) {
      tellLate();
      return undefined;
    }
    const over = new vscode.CancellationTokenSource();
    const listening = this.store.onDidChange((change) => {
      if (change.type === "question_closed" && change.question.id === open.id) {
        over.cancel();
      }
    });
    try {
      return await show(over.token);
    } finally {
      listening.dispose();
      over.dispose();
    }
  }
}

/** ``Run `cargo test`?``, or what the command asks. */
export function questionText(open: OpenQuestion): string {
  if (open.kind === "input") {
    return `${oneLine(open.task.label, 60)}: ${oneLine(open.waitingFor.question ?? "waits for an answer", 200)}`;
  }
  const { title, kind } = open.question.toolCall;
  return kind === "execute" ? `Run \`${oneLine(title, 200)}\`?` : `${oneLine(title, 200)}?`;
}

function tellLate(): void {
  void vscode.window.showInformationMessage("Pillion: this is no longer asked.");
}
