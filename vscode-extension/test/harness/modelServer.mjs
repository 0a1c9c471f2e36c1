/** A model service that answers one sentence at once, and knows when its first byte went out: OpenAI's Chat Completions. */

import { createServer } from "node:http";

/** Starts it. `requests` has what it was asked; `sent` has, by the words of each answer, when its first byte was written: milliseconds of this machine's clock. */
export async function startModel() {
  const sent = new Map();
  const requests = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (piece) => (body += piece));
    request.on("end", () => {
      if (!request.url.endsWith("/chat/completions")) {
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify({ object: "list", data: [{ id: "measured", object: "model" }] }));
        return;
      }
      requests.push(JSON.parse(body));
      const words = `First words ${sent.size}.`;
      const event = (delta, finish_reason = null) =>
        `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", model: "measured", choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
      response.writeHead(200, { "content-type": "text/event-stream" });
      sent.set(words, performance.timeOrigin + performance.now());
      response.write(event({ role: "assistant", content: words }));
      response.end(`${event({}, "stop")}data: [DONE]\n\n`);
    });
  });
  await new Promise((listens) => server.listen(0, "127.0.0.1", listens));
  return {
    url: `http://127.0.0.1:${server.address().port}/v1`,
    requests,
    sent,
    stop: () => new Promise((gone) => server.close(gone).closeAllConnections()),
  };
}
