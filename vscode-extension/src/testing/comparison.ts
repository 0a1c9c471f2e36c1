/** Finds what was expected and what came in the message of a failed test, for a diff. Pure. */

export interface Comparison {
  readonly expected: string;
  readonly actual: string;
}

/** Each with the groups `expected` and `actual`, as the assertions of the common runners word them. */
const PATTERNS: readonly RegExp[] = [
  // Rust's assert_eq!: by custom what came stands left.
  /\bleft:\s*(?<actual>[\s\S]+?),?\s*right:\s*(?<expected>[\s\S]+)$/,
  // Jest and Vitest.
  /\bexpected(?: value)?:\s*(?<expected>[\s\S]+?),?\s*(?:\n\s*|\s)received(?: value)?:\s*(?<actual>[\s\S]+)$/i,
  // JUnit, PHPUnit, Go's testify.
  /\bexpected:\s*<?(?<expected>[\s\S]+?)>?,?\s*(?:but was|actual\s*):\s*<?(?<actual>[\s\S]+?)>?$/i,
  // Go's custom.
  /\bgot:?\s+(?<actual>[\s\S]+?)[,;]?\s+(?:want(?:ed)?|expected):?\s+(?<expected>[\s\S]+)$/,
  // Chai.
  /\bexpected (?<actual>.+?) to (?:deeply |strictly )?(?:equal|be) (?<expected>.+)$/,
  // Node's assert.
  /\bstrictly (?:deep-)?equal:\s*(?<actual>.+?) !== (?<expected>.+)$/,
  // pytest.
  /\bassert (?<actual>.+?) == (?<expected>.+)$/,
];

/** A value of more than this is not compared side by side. */
const LONGEST = 4000;

/** What was compared, or undefined where the message does not say. */
export function comparison(message: string): Comparison | undefined {
  if (message.length > LONGEST) {
    return undefined;
  }
  for (const pattern of PATTERNS) {
    const { expected, actual } = pattern.exec(message.trim())?.groups ?? {};
    if (expected !== undefined && actual !== undefined && expected.trim() !== actual.trim()) {
      return { expected: expected.trim(), actual: actual.trim() };
    }
  }
  return undefined;
}
