/**
 * A list of which only what is near the view is in the page. Rows have any height: it is guessed until a row is drawn,
 * and measured from then on. The row at the top of the view stays where it is when heights above it change; at the end,
 * the end stays in view. It knows nothing of what a row is.
 */

export interface Rows<T extends object> {
  key(item: T): number;
  /** Pixels, before the row was ever drawn. */
  guess(item: T, width: number): number;
  /** Draws the row, again where it was drawn before. */
  draw(item: T, row: HTMLElement): void;
}

/** Pixels above and below the view that are drawn too. */
const AHEAD = 500;
/** Milliseconds that a frame may spend on drawing rows; the rest follows in the next one. */
const BUDGET = 12;
/** Nearer to the end than this is at the end. */
const NEAR_END = 24;

/** Pixels below the last row. */
const BELOW = 10;

interface Drawn<T> {
  item: T;
  element: HTMLElement;
  dirty: boolean;
  top: number;
}

export class List<T extends object> {
  readonly #scroller: HTMLElement;
  readonly #canvas: HTMLElement;
  readonly #rows: Rows<T>;
  readonly #observer: ResizeObserver;
  #items: T[] = [];
  #index = new Map<number, number>();
  #heights = new Map<number, number>();
  /** The top of each row, and at the end the height of all. */
  #tops: number[] = [0];
  #staleFrom = 0;
  #drawn = new Map<number, Drawn<T>>();
  #frame = 0;
  #ends = true;
  #lastTop = 0;
  #lastSize = { width: 0, height: 0 };
  /** What is called after each frame that moved or drew something. */
  onLayout: () => void = () => undefined;

