/** Keys and clicks that belong to no single part: moving through the transcript, finding, links, copying. */

import type { Item } from "./model/items";
import type { FromView } from "./model/messages";
import type { Parts } from "./view/layout";
import type { List } from "./view/list";

const MODIFIERS: ReadonlySet<string> = new Set(["Control", "Alt", "Shift", "Meta", "AltGraph"]);
/** Milliseconds that a copied block says so. */
const COPIED_MS = 1500;

export interface KeysHost {
  find(): void;
  stop(): void;
  compose(): void;
  toggle(item: Item): void;
  question(): boolean;
  post(message: FromView): void;
}

export class Keys {
  readonly #parts: Parts;
  readonly #list: List<Item>;
  readonly #host: KeysHost;
  /** The last key was the first one of Pillion's own bindings. */
  #chord = false;

  constructor(parts: Parts, list: List<Item>, host: KeysHost) {
    this.#parts = parts;
    this.#list = list;
    this.#host = host;
  }

  begin(): void {
    document.addEventListener(
      "keydown",
      (event) => {
        this.#everywhere(event);
      },
      { capture: true },
    );
    document.addEventListener("keydown", (event) => {
      this.#rest(event);
    });
    this.#parts.log.addEventListener("keydown", (event) => {
      this.#inLog(event);
    });
    document.addEventListener(
      "click",
      (event) => {
        this.#click(event);
      },
      { capture: true },
    );
    window.addEventListener("blur", () => {
      this.#chord = false;
    });
    window.addEventListener("focus", () => {
      if (document.activeElement === document.body) this.#host.compose();
    });
    document.addEventListener(
      "auxclick",
      (event) => {
        this.#click(event);
      },
      { capture: true },
    );
  }

  /** Before VS Code and the browser see it. */
  #everywhere(event: KeyboardEvent): void {
    const command = event.ctrlKey || event.metaKey;
    if (MODIFIERS.has(event.key)) return;
    if (this.#chord) event.preventDefault(); // the editor hears it all the same; it is no letter of a message
    this.#chord = command && event.altKey && event.code === "Semicolon";
    if (command && !event.shiftKey && !event.altKey && event.key === "f") {
      event.preventDefault();
      event.stopImmediatePropagation();
      this.#host.find();
    } else if (command && event.key === "ArrowUp" && !this.#parts.log.contains(document.activeElement)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      this.#focusRow(this.#list.items.length - 1);
    }
  }

  /** From anywhere Escape leads back to the composer, and answers nothing; there it stops the turn. */
  #rest(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.key !== "Escape") return;
    if (document.activeElement === document.body) this.#host.stop();
    else this.#host.compose();
  }

  #inLog(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    const onRow = target.tagName === "ARTICLE";
    if (!onRow && target !== this.#parts.log) {
      if ((event.key === "Enter" || event.key === " ") && target.matches("a[role=link]")) {
        event.preventDefault();
        target.click();
      }
      return;
    }
    const item = onRow ? this.#list.itemOf(target) : null;
    const at = item ? this.#list.items.indexOf(item) : this.#list.items.length;
    if (event.ctrlKey && event.key === "ArrowDown") this.#host.compose();
    else if (event.key === "ArrowUp") this.#focusRow(at - 1);
    else if (event.key === "ArrowDown") this.#focusRow(at + 1);
    else if (event.key === "Home") this.#focusRow(0);
    else if (event.key === "End") this.#focusRow(this.#list.items.length - 1);
    else if (item && (event.key === "Enter" || event.key === " ") && target.querySelector(".head"))
      this.#host.toggle(item);
    else return;
    event.preventDefault();
  }

  #focusRow(at: number): void {
    const item = this.#list.items[Math.max(0, at)];
    if (!item) return;
    if (at >= this.#list.items.length) {
      this.#host.compose();
      return;
    }
    this.#list.reveal(item)?.querySelector<HTMLElement>("article")?.focus({ preventScroll: true });
  }

  #click(event: MouseEvent): void {
    const target = event.target instanceof Element ? event.target : null;
    const link = target?.closest<HTMLElement>("a[role=link]");
    if (link) {
      event.preventDefault();
      const { path, line, href } = link.dataset;
      if (path !== undefined)
        this.#host.post({ type: "open", path, line: line === undefined || line === "" ? null : Number(line) });
      else if (href !== undefined) this.#host.post({ type: "link", href });
      return;
    }
    const copy = target?.closest<HTMLElement>("[data-copy]");
    if (copy) this.#copy(copy);
  }

  #copy(from: HTMLElement): void {
    const text = from.closest(".code")?.querySelector("code")?.textContent ?? "";
    this.#host.post({ type: "copy", text });
    from.classList.replace("codicon-copy", "codicon-check");
    from.title = "Copied";
    setTimeout(() => {
      from.classList.replace("codicon-check", "codicon-copy");
      from.title = "Copy";
    }, COPIED_MS);
  }
}
