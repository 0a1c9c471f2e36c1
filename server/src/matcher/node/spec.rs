//! The spec reporter of `node --test`: `✔ name (1.2ms)`, `✖ name (0.9ms)` with the error below it, suites between `▶` and their
//! own mark, the counts after `ℹ`, and all failures again at the end, with the place of each test.

use super::outcome::{ended, failed};
use super::source::TestFinder;
use super::stack::{Frame, frame, message, own, pick};
use super::totals::Totals;
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::scope::{Runner, Scope, keep};
use crate::problem::{Counts, Place, TestResult, TestStatus};

const TOOL: &str = "node:test";
/// Lines of one failure that are read.
const MAX_LINES: usize = 300;

pub(super) const FORMAT: Format = Format {
    name: "node spec",
    rank: Rank::Runner,
    gate: always,
    starts: &["(?:✔|✖|▶|ℹ|﹣) ", "test at ", r"Failed tests:\z"],
    inside: &[],
    new: |_| Box::new(Spec::default()),
};

#[derive(Default)]
pub(super) struct Spec {
    before: Counts,
    counts: Counts,
    /// Open suites: indentation and name.
    stack: Vec<(usize, String)>,
    finder: TestFinder,
    failure: Option<Failure>,
    /// What failed so far, for the list at the end.
    failed: Vec<Failed>,
    /// In the list at the end, and the place that `test at` named.
    listing: bool,
    /// The list is that of the dot reporter, where nothing was told before.
    dot: bool,
    at: Option<Place>,
    totals: Totals,
}

struct Failed {
    name: String,
    id: String,
    told: bool,
    listed: bool,
}

/// A failed test whose error is read.
struct Failure {
    id: String,
    name: String,
    margin: usize,
    lines: Vec<String>,
    frames: Vec<Frame>,
    detail: String,
    at: Option<Place>,
    /// An empty line may stand before its error.
    after_gap: bool,
}

expression!(mark, r"^( *)([✔✖﹣▶]) (.*)$");
expression!(timed, r"^(.*) \((\d+\.\d+)ms\)(?: # (.*))?$");

impl Spec {
    fn tell_counts(&self, scope: &mut Scope) {
        scope.counts(Runner::NODE, self.before + self.counts);
    }

    fn marked(&mut self, indent: usize, mark: &str, text: &str, scope: &mut Scope) {
        let timed = timed().captures(text);
        // A test that was cancelled has no time; without a suite around it or the list, the mark may be anybody's.
        let cancelled =
            mark == "✖" && (self.dot || self.at.is_some() || self.stack.iter().any(|(open, _)| *open < indent));
        if timed.is_none() && !cancelled {
            if mark == "▶" {
                self.stack.retain(|(open, _)| *open < indent);
                self.stack.push((indent, text.to_owned()));
            } else if mark == "✖" && text == "failing tests:" {
                self.listing = true;
            }
            return;
        }
        let name = timed.as_ref().map_or(text, |timed| timed.get(1).map_or(text, |name| name.as_str())).to_owned();
        let time = timed.as_ref().and_then(|timed| timed[2].parse::<f64>().ok());
        let remark = timed.as_ref().and_then(|timed| timed.get(3)).map(|remark| remark.as_str());
        self.stack.retain(|(open, _)| *open <= indent);
        if self.listing {
            if remark.is_none() {
                self.listed(name, indent, scope);
            }
            return;
        }
        if let Some(at) = self.stack.iter().position(|(open, _)| *open == indent) {
            let (_, suite) = self.stack.remove(at);
            if suite == name {
                if mark == "✖" {
                    self.suite_failed(name, indent, scope);
                }
                return;
            }
        }
        if mark == "▶" {
            return;
        }
        let status = match (mark, remark) {
            ("﹣", _) => TestStatus::Skipped,
            // Why it is to be done, or is left out: a failure of it is none.
            (_, Some(_)) => TestStatus::Skipped,
            ("✖", _) => TestStatus::Failed,
            _ => TestStatus::Passed,
        };
        self.counts.count(status);
        let suites: Vec<&str> = self.stack.iter().map(|(_, suite)| suite.as_str()).collect();
        let id = suites.iter().copied().chain([name.as_str()]).collect::<Vec<_>>().join(" ");
        let place = if status == TestStatus::Failed { self.finder.find(scope, &suites, &name) } else { None };
        let result = TestResult {
            id: id.clone(),
            name: name.clone(),
            program: None,
            status,
            place: place.clone(),
            duration_ms: time.map(|milliseconds| milliseconds as u64),
            message: None,
        };
        ended(TOOL, &id, result, scope);
        self.tell_counts(scope);
        if status == TestStatus::Failed {
            if self.failed.len() < 10_000 {
                self.failed.push(Failed { name: name.clone(), id: id.clone(), told: false, listed: false });
            }
            self.failure = Some(Failure::new(id, name, indent, place));
        }
    }

