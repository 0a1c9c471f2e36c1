/**
 * An extension with a language model, as a vendor of models has one: it reads a file when it is first spoken to, then says
 * what the file holds. "wait" makes it wait until it is cancelled, "fail" makes it fail.
 */

const vscode = require("vscode");

const information = {
  id: "grey",
  name: "Grey parrot",
  family: "parrot",
  version: "1",
  maxInputTokens: 50_000,
  maxOutputTokens: 4_000,
  capabilities: { toolCalling: true, imageInput: false },
};

const textOf = (part) => (part instanceof vscode.LanguageModelTextPart ? part.value : "");

function answer(cancelled, messages, progress, token) {
  const last = messages.at(-1);
  const result = last.content.find((part) => part instanceof vscode.LanguageModelToolResultPart);
  const words = last.content.map(textOf).join("");
  if (result) {
    progress.report(new vscode.LanguageModelTextPart(`It holds: ${result.content.map(textOf).join("")}`));
  } else if (words.includes("fail")) {
    throw vscode.LanguageModelError.Blocked("The parrot is not allowed to say this.");
  } else if (words.includes("wait")) {
    progress.report(new vscode.LanguageModelTextPart("Waiting."));
    return new Promise((resolve) => {
      token.onCancellationRequested(() => {
        cancelled();
        resolve();
      });
    });
  } else {
    progress.report(new vscode.LanguageModelTextPart("I look at it."));
    progress.report(new vscode.LanguageModelToolCallPart("call_1", "read_file", { path: "math.js" }));
  }
  return Promise.resolve();
}

exports.activate = (context) => {
  const heard = [];
  let cancelled;
  const cancellation = new Promise((resolve) => (cancelled = resolve));
  context.subscriptions.push(
    vscode.commands.registerCommand("lender.requests", () => heard),
    vscode.commands.registerCommand("lender.cancelled", () => cancellation),
    vscode.lm.registerLanguageModelChatProvider("parrot", {
      provideLanguageModelChatInformation: () => [information],
      provideLanguageModelChatResponse: (model, messages, options, progress, token) => {
        heard.push({
          model: model.id,
          roles: messages.map(({ role }) => role),
          tools: options.tools?.map((t) => t.name),
        });
        return answer(cancelled, messages, progress, token);
      },
      provideTokenCount: (_model, text) => Promise.resolve(String(text).length),
    }),
  );
};
