//! Minitest, also as Rails runs it: `1) Failure:` with the test and its place, and the last line's counts.

use super::dots::{Dots, sum};
use super::frames::pick;
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::oneline::{count, number};
use crate::matcher::scope::{Runner, Scope, keep, problem};
use crate::problem::{Counts, Severity, TestResult, TestStatus};

const RUNNER: Runner = Runner("minitest");
/// Lines of one failure.
const MAX_LINES: usize = 200;

pub(super) const FORMAT: Format = Format {
    name: "minitest",
    rank: Rank::Runner,
    gate: always,
    starts: &[r"(?:[0-9]+\) )?(?:Failure|Error):\z", r"[0-9]+ runs, [0-9]+ assertions, ", r"# Running:\z"],
    inside: &[],
    new: |_| {
        let (before, live, dots) = (Counts::default(), Counts::default(), Dots::new(letter));
        Box::new(Minitest { block: None, before, live, dots, lettered: false })
    },
};

struct Minitest {
    block: Option<Block>,
    /// Of the runs before.
    before: Counts,
    /// Of this run's letters, until its last line says it.
    live: Counts,
    dots: Dots,
    /// `# Running:` was read, and not yet how long it took.
    lettered: bool,
}

#[derive(Default)]
struct Block {
    test: String,
    frames: Vec<(String, u32)>,
    message: Vec<String>,
    detail: String,
    lines: usize,
    /// `1) Failure:`: all failures are printed in the end, and empty lines may be a part of one.
    numbered: bool,
}

expression!(head, r"^\s*(?:\d+\) )?(?:Failure|Error):$");
expression!(test, r"^(\S.*?#\S.*?)(?: \[(.+):(\d+)\])?:$");
expression!(frame, r"^\s+(\S[^:]*):(\d+):in ");
expression!(counts, r"^(\d+) runs, \d+ assertions, (\d+) failures, (\d+) errors, (\d+) skips$");

fn letter(byte: u8) -> Option<TestStatus> {
    match byte {
        b'.' => Some(TestStatus::Passed),
        b'F' | b'E' => Some(TestStatus::Failed),
        b'S' => Some(TestStatus::Skipped),
        _ => None,
    }
}

/// One line: both sides where they follow, behind the message of the test's author.
fn one_line(lines: &[String]) -> String {
    let mut text = String::new();
    for line in lines.iter().map(|line| line.trim()) {
        let compared = line.starts_with("Expected") || line.starts_with("Actual") || line.starts_with("Got");
        if line.starts_with("---") {
            return with_difference(text, lines);
        }
        if !text.is_empty() && !compared {
            break;
        }
        if !text.is_empty() {
            let label = !text.starts_with("Expected");
            if label && line.starts_with("Expected") {
                text = text.trim_end_matches('.').to_owned();
                text.push_str(": ");
            } else {
                text.push_str(", ");
            }
        }
        text.push_str(line);
    }
    text
}

/// Both sides of a difference that is one line long.
fn with_difference(label: String, lines: &[String]) -> String {
    let inside = || lines.iter().skip_while(|line| !line.starts_with("@@"));
    let side = |mark: char| {
        let mut found = inside().filter_map(|line| line.strip_prefix(mark));
        found.next().filter(|_| found.next().is_none())
    };
    let label = label.trim_end_matches('.');
    match (side('-'), side('+')) {
        (Some(expected), Some(actual)) if label.is_empty() => format!("Expected: {expected}, Actual: {actual}"),
        (Some(expected), Some(actual)) => format!("{label}: Expected: {expected}, Actual: {actual}"),
        _ if label.is_empty() => "the texts differ".to_owned(),
        _ => label.to_owned(),
    }
}

impl Minitest {
    fn flush(&mut self, scope: &mut Scope) {
        let Some(block) = self.block.take() else { return };
        let message = one_line(&block.message);
        if block.test.is_empty() || message.is_empty() {
            return;
        }
        let is_test = |path: &str| path.ends_with("_test.rb") || path.contains("/test_");
        let Some((place, others)) = pick(scope, &block.frames, Some(is_test)) else { return };
        scope.test_result(TestResult {
            id: block.test.clone(),
            name: block.test.clone(),
            program: None,
            status: TestStatus::Failed,
            place: Some(place.clone()),
            duration_ms: None,
            message: Some(message.clone()),
        });
        let mut told = problem("minitest", Severity::Error, place, message);
        told.related = others;
        told.detail = Some(block.detail);
        told.test = Some(block.test);
        scope.problem(told);
    }
}

impl Matcher for Minitest {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.block = None;
            return;
        }
        if self.lettered {
            self.live = sum(self.live, self.dots.end());
            scope.counts(RUNNER, sum(self.before, self.live));
        }
        if line == "# Running:" {
            self.lettered = true;
        } else if line.starts_with("Finished in ") {
            self.lettered = false;
        } else if head().is_match(line) {
            self.flush(scope);
            let numbered = line.trim_start().starts_with(|c: char| c.is_ascii_digit());
            self.block = Some(Block { numbered, ..Block::default() });
        } else if let Some(found) = counts().captures(line) {
            self.flush(scope);
            (self.lettered, self.live) = (false, Counts::default());
            let number = |at| count(&found, at);
            let (failed, skipped) = (number(2) + number(3), number(4));
            self.before.passed += number(1).saturating_sub(failed).saturating_sub(skipped);
            self.before.failed += failed;
            self.before.skipped += skipped;
            scope.counts(RUNNER, self.before);
            scope.summary(line);
        } else if let Some(block) = &mut self.block {
            block.lines += 1;
            if block.test.is_empty() {
                let Some(found) = test().captures(line) else {
                    self.block = None;
                    return;
                };
                block.test = found[1].to_owned();
                if let (Some(path), Some(line)) = (found.get(2), number(&found, 3)) {
                    block.frames.push((path.as_str().to_owned(), line));
                }
            } else if line.trim().is_empty() && !block.message.is_empty() && !block.numbered || block.lines > MAX_LINES
            {
                self.flush(scope);
            } else {
                keep(&mut block.detail, line);
                match frame().captures(line) {
                    Some(found) if block.frames.len() < 100 => {
                        block.frames.push((found[1].to_owned(), number(&found, 2).unwrap_or(0)));
                    }
                    Some(_) => {}
                    None if block.message.len() < MAX_LINES => block.message.push(line.to_owned()),
                    None => {}
                }
            }
        }
    }

    fn wants_all(&self) -> bool {
        self.block.is_some() || self.lettered
    }

    fn growing(&mut self, raw: &[u8], scope: &mut Scope) {
        let so_far = sum(self.before, self.live);
        self.dots.take(raw, |line| scope.counts(RUNNER, sum(so_far, line)));
    }

    fn reads_letters(&self) -> bool {
        self.lettered
    }

    fn end(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }
}
