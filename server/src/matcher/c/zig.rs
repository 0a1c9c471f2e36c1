//! `zig test`: `2/4 file.test.name...FAIL (TestExpectedEqual)` with a stack, panics, and the numbers at the end. The compiler's
//! own errors have gcc's form.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::number;
use crate::matcher::place::Column;
use crate::matcher::scope::{Runner, Scope, keep, problem, related};
use crate::problem::{Counts, Place, Related, Severity, TestResult, TestStatus};

const RUNNER: Runner = Runner("zig test");
/// Lines of one failure.
const MAX_LINES: usize = 300;

pub(super) const FORMAT: Format = Format {
    name: "zig test",
    rank: Rank::Runner,
    gate: always,
    starts: &[r"expected .{1,200}, found "],
    inside: &[Inside { words: &[".test.", ".decltest.", ".test_"], text: r"\A[0-9]+/[0-9]+ [^ ]*\.(?:decl)?test[._]" }],
    new: |_| Box::new(Zig::default()),
};

#[derive(Default)]
struct Zig {
    active: bool,
    counts: Counts,
    /// The last test that began, and its number.
    test: Option<(u32, String)>,
    /// What was said since: `expected 3, found 2`.
    said: String,
    failed: Option<Failed>,
}

struct Failed {
    test: String,
    message: String,
    frames: Vec<Place>,
    detail: String,
    lines: usize,
}

expression!(begun, r"^(\d+)/\d+ \S*?\.(?:decl)?test[._](.+?)\.\.\.(.*)$");
expression!(ended, r"^(OK|SKIP|FAIL \((\w+)\))$");
expression!(panicked, r"^(?:.*\.\.\.)?thread \d+ panic: (.*)$");
expression!(frame, r"^(\S[^:]*):(\d+):(\d+): 0x[0-9a-f]+ in (.+?) \([^()]*\)$");

impl Zig {
    fn flush(&mut self, scope: &mut Scope) {
        let Some(failed) = self.failed.take() else { return };
        // The outermost frame of the workspace is the test's own line.
        let Some((place, rest)) = failed.frames.split_last() else { return };
        let others: Vec<Related> = rest.iter().take(8).map(|at| related(at.clone(), "in a call of it")).collect();
        scope.test_result(TestResult {
            id: failed.test.clone(),
            name: failed.test.clone(),
            program: None,
            status: TestStatus::Failed,
            place: Some(place.clone()),
            duration_ms: None,
            message: Some(failed.message.clone()),
        });
        let mut told = problem("zig test", Severity::Error, place.clone(), failed.message);
        told.related = others;
        told.detail = Some(failed.detail);
        told.test = Some(failed.test);
        scope.problem(told);
    }

    fn fail(&mut self, message: String, scope: &mut Scope) {
        let Some((_, test)) = self.test.take() else { return };
        self.counts.failed += 1;
        scope.counts(RUNNER, self.counts);
        self.failed = Some(Failed { test, message, frames: Vec::new(), detail: String::new(), lines: 0 });
    }

    fn begin(&mut self, at: u32, name: &str, scope: &mut Scope) {
        self.flush(scope);
        // A terminal shows a test that passed for a moment only: those between are told by the numbers.
        let known = self.counts.total();
        self.counts.passed += at.saturating_sub(1).saturating_sub(known).min(crate::matcher::oneline::MAX_COUNT);
        scope.counts(RUNNER, self.counts);
        self.test = Some((at, name.to_owned()));
        if at == 1 {
            self.said.clear();
        }
    }

    fn end_test(&mut self, verdict: &str, scope: &mut Scope) -> bool {
        let Some(found) = ended().captures(verdict) else { return false };
        match &found[1] {
            "OK" if self.test.take().is_some() => self.counts.passed += 1,
            "SKIP" if self.test.take().is_some() => self.counts.skipped += 1,
            "OK" | "SKIP" => {}
            _ => {
                let error = found.get(2).map_or("", |name| name.as_str());
                let said = std::mem::take(&mut self.said);
                let message = if said.is_empty() { format!("error.{error}") } else { said };
                self.fail(message, scope);
            }
        }
        self.said.clear();
        scope.counts(RUNNER, self.counts);
        true
    }
}

impl Matcher for Zig {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.failed = None;
            return;
        }
        if let Some(found) = begun().captures(line) {
            self.active = true;
            self.begin(number(&found, 1).unwrap_or(0), &found[2], scope);
            let rest = &found[3];
            if let Some(found) = panicked().captures(rest) {
                self.fail(found[1].to_owned(), scope);
            } else if !self.end_test(rest, scope) && !rest.is_empty() {
                rest.clone_into(&mut self.said);
            }
            scope.claim();
            return;
        }
        if !self.active {
            // A terminal's progress is cleared away before the test's own line is written.
            line.clone_into(&mut self.said);
            return;
        }
        if let Some(found) = panicked().captures(line) {
            self.flush(scope);
            // With its progress cleared away the test's own line is missing: the trace names it.
            if self.test.is_none() {
                self.test = Some((0, String::new()));
            }
            self.fail(found[1].to_owned(), scope);
        } else if self.end_test(line, scope) {
            scope.claim();
        } else if line.starts_with("All ")
            || line.contains(" passed; ")
            || line.starts_with("error: the following test")
        {
            self.flush(scope);
            self.active = false;
            scope.summary(line);
        } else if let Some(failed) = &mut self.failed {
            keep(&mut failed.detail, line);
            failed.lines += 1;
            if let Some(found) = frame().captures(line) {
                if let Some(name) = found[4].split_once("test.").map(|(_, name)| name)
                    && failed.test.is_empty()
                {
                    failed.test = name.to_owned();
                }
                if let (Some(file), Some(at)) = (scope.own(&found[1]), number(&found, 2))
                    && failed.frames.len() < 100
                {
                    failed.frames.push(scope.at(file, at, number(&found, 3).map(Column::Bytes), None));
                }
                scope.claim();
            } else if failed.lines > MAX_LINES {
                self.flush(scope);
            } else if line.starts_with("expected ") {
                self.flush(scope);
                line.clone_into(&mut self.said);
            }
        } else if self.said.is_empty() && !line.is_empty() {
            line.clone_into(&mut self.said);
        }
    }

    fn wants_all(&self) -> bool {
        self.active
    }

    fn end(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }
}
