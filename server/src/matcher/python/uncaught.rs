//! A Python program that ends with an exception, or a group of them. A traceback in the middle of a log was handled by
//! somebody: only the one that the output ends with is a problem.

use super::traceback::{Traceback, file_line};
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::scope::{Scope, keep, problem};
use crate::problem::Severity;

/// Lines that may follow: what make, npm or a shell says about the exit.
const MAX_AFTER: u32 = 5;

pub(super) const FORMAT: Format = Format {
    name: "python traceback",
    rank: Rank::Tool,
    gate: always,
    starts: &[r"Traceback \(most recent", r"\+ Exception Group Traceback", "File \""],
    inside: &[],
    new: |_| Box::new(Uncaught::default()),
};

#[derive(Default)]
pub(super) struct Uncaught {
    last: Option<Traceback>,
    reading: bool,
    /// What is read is drawn beside a line, as Python does with a group.
    group: bool,
    after: u32,
}

// Who goes on logging had handled what it logged.
expression!(logged, r"^\[?\d{4}-\d\d-\d\d[ T]\d\d:\d\d");

impl Uncaught {
    fn begin(&mut self, detail: &str) {
        self.last = Some(Traceback { detail: detail.to_owned(), ..Traceback::default() });
        (self.reading, self.group, self.after) = (true, false, 0);
    }

    /// A line of what is read; false behind its end.
    fn read(&mut self, line: &str) -> bool {
        let Some(traceback) = &mut self.last else { return false };
        if !self.group {
            return traceback.line(line);
        }
        match line.strip_prefix("  | ") {
            Some(text) => drop(traceback.line(text)),
            // The exceptions of the group.
            None if line.trim_start().starts_with(['|', '+']) => keep(&mut traceback.detail, line),
            None => return false,
        }
        true
    }
}

impl Matcher for Uncaught {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.last = None;
            self.reading = false;
            return;
        }
        if self.reading {
            if self.read(line) {
                return;
            }
            self.reading = false;
        }
        if line.starts_with("Traceback (most recent call last)") {
            self.begin(line);
        } else if line.starts_with("  + Exception Group Traceback") {
            self.begin(line);
            self.group = true;
        } else if line.starts_with("  File \"") && file_line(line).is_some_and(|frame| frame.function.is_empty()) {
            // A syntax error in the script itself has no head.
            self.begin("");
            if let Some(traceback) = &mut self.last {
                traceback.line(line);
            }
        } else if self.last.is_some() && !line.trim().is_empty() {
            self.after += 1;
            // Behind a fence goes on a document that only shows it.
            if self.after > MAX_AFTER || logged().is_match(line) || line.starts_with("```") {
                self.last = None;
            }
        }
    }

    fn wants_all(&self) -> bool {
        self.last.is_some()
    }

    fn end(&mut self, scope: &mut Scope) {
        let Some(traceback) = self.last.take().filter(|traceback| !traceback.message.is_empty()) else { return };
        if let Some((place, others)) = traceback.places(scope, false) {
            let mut found = problem("python", Severity::Error, place, traceback.message);
            found.detail = Some(traceback.detail);
            found.related = others;
            scope.problem(found);
        }
    }
}