  constructor(scroller: HTMLElement, rows: Rows<T>) {
    this.#scroller = scroller;
    this.#rows = rows;
    this.#canvas = document.createElement("div");
    this.#canvas.className = "list-canvas";
    this.#canvas.setAttribute("role", "presentation");
    scroller.append(this.#canvas);
    scroller.addEventListener(
      "scroll",
      () => {
        this.#scrolled();
      },
      { passive: true },
    );
    this.#observer = new ResizeObserver(() => {
      this.schedule();
    });
    this.#observer.observe(scroller);
  }

  get items(): readonly T[] {
    return this.#items;
  }

  /** The end is in view, and stays there as rows come. */
  get atEnd(): boolean {
    return this.#ends;
  }

  /** The items in their order; those that stay keep their elements. */
  set(items: T[]): void {
    const anchor = this.#anchor();
    this.#items = items;
    this.#index = new Map(items.map((item, at) => [this.#rows.key(item), at]));
    this.#staleFrom = 0;
    for (const [key, drawn] of this.#drawn) {
      const at = this.#index.get(key);
      if (at === undefined) this.#remove(key, drawn);
      else drawn.item = items[at] ?? drawn.item;
    }
    for (const key of this.#heights.keys()) if (!this.#index.has(key)) this.#heights.delete(key);
    this.#hold(anchor);
    this.schedule();
  }

  /** Forgets all: other rows come. */
  clear(): void {
    for (const [key, drawn] of this.#drawn) this.#remove(key, drawn);
    this.#heights.clear();
    this.#ends = true;
    this.set([]);
  }

  /** These have to be drawn again, where they are. */
  refresh(items: Iterable<T>): void {
    for (const item of items) {
      const drawn = this.#drawn.get(this.#rows.key(item));
      if (drawn) drawn.dirty = true;
    }
    this.schedule();
  }

  refreshAll(): void {
    for (const drawn of this.#drawn.values()) drawn.dirty = true;
    this.schedule();
  }

  element(item: T): HTMLElement | null {
    return this.#drawn.get(this.#rows.key(item))?.element ?? null;
  }

  /** The rows that are in the page, in their order. */
  *drawn(): Iterable<[T, HTMLElement]> {
    for (const element of this.#canvas.children) {
      const drawn = this.#drawn.get(Number((element as HTMLElement).dataset.key));
      if (drawn) yield [drawn.item, drawn.element];
    }
  }

  itemOf(element: Element): T | null {
    const row = element.closest<HTMLElement>("[data-key]");
    return row && this.#canvas.contains(row) ? (this.#drawn.get(Number(row.dataset.key))?.item ?? null) : null;
  }

  toEnd(): void {
    this.#ends = true;
    this.schedule();
  }

  /** Brings a row into view, draws it at once, and answers with its element. */
  reveal(item: T): HTMLElement | null {
    const at = this.#index.get(this.#rows.key(item));
    if (at === undefined) return null;
    this.#settle();
    const { clientHeight } = this.#scroller;
    const top = this.#tops[at] ?? 0;
    const bottom = this.#tops[at + 1] ?? top;
    const now = this.#scroller.scrollTop;
    if (top < now || bottom > now + clientHeight) {
      this.#ends = false;
      this.#scrollTo(Math.max(0, top - Math.min(80, clientHeight / 4)));
    }
    this.#layout(Infinity);
    return this.element(item);
  }

  schedule(): void {
    if (this.#frame === 0)
      this.#frame = requestAnimationFrame(() => {
        this.#layout(BUDGET);
      });
  }

  /** Draws what is due now, and not at the next frame. */
  flush(): void {
    this.#layout(BUDGET);
  }

  #scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    if (Math.abs(scrollTop - this.#lastTop) < 1) return; // our own
    const end = scrollTop + clientHeight >= scrollHeight - NEAR_END;
    this.#ends = end || (this.#ends && scrollTop > this.#lastTop);
    this.#lastTop = scrollTop;
    this.schedule();
  }

  #scrollTo(top: number): void {
    if (Math.abs(this.#scroller.scrollTop - top) < 1) return;
    this.#scroller.scrollTop = top;
    this.#lastTop = this.#scroller.scrollTop;
  }

  #remove(key: number, drawn: Drawn<T>): void {
    this.#observer.unobserve(drawn.element);
    drawn.element.remove();
    this.#drawn.delete(key);
  }

  /** Brings the tops up to date. */
  #settle(): void {
    const tops = this.#tops;
    const width = this.#canvas.clientWidth;
    tops.length = this.#items.length + 1;
    for (let at = this.#staleFrom; at < this.#items.length; at++) {
      const item = this.#items[at];
      if (!item) break;
      const key = this.#rows.key(item);
      let height = this.#heights.get(key);
      if (height === undefined) {
        height = this.#rows.guess(item, width);
        this.#heights.set(key, height);
      }
      tops[at + 1] = (tops[at] ?? 0) + height;
    }
    this.#staleFrom = this.#items.length;
  }

  /** The first row that is at or below this place. */
  #at(top: number): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#tops[middle + 1] ?? 0) <= top) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #anchor(): { item: T; offset: number } | null {
    this.#settle();
    const top = this.#scroller.scrollTop;
    const item = this.#items[this.#at(top)];
    return item ? { item, offset: top - (this.#tops[this.#at(top)] ?? 0) } : null;
  }

  /** Keeps the row at the top of the view there. */
  #hold(anchor: { item: T; offset: number } | null): void {
    this.#settle();
    this.#canvas.style.height = `${(this.#tops[this.#items.length] ?? 0) + BELOW}px`;
    if (this.#ends) {
      this.#scrollTo(this.#scroller.scrollHeight - this.#scroller.clientHeight);
    } else if (anchor) {
      const at = this.#index.get(this.#rows.key(anchor.item));
      if (at !== undefined) this.#scrollTo((this.#tops[at] ?? 0) + anchor.offset);
    }
  }

  #layout(budget: number): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { clientHeight, clientWidth } = this.#scroller;
    if (clientHeight === 0) return; // hidden; the observer tells when it is not any more
    const until = performance.now() + budget;
    const resized = this.#lastSize.width !== clientWidth || this.#lastSize.height !== clientHeight;
    this.#lastSize = { width: clientWidth, height: clientHeight };
    let more = false;
    const anchor = this.#anchor();
    // Measured rows are not as high as guessed: what is in view changes with that, and settles in a pass or two.
    for (let pass = 0; pass < 4; pass++) {
      this.#hold(anchor);
      const from = this.#at(this.#scroller.scrollTop - AHEAD);
      const to = Math.min(this.#items.length, this.#at(this.#scroller.scrollTop + clientHeight + AHEAD) + 1);
      if (pass === 0) this.#prune(from, to);
      more = this.#draw(from, to, until);
      if (!this.#measure() && pass > 0) break;
    }
    this.#hold(anchor);
    this.#place();
    if (resized && this.#ends) this.#hold(null);
    if (more) this.schedule();
    this.onLayout();
  }

  /** Rows out of sight leave the page, but for the one that has the focus. */
  #prune(from: number, to: number): void {
    const focused = this.#canvas.contains(document.activeElement) ? document.activeElement : null;
    for (const [key, drawn] of this.#drawn) {
      const at = this.#index.get(key) ?? -1;
      const near = at >= from && at < to;
      if (!near && !(focused && drawn.element.contains(focused))) this.#remove(key, drawn);
    }
  }

  /** The rows in view first; answers whether some are left for the next frame. */
  #draw(from: number, to: number, until: number): boolean {
    const top = this.#scroller.scrollTop;
    const first = Math.min(Math.max(this.#at(top), from), to);
    const order: number[] = [];
    for (let at = first; at < to; at++) order.push(at);
    if (this.#ends) order.reverse();
    for (let at = first - 1; at >= from; at--) order.push(at);
    for (const at of order) {
      const item = this.#items[at];
      if (!item) continue;
      const key = this.#rows.key(item);
      const drawn = this.#drawn.get(key);
      if (drawn && !drawn.dirty) continue;
      if (performance.now() > until) return true;
      this.#drawRow(key, item, drawn, at);
    }
    return false;
  }

  #drawRow(key: number, item: T, known: Drawn<T> | undefined, at: number): void {
    if (known) {
      known.dirty = false;
      this.#rows.draw(item, known.element);
      return;
    }
    const element = document.createElement("div");
    element.className = "row";
    element.dataset.key = String(key);
    this.#rows.draw(item, element);
    this.#canvas.insertBefore(element, this.#after(at));
    this.#observer.observe(element);
    this.#drawn.set(key, { item, element, dirty: false, top: NaN });
  }

  /** The element that stands behind this place: the order in the page is the order of the rows. */
  #after(at: number): Element | null {
    let best: Element | null = null;
    let bestAt = Infinity;
    for (const [key, drawn] of this.#drawn) {
      const other = this.#index.get(key) ?? -1;
      if (other > at && other < bestAt) [best, bestAt] = [drawn.element, other];
    }
    return best;
  }

  /** Answers whether a height was another one. */
  #measure(): boolean {
    let changed = false;
    for (const [key, drawn] of this.#drawn) {
      const height = drawn.element.getBoundingClientRect().height;
      if (Math.abs((this.#heights.get(key) ?? 0) - height) < 0.5) continue;
      this.#heights.set(key, height);
      this.#staleFrom = Math.min(this.#staleFrom, this.#index.get(key) ?? 0);
      changed = true;
    }
    return changed;
  }

  #place(): void {
    const total = String(this.#items.length);
    for (const [key, drawn] of this.#drawn) {
      const at = this.#index.get(key) ?? 0;
      const top = this.#tops[at] ?? 0;
      if (drawn.top !== top) {
        drawn.top = top;
        drawn.element.style.transform = `translateY(${top}px)`;
      }
      const article = drawn.element.firstElementChild;
      if (article && article.getAttribute("aria-posinset") !== String(at + 1))
        article.setAttribute("aria-posinset", String(at + 1));
      if (article && article.getAttribute("aria-setsize") !== total) article.setAttribute("aria-setsize", total);
    }
  }
}
