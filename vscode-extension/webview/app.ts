/**
 * The page as a whole: owns the state and the parts of the view, and draws at most once a frame what the host's messages
 * have changed.
 */

import { render } from "lit-html";
import type { Bridge } from "./bridge";
import { Keys } from "./keys";
import { Chat, nothing, type Redraw } from "./model/chat";
import type { Item } from "./model/items";
import type { Attachment, Draft, FromView, ToView } from "./model/messages";
import { Announcer } from "./view/announcer";
import { Cards } from "./view/cards";
import { Composer } from "./view/composer";
import type { Context } from "./view/context";
import { drawChips, drawDock, drawFooter, drawTop, type DockState } from "./view/dock";
import { Find } from "./view/find";
import { drawHeader } from "./view/header";
import { layout, type Parts } from "./view/layout";
import { List } from "./view/list";
import { withoutPictures } from "./view/pictures";
import { drawRow, guessHeight, isShown } from "./view/row";
import { welcome } from "./view/welcome";

/** How often rows of running tasks are drawn again, for their time. */
const TICK_MS = 1000;

export class App {
  readonly #bridge: Bridge;
  readonly #chat = new Chat();
  readonly #parts: Parts;
  readonly #list: List<Item>;
  readonly #find: Find;
  readonly #cards: Cards;
  readonly #composer: Composer;
  readonly #announcer: Announcer;
  readonly #open = new Set<number>();
  readonly #dock: DockState = { planOpen: false, editing: null, withheld: new Set(), awaiting: null };
  /** Messages on their way: they come back to the composer where nobody takes them. */
  readonly #sending = new Map<number, Draft>();
  #nextId = 1;
  #shown = new Set<Item>();
  #due: Redraw = nothing();
  #frame = 0;
  #keepDue = false;
  #restored = false;

