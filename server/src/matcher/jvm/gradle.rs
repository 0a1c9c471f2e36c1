//! Gradle's test task: `shop.CartTest > total FAILED` with the exception, short or with its trace, and the counts of a task
//! with failures.

use super::stack::{Frame, frame, pick};
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::{count, number};
use crate::matcher::scope::{Runner, Scope, keep, problem};
use crate::problem::{Counts, Severity, TestResult, TestStatus};

const RUNNER: Runner = Runner("gradle");
/// Lines of one failure.
const MAX_LINES: usize = 500;

pub(super) const FORMAT: Format = Format {
    name: "gradle test",
    rank: Rank::Runner,
    gate: always,
    starts: &[r"[0-9]+ tests? completed"],
    inside: &[Inside {
        words: &[" FAILED", " PASSED", " SKIPPED"],
        text: r"[A-Za-z0-9_$]+ > .* (?:FAILED|PASSED|SKIPPED)\z",
    }],
    new: |_| Box::new(Gradle::default()),
};

#[derive(Default)]
struct Gradle {
    block: Option<Block>,
    counts: Counts,
    before: Counts,
}

struct Block {
    class: String,
    method: String,
    message: String,
    /// Of the short form: `CartTest.java`, 20.
    at: Option<(String, u32)>,
    frames: Vec<Frame>,
    detail: String,
    lines: usize,
}

expression!(result, r"^([\w.$]+)(?: > .+)?? > ([^>]+?)(?:\(\))? (FAILED|PASSED|SKIPPED)$");
expression!(short, r"^    (\S.*?) at ([\w$-]+\.(?:java|kt|groovy|scala)):(\d+)$");
expression!(completed, r"^(\d+) tests? completed(?:, (\d+) failed)?(?:, (\d+) skipped)?$");

impl Gradle {
    fn flush(&mut self, scope: &mut Scope) {
        let Some(block) = self.block.take() else { return };
        let top = block.class.split('$').next().unwrap_or_default().to_owned();
        let short = block.at.and_then(|(name, line)| {
            let folder = top.rsplit_once('.').map_or(String::new(), |(package, _)| package.replace('.', "/") + "/");
            let file = scope.own(&(folder + &name))?;
            Some((scope.at(file, line, None, None), Vec::new()))
        });
        let Some((place, others)) = pick(scope, &block.frames, Some(&top)).or(short) else { return };
        let test = format!("{}.{}", block.class, block.method);
        scope.test_result(TestResult {
            id: test.clone(),
            name: test.clone(),
            program: None,
            status: TestStatus::Failed,
            place: Some(place.clone()),
            duration_ms: None,
            message: Some(block.message.clone()),
        });
        let mut told = problem("gradle", Severity::Error, place, block.message);
        told.related = others;
        told.detail = Some(block.detail);
        told.test = Some(test);
        scope.problem(told);
    }

    fn tell_counts(&self, scope: &mut Scope) {
        let (before, now) = (self.before, self.counts);
        scope.counts(
            RUNNER,
            Counts {
                passed: before.passed + now.passed,
                failed: before.failed + now.failed,
                skipped: before.skipped + now.skipped,
            },
        );
    }
}

impl Matcher for Gradle {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.block = None;
            return;
        }
        if let Some(found) = result().captures(line) {
            self.flush(scope);
            match &found[3] {
                "FAILED" => {
                    self.counts.failed += 1;
                    self.block = Some(Block {
                        class: found[1].to_owned(),
                        method: found[2].to_owned(),
                        message: String::new(),
                        at: None,
                        frames: Vec::new(),
                        detail: String::new(),
                        lines: 0,
                    });
                }
                "PASSED" => self.counts.passed += 1,
                _ => self.counts.skipped += 1,
            }
            self.tell_counts(scope);
        } else if let Some(found) = completed().captures(line) {
            self.flush(scope);
            let number = |at| count(&found, at);
            let (failed, skipped) = (number(2), number(3));
            self.before.passed += number(1).saturating_sub(failed).saturating_sub(skipped);
            self.before.failed += failed;
            self.before.skipped += skipped;
            self.counts = Counts::default();
            self.tell_counts(scope);
            scope.summary(line);
        } else if let Some(block) = &mut self.block {
            block.lines += 1;
            if line.is_empty() && !block.message.is_empty() || block.lines > MAX_LINES {
                self.flush(scope);
                return;
            }
            keep(&mut block.detail, line.trim_start());
            if block.message.is_empty() {
                match short().captures(line) {
                    Some(found) => {
                        block.message = found[1].to_owned();
                        block.at = number(&found, 3).map(|line| (found[2].to_owned(), line));
                    }
                    None => block.message = line.trim().to_owned(),
                }
            } else if let Some(frame) = frame(line).filter(|_| block.frames.len() < 200) {
                block.frames.push(frame);
            }
        }
    }

    fn wants_all(&self) -> bool {
        self.block.is_some()
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }

    fn end(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }
}
