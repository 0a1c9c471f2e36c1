/**
 * Markdown as HTML, block by block: an answer that grows changes its last block alone. Raw HTML is text, images are their
 * links, and what comes out is sanitised once more. Nothing here is fetched.
 */

import DOMPurify, { type Config } from "dompurify";
import MarkdownIt, { type Token } from "markdown-it";
import { highlight } from "./highlight";

const md = new MarkdownIt({ html: false, linkify: true, typographer: false, breaks: false });
md.linkify.set({ fuzzyLink: false, fuzzyEmail: false });

const escape = (text: string): string => md.utils.escapeHtml(text);

/** What a rule is told of the block that it draws. */
type Env = Record<string, unknown> & { grows?: boolean };

/** Characters of a block that is coloured anew with each piece that comes. */
const MOST_RECOLOURED = 4_000;

md.renderer.rules.fence = (tokens, at, _options, env: Env = {}) => {
  const { content, info } = tokens[at] ?? { content: "", info: "" };
  const plain = env.grows === true && content.length > MOST_RECOLOURED;
  return code(content, info.trim().split(/\s+/, 1)[0] ?? "", plain);
};
md.renderer.rules.code_block = (tokens, at) => code(tokens[at]?.content ?? "", "", true);

function code(source: string, language: string, plain: boolean): string {
  const label = language === "" ? "Code block" : `Code block, ${language}`;
  return (
    `<div class="code" role="group" aria-label="${escape(label)}">` +
    `<div class="code-bar"><span class="code-language">${escape(language)}</span>` +
    `<button type="button" class="action codicon codicon-copy" data-copy="" title="Copy" aria-label="Copy code"></button></div>` +
    `<pre tabindex="0"><code>${highlight(source.replace(/\n$/, ""), plain ? "" : language)}</code></pre></div>`
  );
}

/** `src/auth.rs:41` and `src/auth.rs`; a word with a dot alone is more often a method. */
const place = /^(?:file:\/\/)?((?:[\w.@~+-]*\/)*[\w.@+-]+\.[A-Za-z]\w{0,9})(?::(\d+)(?::\d+)?|#L(\d+)(?:-L?\d+)?)?$/;

function fileLink(target: string, sure: boolean): { path: string; line: string } | null {
  const found = place.exec(target);
  const path = found?.[1];
  if (path === undefined || /^\w+:/.test(path)) return null;
  const line = found?.[2] ?? found?.[3] ?? "";
  return sure || path.includes("/") || line !== "" ? { path, line } : null;
}

md.renderer.rules.code_inline = (tokens, at) => {
  const text = tokens[at]?.content ?? "";
  const file = fileLink(text, false);
  const body = `<code>${escape(text)}</code>`;
  if (!file) return body;
  return `<a class="file" role="link" tabindex="0" data-path="${escape(file.path)}" data-line="${file.line}">${body}</a>`;
};

md.renderer.rules.link_open = (tokens, at) => {
  const href = String(tokens[at]?.attrGet("href") ?? "");
  const target = decode(href);
  const file = /^[a-z][a-z0-9+.-]+:/i.test(target) ? null : fileLink(target, true);
  if (file)
    return `<a class="file" role="link" tabindex="0" data-path="${escape(file.path)}" data-line="${file.line}">`;
  return `<a role="link" tabindex="0" title="${escape(href)}" data-href="${escape(href)}">`;
};

md.renderer.rules.image = (tokens, at) => {
  const token = tokens[at];
  const source = String(token?.attrGet("src") ?? "");
  return `<a role="link" tabindex="0" title="${escape(source)}" data-href="${escape(source)}">${escape(token?.content === "" ? "image" : (token?.content ?? ""))}</a>`;
};

function decode(href: string): string {
  try {
    return decodeURI(href);
  } catch {
    return href;
  }
}

const purify: Config & { RETURN_DOM_FRAGMENT: true } = {
  ALLOWED_TAGS: [
    ..."a b blockquote br button code del div em h1 h2 h3 h4 h5 h6 hr i li ol p pre s span strong".split(" "),
    ..."table tbody td th thead tr ul".split(" "),
  ],
  ALLOWED_ATTR: ["class", "title", "role", "tabindex", "type", "start", "aria-label"],
  ALLOW_DATA_ATTR: true,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

interface Block {
  html: string;
  /** Where it begins in the text that was parsed. */
  start: number;
}

function blocks(text: string, grows = false): Block[] {
  const lines = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines.push(at + 1);
  const found: Block[] = [];
  let group: Token[] = [];
  let depth = 0;
  const tokens = md.parse(text, {});
  for (const [at, token] of tokens.entries()) {
    group.push(token);
    depth += token.nesting;
    if (depth > 0) continue;
    const first = group[0]?.map?.[0] ?? 0;
    const env: Env = { grows: grows && at === tokens.length - 1 };
    found.push({ html: md.renderer.render(group, md.options, env), start: lines[first] ?? 0 });
    group = [];
  }
  return found;
}

/** The HTML of a whole text, for what is not drawn block by block. */
export function toHtml(text: string): string {
  return blocks(text)
    .map((block) => block.html)
    .join("");
}

/** The text of an answer as it is read: for finding. */
export function plainText(text: string): string {
  const words: string[] = [];
  const walk = (tokens: Token[]): void => {
    for (const token of tokens) {
      if (token.children) walk(token.children);
      else if (token.content !== "") words.push(token.content);
      if (token.type === "softbreak" || token.type === "hardbreak" || (token.block && token.nesting <= 0))
        words.push("\n");
    }
  };
  walk(md.parse(text, {}));
  return words.join("").replace(/\n+/g, "\n");
}

/** One text drawn into one element, and drawn on as it grows. */
export class Markdown {
  readonly #element: HTMLElement;
  #text = "";
  #grows = false;
  #drawn: string[] = [];
  /** The blocks ahead of this place do not change any more: a later block has begun. */
  #stable = 0;
  #stableBlocks = 0;

  constructor(element: HTMLElement) {
    this.#element = element;
  }

  /** `grows`: more of it is to come. A long block of code gets its colours once it is whole. */
  draw(text: string, grows = false): void {
    if (text === this.#text && grows === this.#grows) return;
    this.#grows = grows;
    if (!text.startsWith(this.#text)) this.#stable = this.#stableBlocks = 0;
    this.#text = text;
    const fresh = blocks(text.slice(this.#stable), grows);
    const from = this.#stableBlocks;
    for (const [at, block] of fresh.entries()) this.#put(from + at, block.html);
    while (this.#drawn.length > from + fresh.length) {
      this.#drawn.pop();
      this.#element.lastElementChild?.remove();
    }
    const last = fresh.at(-1);
    if (last && fresh.length > 1) {
      this.#stable += last.start;
      this.#stableBlocks += fresh.length - 1;
    }
  }

  #put(at: number, html: string): void {
    if (this.#drawn[at] === html) return;
    this.#drawn[at] = html;
    const block = document.createElement("div");
    block.className = "block";
    block.append(DOMPurify.sanitize(html, purify));
    const old = this.#element.children[at];
    if (old) old.replaceWith(block);
    else this.#element.append(block);
  }
}
