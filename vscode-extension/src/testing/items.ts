/** The items of Test Explorer: one root for each command in its folder, the tests of its runs below by their names. */

import * as vscode from "vscode";

import type { Task, TestResult } from "../protocol";
import { type TestFunction, languageOf, testFunctions } from "./functions";
import { type Node, tree } from "./tree";

/** What a root stands for. */
export interface Suite {
  readonly command: string;
  readonly cwd: string;
  readonly label: string;
}

/** Files of one suite that are looked through for the places of its tests. */
const MOST_FILES = 50;

export class Items implements vscode.Disposable {
  private readonly placed = new vscode.EventEmitter<undefined>();
  private readonly suites = new Map<string, Suite>();
  /** The server's id of each item that is a test. */
  private readonly ids = new WeakMap<vscode.TestItem, string>();
  /** The item of each test, by suite and the server's id. */
  private readonly byId = new Map<string, Map<string, vscode.TestItem>>();
  /** Files in which tests of a suite were seen. */
  private readonly files = new Map<string, Set<string>>();

  /** Tests are known in a file in which they were not. */
  readonly onDidPlace = this.placed.event;

  constructor(private readonly controller: vscode.TestController) {}

  static key(suite: Suite | Task): string {
    return `${suite.cwd}\n${suite.command}`;
  }

  /** The item of a suite; made where it is new. */
  root(suite: Suite): vscode.TestItem {
    const key = Items.key(suite);
    const known = this.controller.items.get(key);
    if (known) {
      return known;
    }
    const item = this.controller.createTestItem(key, suite.label);
    const folder = vscode.workspace.asRelativePath(suite.cwd, false);
    if (folder !== suite.cwd) {
      item.description = folder;
    }
    this.suites.set(key, { command: suite.command, cwd: suite.cwd, label: suite.label });
    this.controller.items.add(item);
    return item;
  }

  suiteOf(item: vscode.TestItem): Suite | undefined {
    let root = item;
    while (root.parent) {
      root = root.parent;
    }
    return this.suites.get(root.id);
  }

  /** The tests at and below an item, as the server knows them. */
  testsOf(item: vscode.TestItem): string[] {
    const own = this.ids.get(item);
    const below = [...item.children].flatMap(([, child]) => this.testsOf(child));
    return own === undefined ? below : [own, ...below];
  }

  /** The item of a test in the newest results of its suite. */
  itemOf(suite: Suite | Task, test: string): vscode.TestItem | undefined {
    return this.byId.get(Items.key(suite))?.get(test);
  }

  /** All tests of a suite. */
  all(suite: Suite | Task): vscode.TestItem[] {
    return [...(this.byId.get(Items.key(suite))?.values() ?? [])];
  }

  /** The tests that stand in a file. */
  inFile(uri: vscode.Uri): vscode.TestItem[] {
    return [...this.byId.values()]
      .flatMap((items) => [...items.values()])
      .filter((item) => item.uri?.toString() === uri.toString());
  }

  /** Takes results of a run: items of new tests are made, those of others stay. Gives how many were left out. */
  async take(suite: Suite, results: readonly TestResult[]): Promise<number> {
    const root = this.root(suite);
    const key = Items.key(suite);
    const files = this.files.get(key) ?? new Set();
    this.files.set(key, files);
    for (const { file } of results) {
      if (file !== null && files.size < MOST_FILES) {
        files.add(file);
      }
    }
    const places = await locate(files);
    const { roots, omitted } = tree(results);
    this.byId.set(key, this.byId.get(key) ?? new Map<string, vscode.TestItem>());
    if (this.fill(key, root, roots, places)) {
      this.placed.fire(undefined);
    }
    return omitted;
  }

  /** Whether one of them is in a file now in which it was not. */
  private fill(key: string, parent: vscode.TestItem, nodes: readonly Node[], places: Places): boolean {
    let placed = false;
    for (const node of nodes) {
      const place = node.test && placeOf(node.test, node.label, places);
      const uri = place && vscode.Uri.file(place.file);
      let item = parent.children.get(node.id);
      if (item === undefined || (uri && item.uri?.toString() !== uri.toString())) {
        const made = this.controller.createTestItem(node.id, node.label, uri ?? item?.uri);
        item?.children.forEach((child) => {
          made.children.add(child); // an item's file is fixed: what stood below it moves to the new one
        });
        parent.children.add(made);
        item = made;
        placed ||= uri !== undefined;
      }
      if (place) {
        item.range = new vscode.Range(place.line, 0, place.line, 0);
      }
      if (node.test) {
        this.ids.set(item, node.test.id);
        this.byId.get(key)?.set(node.test.id, item);
      }
      placed = this.fill(key, item, node.children, places) || placed;
    }
    return placed;
  }

  dispose(): void {
    this.placed.dispose();
  }
}

type Places = ReadonlyMap<string, readonly TestFunction[]>;

/** The function of a test: the one of its name above the line that failed, else the only one of that name. */
function placeOf(test: TestResult, label: string, places: Places): { file: string; line: number } | undefined {
  const at = test.line === null ? undefined : test.line - 1;
  if (test.file !== null) {
    const named = (places.get(test.file) ?? []).filter(({ name }) => name === label);
    const above = named.filter(({ line }) => at === undefined || line <= at);
    const line = above.at(-1)?.line ?? named[0]?.line ?? at;
    return line === undefined ? undefined : { file: test.file, line };
  }
  const everywhere = [...places].flatMap(([file, functions]) =>
    functions.filter(({ name }) => name === label).map(({ line }) => ({ file, line })),
  );
  return everywhere.length === 1 ? everywhere[0] : undefined;
}

async function locate(files: ReadonlySet<string>): Promise<Places> {
  const found = await Promise.all(
    [...files].map(async (file): Promise<[string, TestFunction[]]> => {
      const language = languageOf(file);
      return [file, language === undefined ? [] : testFunctions(language, await read(file))];
    }),
  );
  return new Map(found);
}

async function read(file: string): Promise<string> {
  const open = vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === "file" && uri.fsPath === file);
  if (open) {
    return open.getText();
  }
  try {
    return new TextDecoder().decode(await vscode.workspace.fs.readFile(vscode.Uri.file(file)));
  } catch {
    return ""; // it is gone, or cannot be read: its tests have no place
  }
}
