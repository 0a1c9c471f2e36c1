//! Letters of RSpec, Minitest and PHPUnit: one a test, in lines that grow, so that the counts are live. A text that a test
//! prints may follow the letters of its line; a word such as `Failure` is told from letters by its second one.

use crate::matcher::lines::Growing;
use crate::problem::{Counts, TestStatus};

/// The letters that the current line begins with.
pub(super) struct Dots {
    means: fn(u8) -> Option<TestStatus>,
    reader: Growing,
    /// Letters of this line so far.
    letters: u32,
    over: bool,
    counts: Counts,
}

impl Dots {
    pub(super) fn new(means: fn(u8) -> Option<TestStatus>) -> Self {
        Self { means, reader: Growing::default(), letters: 0, over: false, counts: Counts::default() }
    }

    /// Reads what is new of `raw`; `step` gets the counts of this line after each letter from the second on.
    pub(super) fn take(&mut self, raw: &[u8], mut step: impl FnMut(Counts)) {
        let Self { means, reader, letters, over, counts } = self;
        reader.advance(raw, |byte| {
            if *over {
                return;
            }
            let number = match means(byte) {
                Some(TestStatus::Passed) => &mut counts.passed,
                Some(TestStatus::Failed) => &mut counts.failed,
                Some(TestStatus::Skipped) => &mut counts.skipped,
                None => {
                    *over = true;
                    // A word, not a letter.
                    if *letters == 1 && byte.is_ascii_alphabetic() {
                        *counts = Counts::default();
                    }
                    return;
                }
            };
            *number = number.saturating_add(1);
            *letters = letters.saturating_add(1);
            if *letters > 1 {
                step(*counts);
            }
        });
    }

    /// The line is over: its counts.
    pub(super) fn end(&mut self) -> Counts {
        let counts = self.counts;
        *self = Self::new(self.means);
        counts
    }
}

/// The sum of both.
pub(super) fn sum(one: Counts, other: Counts) -> Counts {
    Counts {
        passed: one.passed.saturating_add(other.passed),
        failed: one.failed.saturating_add(other.failed),
        skipped: one.skipped.saturating_add(other.skipped),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn means(byte: u8) -> Option<TestStatus> {
        match byte {
            b'.' => Some(TestStatus::Passed),
            b'F' => Some(TestStatus::Failed),
            b'*' => Some(TestStatus::Skipped),
            _ => None,
        }
    }

    #[test]
    fn words_are_no_letters() {
        for (line, passed, failed, skipped) in
            [("..F*", 2, 1, 1), ("F", 0, 1, 0), ("Failures:", 0, 0, 0), (".. spec/a.rb:3", 2, 0, 0), ("", 0, 0, 0)]
        {
            for cut in 0..=line.len() {
                let mut dots = Dots::new(means);
                dots.take(&line.as_bytes()[..cut], |_| {});
                dots.take(line.as_bytes(), |_| {});
                assert_eq!(dots.end(), Counts { passed, failed, skipped }, "{line:?} cut at {cut}");
            }
        }
    }
}
