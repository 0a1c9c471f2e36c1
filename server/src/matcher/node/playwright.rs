//! Playwright Test: `✘  2 tests/a.spec.ts:8:1 › cart › adds (29ms)` while it runs, `1) tests/a.spec.ts:8:1 › cart › adds ───` with the
//! error, the code and its place, and the numbers at the end. Reporters list, line, dot.

use super::assertion::message;
use super::outcome::{Error, ended, failed};
use super::stack::pick;
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::oneline::milliseconds;
use crate::matcher::place::Column;
use crate::matcher::scope::{Runner, Scope};
use crate::problem::{Counts, Place, TestResult, TestStatus};

const TOOL: &str = "playwright";
const RUNNER: Runner = Runner(TOOL);
/// Lines of one failure that are read.
const MAX_LINES: usize = 300;

pub(super) const FORMAT: Format = Format {
    name: "playwright",
    rank: Rank::Runner,
    gate: always,
    starts: &[
        "Running [0-9]+ tests? using ",
        "(?:✓|✘|-|ok|x) +[0-9]+ [^ ]",
        r"[0-9]+\) [^ ]",
        r"[0-9]+ (?:failed|flaky|skipped|passed|did not run|interrupted)\b",
    ],
    inside: &[],
    new: |_| Box::new(Playwright::default()),
};

#[derive(Default)]
pub(super) struct Playwright {
    active: bool,
    before: Counts,
    counts: Counts,
    /// The numbers at the end have begun.
    ending: bool,
    failure: Option<Failure>,
    /// The line that ended the failure begins another one of the same test.
    soft: bool,
}

struct Failure {
    id: String,
    at: Option<Place>,
    error: Error,
    /// A retry tells the same again.
    again: bool,
}

expression!(running, r"^Running (\d+) tests? using ");
expression!(
    live,
    r"^ +(✓|✘|-|ok|x) +\d+ (?:\[[^\]]*\] › )?(\S+?):(\d+):(\d+) › (.*?)(?: \(retry #\d+\))?(?: \((\d+(?:\.\d+)?)(m?s)\))?$"
);
expression!(head, r"^ {2}\d+\) (?:\[[^\]]*\] › )?(\S+?):(\d+):(\d+) › (.*?) ─*$");
expression!(number, r"^ {2}(\d+) (failed|flaky|skipped|did not run|passed|interrupted)(?: \(.*\))?$");

impl Playwright {
    fn tell_counts(&self, scope: &mut Scope) {
        scope.counts(RUNNER, self.before + self.counts);
    }

    fn live(&mut self, line: &str, scope: &mut Scope) {
        let Some(found) = live().captures(line) else { return };
        let mut status = match &found[1] {
            "✓" | "ok" => TestStatus::Passed,
            "-" => TestStatus::Skipped,
            _ => TestStatus::Failed,
        };
        let at = if status == TestStatus::Failed { declared(scope, &found[2], &found[3], &found[4]) } else { None };
        if at.as_ref().is_some_and(|place| expects_failure(scope, place)) {
            status = TestStatus::Passed;
        }
        self.counts.count(status);
        self.tell_counts(scope);
        let id = found[5].replace(" › ", " ");
        let name = found[5].rsplit(" › ").next().unwrap_or_default().to_owned();
        let place = at.filter(|_| status == TestStatus::Failed);
        let duration_ms = milliseconds(&found, 6, 7);
        ended(
            TOOL,
            &id.clone(),
            TestResult { id, name, program: None, status, place, duration_ms, message: None },
            scope,
        );
    }

    fn below(&mut self, line: &str) -> bool {
        let Some(failure) = &mut self.failure else { return false };
        if !line.is_empty() && !line.starts_with("    ") {
            return false;
        }
        let has_room = failure.error.has_room(MAX_LINES);
        let text = line.strip_prefix("    ").unwrap_or_default();
        if text.starts_with("Retry #") {
            failure.again = true;
        }
        // A soft assertion: one more error of the same test.
        if text.starts_with("Error: ") && !failure.error.frames.is_empty() && !failure.again {
            self.soft = true;
            return false;
        }
        if has_room && !failure.again && !text.starts_with("Error Context:") {
            failure.error.take(text);
        }
        true
    }

