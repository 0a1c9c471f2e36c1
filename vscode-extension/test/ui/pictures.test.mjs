/** Pictures that are pasted into a message: shown, sent to the model as they are, and refused where they are too large. */

import { strict as assert } from "node:assert";

import { startModel } from "../harness/modelServer.mjs";
import { Story, TEST_MS } from "../harness/story.mjs";

/** One red pixel. */
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";

describe("pictures", function () {
  this.timeout(TEST_MS);
  let story;
  let model;

  /** As the browser does when somebody pastes one. */
  const paste = (name, bytes) =>
    story.composer.evaluate(
      (field, [called, base64, length]) => {
        const raw = base64 ? Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)) : new Uint8Array(length);
        const clipboardData = new DataTransfer();
        clipboardData.items.add(new File([raw], called, { type: "image/png" }));
        field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
      },
      [name, typeof bytes === "string" ? bytes : null, typeof bytes === "number" ? bytes : 0],
    );

  before(async () => {
    model = await startModel();
    story = await Story.begin({
      machine: { "pillion.model.provider": "openai", "pillion.model.name": "measured" },
      env: { OPENAI_API_KEY: "sk-of-nobody", OPENAI_BASE_URL: model.url },
    });
    await story.load();
    await story.openChat();
  });

  after(async () => {
    await story?.end();
    await model?.stop();
  });

  afterEach(function () {
    return story?.picture(this.currentTest);
  });

  it("go before the model with the words", async () => {
    await paste("red.png", PIXEL);
    await story.chat.getByText(/^Picture 1 \(/).waitFor();
    await story.say("Which colour is it?");
    await story.heard("First words 0.");
    const [request] = model.requests;
    const said = request.messages.at(-1).content;
    const picture = said.find(({ type }) => type === "image_url");
    assert.equal(picture?.image_url.url, `data:image/png;base64,${PIXEL}`);
    assert.ok(said.some(({ type, text }) => type === "text" && text.includes("Which colour is it?")));
  });

  it("are seen in the conversation, also when the window is loaded anew", async () => {
    for (const reload of [false, true]) {
      if (reload) {
        await story.load();
        await story.openChat();
        await story.heard("First words 0.");
      }
      const shown = story.log.getByRole("img", { name: "Picture" });
      await shown.waitFor();
      assert.equal(await shown.evaluate((img) => img.decode().then(() => img.naturalWidth)), 1);
    }
  });

  it("are refused with the reason where they are too large, and the words stay", async () => {
    await story.composer.fill("And this one?");
    await paste("huge.png", 30_000_000);
    await story.page
      .locator(".notification-toast", { hasText: "The picture has 30.0 MB, and at most 3.7 can be sent" })
      .waitFor();
    assert.equal(await story.composer.inputValue(), "And this one?");
    assert.equal(await story.chat.getByText(/^Picture \d/).count(), 0);
  });
});
