//! What a failed test of Rust's harness printed, and the problem that it makes: its panics, the `Error:` of a test that
//! returns a `Result`, what the harness notes on a `#[should_panic]`. Knows not how a runner separates tests.

use super::panic::{Panic, PanicReader, package_of};
use super::source::doc_test_line;
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, keep, problem, related};
use crate::problem::{Place, Problem, Severity};

/// Panics of one test that are kept.
const MAX_PANICS: usize = 100;

/// The output of one failed test, while it is read.
#[derive(Default)]
pub(super) struct Failure {
    pub(super) test: String,
    reader: PanicReader,
    panics: Vec<Panic>,
    /// `Error: ...` of a test that returns a Result.
    pub(super) error: Option<String>,
    note: Option<Note>,
    detail: String,
}

enum Note {
    DidNotPanic(Option<(String, u32, u32)>),
    OtherPanic(Option<String>),
}

expression!(did_not_panic, r"^note: test did not panic as expected(?: at (.+?):(\d+):(\d+))?");

impl Failure {
    pub(super) fn new(test: String) -> Self {
        Self { test, ..Self::default() }
    }

    /// A line of the test's output.
    pub(super) fn line(&mut self, line: &str) {
        let panic = self.reader.line(line);
        self.add(panic);
        keep(&mut self.detail, line);
        if let Some(found) = did_not_panic().captures(line) {
            let number = |at: usize| found.get(at).and_then(|text| text.as_str().parse().ok()).unwrap_or(0);
            self.note =
                Some(Note::DidNotPanic(found.get(1).map(|path| (path.as_str().to_owned(), number(2), number(3)))));
        } else if line.starts_with("note: panic did not contain expected string") {
            self.note = Some(Note::OtherPanic(None));
        } else if let (Some(Note::OtherPanic(expected)), Some(text)) =
            (&mut self.note, line.trim_start().strip_prefix("expected substring: "))
        {
            *expected = Some(text.trim_end_matches(',').to_owned());
        } else if ["Error: ", "Test executable succeeded, but", "Test compiled successfully, but"]
            .iter()
            .any(|start| line.starts_with(start))
            && self.error.is_none()
        {
            self.error = Some(line.to_owned());
        }
    }

    /// True where there is neither a panic nor its lack: what was told of the test before is better.
    pub(super) fn has_no_panic(&self) -> bool {
        let lacks = matches!(self.note, Some(Note::DidNotPanic(_)));
        !lacks && self.panics.is_empty() && !self.reader.is_reading()
    }

    fn add(&mut self, panic: Option<Panic>) {
        if self.panics.len() < MAX_PANICS {
            self.panics.extend(panic);
        }
    }

    /// What the output says; `function` is where the test is declared. `None` when it says nothing.
    pub(super) fn problem(mut self, tool: &str, function: Option<Place>, scope: &mut Scope) -> Option<Problem> {
        let unfinished = self.reader.finish();
        self.add(unfinished);
        let (place, message) = match &self.note {
            Some(Note::DidNotPanic(printed)) => {
                let printed = printed.as_ref().and_then(|(path, line, column)| {
                    let file = scope.own_rust(path)?;
                    Some(scope.at(file, *line, Some(Column::Chars(*column)), None))
                });
                (printed.or(function), "test did not panic as expected".to_owned())
            }
            Some(Note::OtherPanic(expected)) => {
                let note = match expected {
                    Some(expected) => format!("panic did not contain {expected}"),
                    None => "panic did not contain expected string".to_owned(),
                };
                if !self.panics.is_empty() {
                    return of_panics(tool, &self.test, &self.panics, Some(&note), function, scope);
                }
                (function, note)
            }
            None if !self.panics.is_empty() => {
                return of_panics(tool, &self.test, &self.panics, None, function, scope);
            }
            None => (function, self.error.take()?),
        };
        let mut found = problem(tool, Severity::Error, place?, message);
        found.detail = Some(self.detail);
        found.test = Some(self.test);
        Some(found)
    }
}

/// A test's panics as one problem: the last one of the test's own thread ended it.
pub(super) fn of_panics(
    tool: &str,
    test: &str,
    panics: &[Panic],
    note: Option<&str>,
    function: Option<Place>,
    scope: &mut Scope,
) -> Option<Problem> {
    let own_thread = |panic: &&Panic| panic.thread == test || panic.thread == "main";
    let last = panics.iter().rfind(own_thread).or(panics.last())?;
    // A doc-test's panic counts lines of the program that was made of it.
    let package = function.as_ref().and_then(|function| package_of(scope, &function.file));
    let package = package.as_deref();
    let place = if doc_test_line(test).is_some() { function } else { last.place(scope, package).or(function) };
    let mut found = last.problem(scope, place?, tool, package);
    if let Some(note) = note {
        found.message = format!("{note}: {}", found.message);
    }
    for panic in panics.iter().filter(|panic| !std::ptr::eq(*panic, last)).take(8) {
        if let Some(place) = panic.place(scope, package) {
            found.related.push(related(place, panic.message.clone()));
        }
    }
    found.test = Some(test.to_owned());
    Some(found)
}
