//! A Python program that ends with an exception. A traceback in the middle of a log was handled by somebody: only the one
//! that the output ends with is a problem.

use super::traceback::{Traceback, file_line};
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::scope::{Scope, problem};
use crate::problem::Severity;

/// Lines that may follow: what make, npm or a shell says about the exit.
const MAX_AFTER: u32 = 5;

pub(super) const FORMAT: Format = Format {
    name: "python traceback",
    rank: Rank::Tool,
    gate: always,
    starts: &[r"Traceback \(most recent", "File \""],
    inside: &[],
    new: |_| Box::new(Uncaught::default()),
};

#[derive(Default)]
pub(super) struct Uncaught {
    last: Option<Traceback>,
    reading: bool,
    after: u32,
}

impl Uncaught {
    fn begin(&mut self, detail: &str) {
        self.last = Some(Traceback { detail: detail.to_owned(), ..Traceback::default() });
        self.reading = true;
        self.after = 0;
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
            if let Some(traceback) = &mut self.last
                && traceback.line(line)
            {
                return;
            }
            self.reading = false;
        }
        if line.starts_with("Traceback (most recent call last)") {
            self.begin(line);
        } else if line.starts_with("  File \"") && file_line(line).is_some_and(|frame| frame.function.is_empty()) {
            // A syntax error in the script itself has no head.
            self.begin("");
            if let Some(traceback) = &mut self.last {
                traceback.line(line);
            }
        } else if self.last.is_some() && !line.trim().is_empty() {
            self.after += 1;
            if self.after > MAX_AFTER {
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
