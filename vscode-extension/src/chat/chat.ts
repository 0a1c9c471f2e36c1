/** The chat view `pillion.chat`: brings its page, its session and the rest of the extension together. */

import { homedir } from "node:os";

import * as vscode from "vscode";

import type { Attachment, Connection, FromView } from "../../webview/model/messages";
import { blockText, words } from "../../webview/model/session";
import type { Change } from "../../webview/model/transcript";
import type { Panel } from "../panel";
import type { CommandInfo, ContentBlock } from "../protocol";
import type { Sidecar } from "../sidecar";
import type * as state from "../state";
import type { Store } from "../store";
import { Conversation, type Told } from "./conversation";
import { Drafts } from "./drafts";
import { Edits } from "./edits";
import { commandItems } from "./matching";
import { mentionItems } from "./mentions";
import { openFile, openLink } from "./opening";
import { Pickers } from "./pickers";
import { Setup } from "./setup";
import { slimQuestion } from "./slim";
import { View } from "./view";
import { Waiting } from "./waiting";

export class Chat implements Panel, vscode.Disposable {
  private readonly view: View;
  private readonly conversation: Conversation;
  private readonly drafts: Drafts;
  private readonly edits: Edits;
  private readonly pickers: Pickers;
  private readonly setup: Setup;
  private readonly waiting: Waiting;
  private readonly disposables: vscode.Disposable[];
  private commands: CommandInfo[] = [];
  private trouble: string | null = null;
  /** Where the focus goes once the page is there. */
  private focusSoon: "composer" | "last" | "question" | "find" | null = null;
  private completing = new vscode.CancellationTokenSource();

  constructor(
    context: vscode.ExtensionContext,
    private readonly sidecar: Sidecar,
    private readonly store: Store,
  ) {
    this.view = new View(
      context.extensionUri,
      (message) => {
        this.attempt(this.hear(message));
      },
      () => {
        this.begin();
      },
    );
    this.conversation = new Conversation(sidecar, store, context.workspaceState);
    this.drafts = new Drafts(context.workspaceState);
    this.pickers = new Pickers(sidecar, this.conversation);
    this.setup = new Setup(sidecar, this.pickers);
    this.edits = new Edits(sidecar, (changes) => {
      this.view.tell({ type: "changes", changes });
    });
    this.waiting = new Waiting(
      (prompt) => {
        this.attempt(this.conversation.prompt(prompt));
      },
      (text) => {
        this.view.tell({ type: "awaiting", text });
      },
    );
    const focus = (what: "last" | "question" | "find") => () => this.reveal(what);
    this.disposables = [
      this.view,
      this.conversation,
      this.drafts,
      this.completing,
      this.conversation.onTold((told) => {
        this.told(told);
      }),
      store.onDidChange((change) => {
        this.changed(change);
      }),
      sidecar.onDidSettle((settled) => {
        this.edits.settled(settled);
      }),
      sidecar.onDidChangeState(() => {
        this.view.tell({ type: "connection", connection: this.connection });
        if (sidecar.state === "running") {
          this.attempt(this.learnCommands());
        }
      }),
      vscode.commands.registerCommand("pillion.chat.focusLastMessage", focus("last")),
      vscode.commands.registerCommand("pillion.chat.focusQuestion", focus("question")),
      vscode.commands.registerCommand("pillion.chat.find", focus("find")),
    ];
  }

  get visible(): boolean {
    return this.view.visible;
  }

  async reveal(focus: "composer" | "last" | "question" | "find" = "composer"): Promise<void> {
    await vscode.commands.executeCommand("pillion.chat.focus");
    if (this.view.listens) {
      this.view.tell({ type: "focus", what: focus });
    } else {
      this.focusSoon = focus;
    }
  }

  /** One in which nothing was said yet is new enough. */
  async newSession(): Promise<void> {
    const session = await this.conversation.ensure();
    if (session.items.length > 0 || session.closed) {
      await this.conversation.create();
    }
  }

  async chooseSession(): Promise<void> {
    await this.conversation.ensure();
    if (await this.pickers.sessions()) {
      await this.reveal();
    }
  }

  async load(sessionId: string): Promise<void> {
    await this.conversation.load(sessionId);
  }

  async add(blocks: readonly ContentBlock[]): Promise<void> {
    const attachments = blocks.flatMap((block): Attachment[] => {
      return block.type === "text" ? [] : [{ label: blockText(block).replace(/^@/, ""), block }];
    });
    this.compose(words([...blocks]), attachments);
    await this.reveal();
  }

