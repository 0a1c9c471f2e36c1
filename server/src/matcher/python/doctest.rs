//! doctest, run as a module or by a script: a failed example between lines of stars, with what was expected and what came,
//! and with `-v` the counts. pytest writes the same examples in its own way.

use super::traceback::file_line;
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::oneline::count;
use crate::matcher::scope::{Runner, Scope, keep, problem, related};
use crate::problem::{Counts, Related, Severity, TestResult, TestStatus};

const RUNNER: Runner = Runner("doctest");
/// Lines of one failed example.
const MAX_LINES: usize = 400;

pub(super) const FORMAT: Format = Format {
    name: "doctest",
    rank: Rank::Runner,
    gate: always,
    starts: &[r"\*{70}\z", r"[0-9]+ passed and [0-9]+ failed\.\z", r"[0-9]+ passed\.\z"],
    inside: &[],
    new: |_| Box::new(Doctest::default()),
};

#[derive(Default)]
struct Doctest {
    /// Stars were read, and its place may follow.
    starred: bool,
    failed: Option<Failed>,
    before: Counts,
}

/// A failed example while it is read.
#[derive(Default)]
pub(super) struct Failed {
    path: String,
    line: u32,
    test: String,
    part: Part,
    example: Vec<String>,
    expected: Vec<String>,
    got: Vec<String>,
    detail: String,
    lines: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Head,
    Example,
    Expected,
    Got,
    Raised,
}

expression!(totals, r"^(\d+) passed(?: and (\d+) failed)?\.$");

/// What an example printed, on one line: of a traceback its last line.
fn shown(lines: &[String]) -> String {
    if lines.first().is_some_and(|line| line.starts_with("Traceback (most recent call last)")) {
        let last = lines.iter().rfind(|line| !line.is_empty() && !line.starts_with(' '));
        return last.cloned().unwrap_or_default();
    }
    lines.join("\\n")
}

impl Failed {
    /// `File "a.py", line 3, in a.f`: its head.
    pub(super) fn open(line: &str) -> Option<Self> {
        let frame = file_line(line).filter(|frame| !frame.function.is_empty())?;
        Some(Self { path: frame.path, line: frame.line, test: frame.function, ..Self::default() })
    }

    /// False for a line that ends it.
    pub(super) fn line(&mut self, line: &str) -> bool {
        self.lines += 1;
        if self.lines > MAX_LINES {
            return false;
        }
        let part = match line {
            "Failed example:" => Some(Part::Example),
            "Expected:" | "Expected nothing" => Some(Part::Expected),
            "Got:" | "Got nothing" => Some(Part::Got),
            "Exception raised:" => Some(Part::Raised),
            _ if line.starts_with("Differences (") => Some(Part::Got),
            _ => None,
        };
        if let Some(part) = part {
            self.part = part;
            keep(&mut self.detail, line);
            return true;
        }
        let Some(text) = line.strip_prefix("    ").or(line.is_empty().then_some("")) else { return false };
        keep(&mut self.detail, line);
        match self.part {
            Part::Head => return false,
            Part::Example => self.example.push(text.to_owned()),
            Part::Expected => self.expected.push(text.to_owned()),
            Part::Got | Part::Raised => self.got.push(text.to_owned()),
        }
        true
    }

    fn message(&self) -> String {
        if self.part == Part::Raised {
            return shown(&self.got);
        }
        let (expected, got) = (shown(&self.expected), shown(&self.got));
        let word = |text: String| if text.is_empty() { "nothing".to_owned() } else { text };
        let example = self.example.first().map_or("", |line| line.as_str());
        format!("{example}: Expected: {}, Got: {}", word(expected), word(got))
    }

    /// The example is over.
    pub(super) fn tell(self, scope: &mut Scope) {
        let Some(file) = scope.own(&self.path).filter(|_| self.part != Part::Head) else { return };
        let place = scope.at(file, self.line, None, None);
        let mut others: Vec<Related> = Vec::new();
        for frame in self.got.iter().filter_map(|line| file_line(line)).take(20) {
            if let Some(file) = scope.own(&frame.path) {
                others.push(related(scope.at(file, frame.line, None, None), format!("in {}", frame.function)));
            }
        }
        let message = self.message();
        scope.test_result(TestResult {
            id: self.test.clone(),
            name: self.test.clone(),
            program: None,
            status: TestStatus::Failed,
            place: Some(place.clone()),
            duration_ms: None,
            message: Some(message.clone()),
        });
        let mut told = problem("doctest", Severity::Error, place, message);
        told.related = others;
        told.detail = Some(self.detail);
        told.test = Some(self.test);
        scope.problem(told);
    }
}

impl Doctest {
    fn flush(&mut self, scope: &mut Scope) {
        if let Some(failed) = self.failed.take() {
            failed.tell(scope);
        }
    }
}

impl Matcher for Doctest {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            (self.failed, self.starred) = (None, false);
            return;
        }
        if line.starts_with("**********") {
            self.flush(scope);
            self.starred = true;
            return;
        }
        if std::mem::take(&mut self.starred) {
            self.failed = Failed::open(line);
            if self.failed.is_some() {
                scope.claim();
            }
            return;
        }
        if let Some(failed) = &mut self.failed {
            if failed.line(line) {
                scope.claim();
                return;
            }
            self.flush(scope);
        }
        if let Some(found) = totals().captures(line) {
            self.before.passed += count(&found, 1);
            self.before.failed += count(&found, 2);
            scope.counts(RUNNER, self.before);
            scope.summary(line);
        }
    }

    fn wants_all(&self) -> bool {
        self.starred || self.failed.is_some()
    }

    fn end(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }
}
