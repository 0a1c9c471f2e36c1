/** Test functions in a file's text, by the customs of its language. Pure; a parser's work is not done here. */

export interface TestFunction {
  /** Without the names of what is around it. */
  readonly name: string;
  /** 0-based. */
  readonly line: number;
}

type Finder = (lines: readonly string[]) => TestFunction[];

/** A line that says the name itself, in the group `name`. */
function byLine(pattern: RegExp): Finder {
  return (lines) =>
    lines.flatMap((text, line) => {
      const name = pattern.exec(text)?.groups?.name;
      return name === undefined ? [] : [{ name, line }];
    });
}

const RUST_ATTRIBUTE = /^\s*#\[\s*(?:[\w:]+::)?(?:test|rstest|test_case|proptest|wasm_bindgen_test)\b/;
const RUST_FUNCTION = /^\s*(?:pub(?:\([^)]*\))?\s+)?(?:async\s+)?(?:unsafe\s+)?fn\s+(?<name>\w+)/;

/** A function below an attribute that makes it a test; other attributes and comments may stand between. */
const rust: Finder = (lines) => {
  const found: TestFunction[] = [];
  let marked = false;
  lines.forEach((text, line) => {
    if (RUST_ATTRIBUTE.test(text)) {
      marked = true;
      return;
    }
    const name = RUST_FUNCTION.exec(text)?.groups?.name;
    if (marked && name !== undefined) {
      found.push({ name, line });
      marked = false;
    } else if (marked && !/^\s*(?:#\[|\/\/|$)/.test(text)) {
      marked = false;
    }
  });
  return found;
};

const script = byLine(
  /^\s*(?:await\s+)?(?:test|it)(?:\.\w+)*\(\s*(?<quote>["'`])(?<name>(?:\\.|(?!\k<quote>).)+)\k<quote>/,
);

const FINDERS: Readonly<Record<string, Finder>> = {
  rust,
  python: byLine(/^\s*(?:async\s+)?def\s+(?<name>test\w*)\s*\(/),
  go: byLine(/^func\s+(?:\(\w+ \*?\w+\)\s+)?(?<name>Test\w*)\s*\(/),
  javascript: script,
  javascriptreact: script,
  typescript: script,
  typescriptreact: script,
};

/** Languages in which test functions are known. */
export const LANGUAGES: readonly string[] = Object.keys(FINDERS);

/** A file longer than this is not looked through. */
const LONGEST = 1024 * 1024;

/** The test functions of a text, in its order. */
export function testFunctions(language: string, text: string): TestFunction[] {
  const find = FINDERS[language];
  return find === undefined || text.length > LONGEST ? [] : find(text.split("\n"));
}

const ENDINGS: Readonly<Record<string, string>> = {
  rs: "rust",
  py: "python",
  go: "go",
  js: "javascript",
  mjs: "javascript",
  cjs: "javascript",
  jsx: "javascriptreact",
  ts: "typescript",
  mts: "typescript",
  cts: "typescript",
  tsx: "typescriptreact",
};

/** The language of a file by its ending, for files that are not open. */
export function languageOf(file: string): string | undefined {
  return ENDINGS[/\.(\w+)$/.exec(file)?.[1] ?? ""];
}
