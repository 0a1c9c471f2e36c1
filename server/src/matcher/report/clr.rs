//! A .NET program that ends with an exception: `Unhandled exception. System.X: text` and its frames, `at A.B() in
//! /w/A.cs:line 6`; Mono writes the exception on a line of its own, and the line without the word.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::oneline::number;
use crate::matcher::scope::{Scope, keep, problem, related};
use crate::problem::{Place, Related, Severity};

/// Lines of one trace.
const MAX_LINES: usize = 300;

pub(super) const FORMAT: Format = Format {
    name: "unhandled .NET exception",
    rank: Rank::Tool,
    gate: always,
    starts: &["(?i:unhandled exception)[:.]"],
    inside: &[],
    new: |_| Box::new(Unhandled::default()),
};

#[derive(Default)]
struct Unhandled {
    reading: bool,
    message: String,
    own: Vec<Place>,
    detail: String,
    lines: usize,
}

expression!(head, r"^(?i:unhandled exception)[:.]\s*(.*)$");
expression!(frame, r"^\s+at .* in (.+?):(?:line )?(\d+)\s*$");

impl Unhandled {
    fn flush(&mut self, scope: &mut Scope) {
        let Unhandled { message, mut own, detail, .. } = std::mem::take(self);
        if own.is_empty() || message.is_empty() {
            return;
        }
        let place = own.remove(0);
        let mut others: Vec<Related> = Vec::new();
        for other in own {
            if other != place && !others.iter().any(|known| known.place == other) && others.len() < 8 {
                others.push(related(other, "called here"));
            }
        }
        let mut told = problem("dotnet", Severity::Error, place, message);
        told.related = others;
        told.detail = Some(detail);
        scope.problem(told);
    }
}

impl Matcher for Unhandled {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.reading = false;
            return;
        }
        if let Some(found) = head().captures(line) {
            self.flush(scope);
            (self.reading, self.message) = (true, found[1].to_owned());
            return;
        }
        self.lines += 1;
        if let Some(found) = frame().captures(line) {
            keep(&mut self.detail, line);
            if let (Some(file), Some(at)) = (scope.own(&found[1]), number(&found, 2))
                && self.own.len() < 100
            {
                self.own.push(scope.at(file, at, None, None));
            }
        } else if self.message.is_empty() && !line.trim().is_empty() {
            line.trim().clone_into(&mut self.message);
        } else if self.lines > MAX_LINES || !line.starts_with([' ', '\t']) {
            self.flush(scope);
        } else {
            keep(&mut self.detail, line);
        }
    }

    fn wants_all(&self) -> bool {
        self.reading
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }

    fn end(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }
}
