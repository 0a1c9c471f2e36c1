/** A long conversation: the script that makes it, as the server writes it down and replays it, and how it is scrolled. */

/** Each answer has a text and so many calls, the last one none. */
const CALLS = 49;
const PER_ANSWER = CALLS + 1;

export const FIRST_WORDS = "Read all of it.";

/** A script of so many items, a multiple of 50, the file that it reads, and the words of its last answer. */
export function longConversation(items) {
  const answers = items / PER_ANSWER;
  const steps = Array.from({ length: answers }, (_, at) => ({
    answer: [
      {
        text: `**Answer ${at + 1}.** It has \`code\`:\n\n\`\`\`js\nexports.add = (a, b) => a + b; // ${at}\n\`\`\``,
        chunks: 1,
      },
      ...Array.from({ length: at + 1 < answers ? CALLS : 0 }, (_, call) => ({
        tool: "read_file",
        input: { path: "long.txt", offset: at * CALLS + call + 1, limit: 1 },
      })),
    ],
  }));
  return {
    script: { anyOrder: false, contextWindow: 50_000_000, steps },
    files: { "long.txt": "one of many lines\n".repeat(answers * CALLS) },
    last: `Answer ${answers}.`,
  };
}

/** Has the conversation in a window that was loaded anew: all of it is replayed. */
export async function openLong(story, { files, last }, limitMs) {
  story.write(files);
  await story.load();
  await story.openChat();
  await story.say(FIRST_WORDS);
  await story.log.getByText(last).waitFor({ timeout: limitMs });
  await story.load();
  await story.openChat();
  await story.heard(last);
}

/**
 * Scrolls to the first item, page by page as they come, then over all of it as one who drags the bar. For each frame: how
 * far from the one before, and how many rows were put into the page.
 */
export function scrollThrough(log) {
  return log.evaluate(async (element, words) => {
    let added = 0;
    const observer = new MutationObserver((records) => {
      for (const { addedNodes } of records) {
        for (const node of addedNodes) if (node.classList?.contains("row")) added += 1;
      }
    });
    observer.observe(element, { childList: true, subtree: true });
    const frames = [];
    let most = 0;
    let last = performance.now();
    const step = async (move) => {
      added = 0;
      move();
      const now = await new Promise((next) => requestAnimationFrame(next));
      // Behind this frame's own drawing.
      await new Promise((next) => setTimeout(next));
      const rows = element.querySelectorAll(".row").length;
      most = Math.max(most, rows);
      frames.push({ apart: now - last, added });
      last = now;
    };
    const first = () => [...element.querySelectorAll(".row")].some((row) => row.textContent.includes(words));
    while (!first()) await step(() => (element.scrollTop -= 900)); // page up, held; at the top it waits for the older ones
    for (let at = 0; at < 100; at++) {
      await step(() => (element.scrollTop = ((at * 7919) % 100) * (element.scrollHeight / 100))); // the bar, dragged
    }
    observer.disconnect();
    return { frames, most };
  }, FIRST_WORDS);
}