  async send(blocks: readonly ContentBlock[]): Promise<void> {
    await this.reveal();
    await this.say([...blocks], words([...blocks]));
  }

  /** Puts words into the composer, ahead of what is typed there. */
  private compose(text: string, attachments: Attachment[]): void {
    if (this.view.listens) {
      this.view.tell({ type: "compose", text, attachments, send: false });
    } else {
      this.drafts.prepend(text, attachments);
    }
  }

  private get connection(): Connection {
    return { state: this.sidecar.state, message: this.sidecar.state === "failed" ? this.trouble : null };
  }

  /** The page is there, or has missed something. */
  private begin(): void {
    this.view.tell({
      type: "everything",
      session: this.conversation.session,
      tasks: [...this.store.tasks.values()],
      questions: this.questions,
      connection: this.connection,
      commands: this.commands,
      changes: this.edits.now,
      draft: this.drafts.now,
      awaiting: this.waiting.text,
      roots: (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath),
      home: homedir(),
    });
    if (this.focusSoon) {
      this.view.tell({ type: "focus", what: this.focusSoon });
      this.focusSoon = null;
    }
    this.attempt(this.conversation.ensure());
  }

  private get questions(): ReturnType<typeof slimQuestion>[] {
    return [...this.store.questions.values()].flatMap((open) =>
      open.kind === "permission" ? [slimQuestion(open.question)] : [],
    );
  }

  private async learnCommands(): Promise<void> {
    const { commands } = await this.sidecar.request("pillion/command/list", {});
    this.commands = commands;
    this.view.tell({ type: "commands", commands });
  }

  private told(told: Told): void {
    if (told.type === "session") {
      const { session } = this.conversation;
      this.view.tell({ type: "session", session });
      this.waiting.look(session);
      if (session && !session.replaying) {
        this.attempt(this.learnEdits(session.id));
      }
      return;
    }
    this.view.tell({ type: "updates", updates: told.updates });
    for (const change of told.changes) {
      this.follow(change);
    }
  }

  private async learnEdits(sessionId: string): Promise<void> {
    const diffs = await this.edits.begin(sessionId);
    if (diffs.length > 0 && this.conversation.session?.id === sessionId) {
      this.conversation.attach(sessionId, diffs);
      this.view.tell({ type: "diffs", diffs });
    }
  }

  private follow(change: Change): void {
    const { session } = this.conversation;
    switch (change.type) {
      case "unsent":
        this.compose(change.prompts.map(({ prompt }) => words(prompt)).join("\n"), []);
        break;
      case "switch":
        this.attempt(this.conversation.load(change.sessionId));
        break;
      case "facts":
        this.waiting.look(session);
        break;
      case "turnEnded": {
        const end = session?.items.at(-1);
        if (session) {
          this.waiting.ended(session);
        }
        if (end?.kind === "end" && end.turn !== null && end.edited.length > 0) {
          this.attempt(this.edits.ended(end.turn));
        }
        break;
      }
      default:
    }
  }

  private changed(change: state.Change): void {
    switch (change.type) {
      case "task":
        this.view.tell({ type: "task", task: change.task });
        break;
      case "tasks":
      case "task_dismissed":
        this.view.tell({ type: "tasks", tasks: [...this.store.tasks.values()] });
        break;
      case "question":
      case "question_closed":
        if (change.question.kind === "permission") {
          this.view.tell({ type: "questions", questions: this.questions });
        }
        break;
      default:
    }
  }

  private async say(prompt: ContentBlock[], text: string): Promise<void> {
    await this.conversation.ensure();
    this.waiting.sent(this.conversation.session, prompt, text);
    await this.conversation.prompt(prompt);
  }

