/** The one polite voice for who does not see the page: events, never the words of an answer as they stream. */

export class Announcer {
  readonly #element: HTMLElement;

  constructor(element: HTMLElement) {
    this.#element = element;
    element.setAttribute("role", "status");
    element.setAttribute("aria-live", "polite");
  }

  say(events: string[]): void {
    if (events.length === 0) return;
    const line = document.createElement("div");
    line.textContent = events.join(". ");
    this.#element.replaceChildren(line);
  }
}
