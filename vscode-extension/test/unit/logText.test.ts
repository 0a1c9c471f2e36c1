import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { LogText } from "../../src/tasks/logText";

const piece = (run: number, offset: number, text: string, skipped = 0) => ({
  taskId: "t1",
  run,
  offset,
  nextOffset: offset + Buffer.byteLength(text),
  text,
  skipped,
  eof: false,
});

describe("the text of a log", () => {
  it("ignores pieces until the end was read, then appends", () => {
    const log = new LogText();
    assert.equal(log.take(piece(1, 0, "a\n")), "ignored");
    log.begin(1, { text: "a\n", offset: 0, nextOffset: 2 });
    assert.equal(log.take(piece(1, 2, "b\n")), "shown");
    assert.equal(log.text, "a\nb\n");
  });

  it("begins anew with a run, and with an attempt", () => {
    const log = new LogText();
    log.begin(1, { text: "a\n", offset: 0, nextOffset: 2 });
    log.take(piece(2, 0, "second\n"));
    assert.equal(log.text, "second\n");
    log.take(piece(2, 0, "attempt\n"));
    assert.equal(log.text, "attempt\n");
    assert.equal(log.run, 2);
  });

  it("asks to be read anew when the beginning of a run was missed", () => {
    const log = new LogText();
    log.begin(1, { text: "a\n", offset: 0, nextOffset: 2 });
    assert.equal(log.take(piece(2, 50, "late\n")), "read_anew");
  });

  it("does not show a piece twice", () => {
    const log = new LogText();
    log.begin(1, { text: "a\nb\n", offset: 0, nextOffset: 4 });
    assert.equal(log.take(piece(1, 2, "b\n")), "ignored");
    assert.equal(log.text, "a\nb\n");
  });

  it("says what was left out", () => {
    const log = new LogText();
    log.begin(1, { text: "end\n", offset: 2048, nextOffset: 2052 });
    assert.equal(log.text, "… 2.0 KiB left out\nend\n");
    log.take(piece(1, 4052, "on\n", 2000));
    assert.match(log.text, /end\n… 2\.0 KiB left out\non\n$/);
  });

  it("keeps the newest text and counts the lines before it", () => {
    const log = new LogText();
    log.begin(1, { text: "", offset: 0, nextOffset: 0 });
    const line = `${"x".repeat(99)}\n`;
    let at = 0;
    for (let number = 0; number < 12; number += 1) {
      const text = line.repeat(1000);
      log.take(piece(1, at, text));
      at += text.length;
    }
    const [note, ...rest] = log.text.split("\n");
    const kept = rest.length - 1;
    assert.equal(note, `… ${12_000 - kept} lines before this`);
    assert.ok(log.text.length < 384 * 1024 + 100 && kept > 1000);
  });
});
