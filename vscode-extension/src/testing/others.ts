/** Extensions that find and show tests themselves: what they do is not done twice. Pure. */

interface Other {
  readonly languages: readonly string[];
  /** Files that the project's commands come from (`source` of `pillion/project/commands`). */
  readonly sources: RegExp;
  readonly extensions: readonly string[];
}

const SCRIPT = ["javascript", "javascriptreact", "typescript", "typescriptreact"];

const OTHERS: readonly Other[] = [
  { languages: ["rust"], sources: /cargo/i, extensions: ["rust-lang.rust-analyzer"] },
  { languages: ["python"], sources: /pyproject|pytest|tox|setup\.|noxfile/i, extensions: ["ms-python.python"] },
  { languages: ["go"], sources: /go\.(mod|work)/i, extensions: ["golang.go"] },
  {
    languages: SCRIPT,
    sources: /package\.json|deno/i,
    extensions: [
      "vitest.explorer",
      "orta.vscode-jest",
      "firsttris.vscode-jest-runner",
      "connor4312.nodejs-testing",
      "ms-playwright.playwright",
      "hbenl.vscode-mocha-test-adapter",
      "denoland.vscode-deno",
    ],
  },
  { languages: ["java", "kotlin"], sources: /pom|gradle/i, extensions: ["vscjava.vscode-java-test"] },
  { languages: ["csharp", "fsharp"], sources: /\.(sln|csproj|fsproj)/i, extensions: ["ms-dotnettools.csdevkit"] },
  { languages: ["c", "cpp"], sources: /cmake|ctest/i, extensions: ["ms-vscode.cmake-tools"] },
];

/** Whether another extension shows the tests of a language's files. */
export function showsLanguage(language: string, installed: (extension: string) => boolean): boolean {
  return OTHERS.some((other) => other.languages.includes(language) && other.extensions.some(installed));
}

/** Whether another extension finds the tests of a project by the file that its test command comes from. */
export function showsSource(source: string, installed: (extension: string) => boolean): boolean {
  return OTHERS.some((other) => other.sources.test(source) && other.extensions.some(installed));
}
