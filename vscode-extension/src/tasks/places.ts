/**
 * The places in files that a line of output names: `src/auth.rs:41:9`, `src/a.ts(3,5)`, `File "app.py", line 7`.
 * Pure: whether such a file exists is for the caller to find out.
 */

export interface Place {
  /** As it stands in the line. */
  readonly path: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column?: number;
  /** Where the place stands in the text, in UTF-16 units: `start` of its first, `end` behind its last. */
  readonly start: number;
  readonly end: number;
}

const PATH = String.raw`(?:(?<![A-Za-z])[A-Za-z]:[\\/])?[^\s:()"'\`<>,=|\[\]{}]+`;

/** Each with the groups path, line and column. */
const PATTERNS: readonly RegExp[] = [
  /"(?<path>[^"\n]{1,400})", line (?<line>\d{1,9})/g,
  new RegExp(String.raw`(?<path>${PATH})\((?<line>\d{1,9}),(?<column>\d{1,9})\)`, "g"),
  new RegExp(String.raw`(?<path>${PATH}):(?<line>\d{1,9})(?::(?<column>\d{1,9}))?`, "g"),
];

/** A line of output longer than this is data, not a message. */
const LONGEST = 2000;

/** The places that a line names, from left to right; one that overlaps an earlier pattern's is left out. */
export function places(text: string): Place[] {
  if (text.length > LONGEST) {
    return [];
  }
  const found: Place[] = [];
  for (const pattern of PATTERNS) {
    for (const match of text.matchAll(pattern)) {
      const { path = "", line = "", column } = match.groups ?? {};
      const start = match.index;
      const end = start + match[0].length;
      const taken = found.some((place) => start < place.end && place.start < end);
      if (!taken && looksLikeFile(path)) {
        const at = { path: path.replace(/^\/\/+/, "/"), line: Number(line), start, end };
        found.push(column === undefined ? at : { ...at, column: Number(column) });
      }
    }
  }
  return found.sort((left, right) => left.start - right.start);
}

/** `12:30:45`, `localhost:3000` and `v1.2:3` are no files. */
function looksLikeFile(path: string): boolean {
  return /[\\/]/.test(path) ? !/^\/*$/.test(path) : /\.[A-Za-z_][\w-]*$/.test(path);
}
