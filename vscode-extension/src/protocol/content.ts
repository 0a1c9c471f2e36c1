/** What prompts and messages are made of: ACP's content blocks. */

export type ContentBlock = TextBlock | ImageBlock | ResourceLinkBlock | ResourceBlock;

export interface TextBlock {
  type: "text";
  text: string;
}

export interface ImageBlock {
  type: "image";
  /** Base64. */
  data: string;
  mimeType: string;
}

export interface ResourceLinkBlock {
  type: "resource_link";
  uri: string;
  name: string;
  range?: LineRange;
}

export interface ResourceBlock {
  type: "resource";
  resource: { uri: string; text: string };
}

/** Lines, 1-based, inclusive. */
export interface LineRange {
  start: number;
  end: number;
}
