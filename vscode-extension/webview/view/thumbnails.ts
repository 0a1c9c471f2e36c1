/** The pictures of a message, small, in boxes of one size: a row is as high before they are decoded as after. */

import { html, nothing } from "lit-html";
import type { Message, Picture } from "../model/items";
import { icon, type Part } from "./context";
import { isPicture } from "./pictures";

/** Pixels of a box with what is around it, as the style sheet has it. */
export const THUMBNAIL = 80;

export function thumbnails({ pictures }: Message): Part {
  if (pictures.length === 0) return nothing;
  const many = pictures.length > 1;
  return html`<div class="thumbnails">
    ${pictures.map((picture, at) => thumbnail(picture, many ? `Picture ${at + 1} of ${pictures.length}` : "Picture"))}
  </div>`;
}

function thumbnail({ mimeType, data }: Picture, name: string): Part {
  if (data === "" || !isPicture(mimeType))
    return html`<span class="thumbnail" role="img" aria-label=${name} title="${name}: not kept here"
      >${icon("file-media", "look-muted")}</span
    >`;
  return html`<img
    class="thumbnail"
    decoding="async"
    alt=${name}
    title=${name}
    src="data:${mimeType};base64,${data}"
  />`;
}
