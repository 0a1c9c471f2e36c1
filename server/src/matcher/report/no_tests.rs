//! The lines with which runners say that there was nothing to run, where they go on to succeed: a run without tests proves
//! nothing, and that is to be said. Counts and problems are the runners' own formats'.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::scope::{Runner, Scope};

/// Whoever it was: that there are tests all the same shows in what another runner counts.
const RUNNER: Runner = Runner("no tests");

pub(super) const FORMAT: Format = Format {
    name: "no tests",
    // Before those that keep the line for themselves.
    rank: Rank::Structured,
    gate: always,
    starts: &[
        "Ran 0 tests in [0-9]",
        r"\?   \t",
        r"ok  \t",
        "No tests? (?:files? )?found, exiting with code 0",
        r"0 passing \(",
        "0 examples, 0 failures",
        "0 runs, 0 assertions",
        "No tests executed!",
        "No tests were found!!!",
        "# tests 0",
        "ℹ tests 0",
        r"\[INFO\] No tests to run",
    ],
    inside: &[],
    new: |_| Box::new(NoTests::default()),
};

// unittest; go test; jest, Vitest; mocha; RSpec; Minitest; PHPUnit; CTest; node:test; surefire.
expression!(
    nothing,
    r"(?x)^(?: Ran\ 0\ tests\ in\ \d | \?\ {3}\t\S+\t\[no\ test\ files\]$ | ok\ \ \t.*\[no\ tests\ to\ run\]$
      | No\ test(?:s|\ files)\ found,\ exiting\ with\ code\ 0$ | 0\ passing\ \( | 0\ examples,\ 0\ failures
      | 0\ runs,\ 0\ assertions | No\ tests\ executed!$ | No\ tests\ were\ found!!!$ | (?:\#|ℹ)\ tests\ 0$
      | \[INFO\]\ No\ tests\ to\ run )"
);

#[derive(Default)]
struct NoTests {
    said: bool,
    /// Go does not count the tests that pass: a package that had some is `ok`.
    ran: bool,
}

impl Matcher for NoTests {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            return;
        }
        let line = line.trim();
        let is_nothing = nothing().is_match(line);
        self.said |= is_nothing;
        self.ran |= !is_nothing && line.starts_with("ok  \t");
    }

    fn end(&mut self, scope: &mut Scope) {
        if self.said && !self.ran {
            scope.more(RUNNER, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_had_nothing_to_run_says_so() {
        for (line, is_nothing) in [
            ("Ran 0 tests in 0.000s", true),
            ("Ran 10 tests in 0.000s", false),
            ("?   \texample.com/shop\t[no test files]", true),
            ("ok  \texample.com/shop\t0.002s [no tests to run]", true),
            ("ok  \texample.com/shop\t0.002s", false),
            ("No tests found, exiting with code 0", true),
            ("No tests found, exiting with code 1", false),
            ("No test files found, exiting with code 0", true),
            ("  0 passing (1ms)", true),
            ("  10 passing (1ms)", false),
            ("0 examples, 0 failures", true),
            ("0 runs, 0 assertions, 0 failures, 0 errors, 0 skips", true),
            ("# tests 0", true),
            ("ℹ tests 0", true),
            ("# tests 03", false),
        ] {
            assert_eq!(nothing().is_match(line.trim()), is_nothing, "{line}");
        }
    }
}
