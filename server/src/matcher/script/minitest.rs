//! Minitest, also as Rails runs it: `1) Failure:` with the test and its place, and the last line's counts.

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
    starts: &[r"(?:[0-9]+\) )?(?:Failure|Error):\z", r"[0-9]+ runs, [0-9]+ assertions, "],
    inside: &[],
    new: |_| Box::new(Minitest::default()),
};

#[derive(Default)]
struct Minitest {
    block: Option<Block>,
    before: Counts,
}

#[derive(Default)]
struct Block {
    test: String,
    frames: Vec<(String, u32)>,
    message: Vec<String>,
    detail: String,
    lines: usize,
}

expression!(head, r"^\s*(?:\d+\) )?(?:Failure|Error):$");
expression!(test, r"^([A-Z][\w:]*#\S.*?)(?: \[(.+):(\d+)\])?:$");
expression!(frame, r"^\s+(\S[^:]*):(\d+):in ");
expression!(counts, r"^(\d+) runs, \d+ assertions, (\d+) failures, (\d+) errors, (\d+) skips$");

/// One line: both sides where they follow, behind the message of the test's author.
fn one_line(lines: &[String]) -> String {
    let mut text = String::new();
    for line in lines.iter().map(|line| line.trim()) {
        let compared = line.starts_with("Expected") || line.starts_with("Actual") || line.starts_with("Got");
        if line.starts_with("---") || !text.is_empty() && !compared {
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
        if head().is_match(line) {
            self.flush(scope);
            self.block = Some(Block::default());
        } else if let Some(found) = counts().captures(line) {
            self.flush(scope);
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
            } else if line.trim().is_empty() && !block.message.is_empty() || block.lines > MAX_LINES {
                self.flush(scope);
            } else {
                keep(&mut block.detail, line);
                match frame().captures(line) {
                    Some(found) if block.frames.len() < 100 => {
                        block.frames.push((found[1].to_owned(), number(&found, 2).unwrap_or(0)));
                    }
                    Some(_) => {}
                    None => block.message.push(line.to_owned()),
                }
            }
        }
    }

    fn wants_all(&self) -> bool {
        self.block.is_some()
    }

    fn end(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }
}
