/** The chat's page in Chromium, with a host that the test plays: what a person types, clicks and hears. */

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "mocha";

import * as told from "./conversation.mjs";
import { openPage, startBrowser } from "./page.mjs";

const updates = (...list) => ({ type: "updates", updates: list });
const questions = (...list) => ({ type: "questions", questions: list });

describe("the chat's page", function () {
  this.timeout(120_000);
  let browser;
  let opened;
  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser.close());
  afterEach(async () => {
    const errors = opened?.errors ?? [];
    await opened?.close();
    opened = undefined;
    assert.deepEqual(errors, [], "the page reports no error, of its policy neither");
  });

  async function open(everything = {}, options = {}) {
    opened = await openPage(browser, options);
    await opened.tell(told.everything(everything));
    await opened.settled();
    return { ...opened, composer: opened.page.getByRole("textbox", { name: "Message Pillion" }) };
  }

  /** From here on time passes only when the test says so. */
  async function freeze(page) {
    const now = await page.evaluate(() => Date.now());
    await page.clock.install({ time: now });
    await page.clock.pauseAt(now + 10_000);
  }

  describe("the transcript", () => {
    it("is a log of articles that does not read out tokens; one voice tells events", async () => {
      const { page, tell, settled } = await open();
      await tell(updates(...told.conversation()));
      await settled();
      const log = page.getByRole("log");
      assert.equal(await log.getAttribute("aria-live"), "off");
      assert.equal(await log.getByRole("article", { name: "You" }).count(), 1);
      const status = page.locator("[role=status][aria-live=polite]").first();
      assert.equal(await status.textContent(), "Pillion has answered");
      assert.ok(!(await status.textContent()).includes("failing test"));
    });

    it("grows with a streamed answer, and leaves what stands as it is", async () => {
      const { page, tell, settled } = await open();
      await tell(updates(told.says("m1", "First paragraph.\n\nSecond")));
      await settled();
      const block = await page.locator(".markdown > .block").first().elementHandle();
      await tell(updates(told.says("m1", " one, **and** more\n\n```js\nlet a")));
      await settled();
      assert.ok(await block.evaluate((element) => element.isConnected));
      assert.equal(await page.locator(".markdown strong").textContent(), "and");
      assert.equal(await page.locator(".code code").textContent(), "let a");
      await tell(updates(told.says("m1", " = 1;\n```\n")));
      await settled();
      assert.equal(await page.locator(".code .hljs-keyword").textContent(), "let");
    });

    it("colours a long block of code once it is whole", async () => {
      const { page, tell, settled } = await open();
      const lines = "let value = compute(42); // why\n".repeat(200);
      await tell(updates(told.update("turn_started", { reason: "prompt" }), told.says("m1", `\`\`\`rust\n${lines}`)));
      await settled();
      assert.equal(await page.locator(".hljs-keyword").count(), 0);
      await tell(updates(told.ends()));
      await settled();
      assert.equal(await page.locator(".hljs-keyword").count(), 200);
    });

    it("takes nothing from an answer but words", async () => {
      const { page, tell, settled } = await open();
      const bad =
        '<img src=x onerror="window.hit=1"> <script>window.hit=1</script> ![i](https://evil.test/i.png) ' +
        "[j](javascript:window.hit=1) [d](data:text/html,x) <style>body{display:none}</style>\n\n<iframe src='https://evil.test'></iframe>";
      const asked = [];
      page.on("request", (request) => asked.push(request.url()));
      await tell(
        updates(
          told.says("m1", bad),
          told.asks("m2", bad),
          told.call("c1", bad),
          told.called("c1", { content: [{ type: "text", text: bad, omitted: 0 }] }),
        ),
      );
      await settled();
      await page.getByRole("button", { name: "<img" }).click();
      await settled();
      assert.equal(await page.evaluate(() => window.hit), undefined);
      assert.equal(await page.locator(".log :is(img, script, iframe, style)").count(), 0);
      assert.equal(await page.locator("[href], [onerror], [style*=display]").locator("visible=true").count(), 0);
      assert.deepEqual(asked, []);
    });

    it("unfolds a completion to exactly what the model was given", async () => {
      const { page, tell, settled, said } = await open();
      await tell(updates(told.update("task_notification", { taskIds: ["t1"], text: told.notification })));
      await settled();
      await page.getByRole("button", { name: "cargo test finished: 3 failed (2 new)" }).click();
      assert.equal(await page.getByLabel("What the agent was told").textContent(), told.notification);
      await page.getByRole("article", { name: "cargo test" }).hover();
      await page.getByRole("button", { name: "Show the log of cargo test" }).click();
      assert.deepEqual((await said("showTask")).at(-1).taskId, "t1");
    });

    it("opens files, copies code, and settles edits by asking the host", async () => {
      const { page, tell, settled, said } = await open({ changes: { "turn1\0/w/src/auth.rs": "pending" } });
      await tell(updates(...told.conversation()));
      await settled();
      await page.getByRole("link", { name: "src/auth.rs:41" }).last().click();
      assert.deepEqual((await said("open")).at(-1), { type: "open", path: "src/auth.rs", line: 41 });
      await page.locator(".code").hover();
      await page.getByRole("button", { name: "Copy code" }).click();
      assert.match((await said("copy")).at(-1).text, /^pub fn login[\s\S]+}$/);
      await page.getByRole("button", { name: "Undo this turn" }).click();
      assert.deepEqual((await said("settle")).at(-1), { type: "settle", how: "revert", turn: "turn1", path: null });
      await tell({ type: "changes", changes: { "turn1\0/w/src/auth.rs": "reverted" } });
      await settled();
      assert.equal(await page.getByRole("button", { name: "Undo this turn" }).count(), 0);
      assert.equal(await page.locator(".settled").first().textContent(), "undone");
    });

    it("is walked through with the keyboard alone", async () => {
      const { page, tell, settled, composer } = await open();
      await tell(updates(...told.conversation()));
      await settled();
      await composer.focus();
      await page.keyboard.press("Control+ArrowUp");
      const name = () => page.evaluate(() => document.activeElement.getAttribute("aria-label"));
      await page.keyboard.press("ArrowUp");
      await page.keyboard.press("ArrowUp");
      assert.equal(await name(), "Edit src/auth.rs");
      await page.keyboard.press("Enter");
      await settled();
      assert.equal(await page.locator(".diff").count(), 1);
      await page.keyboard.press("Home");
      assert.equal(await name(), "You");
      await page.keyboard.press("Escape");
      assert.equal(await name(), "Message Pillion");
    });

    it("stays where one reads while more comes, and offers the way to the end", async () => {
      const { page, tell, settled } = await open();
      const many = Array.from({ length: 60 }, (_, at) =>
        told.says(`m${at}`, `Message number ${at}\n\nwith a second paragraph`),
      );
      await tell(updates(...many));
      await settled();
      const log = page.getByRole("log");
      const bottom = () => log.evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight);
      assert.ok((await bottom()) < 2, "it begins at the end");
      await log.hover();
      await page.mouse.wheel(0, -900);
      await page.waitForFunction(() => !document.querySelector(".to-end").hidden);
      await settled();
      const seen = () =>
        page.evaluate(() => {
          const top = document.querySelector(".log").getBoundingClientRect().top;
          const row = [...document.querySelectorAll(".row")].find((e) => e.getBoundingClientRect().bottom > top);
          return [row.textContent.trim(), Math.round(row.getBoundingClientRect().top)];
        });
      const before = await seen();
      await tell(updates(told.says("late", "Much\n\nmore\n\ntext")));
      await settled();
      assert.deepEqual(await seen(), before);
      await page.getByRole("button", { name: "Go to the newest message" }).click();
      await settled();
      assert.ok((await bottom()) < 2);
    });

    it("asks for older items near the beginning, and keeps the place when they come", async () => {
      const { page, tell, settled, said } = await open({ session: told.session({ older: "412" }) });
      await tell(updates(told.says("m1", "The first that is here")));
      await settled();
      await page.waitForFunction(() => window.said.some(({ type }) => type === "older"));
      const place = () =>
        page.getByText("The first that is here").evaluate((e) => Math.round(e.getBoundingClientRect().bottom));
      const replay = { replay: true, turn: null };
      const old = Array.from({ length: 200 }, (_, at) => told.says(`o${at}`, `Older ${at}`, replay));
      await tell(
        updates(
          told.update("replay_started", { before: "412" }, replay),
          ...old,
          told.update("replay_ended", { before: null, hasMore: false }, replay),
        ),
      );
      await settled();
      assert.equal((await said("older")).length, 1);
      assert.ok((await place()) > 0, "what was in view is in view");
      assert.equal(await page.getByText("Older 0", { exact: true }).count(), 0, "what is far is not in the page");
    });
  });

  describe("questions", () => {
    it("have the command in their name and the three answers, take no focus, and sleep for half a second", async () => {
      const { page, tell, said, composer } = await open();
      await freeze(page);
      await composer.focus();
      await tell(questions(told.permission));
      await page.clock.runFor(50);
      const card = page.getByRole("alertdialog", { name: "cargo test login" });
      await card.waitFor();
      assert.ok(await composer.evaluate((e) => e === document.activeElement));
      const yes = card.getByRole("button", { name: "Yes", exact: true });
      await yes.click();
      await yes.press("Enter");
      assert.deepEqual(await said("answer"), [], "asleep");
      await page.clock.runFor(600);
      assert.equal(await card.getByRole("button", { name: "Always allow `cargo test *`" }).count(), 1);
      assert.equal(await card.getByRole("button", { name: "No", exact: true }).count(), 1);
      await yes.click();
      assert.deepEqual(await said("answer"), [
        { type: "answer", questionId: "q1", outcome: { outcome: "selected", optionId: "allow_once" } },
      ]);
    });

    it("are marked at the row of their call, as long as they are asked", async () => {
      const { page, tell } = await open();
      await tell({ type: "updates", updates: [told.call("call_1", "cargo test login", { status: "pending" })] });
      const row = page.locator(".row", { hasText: "cargo test login" });
      await row.waitFor();
      const mark = row.locator(".codicon-question");
      assert.equal(await mark.count(), 0);
      await tell(questions(told.permission));
      await mark.waitFor();
      await tell(questions());
      await mark.waitFor({ state: "detached" });
    });

    it("are answered with the keyboard only by who goes there", async () => {
      const { page, tell, said, composer } = await open();
      await freeze(page);
      await tell(questions(told.permission));
      await page.clock.runFor(700);
      await composer.focus();
      await page.keyboard.type("y no yes");
      await page.keyboard.press("Enter");
      assert.deepEqual(await said("answer"), []);
      assert.deepEqual(
        (await said("prompt")).map(({ text }) => text),
        ["y no yes"],
      );
      await tell({ type: "focus", what: "question" });
      await page.clock.runFor(50);
      await page.waitForFunction(() => document.activeElement?.getAttribute("role") === "alertdialog");
      await page.keyboard.press("Enter");
      assert.deepEqual(await said("answer"), [], "being on the card is no answer yet");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      assert.equal((await said("answer"))[0]?.outcome.optionId, "allow_once");
    });

    it("are left with Escape, which answers nothing and stops nothing", async () => {
      const { page, tell, said, composer } = await open({ session: told.session({ turn: "turn1" }) });
      await freeze(page);
      await tell(questions(told.permission));
      await page.clock.runFor(700);
      for (const place of [page.getByRole("button", { name: "Yes", exact: true }), page.getByLabel("Why not")]) {
        await place.focus();
        await page.keyboard.press("Escape");
        assert.ok(await composer.evaluate((e) => e === document.activeElement));
      }
      assert.deepEqual([...(await said("answer")), ...(await said("cancel"))], []);
      await page.keyboard.press("Escape");
      assert.equal((await said("cancel")).length, 1, "there it stops the turn");
    });

    it("are refused with a word, and the word is not lost when the question goes away", async () => {
      const { page, tell, said, composer } = await open();
      await freeze(page);
      const second = { ...told.permission, questionId: "q2" };
      await tell(questions(told.permission, second));
      await page.clock.runFor(700);
      const [first, other] = await page.getByLabel("Why not").all();
      await first.fill("only the login tests");
      await first.press("Enter");
      assert.deepEqual((await said("answer"))[0].outcome, {
        outcome: "selected",
        optionId: "reject_once",
        reason: "only the login tests",
      });
      await other.fill("not this either");
      await tell(questions());
      await page.clock.runFor(50);
      await page.waitForFunction(() => document.querySelectorAll(".card").length === 0);
      assert.equal(await composer.inputValue(), "not this either");
      assert.ok(await composer.evaluate((e) => e === document.activeElement));
    });

    it("sleep again when another one takes their place", async () => {
      const { page, tell, said } = await open();
      await freeze(page);
      const second = { ...told.permission, questionId: "q2" };
      await tell(questions(told.permission, second));
      await page.clock.runFor(700);
      await tell(questions(second));
      await page.clock.runFor(50);
      await page.waitForFunction(() => document.querySelectorAll(".card").length === 1);
      await page.getByRole("button", { name: "Yes", exact: true }).click();
      assert.deepEqual(await said("answer"), []);
      await page.clock.runFor(600);
      await page.getByRole("button", { name: "Yes", exact: true }).click();
      assert.equal((await said("answer"))[0].questionId, "q2");
    });

    it("of another session are answered there", async () => {
      const { page, tell, said, settled } = await open();
      await tell(questions({ ...told.permission, sessionId: "s2" }));
      await settled();
      assert.equal(await page.getByRole("alertdialog").count(), 0);
      await page.getByText("Another session asks: Run `cargo test login`?").waitFor();
      await page.getByRole("button", { name: "Show", exact: true }).click();
      assert.deepEqual(await said("load"), [{ type: "load", sessionId: "s2" }]);
    });

    it("of a command go to the command, a secret unseen", async () => {
      const { page, tell, said } = await open();
      await freeze(page);
      const waitingFor = { kind: "input", question: "Password:", holder: null, options: [], secret: true };
      await tell({
        type: "task",
        task: told.task("t9", { label: "sudo make", status: "waiting_for_input", waitingFor }),
      });
      await page.clock.runFor(700);
      const field = page.getByLabel("Answer to sudo make");
      assert.equal(await field.getAttribute("type"), "password");
      await field.fill("hunter2");
      await field.press("Enter");
      assert.deepEqual(await said("input"), [
        { type: "input", taskId: "t9", question: "Password:", text: "hunter2\n" },
      ]);
    });
  });

  describe("the composer", () => {
    it("sends with Enter, breaks lines with Shift+Enter, and stops with Escape", async () => {
      const { page, said, composer } = await open({ session: told.session({ turn: "turn1" }) });
      await composer.focus();
      await page.keyboard.type("one");
      await page.keyboard.press("Shift+Enter");
      await page.keyboard.type("two");
      await page.keyboard.press("Enter");
      assert.equal((await said("prompt"))[0].text, "one\ntwo");
      assert.equal(await composer.inputValue(), "");
      await page.keyboard.press("Escape");
      assert.equal((await said("cancel")).length, 1);
      await page.keyboard.press("ArrowUp");
      assert.equal(await composer.inputValue(), "one\ntwo", "the last message comes back on request");
    });

    it("takes no letter that is the second key of a binding of Pillion's", async () => {
      const { page, composer } = await open();
      await composer.focus();
      await page.keyboard.type("say");
      await page.keyboard.press("Control+Alt+Semicolon");
      await page.keyboard.press("t");
      await page.keyboard.type(" it");
      assert.equal(await composer.inputValue(), "say it");
    });

    it("takes pasted pictures along, and says which it cannot take", async () => {
      const { page, composer, said } = await open();
      const paste = (files, text = "") =>
        composer.evaluate(
          (field, { files, text }) => {
            const clipboardData = new DataTransfer();
            for (const { type, bytes } of files)
              clipboardData.items.add(new File([new Uint8Array(bytes)], "pasted", { type }));
            if (text !== "") clipboardData.setData("text/plain", text);
            field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
          },
          { files, text },
        );
      await paste([
        { type: "image/png", bytes: 3 },
        { type: "image/tiff", bytes: 3 },
        { type: "image/jpeg", bytes: 4_000_000 },
      ]);
      await page.getByText("Picture 1 (1 kB)").waitFor();
      const why = (await said("refused")).map((one) => one.why);
      assert.deepEqual(why, [
        "Models read PNG, JPEG, GIF and WebP, and no tiff",
        "The picture has 4.0 MB, and at most 3.7 can be sent",
      ]);
      await paste([{ type: "image/png", bytes: 3 }], "a cell of a sheet, which is text too");
      assert.equal(await page.getByText(/^Picture/).count(), 1);
      await composer.pressSequentially("What is wrong here?");
      assert.deepEqual(
        (await page.evaluate(() => window.keptState())).draft.attachments,
        [],
        "pictures are too long to keep",
      );
      await page.keyboard.press("Enter");
      const [{ text, attachments }] = await said("prompt");
      assert.equal(text, "What is wrong here?");
      assert.deepEqual(
        attachments.map(({ block }) => block),
        [{ type: "image", data: "AAAA", mimeType: "image/png" }],
      );
      assert.equal(await page.getByText(/^Picture/).count(), 0);
    });

    it("shows pictures that were sent, in boxes of one size, and says where one is not kept", async () => {
      const { page, tell, settled } = await open();
      const picture = (data, mimeType) =>
        told.update("user_message_chunk", { content: { type: "image", data, mimeType }, messageId: "m1" });
      const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
      await tell(
        updates(
          told.asks("m1", "Which colour is it?"),
          picture(pixel, "image/png"),
          picture("AAAA", "image/svg+xml"),
          picture("", "image/png"),
        ),
      );
      await settled();
      const boxes = page.getByRole("article", { name: "You" }).getByRole("img");
      const names = await boxes.evaluateAll((all) => all.map((box) => box.alt ?? box.getAttribute("aria-label")));
      assert.deepEqual(names, ["Picture 1 of 3", "Picture 2 of 3", "Picture 3 of 3"]);
      const sizes = await boxes.evaluateAll((all) =>
        all.map(({ offsetWidth, offsetHeight }) => [offsetWidth, offsetHeight]),
      );
      assert.deepEqual(sizes, Array(3).fill([72, 72]));
      const images = page.locator(".log img");
      assert.equal(await images.count(), 1, "no other kind of picture is drawn");
      assert.equal(await images.evaluate((img) => img.decode().then(() => img.naturalWidth)), 1);
      assert.equal(await page.getByRole("article", { name: "You" }).innerText(), "Which colour is it?");
    });

    it("keeps what is typed at every key, and what was on its way", async () => {
      const { page, settled, composer, said } = await open();
      await composer.pressSequentially("half a thou");
      await settled();
      assert.equal((await page.evaluate(() => window.keptState())).draft.text, "half a thou");
      assert.equal((await said("draft")).at(-1).draft.text, "half a thou");
      await page.keyboard.press("Enter");
      await composer.pressSequentially("next");
      await settled();
      const kept = await page.evaluate(() => window.keptState());
      await opened.close();
      const again = await open({}, { kept });
      assert.equal(await again.composer.inputValue(), "half a thou\nnext", "nobody took the message: it is back");
    });

    it("takes back what could not be sent, ahead of what was begun since", async () => {
      const { tell, settled, composer } = await open();
      await composer.fill("begun since");
      await tell({ type: "compose", text: "not sent", attachments: [], send: false });
      await settled();
      assert.equal(await composer.inputValue(), "not sent\nbegun since");
    });

    it("completes with Tab, and sends with Enter what stands there", async () => {
      const { page, tell, said, settled, composer } = await open();
      await composer.focus();
      await page.keyboard.type("see @au");
      await page.waitForFunction(() => window.said.some(({ query }) => query === "@au"));
      const { id } = (await said("complete")).at(-1);
      const items = [
        { insert: "@src/auth.rs", label: "auth.rs", detail: "src", icon: "file" },
        { insert: "@t1", label: "cargo test", detail: "", icon: "beaker" },
      ];
      await tell({ type: "completions", id, items });
      await page.getByRole("option").first().waitFor();
      await page.keyboard.press("Enter");
      assert.equal((await said("prompt"))[0].text, "see @au", "nothing was chosen");
      await page.keyboard.type("@au");
      await settled();
      await tell({ type: "completions", id: (await said("complete")).at(-1).id, items });
      await page.getByRole("option").first().waitFor();
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowDown");
      assert.equal(await composer.getAttribute("aria-activedescendant"), "completion-1");
      await page.keyboard.press("Tab");
      assert.equal(await composer.inputValue(), "@t1 ");
    });

    it("shows what will be told, and takes it off", async () => {
      const task = told.task("t2", {
        status: "failed",
        summary: "47 passed, 3 failed",
        delivery: "pending",
        sessionId: null,
      });
      const { page, said, settled } = await open({ tasks: [task] });
      await page.getByText("cargo test: 3 failed").waitFor();
      await page.getByRole("button", { name: "Do not tell: cargo test: 3 failed" }).click();
      assert.deepEqual(await said("withhold"), [{ type: "withhold", taskId: "t2" }]);
      await settled();
      assert.equal(await page.getByText("cargo test: 3 failed").count(), 0);
    });

    it("shows messages that wait, to be changed and removed", async () => {
      const prompt = (id, text) => ({ promptId: id, prompt: [{ type: "text", text }] });
      const { page, said } = await open({
        session: told.session({ turn: "turn1", queue: [prompt("p1", "And the docs."), prompt("p2", "And the rest.")] }),
      });
      await page.getByRole("button", { name: "Edit this message" }).first().click();
      const field = page.getByLabel("Edit the message");
      assert.equal(await field.inputValue(), "And the docs.");
      await field.fill("And the readme.");
      await field.press("Enter");
      await page.getByRole("button", { name: "Remove this message" }).last().click();
      assert.deepEqual(await said("requeue"), [
        { type: "requeue", promptId: "p1", text: "And the readme." },
        { type: "requeue", promptId: "p2", text: null },
      ]);
    });

    it("says that no model is there, with three ways out", async () => {
      const { page, said } = await open({ session: told.session({ model: "offline" }), awaiting: "Explain it" });
      await page.getByText("No model: tests and builds work, chat doesn't").waitFor();
      for (const name of ["Use the editor's models", "Add key", "Use Ollama"])
        await page.getByRole("button", { name }).click();
      assert.deepEqual(
        (await said("setup")).map(({ what }) => what),
        ["editor", "key", "ollama"],
      );
      await page.getByText("Sent once a model is there: Explain it").waitFor();
    });
  });

  it("finds text in rows that are not in the page, and in folded ones", async () => {
    const { page, tell, settled } = await open();
    const many = Array.from({ length: 2000 }, (_, at) =>
      told.says(`m${at}`, at === 7 ? "here is the **nee**dle" : `Message ${at}`),
    );
    await tell(
      updates(
        ...many.slice(0, 1000),
        told.call("c1", "cargo test"),
        told.called("c1", { content: [{ type: "text", text: "a Needle in the output", omitted: 0 }] }),
        ...many.slice(1000),
      ),
    );
    await settled();
    await page.keyboard.press("Control+f");
    await page.getByLabel("Find in the conversation").fill("needle");
    await page.getByText("2 of 2").waitFor();
    await page.getByLabel("Output").waitFor();
    await page.keyboard.press("Enter");
    await page.getByText("1 of 2").waitFor();
    await page.getByText("here is the").waitFor();
    const marked = await page.evaluate(() => [...CSS.highlights.get("find-current")].map(String));
    assert.deepEqual(marked, ["needle"]);
    await page.keyboard.press("Escape");
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Message Pillion");
  });
});
