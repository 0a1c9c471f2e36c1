/** A tool call: a compact row that unfolds to its input, its output and its diff; a task that it became shows as one. */

import { html, nothing } from "lit-html";
import { changeKey } from "../model/messages";
import type { Content, Item, Tool } from "../model/items";
import { isFinal } from "../../src/state";
import { parts as taskParts } from "../../src/tasks/words";
import { taskIcon, taskTime, type Icon } from "../model/taskLine";
import { action, icon, shortPath, statusIcon, type Context, type Part } from "./context";
import { diffView } from "./diffView";
import { noticeLines } from "./noticeRow";

const looks: Record<Tool["status"], Icon> = {
  pending: { name: "circle-outline", look: "muted", spin: false },
  in_progress: { name: "loading", look: "running", spin: true },
  completed: { name: "check", look: "passed", spin: false },
  failed: { name: "close", look: "failed", spin: false },
};

type Diff = Extract<Content, { type: "diff" }>;

export function diffs(item: Tool): Diff[] {
  return item.content.filter((content) => content.type === "diff");
}

/** What the row says behind its title. */
export function toolParts(item: Tool, context: Pick<Context, "chat">): string[] {
  const { chat } = context;
  const task = item.taskId === null ? undefined : chat.tasks.get(item.taskId);
  const parts: string[] = [];
  if (task) {
    parts.push("in background", ...taskParts(task, { tasks: chat.tasks }));
  }
  const steps = item.children.filter((child): child is Tool => child.kind === "tool" && !child.gone);
  const newest = steps.at(-1);
  if (newest && !task) {
    parts.push(`${steps.length} ${steps.length === 1 ? "step" : "steps"}`);
    if (item.status === "in_progress") parts.push(newest.title);
  }
  return parts;
}

export function toolTitle(item: Tool, chat: Context["chat"]): string {
  const task = item.taskId === null ? undefined : chat.tasks.get(item.taskId);
  return (task?.label ?? item.title) || item.name || "Tool";
}

function rowIcon(item: Tool, context: Context): Part {
  const task = item.taskId === null ? undefined : context.chat.tasks.get(item.taskId);
  if (task) return statusIcon(taskIcon(task));
  const asked = context.chat.questions.some(
    (question) => question.toolCall.toolCallId === item.id && question.parentToolCallId === item.parent,
  );
  if (asked) return statusIcon({ name: "question", look: "question", spin: false });
  if (item.status === "completed" && diffs(item).length > 0) return icon("diff", "look-passed");
  return statusIcon(looks[item.status]);
}

function counts(item: Tool): Part {
  const found = diffs(item);
  if (found.length === 0) return nothing;
  const added = found.reduce((sum, diff) => sum + diff.added, 0);
  const removed = found.reduce((sum, diff) => sum + diff.removed, 0);
  return html`<span class="counts" aria-label="${added} lines added, ${removed} removed"
    ><span class="added">+${added}</span> <span class="removed">−${removed}</span></span
  >`;
}

function time(item: Tool, { chat, now }: Context): Part {
  const task = item.taskId === null ? undefined : chat.tasks.get(item.taskId);
  const taken = task ? taskTime(task, chat.elapsed(task, now)) : null;
  return taken === null ? nothing : html`<span class="time">${taken}</span>`;
}

export function toolRow(item: Tool, context: Context): Part {
  const open = context.open.has(item.key);
  const title = toolTitle(item, context.chat);
  const parts = toolParts(item, context);
  return html`<article class="tool ${item.status}" tabindex="-1" aria-label=${title}>
    ${item.label === null ? nothing : html`<div class="batch">${item.label} · ${item.batch} calls</div>`}
    <div class="line-of-row">
      <button
        type="button"
        class="head"
        aria-expanded=${open}
        title=${title}
        @click=${() => {
          context.toggle(item);
        }}
      >
        ${icon(open ? "chevron-down" : "chevron-right", "twistie")} ${rowIcon(item, context)}
        <span class="title ${item.toolKind === "execute" ? "command" : ""}">${title}</span>
        ${counts(item)}
        <span class="parts">${parts.join(" · ")}</span>${time(item, context)}
      </button>
      ${actions(item, context)}
    </div>
    ${open ? body(item, context) : nothing}
  </article>`;
}

