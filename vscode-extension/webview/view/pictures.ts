/** Pictures that are pasted: read as what goes with a message, or refused with the reason. */

import type { Attachment } from "../model/messages";

/** What model services take. */
const TYPES: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
/** Bytes of one picture: services take 5 MB of base64. */
const MOST_BYTES = 3_700_000;
/** Pictures that go with one message. */
export const MOST_PICTURES = 10;

/** Whether it is one that models read. */
export function isPicture(type: string): boolean {
  return TYPES.has(type);
}

/** The pictures of what was pasted. Text that came with them is as good: what is copied from a page or a sheet has both. */
export function pictures(pasted: DataTransfer | null): File[] {
  if (pasted?.getData("text/plain") !== "") return [];
  return [...pasted.files].filter(({ type }) => type.startsWith("image/"));
}

/** Why it cannot be sent; null when it can. */
export function refused({ type, size }: { type: string; size: number }): string | null {
  if (!isPicture(type)) return `Models read PNG, JPEG, GIF and WebP, and no ${type.replace("image/", "")}`;
  if (size > MOST_BYTES)
    return `The picture has ${megabytes(size)} MB, and at most ${megabytes(MOST_BYTES)} can be sent`;
  return null;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

/** `number` tells it from others of the same message. */
export async function picture(file: File, number: number): Promise<Attachment> {
  const url = await new Promise<string>((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => {
      resolve(reader.result as string);
    };
    reader.onerror = () => {
      reject(reader.error ?? new Error("the picture cannot be read"));
    };
    reader.readAsDataURL(file);
  });
  const label = `Picture ${number} (${Math.max(1, Math.round(file.size / 1000))} kB)`;
  return { label, block: { type: "image", data: url.slice(url.indexOf(",") + 1), mimeType: file.type } };
}

/** What is kept while nobody has sent it: words and links. Pictures are long, and are kept by the page that shows them. */
export function withoutPictures<T extends { attachments: Attachment[] }>(draft: T): T {
  return { ...draft, attachments: draft.attachments.filter(({ block }) => block.type !== "image") };
}
