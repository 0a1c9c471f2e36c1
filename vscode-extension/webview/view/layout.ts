/** The page's regions, made once. */

export interface Parts {
  header: HTMLElement;
  top: HTMLElement;
  find: HTMLElement;
  log: HTMLElement;
  welcome: HTMLElement;
  toEnd: HTMLButtonElement;
  dock: HTMLElement;
  cards: HTMLElement;
  chips: HTMLElement;
  composer: HTMLElement;
  footer: HTMLElement;
  status: HTMLElement;
}

function make(parent: HTMLElement, tag: string, name: string): HTMLElement {
  const element = document.createElement(tag);
  element.className = name;
  parent.append(element);
  return element;
}

export function layout(root: HTMLElement): Parts {
  root.className = "chat";
  const header = make(root, "header", "header");
  const top = make(root, "div", "top");
  const middle = make(root, "div", "middle");
  const find = make(middle, "div", "find");
  const log = make(middle, "div", "log");
  log.setAttribute("role", "log");
  log.setAttribute("aria-label", "Conversation");
  // A log speaks by itself; this one is read on request, and events have a voice of their own.
  log.setAttribute("aria-live", "off");
  log.tabIndex = 0;
  const welcome = make(middle, "div", "welcome");
  welcome.hidden = true;
  const toEnd = document.createElement("button");
  toEnd.type = "button";
  toEnd.className = "to-end codicon codicon-arrow-down";
  toEnd.title = "Go to the newest message";
  toEnd.setAttribute("aria-label", toEnd.title);
  toEnd.hidden = true;
  middle.append(toEnd);
  const bottom = make(root, "div", "bottom");
  const dock = make(bottom, "div", "dock");
  const cards = make(bottom, "div", "cards");
  const chips = make(bottom, "div", "chips told");
  const composer = make(bottom, "div", "composer");
  const footer = make(bottom, "footer", "footer");
  const status = make(root, "div", "unseen");
  return { header, top, find, log, welcome, toEnd, dock, cards, chips, composer, footer, status };
}
