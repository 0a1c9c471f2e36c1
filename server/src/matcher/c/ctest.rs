//! CTest: `1/6 Test #1: name ....   Passed`, and with `--output-on-failure` what a failed test printed below it. A failed test
//! is shown at its assertion where that is printed, else at its `add_test`.

use std::path::PathBuf;

use super::assert::assertion;
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::oneline::{find_word, number};
use crate::matcher::place::Column;
use crate::matcher::scope::{Runner, Scope, keep, problem};
use crate::problem::{Counts, Place, Severity, TestResult, TestStatus};

const RUNNER: Runner = Runner("ctest");
/// Lines of a failed test's output.
const MAX_LINES: usize = 500;
/// Files that are searched for `add_test`.
const MAX_FILES: usize = 200;

pub(super) const FORMAT: Format = Format {
    name: "ctest",
    rank: Rank::Runner,
    gate: always,
    starts: &["Test project /"],
    inside: &[],
    new: |_| Box::new(Ctest::default()),
};

#[derive(Default)]
struct Ctest {
    active: bool,
    before: Counts,
    counts: Counts,
    failed: Option<Failed>,
    /// The assertion that the test which runs now has printed (`-V` shows it before the result).
    printed: Option<(Place, String)>,
    /// `Unable to find executable: x`.
    missing: Option<String>,
    /// The project's lists, read once, when the first test fails.
    manifests: Option<Vec<(PathBuf, String)>>,
}

/// A failed test whose output may follow.
struct Failed {
    name: String,
    message: String,
    detail: String,
    lines: usize,
}

expression!(result, r"^\s*\d+/\d+ +Test +#\d+: (\S+) [. ]*(.*?) +([\d.]+) sec\b");
expression!(numbered, r"^\d+: ");
expression!(gtest, r"^(\S[^:]*)[:(](\d+)\)?: (?:Failure|error: )(.*)$");

impl Ctest {
    fn tell_counts(&self, scope: &mut Scope) {
        scope.counts(RUNNER, self.before + self.counts);
    }

    /// Where the test is added.
    fn added(&mut self, name: &str, scope: &Scope) -> Option<Place> {
        let manifests = self.manifests.get_or_insert_with(|| {
            let all = scope.files.with_extension("txt").into_iter();
            let of_cmake = |path: &PathBuf| path.ends_with("CMakeLists.txt");
            let all = all.filter(of_cmake).chain(scope.files.with_extension("cmake")).take(MAX_FILES);
            all.filter_map(|file| scope.files.read(&file).map(|text| (file, text))).collect()
        });
        for (file, text) in manifests.iter() {
            let mut from = 1;
            while let Some((line, column, end)) = find_word(text, name, from) {
                let source = text.lines().nth(line as usize - 1).unwrap_or_default();
                let before: String = source.chars().take(column as usize - 1).collect();
                let before = before.trim_end().trim_end_matches('"').trim_end();
                if before.ends_with("NAME") || before.ends_with("add_test(") {
                    return Some(scope.at(file.clone(), line, Some(Column::Chars(column)), Some(Column::Chars(end))));
                }
                from = line + 1;
            }
        }
        None
    }

    fn result(&mut self, line: &str, scope: &mut Scope) -> bool {
        let Some(found) = result().captures(line) else { return false };
        self.end_failed(scope);
        let (name, verdict) = (found[1].to_owned(), found[2].trim().to_owned());
        let skipped = verdict.contains("(Disabled)") || verdict.contains("Skipped");
        let status = match verdict.as_str() {
            "Passed" => TestStatus::Passed,
            _ if skipped => TestStatus::Skipped,
            _ => TestStatus::Failed,
        };
        self.counts.count(status);
        self.tell_counts(scope);
        let printed = self.printed.take();
        let missing = self.missing.take();
        let words: Vec<&str> = verdict.split("***").map(|word| word.trim().trim_end_matches(':')).collect();
        let message = missing.unwrap_or_else(|| match words.as_slice() {
            ["", cause] => (*cause).to_owned(),
            [cause, ..] => (*cause).to_owned(),
            [] => String::new(),
        });
        let place = if status == TestStatus::Failed { self.added(&name, scope) } else { None };
        scope.test_result(TestResult {
            id: name.clone(),
            name: name.clone(),
            program: None,
            status,
            place: place.clone(),
            duration_ms: found[3].parse::<f64>().ok().map(|seconds| (seconds * 1000.0) as u64),
            message: (status == TestStatus::Failed).then(|| message.clone()),
        });
        if status != TestStatus::Failed {
            return true;
        }
        if let Some((place, message)) = printed {
            Self::tell(scope, name, place, message, None, false);
            return true;
        }
        if let Some(place) = place {
            Self::tell(scope, name.clone(), place, message.clone(), None, true);
        }
        self.failed = Some(Failed { name, message, detail: String::new(), lines: 0 });
        true
    }

    fn tell(scope: &mut Scope, test: String, place: Place, message: String, detail: Option<String>, provisional: bool) {
        let mut told = problem("ctest", Severity::Error, place, message);
        told.detail = detail.filter(|detail| !detail.trim().is_empty());
        told.test = Some(test);
        told.provisional = provisional;
        scope.problem(told);
    }

    /// The failed test printed no place: its `add_test` is the place.
    fn end_failed(&mut self, scope: &mut Scope) {
        let Some(failed) = self.failed.take() else { return };
        if let Some(place) = self.added(&failed.name, scope) {
            Self::tell(scope, failed.name, place, failed.message, Some(failed.detail), false);
        }
    }

    /// A place that a test printed about its own failure.
    fn printed(line: &str, scope: &mut Scope) -> Option<(Place, String)> {
        if let Some(printed) = assertion(line) {
            let file = scope.own(printed.path)?;
            return Some((scope.at(file, printed.line?, None, None), printed.message.to_owned()));
        }
        let found = gtest().captures(line)?;
        let file = scope.own(&found[1])?;
        let message = if found[3].is_empty() { "Failure" } else { found.get(3)?.as_str() };
        Some((scope.at(file, number(&found, 2)?, None, None), message.to_owned()))
    }
}

impl Matcher for Ctest {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some_and(|runner| runner != RUNNER) {
            return;
        }
        if line.starts_with("Test project /") {
            self.active = true;
            scope.inside = Some(RUNNER);
            return;
        }
        if !self.active || self.result(line, scope) {
            return;
        }
        if line.starts_with("    Start ") || line.is_empty() && self.failed.as_ref().is_some_and(|it| it.lines > 0) {
            self.end_failed(scope);
        } else if let Some(program) = line.strip_prefix("Unable to find executable: ") {
            self.missing = Some(format!("Unable to find executable: {program}"));
        } else if line.contains("% tests passed") {
            self.end_failed(scope);
            self.active = false;
            scope.inside = None;
            scope.summary(line);
            self.before += self.counts;
            self.counts = Counts::default();
        } else if let Some(failed) = &mut self.failed {
            keep(&mut failed.detail, line);
            failed.lines += 1;
            if failed.lines > MAX_LINES {
                self.end_failed(scope);
            } else if let Some((place, message)) = Self::printed(line, scope)
                && let Some(failed) = self.failed.take()
            {
                Self::tell(scope, failed.name, place, message, Some(failed.detail), false);
            }
        } else if let Some(found) = numbered().find(line)
            && self.printed.is_none()
        {
            self.printed = Self::printed(&line[found.end()..], scope);
        }
    }

    fn wants_all(&self) -> bool {
        self.active
    }

    fn end(&mut self, scope: &mut Scope) {
        self.end_failed(scope);
    }
}