  private async hear(message: FromView): Promise<void> {
    switch (message.type) {
      case "ready":
        return;
      case "draft":
        this.drafts.set(message.draft);
        return;
      case "refused":
        void vscode.window.showWarningMessage(`Pillion: ${message.why}.`);
        return;
      case "prompt":
        await this.prompted(message);
        return;
      case "cancel":
        await this.conversation.cancel();
        return;
      case "requeue":
        await this.requeue(message.promptId, message.text);
        return;
      case "answer":
        if (!this.store.answer(message.questionId, { outcome: message.outcome })) {
          this.view.tell({ type: "notice", text: "This is no longer asked" });
          this.view.tell({ type: "questions", questions: this.questions });
        }
        return;
      case "input":
        await this.input(message.taskId, message.question, message.text);
        return;
      case "stop":
        await this.sidecar.request("pillion/task/stop", { taskId: message.taskId });
        return;
      case "withhold":
        await this.sidecar.request("pillion/task/withhold", { taskId: message.taskId });
        return;
      case "promote":
        await this.promote(message.toolCallId, message.parentToolCallId);
        return;
      case "showTask":
        await vscode.commands.executeCommand("pillion.tasks.log", { taskId: message.taskId });
        return;
      case "pick":
        await this.pick(message.what);
        return;
      case "setup":
        await this.setup.run(message.what, await this.conversation.ensure());
        return;
      case "settle":
        await this.edits.settle(message.how, message.turn, message.path);
        return;
      case "review":
        await (message.path === null
          ? vscode.commands.executeCommand("pillion.changes.diffAll")
          : vscode.commands.executeCommand("pillion.changes.diff", vscode.Uri.file(message.path)));
        return;
      case "open":
        await openFile(message.path, message.line);
        return;
      case "link":
        await openLink(message.href);
        return;
      case "copy":
        await vscode.env.clipboard.writeText(message.text);
        return;
      case "complete":
        await this.complete(message.id, message.query);
        return;
      case "older":
        await this.conversation.older();
        return;
      case "load":
        await this.conversation.load(message.sessionId);
        return;
      case "forget":
        this.waiting.forget();
        return;
      case "command":
        await vscode.commands.executeCommand(`pillion.${message.name}`);
    }
  }

  /** What could not be sent is back in the composer before anybody is told why. */
  private async prompted({ id, text, attachments }: Extract<FromView, { type: "prompt" }>): Promise<void> {
    const prompt: ContentBlock[] = [
      ...(text === "" ? [] : [{ type: "text" as const, text }]),
      ...attachments.map(({ block }) => block),
    ];
    try {
      await this.say(prompt, text);
    } catch (error) {
      this.compose(text, attachments);
      throw error;
    } finally {
      this.view.tell({ type: "accepted", id });
    }
  }

  private async promote(toolCallId: string, parentToolCallId: string | null): Promise<void> {
    const { session } = this.conversation;
    if (session) {
      await this.sidecar.request("pillion/task/promote", { sessionId: session.id, toolCallId, parentToolCallId });
    }
  }

  private async requeue(promptId: string, text: string | null): Promise<void> {
    const { session } = this.conversation;
    const queued = session?.queue.find((one) => one.promptId === promptId);
    if (!session || !queued) {
      if (text !== null) {
        this.compose(text, []); // it was read meanwhile: what was written is not lost
      }
      return;
    }
    const links = queued.prompt.filter((block) => block.type !== "text");
    await this.sidecar.request(
      "pillion/session/queue",
      text === null
        ? { sessionId: session.id, promptId, remove: true }
        : { sessionId: session.id, promptId, replace: [{ type: "text", text }, ...links] },
    );
  }

  /** What was meant for one question is not for the next one. */
  private async input(taskId: string, question: string | null, text: string): Promise<void> {
    const on = this.store.tasks.get(taskId)?.waitingFor;
    if (on?.kind !== "input" || on.question !== question) {
      this.view.tell({ type: "notice", text: "This is no longer asked" });
      return;
    }
    await this.sidecar.request("pillion/task/input", { taskId, text });
  }

  private async pick(what: "mode" | "model" | "sessions"): Promise<void> {
    if (what === "sessions") {
      await this.pickers.sessions();
    } else {
      const session = await this.conversation.ensure();
      await (what === "mode" ? this.pickers.mode(session) : this.pickers.model(session));
    }
    this.view.tell({ type: "focus", what: "composer" });
  }

  private async complete(id: number, query: string): Promise<void> {
    this.completing.cancel();
    this.completing.dispose();
    this.completing = new vscode.CancellationTokenSource();
    const { token } = this.completing;
    const items = query.startsWith("/")
      ? commandItems(query, this.commands)
      : await mentionItems(query, this.store.tasks.values(), token);
    if (!token.isCancellationRequested) {
      this.view.tell({ type: "completions", id, items });
    }
  }

  /** What fails is told once: in the panel where the server is missing, else as the editor tells errors. */
  private attempt(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      if (this.sidecar.state === "running") {
        void vscode.window.showErrorMessage(`Pillion: ${message}`);
        return;
      }
      this.trouble = message.replace(/^Error: /, "");
      this.view.tell({ type: "connection", connection: this.connection });
    });
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables).dispose();
  }
}