function actions(item: Tool, context: Context): Part {
  const { chat, post } = context;
  const task = item.taskId === null ? undefined : chat.tasks.get(item.taskId);
  if (task) {
    const { id } = task;
    return html`<span class="actions">
      ${
        isFinal(task.status)
          ? nothing
          : action("debug-stop", `Stop ${task.label}`, () => {
              post({ type: "stop", taskId: id });
            })
      }
      ${action("output", `Show the log of ${task.label}`, () => {
        post({ type: "showTask", taskId: id });
      })}
    </span>`;
  }
  if (item.toolKind === "execute" && item.status === "in_progress") {
    const act = (): void => {
      post({ type: "promote", toolCallId: item.id, parentToolCallId: item.parent });
    };
    return html`<span class="actions">${action("run-all", "Go on in the background", act)}</span>`;
  }
  return settle(item, context);
}

/** Keep and Undo, while the edit waits for the person. */
function settle(item: Tool, { chat, post }: Context): Part {
  const diff = diffs(item)[0];
  const { turn } = item;
  if (!diff || turn === null) return nothing;
  const state = chat.changes[changeKey(turn, diff.path)];
  if (state === undefined) return nothing;
  if (state !== "pending") return html`<span class="settled">${state === "accepted" ? "kept" : "undone"}</span>`;
  const { path } = diff;
  return html`<span class="actions stay">
    <button
      type="button"
      class="text-action"
      title="Keep the agent's edits of this file in this turn"
      @click=${() => {
        post({ type: "settle", how: "accept", turn, path });
      }}
    >
      Keep
    </button>
    <button
      type="button"
      class="text-action"
      title="Take the agent's edits of this file in this turn back"
      @click=${() => {
        post({ type: "settle", how: "revert", turn, path });
      }}
    >
      Undo
    </button>
  </span>`;
}

function body(item: Tool, context: Context): Part {
  const children = item.children.map((child) => childLine(child, context));
  const task = item.taskId === null ? undefined : context.chat.tasks.get(item.taskId);
  const last = task?.output.lastLine ?? "";
  const input =
    item.input === null ? nothing : block("Input", item.toolKind === "execute" ? `$ ${item.input}` : item.input);
  const content = item.content.map((one) => contentView(one, item, context));
  const waiting = item.content.length === 0 && item.input === null && children.length === 0;
  return html`<div class="body">
    ${input} ${children.length === 0 ? nothing : html`<div class="children">${children}</div>`} ${content}
    ${task && last !== "" && !isFinal(task.status) ? block("Last line", last) : nothing}
    ${waiting ? html`<p class="note">${item.status === "completed" ? "It gave nothing back." : "Nothing to see yet."}</p>` : nothing}
  </div>`;
}

function block(label: string, text: string): Part {
  return html`<pre class="block" tabindex="0" aria-label=${label}>${text}</pre>`;
}

function contentView(content: Content, item: Tool, context: Context): Part {
  if (content.type === "text") {
    if (content.text === "") return nothing;
    return html`${block("Output", content.text)}${omitted(content.omitted, "characters")}`;
  }
  const { path } = content;
  const { turn } = item;
  return html`<div class="diff-head">
      <a
        class="file"
        role="link"
        tabindex="0"
        data-path=${path}
        data-line=${content.lines.find((line) => line.kind === "added")?.line ?? ""}
        >${shortPath(path, context.chat)}</a
      >
      ${content.created ? html`<span class="note">new file</span>` : nothing}
      ${
        turn === null || item.status !== "completed"
          ? nothing
          : action("diff", "Open the changes in the diff editor", () => {
              context.post({ type: "review", turn, path });
            })
      }
    </div>
    ${diffView(content)} ${omitted(content.omitted, "lines")}`;
}

function omitted(count: number, what: string): Part {
  return count === 0
    ? nothing
    : html`<p class="note">${count.toLocaleString("en")} more ${what} are not shown here.</p>`;
}

/** What a subagent did, a line each. */
function childLine(child: Item, context: Context): Part {
  if (child.gone) return nothing;
  switch (child.kind) {
    case "tool":
      return html`<div class="child">
        ${rowIcon(child, context)}<span class="title">${toolTitle(child, context.chat)}</span> ${counts(child)}
        <span class="parts">${toolParts(child, context).join(" · ")}</span>
      </div>`;
    case "notice":
      return html`<div class="child">${noticeLines(child, context)}</div>`;
    default:
      return nothing;
  }
}
