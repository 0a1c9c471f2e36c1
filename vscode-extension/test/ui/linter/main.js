/** Another language's extension: a problem at each line with `strictEqual`, an action and a lens for it. */

const vscode = require("vscode");

const MENDED = "deepStrictEqual";

exports.activate = (context) => {
  const selector = { language: "javascript", scheme: "file" };
  const problems = vscode.languages.createDiagnosticCollection("demo-lint");
  const lines = (document) =>
    document
      .getText()
      .split("\n")
      .flatMap((text, line) => (text.includes("assert.strictEqual") ? [document.lineAt(line).range] : []));
  const look = (document) => {
    if (vscode.languages.match(selector, document) > 0) {
      const found = lines(document).map((range) => {
        const problem = new vscode.Diagnostic(range, "prefer deepStrictEqual", vscode.DiagnosticSeverity.Warning);
        problem.source = "demo-lint";
        problem.code = "prefer-deep";
        return problem;
      });
      problems.set(document.uri, found);
    }
  };
  vscode.workspace.textDocuments.forEach(look);
  context.subscriptions.push(
    problems,
    vscode.workspace.onDidOpenTextDocument(look),
    vscode.workspace.onDidChangeTextDocument(({ document }) => look(document)),
    vscode.languages.registerCodeActionsProvider(selector, {
      provideCodeActions(document, range, { diagnostics }) {
        return diagnostics
          .filter(({ source }) => source === "demo-lint")
          .map((problem) => {
            const action = new vscode.CodeAction("Use deepStrictEqual", vscode.CodeActionKind.QuickFix);
            const text = document.getText(problem.range).replace("strictEqual", MENDED);
            action.edit = new vscode.WorkspaceEdit();
            action.edit.replace(document.uri, problem.range, text);
            action.diagnostics = [problem];
            return action;
          });
      },
    }),
    vscode.languages.registerCodeLensProvider(selector, {
      provideCodeLenses: (document) =>
        lines(document).map((range) => new vscode.CodeLens(range, { title: "Lint says", command: "" })),
    }),
  );
};
