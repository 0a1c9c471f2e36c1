/** Where VS Code starts the suite of the extension host: runs all tests and writes their results to TEST_RESULTS. */

import { writeFileSync } from "node:fs";

import Mocha from "mocha";

interface Result {
  title: string;
  ms: number;
  error?: string;
}

export function run(): Promise<void> {
  const mocha = new Mocha({ ui: "bdd", timeout: 120_000, reporter: "min" });
  const { TEST_GREP: grep, TEST_RESULTS: file } = process.env;
  if (grep) {
    mocha.grep(grep);
  }
  mocha.suite.emit("pre-require", globalThis as unknown as Mocha.MochaGlobals, "host", mocha);
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- after mocha's words are there
  require("./suite");
  return new Promise((resolve, reject) => {
    const results: Result[] = [];
    const runner = mocha.run((failures) => {
      if (file) {
        writeFileSync(file, JSON.stringify(results));
      }
      if (failures > 0) {
        reject(new Error(`${failures} failed`));
      } else {
        resolve();
      }
    });
    runner.on("pass", (test) => results.push({ title: test.fullTitle(), ms: test.duration ?? 0 }));
    runner.on("fail", (test, error: Error) => {
      results.push({ title: test.fullTitle(), ms: 0, error: error.stack ?? error.message });
    });
  });
}
