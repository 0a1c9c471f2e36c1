/**
 * One session as its updates tell it: the items of the conversation and the facts of the header. A reducer: no editor, no
 * clock. An item keeps its place for life; one that was taken back is marked `gone`. What it returns says what changed.
 */

import type { LoadSessionResult, SessionResult } from "../../src/protocol/session";
import type { ContentBlock } from "../../src/protocol/content";
import type { QueuedPrompt } from "../../src/protocol/update";
import type { Content, Item, Message, Picture, Session, Tool, TurnEnd } from "./items";
import type { ViewUpdate, ViewUpdateParams } from "./messages";
import { blockText } from "./session";

/** What is shown of one message; a longer one is cut, and that is said. */
export const MOST_TEXT = 200_000;
/** Characters of base64 of all pictures of a session: two of the largest that a service takes. The newest are kept. */
export const MOST_PICTURE_DATA = 10_000_000;

export type Change =
  | { type: "item"; item: Item }
  /** Items came, went, or changed places. */
  | { type: "items" }
  | { type: "facts" }
  /** All of it is another one now. */
  | { type: "reset" }
  | { type: "turnStarted"; auto: boolean }
  | { type: "turnEnded"; reason: string; needsModel: string[] }
  | { type: "unsent"; prompts: QueuedPrompt[] }
  | { type: "switch"; sessionId: string };

/** All that the tools did to a file in a turn. */
export interface TurnDiff {
  turn: string;
  path: string;
  content: Content;
}

/** What only the newest page can tell. */
const facts = new Set<ViewUpdate["sessionUpdate"]>([
  "turn_started",
  "plan",
  "queue",
  "usage",
  "retrying",
  "session_info",
]);

type On<K extends ViewUpdate["sessionUpdate"]> = Extract<ViewUpdate, { sessionUpdate: K }>;

/** A call among all of a session. */
export interface CallName {
  toolCallId: string;
  /** The call of the subagent that made it. */
  parentToolCallId: string | null;
}

function keyOf({ toolCallId, parentToolCallId }: CallName): string {
  return JSON.stringify([parentToolCallId, toolCallId]);
}

/** Applies updates to one session, and finds its items by their ids. */
export class Transcript {
  readonly session: Session;
  readonly #messages = new Map<string, Message>();
  /** By call and the call above it: a subagent's may have the id of a call of the session's own. */
  readonly #calls = new Map<string, Tool>();
  readonly #byTask = new Map<string, Set<Item>>();
  #changes: Change[] = [];
  /** Pictures whose data is kept, in the order in which they came, with their messages. */
  #pictures: { picture: Picture; of: Message }[] = [];
  /** Items ahead of those that are shown, while an older page comes. */
  #page: { before: Item[] } | null = null;
  /** Where a new item goes. */
  #into: Item[];

  constructor(session: Session) {
    this.session = session;
    this.#into = session.items;
    this.#index(session.items);
  }

