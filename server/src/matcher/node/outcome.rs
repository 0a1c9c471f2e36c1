//! How a test of this family ended, as jest, Vitest, Playwright, mocha and node:test tell it alike: at once by its name, later
//! with its error, the numbers at the end. Knows no runner's lines.

use super::assertion::is_code;
use super::stack::{Frame, frame};
use crate::matcher::scope::{Scope, keep, problem};
use crate::problem::{Counts, Place, Problem, Related, Severity, TestResult};

expression!(number, r"(\d+) (failed|passed|skipped|todo|expected fail)");

/// `1 failed | 2 passed | 1 todo (4)`; what neither passed nor failed was skipped.
pub(super) fn numbers(text: &str) -> Counts {
    let mut counts = Counts::default();
    for found in number().captures_iter(text) {
        let number = found[1].parse().unwrap_or(0);
        match &found[2] {
            "failed" => counts.failed = number,
            "passed" => counts.passed = number,
            _ => counts.skipped = counts.skipped.saturating_add(number),
        }
    }
    counts
}

/// Tells how a test ended before its details come: one with a place has failed, and has a problem there until then, with
/// its names as the title.
pub(super) fn ended(tool: &str, title: &str, result: TestResult, scope: &mut Scope) {
    let provisional = result.place.clone().map(|place| Problem {
        test: Some(result.id.clone()),
        provisional: true,
        ..problem(tool, Severity::Error, place, format!("{title} failed"))
    });
    scope.test_result(result);
    if let Some(problem) = provisional {
        scope.problem(problem);
    }
}

/// An error whose lines are read.
#[derive(Debug, Default)]
pub(super) struct Error {
    /// What it says, without its code and its stack.
    pub(super) lines: Vec<String>,
    pub(super) frames: Vec<Frame>,
    pub(super) detail: String,
    taken: usize,
}

impl Error {
    /// Counts a line; false for one more than `most`.
    pub(super) fn has_room(&mut self, most: usize) -> bool {
        self.taken += 1;
        self.taken <= most
    }

    /// One of its lines, without what indents all of them.
    pub(super) fn take(&mut self, text: &str) {
        keep(&mut self.detail, text);
        if text.trim_start().starts_with("at ") {
            self.frames.extend(frame(text));
        } else if !is_code(text) {
            self.lines.push(text.trim_end().to_owned());
        }
    }
}

/// What is told of an error, of a test where it is one's.
pub(super) fn failed(
    tool: &str,
    (place, related): (Place, Vec<Related>),
    message: impl Into<String>,
    test: Option<String>,
    detail: String,
) -> Problem {
    Problem { test, related, detail: Some(detail), ..problem(tool, Severity::Error, place, message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_at_the_end() {
        for (text, passed, failed, skipped) in [
            ("Tests:       1 failed, 1 skipped, 2 todo, 3 passed, 7 total", 3, 1, 3),
            ("Tests  7 failed | 5 passed | 1 expected fail (13)", 5, 7, 1),
            ("no tests", 0, 0, 0),
        ] {
            assert_eq!(numbers(text), Counts { passed, failed, skipped }, "{text}");
        }
    }

    #[test]
    fn an_error_is_what_it_says_where_and_its_code() {
        let mut error = Error::default();
        for line in
            ["expect(3).toBe(4)", "", "> 12 |   expect(3)", "     |   ^", "  at f (/w/a.js:12:3)", "at <anonymous>"]
        {
            error.take(line);
        }
        assert_eq!(error.lines, ["expect(3).toBe(4)", ""]);
        assert_eq!(error.frames, [("/w/a.js".to_owned(), 12, 3)]);
        assert_eq!(error.detail.lines().count(), 6);
        assert!(error.has_room(1) && !error.has_room(1));
    }
}