  constructor(root: HTMLElement, bridge: Bridge) {
    this.#bridge = bridge;
    this.#parts = layout(root);
    this.#list = new List<Item>(this.#parts.log, {
      key: (item) => item.key,
      guess: (item, width) => guessHeight(item, width, { open: this.#open }),
      draw: (item, row) => {
        drawRow(item, row, this.#context());
      },
    });
    this.#announcer = new Announcer(this.#parts.status);
    this.#cards = new Cards(this.#parts.cards);
    this.#composer = new Composer(this.#parts.composer, {
      send: (text, attachments) => {
        this.#send(text, attachments);
      },
      stop: () => {
        this.#stop();
      },
      complete: (id, query) => {
        this.#post({ type: "complete", id, query });
      },
      changed: () => {
        this.#keepSoon();
      },
      refused: (why) => {
        this.#post({ type: "refused", why });
      },
    });
    this.#find = new Find(this.#parts.find, this.#list, {
      context: () => this.#context(),
      open: (item) => {
        this.#setOpen(item, true);
      },
      closed: () => {
        this.#composer.focus();
      },
      more: () => (this.#chat.session?.older ?? null) !== null,
    });
    this.#cards.onLost = (text) => {
      this.#composer.prepend(text, []);
    };
    this.#cards.onLeft = () => {
      this.#composer.focus();
    };
    this.#list.onLayout = () => {
      this.#laidOut();
    };
  }

  begin(): void {
    const keys = new Keys(this.#parts, this.#list, {
      find: () => {
        this.#openFind();
      },
      stop: () => {
        this.#stop();
      },
      compose: () => {
        this.#composer.focus();
      },
      toggle: (item) => {
        this.#toggle(item);
      },
      question: () => this.#cards.focus(),
      post: (message) => {
        this.#post(message);
      },
    });
    keys.begin();
    this.#parts.toEnd.addEventListener("click", () => {
      this.#list.toEnd();
      this.#composer.focus();
    });
    document.addEventListener("visibilitychange", () => {
      this.#keepNow();
    });
    window.addEventListener("pagehide", () => {
      this.#keepNow();
    });
    setInterval(() => {
      this.#tick();
    }, TICK_MS);
    this.#bridge.listen((message) => {
      this.#take(message);
    });
    this.#post({ type: "ready" });
  }

  #post(message: FromView): void {
    this.#bridge.post(message);
  }

  #context(): Context {
    return {
      chat: this.#chat,
      now: performance.now(),
      open: this.#open,
      toggle: (item) => {
        this.#toggle(item);
      },
      post: (message) => {
        this.#post(message);
      },
    };
  }

  #take(message: ToView): void {
    switch (message.type) {
      case "completions": {
        this.#composer.completion.answered(message.id, message.items);
        return;
      }
      case "compose":
        this.#composer.prepend(message.text, message.attachments);
        if (message.send) this.#composer.send();
        return;
      case "accepted":
        this.#sending.delete(message.id);
        {
          this.#keepNow();
          return;
        }
      case "awaiting":
        this.#dock.awaiting = message.text;
        {
          this.#draw({ ...nothing(), frame: true });
          return;
        }
      case "notice": {
        this.#announcer.say([message.text]);
        return;
      }
      case "focus": {
        this.#focus(message.what);
        return;
      }
      case "everything":
        this.#restore(message.draft);
        this.#dock.awaiting = message.awaiting;
        break;
      default:
        break;
    }
    this.#draw(this.#chat.apply(message, performance.now()));
  }

  /** What was typed before: the page's own word is newer than the host's. */
  #restore(draft: Draft): void {
    if (this.#restored) return;
    this.#restored = true;
    const kept = this.#bridge.kept();
    const begun = this.#composer.draft; // typed before the host answered
    this.#composer.restore(kept?.draft.text || kept?.draft.attachments.length ? kept.draft : draft);
    if (begun.text !== "") this.#composer.prepend(begun.text, begun.attachments);
    for (const lost of kept?.sending ?? []) this.#composer.prepend(lost.text, lost.attachments);
    this.#keepNow();
  }

  #send(text: string, attachments: Attachment[]): void {
    const id = this.#nextId++;
    this.#sending.set(id, { text, attachments });
    this.#keepNow();
    this.#list.toEnd();
    this.#post({ type: "prompt", id, text, attachments });
  }

  #stop(): void {
    if ((this.#chat.session?.turn ?? null) !== null) this.#post({ type: "cancel" });
  }

  #keepSoon(): void {
    this.#keepDue = true;
    this.#schedule();
  }

  #keepNow(): void {
    this.#keepDue = false;
    const draft = withoutPictures(this.#composer.draft);
    this.#bridge.keep({ draft, sending: [...this.#sending.values()].map(withoutPictures) });
    this.#post({ type: "draft", draft });
  }

  #toggle(item: Item): void {
    this.#setOpen(item, !this.#open.has(item.key));
  }

  #setOpen(item: Item, open: boolean): void {
    if (open === this.#open.has(item.key)) return;
    if (open) this.#open.add(item.key);
    else this.#open.delete(item.key);
    this.#list.refresh([item]);
    this.#list.flush();
  }

  #openFind(): void {
    this.#find.open();
    this.#laidOut();
  }

  #focus(what: Extract<ToView, { type: "focus" }>["what"]): void {
    switch (what) {
      case "composer": {
        this.#composer.focus();
        return;
      }
      case "find": {
        this.#openFind();
        return;
      }
      case "question":
        if (!this.#cards.focus()) this.#composer.focus();
        return;
      case "last": {
        const last = this.#list.items.at(-1);
        const row = last && this.#list.reveal(last);
        row?.querySelector("article")?.focus();
      }
    }
  }

  #draw(redraw: Redraw): void {
    const due = this.#due;
    due.rows ||= redraw.rows;
    due.reset ||= redraw.reset;
    due.frame ||= redraw.frame;
    for (const item of redraw.items) due.items.add(item);
    due.events.push(...redraw.events);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#frame === 0)
      this.#frame = requestAnimationFrame(() => {
        this.#render();
      });
  }

  #render(): void {
    this.#frame = 0;
    const due = this.#due;
    this.#due = nothing();
    if (this.#keepDue) this.#keepNow();
    if (due.reset) {
      this.#open.clear();
      this.#dock.editing = null;
      this.#list.clear();
    }
    const context = this.#context();
    for (const item of due.items) if (isShown(item, context) !== this.#shown.has(item)) due.rows = true;
    if (due.rows) this.#setRows(context);
    if (due.frame || due.reset || due.rows) this.#drawFrame();
    this.#list.refresh(due.items);
    this.#list.flush();
    if (due.rows || due.items.size > 0) this.#find.refresh();
    this.#announcer.say(due.events);
  }

  #setRows(context: Context): void {
    const items = (this.#chat.session?.items ?? []).filter((item) => isShown(item, context));
    this.#shown = new Set(items);
    this.#list.set(items);
    render(
      welcome(context, items.length === 0, (text) => {
        this.#send(text, []);
      }),
      this.#parts.welcome,
    );
    this.#parts.welcome.hidden = items.length > 0;
  }

  #drawFrame(): void {
    const context = this.#context();
    const again = (): void => {
      this.#draw({ ...nothing(), frame: true });
    };
    for (const id of this.#dock.withheld)
      if (this.#chat.tasks.get(id)?.delivery !== "pending") this.#dock.withheld.delete(id);
    drawHeader(this.#parts.header, context);
    drawTop(this.#parts.top, context);
    drawDock(this.#parts.dock, context, this.#dock, again);
    drawChips(this.#parts.chips, context, this.#dock, again);
    drawFooter(this.#parts.footer, context);
    this.#cards.draw(context);
    this.#composer.toolbar({ running: (this.#chat.session?.turn ?? null) !== null });
  }

  /** Older items come as soon as the first ones are near. */
  #laidOut(): void {
    this.#find.mark();
    this.#parts.toEnd.hidden = this.#list.atEnd || this.#list.items.length === 0;
    const session = this.#chat.session;
    if ((session?.older ?? null) === null || session?.replaying !== false) return;
    // Who looks for something looks in all of it.
    if (this.#parts.log.scrollTop < 800 || this.#find.isOpen) {
      session.replaying = true;
      this.#post({ type: "older" });
    }
  }

  #tick(): void {
    if (document.visibilityState !== "visible") return;
    const live: Item[] = [];
    for (const task of this.#chat.running)
      for (const item of this.#chat.transcript?.itemsOf(task.id) ?? []) live.push(item);
    if (live.length > 0) this.#list.refresh(live);
  }
}