  #index(items: Item[]): void {
    for (const item of items) {
      this.#name(item);
      if (item.kind === "user") {
        for (const picture of item.pictures) if (picture.data !== "") this.#pictures.push({ picture, of: item });
      } else if (item.kind === "tool") {
        if (item.taskId) this.#tie(item, item.taskId);
        // A copy that came as a message holds the nested ones twice: the list's are the ones that go on.
        item.children = item.children.map((child) => items.find((known) => known.key === child.key) ?? child);
      } else if (item.kind === "notice") {
        for (const task of item.taskIds) this.#tie(item, task);
      }
    }
  }

  describe(reply: SessionResult | LoadSessionResult): void {
    this.session.mode = reply.mode;
    if (reply.modes.length > 0) this.session.modes = reply.modes;
    this.session.model = reply.model;
  }

  /** The items that show a task. */
  itemsOf(task: string): Iterable<Item> {
    return this.#byTask.get(task) ?? [];
  }

  /** A task names the call that started it: it may be told of before the call says so. */
  link(call: CallName, taskId: string): Change[] {
    const item = this.call(call);
    if (item?.taskId !== null) return [];
    item.taskId = taskId;
    this.#tie(item, taskId);
    return this.#collect(() => {
      this.#touch(item);
    });
  }

  /** A call, by the server's name for it. */
  call(call: CallName): Tool | undefined {
    return this.#calls.get(keyOf(call));
  }

  /** What a question shows of its call (the diff of an edit) can be unfolded in the row too. */
  preview(call: CallName, content: Tool["content"]): Change[] {
    const item = this.call(call);
    if (item === undefined || item.content.length > 0 || content.length === 0) return [];
    item.content = content;
    return this.#collect(() => {
      this.#touch(item);
    });
  }

  /** What a turn made of a file, where its calls do not say it: a replay tells no diffs. */
  attachDiff({ turn, path, content }: TurnDiff): Change[] {
    const calls = this.session.items.filter(
      (item): item is Tool =>
        item.kind === "tool" && item.toolKind === "edit" && item.turn === turn && item.location?.path === path,
    );
    const end = this.session.items.find((item) => item.kind === "end" && item.turn === turn);
    return this.#collect(() => {
      const last = calls.findLast((call) => call.status === "completed");
      if (last && !calls.some((call) => call.content.some(({ type }) => type === "diff"))) {
        last.content = [content];
        this.#touch(last);
      }
      if (end?.kind === "end" && !end.edited.includes(path)) {
        end.edited.push(path);
        this.#touch(end);
      }
    });
  }

  /** An update of an unknown kind changes nothing. */
  apply(params: ViewUpdateParams): Change[] {
    return this.#collect(() => {
      this.#update(params);
    });
  }

  #collect(act: () => void): Change[] {
    this.#changes = [];
    act();
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  #update(params: ViewUpdateParams): void {
    const { session } = this;
    const { update } = params;
    const older = this.#page !== null && params.replay;
    if (older && facts.has(update.sessionUpdate)) return; // they were so once
    this.#into = this.#page && !params.replay ? this.#page.before : session.items;
    switch (update.sessionUpdate) {
      case "user_message_chunk": {
        this.#chunk("user", update, params);
        return;
      }
      case "agent_message_chunk": {
        this.#chunk("agent", update, params);
        return;
      }
      case "agent_thought_chunk": {
        this.#chunk("thought", update, params);
        return;
      }
      case "message_discarded": {
        this.#discard(update.messageId);
        return;
      }
      case "tool_call": {
        this.#toolCall(update, params);
        return;
      }
      case "tool_call_update": {
        this.#toolUpdate(update, params);
        return;
      }
      case "label": {
        this.#label(update);
        return;
      }
      case "task_notification": {
        this.#add({ ...this.#base(params), kind: "notice", taskIds: update.taskIds, text: update.text });
        return;
      }
      case "since": {
        this.#add({ ...this.#base(params), kind: "since", text: update.text });
        return;
      }
      case "compaction": {
        this.#compaction(update, params);
        return;
      }
      case "turn_started":
        session.turn = params.turnId;
        session.lastTurn = params.turnId;
        if (!params.replay) this.#changes.push({ type: "turnStarted", auto: update.reason === "task_notification" });
        {
          this.#facts();
          return;
        }
      case "turn_ended": {
        this.#turnEnded(update, params);
        return;
      }
      case "session_closed":
        session.turn = null;
        session.queue = [];
        session.closed = true;
        this.#facts();
        {
          this.#add({ ...this.#base(params), kind: "end", reason: "moved", error: null, edited: [] });
          return;
        }
      case "session_switch":
        if (!params.replay) this.#changes.push({ type: "switch", sessionId: update.sessionId });
        return;
      case "plan":
        session.plan = update.entries;
        {
          this.#facts();
          return;
        }
      case "queue":
        session.queue = update.prompts;
        {
          this.#facts();
          return;
        }
      case "usage":
        session.usage = update;
        {
          this.#facts();
          return;
        }
      case "retrying":
        session.retrying = { reason: update.reason, attempt: update.attempt };
        {
          this.#facts();
          return;
        }
      case "session_info":
        if (update.title !== undefined) session.title = update.title;
        if (update.mode !== undefined) session.mode = update.mode;
        if (update.model !== undefined) session.model = update.model;
        if (update.wakesPaused !== undefined) session.wakesPaused = update.wakesPaused;
        {
          this.#facts();
          return;
        }
      case "replay_started": {
        this.#replayStarted(update);
        return;
      }
      case "replay_ended": {
        this.#replayEnded(update);
        return;
      }
    }
  }

  #base(params: ViewUpdateParams): Pick<Item, "key" | "version" | "turn" | "parent" | "nested" | "gone"> {
    const key = this.session.nextKey++;
    return { key, version: 1, turn: params.turnId, parent: params.parentToolCallId, nested: false, gone: false };
  }

  #facts(): void {
    this.#changes.push({ type: "facts" });
  }

  #add(item: Item): void {
    const before = this.#into.at(-1);
    this.#into.push(item);
    if (before?.kind === "thought" || before?.kind === "agent") this.#touch(before); // it is over
    this.#name(item);
    if (item.kind === "notice") for (const task of item.taskIds) this.#tie(item, task);
    const above = this.#above(item);
    if (above) {
      item.nested = true;
      above.children.push(item);
      this.#touch(above);
    }
    this.#changes.push({ type: "items" });
  }

  #name(item: Item): void {
    if (item.gone) return;
    if (item.kind === "tool") this.#calls.set(keyOf({ toolCallId: item.id, parentToolCallId: item.parent }), item);
    else if ("id" in item) this.#messages.set(item.id, item);
  }

  /** The call of the subagent that an item belongs to. */
  #above(item: Item): Tool | undefined {
    return item.parent === null ? undefined : this.call({ toolCallId: item.parent, parentToolCallId: null });
  }

  #tie(item: Item, task: string): void {
    const items = this.#byTask.get(task);
    if (items) items.add(item);
    else this.#byTask.set(task, new Set([item]));
  }

  /** A change inside of a subagent's call is a change of that call. */
  #touch(item: Item): void {
    item.version++;
    this.#changes.push({ type: "item", item });
    const above = item.nested ? this.#above(item) : undefined;
    if (above) this.#touch(above);
  }

  #chunk(kind: Message["kind"], update: { content: ContentBlock; messageId: string }, params: ViewUpdateParams): void {
    if (this.session.retrying) {
      this.session.retrying = null;
      this.#facts();
    }
    let item = this.#messages.get(update.messageId);
    if (item?.kind !== kind) {
      item = { ...this.#base(params), kind, id: update.messageId, text: "", omitted: 0, pictures: [] };
      this.#add(item);
    }
    if (update.content.type === "image") {
      this.#picture(item, update.content, this.#page !== null && params.replay);
      return;
    }
    const text = blockText(update.content);
    const apart = update.content.type !== "text" && item.text !== "" && !item.text.endsWith("\n");
    const whole = item.text + (apart ? "\n" : "") + text;
    item.omitted += Math.max(0, whole.length - MOST_TEXT);
    item.text = whole.slice(0, MOST_TEXT);
    this.#touch(item);
  }

  /** Where they are too many the oldest give way; those of an older page are older than all. */
  #picture(of: Message, { mimeType, data }: { mimeType: string; data: string }, older: boolean): void {
    const picture: Picture = { mimeType, data };
    of.pictures.push(picture);
    this.#touch(of);
    let kept = this.#pictures.reduce((sum, each) => sum + each.picture.data.length, data.length);
    if (older && kept > MOST_PICTURE_DATA) {
      picture.data = "";
      return;
    }
    this.#pictures.splice(older ? 0 : this.#pictures.length, 0, { picture, of });
    while (kept > MOST_PICTURE_DATA) {
      const oldest = this.#pictures.shift();
      if (!oldest) break;
      kept -= oldest.picture.data.length;
      oldest.picture.data = "";
      this.#touch(oldest.of);
    }
  }

  #discard(messageId: string): void {
    const item = this.#messages.get(messageId);
    if (!item) return;
    item.gone = true;
    this.#messages.delete(messageId);
    this.#touch(item);
    this.#changes.push({ type: "items" });
  }

  #tool(id: string, params: ViewUpdateParams): Tool {
    const known = this.call({ toolCallId: id, parentToolCallId: params.parentToolCallId });
    if (known) return known;
    const item: Tool = {
      ...this.#base(params),
      kind: "tool",
      id,
      title: "",
      name: "",
      toolKind: "other",
      status: "pending",
      input: null,
      background: false,
      content: [],
      location: null,
      taskId: null,
      label: null,
      batch: 0,
      children: [],
    };
    this.#add(item);
    return item;
  }

  #toolCall(update: On<"tool_call">, params: ViewUpdateParams): void {
    const item = this.#tool(update.toolCallId, params);
    item.title = update.title;
    item.name = update.name;
    item.toolKind = update.kind;
    item.status = update.status;
    item.input = update.input ?? item.input;
    item.background = update.background;
    item.content = update.content;
    item.location = update.locations[0] ?? item.location;
    this.#touch(item);
  }

  #toolUpdate(update: On<"tool_call_update">, params: ViewUpdateParams): void {
    const item = this.#tool(update.toolCallId, params);
    if (update.status) item.status = update.status;
    if (update.content) item.content = update.content;
    if (item.content.length === 0 && update.output) item.content = [update.output];
    if (update.locations) item.location = update.locations[0] ?? item.location;
    if (update.taskId !== undefined) {
      item.taskId = update.taskId;
      this.#tie(item, update.taskId);
    }
    this.#touch(item);
  }

  /** One call says itself what it is; a batch gets a line. */
  #label(update: On<"label">): void {
    const first = update.toolCallIds[0];
    const item = first === undefined ? undefined : this.call({ toolCallId: first, parentToolCallId: null });
    if (item === undefined || update.toolCallIds.length < 2) return;
    item.label = update.text;
    item.batch = update.toolCallIds.length;
    this.#touch(item);
  }

  #compaction(update: On<"compaction">, params: ViewUpdateParams): void {
    const { status, before, after, message } = update;
    const open = this.#into.findLast((item) => item.kind === "compaction");
    if (open?.kind === "compaction" && open.status === "started" && status !== "started") {
      Object.assign(open, { status, before, after, message });
      this.#touch(open);
      return;
    }
    this.#add({ ...this.#base(params), kind: "compaction", status, before, after, message });
  }

  #turnEnded(update: On<"turn_ended">, params: ViewUpdateParams): void {
    const { session } = this;
    if (this.#page === null || !params.replay) {
      if (session.turn === params.turnId) session.turn = null;
      session.lastTurn = params.turnId ?? session.lastTurn;
      session.retrying = null;
    }
    const end: TurnEnd = {
      ...this.#base(params),
      kind: "end",
      reason: update.stopReason,
      error: update.error?.message ?? null,
      edited: this.#edited(params.turnId),
    };
    this.#add(end);
    this.#facts();
    if (params.replay) return;
    this.#changes.push({ type: "turnEnded", reason: update.stopReason, needsModel: update.needsModel });
    if (update.unsent.length > 0) this.#changes.push({ type: "unsent", prompts: update.unsent });
  }

  #edited(turn: string | null): string[] {
    const paths = new Set<string>();
    for (let at = this.#into.length - 1; at >= 0; at--) {
      const item = this.#into[at];
      if (item?.kind === "end") break;
      if (item?.kind !== "tool" || item.turn !== turn || item.status !== "completed") continue;
      for (const content of item.content) if (content.type === "diff") paths.add(content.path);
    }
    return [...paths].reverse();
  }

  #replayStarted(update: On<"replay_started">): void {
    const { session } = this;
    session.replaying = true;
    if (update.before !== null) {
      this.#page = { before: session.items };
      session.items = [];
      return;
    }
    this.#page = null;
    this.#messages.clear();
    this.#calls.clear();
    this.#byTask.clear();
    this.#pictures = [];
    Object.assign(session, { items: [], queue: [], plan: [], turn: null, retrying: null, closed: false, older: null });
    this.#changes.push({ type: "reset" });
  }

  #replayEnded(update: On<"replay_ended">): void {
    const { session } = this;
    session.replaying = false;
    session.older = update.hasMore ? update.before : null;
    if (this.#page) {
      session.items = session.items.concat(this.#page.before);
      this.#page = null;
    }
    this.#changes.push({ type: "items" });
    this.#facts();
  }
}
