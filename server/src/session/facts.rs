//! What a run has shown so far: its problems, failed tests and counts, as the notification and the summary need them.

use std::collections::HashMap;
use std::path::Path;

use crate::problem::{Counts, Finding, Place, Problem, Severity, TestResult, TestStatus};
use crate::task::model::Progress;

/// Problems that are kept of one run; the rest is counted.
const KEPT: usize = 1_000;
/// Results of single tests that are kept of one run.
const KEPT_TESTS: usize = 20_000;

/// The findings of one run.
#[derive(Debug, Default)]
pub(super) struct Facts {
    problems: Vec<Problem>,
    /// Results by test, in the order of their ends; a test that ran again replaces its result.
    pub(super) tests: Vec<TestResult>,
    test_at: HashMap<String, usize>,
    pub(super) counts: Option<Counts>,
    not_kept: usize,
}

impl Facts {
    /// Takes one finding.
    pub(super) fn add(&mut self, finding: &Finding) {
        match finding {
            Finding::Problem(problem) => {
                let earlier = problem.test.as_ref().and_then(|test| {
                    self.problems.iter().position(|known| known.provisional && known.test.as_ref() == Some(test))
                });
                match earlier {
                    Some(at) => self.problems[at] = problem.clone(),
                    None if self.problems.len() < KEPT => self.problems.push(problem.clone()),
                    None => self.not_kept += 1,
                }
            }
            Finding::Test(test) => match self.test_at.get(&test.id) {
                Some(at) => self.tests[*at] = test.clone(),
                None if self.tests.len() < KEPT_TESTS => {
                    self.test_at.insert(test.id.clone(), self.tests.len());
                    self.tests.push(test.clone());
                }
                None => {}
            },
            Finding::Counts(counts) => self.counts = Some(*counts),
            Finding::Total(_) | Finding::Progress(_) | Finding::Summary(_) => {}
        }
    }

    /// One line a failure, paths relative to `root`; and how many were not kept.
    pub(super) fn failures(&self, root: &Path) -> (Vec<String>, usize) {
        let mut lines: Vec<String> = self
            .problems
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
            .map(|problem| {
                let test = problem.test.as_ref().map(|test| format!("{test}: ")).unwrap_or_default();
                format!("{} {test}{}", place(&problem.place, root), problem.message)
            })
            .collect();
        for test in self.tests.iter().filter(|test| test.status == TestStatus::Failed) {
            if !self.problems.iter().any(|problem| problem.test.as_ref() == Some(&test.id)) {
                let at = test.place.as_ref().map(|at| format!("{} ", place(at, root))).unwrap_or_default();
                lines.push(format!("{at}{}: {}", test.id, test.message.as_deref().unwrap_or("failed")));
            }
        }
        (lines, self.not_kept)
    }

    /// One line for people and models; `None` when nothing was recognised.
    pub(super) fn summary(&self) -> Option<String> {
        if let Some(counts) = self.counts.filter(|counts| counts.total() > 0) {
            let mut text = format!("{} passed, {} failed", counts.passed, counts.failed);
            if counts.skipped > 0 {
                text.push_str(&format!(", {} skipped", counts.skipped));
            }
            return Some(text);
        }
        let count = |severity| self.problems.iter().filter(|problem| problem.severity == severity).count();
        let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        match (count(Severity::Error), count(Severity::Warning)) {
            (0, 0) => None,
            (0, warnings) => Some(plural(warnings, "warning")),
            (errors, 0) => Some(plural(errors, "error")),
            (errors, warnings) => Some(format!("{}, {}", plural(errors, "error"), plural(warnings, "warning"))),
        }
    }
}

fn place(place: &Place, root: &Path) -> String {
    let file = place.file.strip_prefix(root).unwrap_or(&place.file).display();
    match (place.line, place.column) {
        (Some(line), Some(column)) => format!("{file}:{line}:{column}"),
        (Some(line), None) => format!("{file}:{line}"),
        _ => file.to_string(),
    }
}

/// The words of a progress: `12/50 · 1 failed`, or what the tool says that it does.
pub(super) fn progress_text(progress: &Progress, total: Option<u32>) -> Option<String> {
    let done = progress.counts.total();
    if done == 0 && total.is_none() {
        return progress.message.clone();
    }
    let mut text = match total {
        Some(total) if total > 0 => format!("{done}/{total}"),
        _ => format!("{done} done"),
    };
    if progress.counts.failed > 0 {
        text.push_str(&format!(" · {} failed", progress.counts.failed));
    }
    Some(text)
}