    fn close(&mut self, scope: &mut Scope) {
        let Some(Failure { id, at, mut error, .. }) = self.failure.take() else { return };
        if let Some(first) = error.lines.iter_mut().find(|line| !line.is_empty())
            && let Some(text) = first.strip_prefix("Error: ")
        {
            *first = text.to_owned();
        }
        let text = message(&error.lines);
        if let Some(at) = pick(scope, &error.frames, true, at.as_ref()).or_else(|| Some((at?, Vec::new()))) {
            scope.problem(failed(TOOL, at, text, Some(id), error.detail));
        }
    }

    fn number(&mut self, line: &str, scope: &mut Scope) {
        let Some(found) = number().captures(line) else { return };
        if !std::mem::replace(&mut self.ending, true) {
            self.counts = Counts::default();
            scope.inside = None;
        }
        let number: u32 = found[1].parse().unwrap_or(0);
        match &found[2] {
            "failed" | "interrupted" => self.counts.failed = self.counts.failed.saturating_add(number),
            "passed" | "flaky" => self.counts.passed = self.counts.passed.saturating_add(number),
            _ => self.counts.skipped = self.counts.skipped.saturating_add(number),
        }
        self.tell_counts(scope);
    }
}

/// Where a test is declared.
fn declared(scope: &mut Scope, path: &str, line: &str, column: &str) -> Option<Place> {
    let file = scope.own(path)?;
    Some(scope.at(file, line.parse().unwrap_or(0), Some(Column::Utf16(column.parse().unwrap_or(1))), None))
}

/// A failed test's titles without those of its steps: the last one is the one that stands on the test's line.
fn without_steps<'t>(scope: &mut Scope, path: &str, line: &str, titles: &'t str) -> &'t str {
    let Some(text) = scope.own(path).and_then(|file| scope.files.read(&file)) else { return titles };
    let at = line.parse::<usize>().ok().and_then(|at| at.checked_sub(1));
    let Some(source) = at.and_then(|at| text.lines().nth(at)) else { return titles };
    let mut rest = titles;
    loop {
        let (before, last) = rest.rsplit_once(" › ").unwrap_or(("", rest));
        if source.contains(last) {
            return rest;
        }
        if before.is_empty() {
            return titles;
        }
        rest = before;
    }
}

/// True when the source says that the test is expected to fail: Playwright marks it as failed, and counts it as passed.
fn expects_failure(scope: &Scope, place: &Place) -> bool {
    let text = scope.files.read(&place.file).unwrap_or_default();
    let from = place.line.unwrap_or(1).saturating_sub(1) as usize;
    let mut lines = text.lines().skip(from);
    let first = lines.next().unwrap_or_default();
    let indent = first.len() - first.trim_start().len();
    let inner = lines.take_while(|line| line.trim().is_empty() || line.len() - line.trim_start().len() > indent);
    first.contains("test.fail(") || inner.take(200).any(|line| line.trim_start().starts_with("test.fail("))
}

impl Matcher for Playwright {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some_and(|runner| runner != RUNNER) {
            return;
        }
        if self.failure.is_some() {
            if self.below(line) {
                return;
            }
            let soft = std::mem::take(&mut self.soft);
            let again = self.failure.as_ref().filter(|_| soft).map(|it| (it.id.clone(), it.at.clone()));
            self.close(scope);
            if let Some((id, at)) = again {
                self.failure = Some(Failure { id, at, error: Error::default(), again: false });
                self.below(line);
                return;
            }
        }
        if let Some(found) = running().captures(line) {
            self.before += self.counts;
            (self.counts, self.active, self.ending) = (Counts::default(), true, false);
            scope.inside = Some(RUNNER);
            scope.more(RUNNER, found[1].parse().unwrap_or(0));
        } else if !self.active {
        } else if let Some(found) = head().captures(line) {
            let at = declared(scope, &found[1], &found[2], &found[3]);
            let id = without_steps(scope, &found[1], &found[2], &found[4]).replace(" › ", " ");
            self.failure = Some(Failure { id, at, error: Error::default(), again: false });
        } else if line.contains(" › ") {
            self.live(line, scope);
        } else {
            self.number(line, scope);
        }
    }

    fn wants_all(&self) -> bool {
        self.failure.is_some()
    }

    fn end(&mut self, scope: &mut Scope) {
        self.close(scope);
    }
}