    /// The end of a suite that failed. When it failed itself, not only its tests, its error follows an empty line.
    fn suite_failed(&mut self, name: String, indent: usize, scope: &Scope) {
        let suites: Vec<&str> = self.stack.iter().map(|(_, suite)| suite.as_str()).collect();
        let id = suites.iter().copied().chain([name.as_str()]).collect::<Vec<_>>().join(" ");
        let place = self.finder.find(scope, &suites, &name);
        if self.failed.len() < 10_000 {
            self.failed.push(Failed { name: name.clone(), id: id.clone(), told: false, listed: false });
        }
        self.failure = Some(Failure { after_gap: true, ..Failure::new(id, name, indent, place) });
    }

    /// A failure in the list at the end, where its suites are not told.
    fn listed(&mut self, name: String, indent: usize, scope: &Scope) {
        let at = self.at.take().or_else(|| self.finder.find(scope, &[], &name));
        match self.failed.iter_mut().find(|failed| failed.name == name && !failed.listed) {
            Some(failed) => {
                failed.listed = true;
                if !failed.told {
                    self.failure = Some(Failure::new(failed.id.clone(), name, indent, at));
                }
            }
            None => self.failure = Some(Failure::new(name.clone(), name, indent, at)),
        }
    }

    fn end_failure(&mut self, scope: &mut Scope) {
        let Some(failure) = self.failure.take() else { return };
        if failure.lines.is_empty() {
            return;
        }
        let lines: Vec<&str> = failure.lines.iter().map(String::as_str).collect();
        let mut text = message(&lines);
        if let Some(inner) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
            text = inner.to_owned();
        }
        if text.ends_with(" subtest failed") || text.ends_with(" subtests failed") {
            // A suite in the list of the dot reporter: its tests are told.
            return;
        }
        let is_file = text == "test failed" && failure.frames.is_empty() && failure.name.contains('.');
        let crashed = std::mem::take(&mut scope.crashed) && is_file;
        let places = pick(scope, &failure.frames, true, failure.at.as_ref()).or_else(|| {
            let file = || if is_file { scope.own(&failure.name).map(|file| scope.whole(file)) } else { None };
            Some((failure.at.clone().or_else(file)?, Vec::new()))
        });
        if (crashed || places.is_some())
            && let Some(failed) = self.failed.iter_mut().rfind(|failed| failed.id == failure.id && !failed.told)
        {
            failed.told = true;
        }
        let Some(at) = places.filter(|_| !crashed) else { return };
        let mut id = failure.id;
        if self.dot {
            // The list has a test's own name alone.
            let mut names = self.finder.suites(scope, &at.0.file, &failure.name).unwrap_or_default();
            names.push(failure.name);
            id = names.join(" ");
        }
        // A file that ended before its tests did is no test; Node says its first line.
        let at = if is_file { (scope.at(at.0.file, 1, None, None), at.1) } else { at };
        let test = Some(id).filter(|_| !is_file);
        scope.problem(failed(TOOL, at, text, test, failure.detail));
    }
}

impl Failure {
    fn new(id: String, name: String, indent: usize, at: Option<Place>) -> Self {
        let margin = indent + 2;
        Self { id, name, margin, lines: Vec::new(), frames: Vec::new(), detail: String::new(), at, after_gap: false }
    }

    /// A line of the error; false when it is none.
    fn line(&mut self, line: &str) -> bool {
        if std::mem::take(&mut self.after_gap) && line.is_empty() {
            return true;
        }
        let is_inside = line.len() >= self.margin && line.as_bytes()[..self.margin].iter().all(|&byte| byte == b' ');
        if !is_inside || self.lines.len() + self.frames.len() >= MAX_LINES {
            return false;
        }
        let text = &line[self.margin..];
        keep(&mut self.detail, text);
        if text.trim_start().starts_with("at ") {
            self.frames.extend(frame(line));
        } else {
            self.lines.push(text.to_owned());
        }
        true
    }
}

impl Matcher for Spec {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            return;
        }
        if let Some(failure) = &mut self.failure {
            if failure.line(line) {
                return;
            }
            self.end_failure(scope);
        }
        if let Some(found) = mark().captures(line) {
            let (indent, text) = (found[1].len(), found[3].to_owned());
            self.marked(indent, &found[2], &text, scope);
        } else if let Some((counts, summary)) = line.strip_prefix("ℹ ").and_then(|text| self.totals.take(text)) {
            self.stack.clear();
            self.counts = Counts::default();
            self.before += counts;
            self.tell_counts(scope);
            scope.summary(&summary);
        } else if line == "Failed tests:" {
            (self.listing, self.dot) = (true, true);
        } else if let Some(at) = line.strip_prefix("test at ").filter(|_| self.listing) {
            self.at = frame(at).and_then(|frame| own(scope, &frame));
        }
    }

    fn wants_all(&self) -> bool {
        self.failure.is_some()
    }

    fn end(&mut self, scope: &mut Scope) {
        self.end_failure(scope);
    }
}
