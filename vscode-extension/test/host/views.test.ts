/** What stands beside the chat, by what the editor's own commands tell of it: logs, links, problems, saving, edits. */

import { strict as assert } from "node:assert";
import { join } from "node:path";

import * as vscode from "vscode";

import { applyEdit, save } from "../../src/changes/apply";
import type { Parts } from "../../src/commands";
import type { Task } from "../../src/protocol";
import { after, change, extension } from "./extension";

const root = (): vscode.Uri => {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder);
  return folder.uri;
};

async function write(name: string, text: string): Promise<vscode.Uri> {
  const uri = vscode.Uri.joinPath(root(), name);
  await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
  return uri;
}

/** Runs a command to its end. */
async function run(parts: Parts, command: string, group?: Task["group"]): Promise<Task> {
  const { task } = await change(
    parts,
    "task_ended",
    (ended) => ended.task.command === command,
    () => parts.client.request("pillion/task/start", { command, ...(group ? { group } : {}) }),
  );
  return task;
}

/** The text of a document, once it fits. */
async function textOf(uri: vscode.Uri, fits: RegExp): Promise<string> {
  const document = await vscode.workspace.openTextDocument(uri);
  if (!fits.test(document.getText())) {
    await after(
      vscode.workspace.onDidChangeTextDocument,
      (event) => event.document === document && fits.test(document.getText()),
      () => undefined,
    );
  }
  return document.getText();
}

describe("the log of a task", () => {
  it("shows the output and how the run ended, and links to places that are there", async () => {
    const parts = await extension();
    await write("said.txt", "math.js:1:9 and none.js:1:1\n");
    const task = await run(parts, "cat said.txt; exit 3");
    await vscode.commands.executeCommand("pillion.tasks.log", task.id);
    const uri = vscode.window.activeTextEditor?.document.uri;
    assert.equal(uri?.scheme, "pillion-log");
    assert.match(await textOf(uri, /\[cat/), /^math\.js:1:9 and none\.js:1:1\n\n\[.*: failed \(3\) · [\d.]+s\]\n$/);
    const links = await vscode.commands.executeCommand<vscode.DocumentLink[]>("vscode.executeLinkProvider", uri, 10);
    assert.deepEqual(
      links.map(({ target }) => target?.toString(true)),
      [`${vscode.Uri.joinPath(root(), "math.js").toString(true)}#L1,9`],
    );
  });

  it("follows into the next run", async () => {
    const parts = await extension();
    const task = await run(parts, "date +%s%N");
    await vscode.commands.executeCommand("pillion.tasks.log", task.id);
    const uri = vscode.window.activeTextEditor?.document.uri;
    assert.ok(uri);
    const first = await textOf(uri, /passed/);
    await change(
      parts,
      "task_ended",
      (ended) => ended.task.id === task.id,
      () => vscode.commands.executeCommand("pillion.tasks.rerun", task.id),
    );
    const number = /^\d+/.exec(first)?.[0] ?? "";
    assert.match(await textOf(uri, new RegExp(`^(?!${number})\\d+\\n\\n\\[.*passed`)), /passed/);
  });
});

describe("a problem of a task", () => {
  it("is offered to be fixed, run again, looked up and dismissed", async () => {
    const parts = await extension();
    const text = `const test = require("node:test");\ntest("adds", () => require("node:assert").equal(1, 2));\n`;
    const uri = await write("one.test.js", text);
    await vscode.window.showTextDocument(uri);
    const task = await run(parts, "node --test one.test.js", "test");
    assert.equal(task.progress.failed, 1);
    const [problem] = vscode.languages.getDiagnostics(uri).filter(({ source }) => source === "pillion");
    assert.ok(problem);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      "vscode.executeCodeActionProvider",
      uri,
      problem.range,
    );
    const titles = actions.map(({ title }) => title);
    for (const wanted of [
      "Fix with Pillion",
      "Rerun this test",
      "Rerun failed tests",
      "Show output at this line",
      "Dismiss the problems of node --test one.test.js",
    ]) {
      assert.ok(titles.includes(wanted), titles.join());
    }
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>("vscode.executeCodeLensProvider", uri, 10);
    assert.deepEqual(
      lenses.map(({ command }) => command?.title),
      ["Rerun test", "Fix with Pillion", "Show output"],
    );

    await vscode.commands.executeCommand("pillion.problem.showOutput", { uri, range: problem.range });
    const editor = vscode.window.activeTextEditor;
    assert.equal(editor?.document.uri.scheme, "pillion-log");
    assert.match(editor.document.lineAt(editor.selection.active.line).text, /one\.test\.js:2/);

    // This test alone runs again, and is fixed by then.
    await write("one.test.js", text.replace("equal(1, 2)", "equal(2, 2)"));
    const { task: again } = await change(
      parts,
      "task_ended",
      (ended) => ended.task.id === task.id,
      () => vscode.commands.executeCommand("pillion.problem.rerunTest", { uri, range: problem.range }),
    );
    assert.equal(again.run, 2);
    assert.equal(again.status, "succeeded");
    assert.match(again.runs.find((each) => each.run === 2)?.narrowed ?? "", /adds/);

    await vscode.commands.executeCommand("pillion.tasks.dismiss", task.id);
    assert.equal(parts.store.tasks.has(task.id), false);
  });
});

describe("an edit that the server asks for", () => {
  const replaced = (uri: vscode.Uri, version: number | null) => ({
    edit: {
      documentChanges: [
        {
          textDocument: { uri: uri.toString(), version },
          edits: [{ range: { start: { line: 0, character: 0 }, end: { line: 0, character: 3 } }, newText: "new" }],
        },
      ],
    },
  });

  it("is refused with the reason where the document is another one by now", async () => {
    const uri = await write("stale.txt", "old\n");
    const document = await vscode.workspace.openTextDocument(uri);
    const applied = () => Promise.resolve({ applied: true });
    assert.deepEqual(await applyEdit(replaced(uri, document.version + 1), applied), {
      applied: false,
      failureReason: `stale.txt was changed in the editor since version ${document.version + 1}`,
    });
    assert.deepEqual(await applyEdit(replaced(uri, document.version), applied), { applied: true });
  });

  it("says so where the editor refuses without a reason", async () => {
    const uri = vscode.Uri.file(join(root().fsPath, "none.txt"));
    const { failureReason } = await applyEdit(replaced(uri, null), () => Promise.resolve({ applied: false }));
    assert.match(failureReason ?? "", /the editor refused the edit/);
  });

  it("is saved, or it is said why not", async () => {
    const uri = await write("saved.txt", "old\n");
    const document = await vscode.workspace.openTextDocument(uri);
    const edit = new vscode.WorkspaceEdit();
    edit.replace(uri, new vscode.Range(0, 0, 0, 3), "new");
    await vscode.workspace.applyEdit(edit);
    assert.equal(document.isDirty, true);
    const closed = vscode.Uri.joinPath(root(), "closed.txt").toString();
    assert.deepEqual(await save([uri.toString(), closed]), {
      saved: [uri.toString()],
      failed: [{ uri: closed, reason: "it is not open" }],
    });
    assert.equal(new TextDecoder().decode(await vscode.workspace.fs.readFile(uri)), "new\n");
  });
});
