//! Reads how many tests passed and failed out of what the test runners print. Pure.

use std::ops::AddAssign;

use crate::terminal;

/// Tests that ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// nextest's summary: `Summary [ 1.2s] 12 tests run: 10 passed (1 slow), 1 failed, 1 timed out, 3 skipped`.
/// `None` when there is none: nothing ran.
pub fn nextest(text: &str) -> Option<Counts> {
    let text = terminal::plain(text);
    let line = text.lines().rev().find(|line| line.trim_start().starts_with("Summary ["))?;
    let after = line.split_once("run:")?.1;
    let mut counts = Counts::default();
    for part in after.split(',') {
        let mut words = part.split_whitespace();
        let Some(number) = words.next().and_then(|word| word.parse::<u64>().ok()) else { continue };
        match words.next() {
            Some("passed") => counts.passed += number,
            Some("failed" | "timed" | "exec") => counts.failed += number,
            _ => {}
        }
    }
    Some(counts)
}

/// Every `test result: ok. 3 passed; 0 failed; …` of `cargo test`, added up.
pub fn cargo_test(text: &str) -> Option<Counts> {
    let text = terminal::plain(text);
    let mut total = None;
    for line in text.lines().filter(|line| line.starts_with("test result:")) {
        *total.get_or_insert_with(Counts::default) += numbered(line);
    }
    total
}

/// The last line that tells both counts: `12 passed, 0 failed`.
pub fn last_line(text: &str) -> Option<Counts> {
    let text = terminal::plain(text);
    let line = text.lines().rev().find(|line| line.contains(" passed") && line.contains(" failed"))?;
    Some(numbered(line))
}

/// Mocha's sum: `  12 passing (3s)`, and `  1 failing` where there is one. A test that is not run counts as failed.
pub fn mocha(text: &str) -> Option<Counts> {
    let text = terminal::plain(text);
    let number = |word: &str| {
        let mut sums = text.lines().rev().filter_map(|line| {
            let mut words = line.split_whitespace();
            let number = words.next()?.parse::<u64>().ok()?;
            (words.next() == Some(word)).then_some(number)
        });
        sums.next()
    };
    let failed = number("failing").unwrap_or(0) + number("pending").unwrap_or(0);
    Some(Counts { passed: number("passing")?, failed })
}

/// The numbers in front of `passed` and `failed`.
fn numbered(line: &str) -> Counts {
    let words: Vec<&str> = line.split([' ', ',', ';', '.', '(', ')']).filter(|word| !word.is_empty()).collect();
    let before = |name: &str| {
        let at = words.iter().position(|word| *word == name)?;
        words.get(at.checked_sub(1)?)?.parse::<u64>().ok()
    };
    Counts { passed: before("passed").unwrap_or(0), failed: before("failed").unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nextest_summaries() {
        let all = "   PASS a\n------------\n     Summary [   0.012s] 4 tests run: 4 passed (1 slow), 2 skipped\n";
        assert_eq!(nextest(all), Some(Counts { passed: 4, failed: 0 }));
        let some = "\x1b[1mSummary [ 0.1s]\x1b[0m 5/9 tests run: 2 passed, 2 failed, 1 timed out, 0 skipped\nFAIL x\n";
        assert_eq!(nextest(some), Some(Counts { passed: 2, failed: 3 }));
        assert_eq!(nextest("error: could not compile"), None);
    }

    #[test]
    fn other_runners() {
        let doc =
            "test result: ok. 3 passed; 0 failed; 0 ignored\n\ntest result: FAILED. 1 passed; 2 failed; 0 ignored\n";
        assert_eq!(cargo_test(doc), Some(Counts { passed: 4, failed: 2 }));
        assert_eq!(cargo_test(""), None);
        assert_eq!(last_line("1 passed, 1 failed\nok\n12 passed, 0 failed\n"), Some(Counts { passed: 12, failed: 0 }));
        assert_eq!(last_line("nothing"), None);
        let some = "\n  a test\n    2 passing things\n\n  \u{1b}[32m12 passing\u{1b}[0m (3s)\n  1 pending\n  2 failing\n\n  1) a\n";
        assert_eq!(mocha(some), Some(Counts { passed: 12, failed: 3 }));
        assert_eq!(mocha("Error: no test files found"), None);
    }
}
