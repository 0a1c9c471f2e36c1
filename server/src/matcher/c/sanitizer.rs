//! What programs print that were compiled with `-fsanitize`: UndefinedBehaviorSanitizer's lines, and the reports of
//! AddressSanitizer, LeakSanitizer, MemorySanitizer and ThreadSanitizer, whose place is the first own frame of the first
//! stack. The other stacks' first own frames (where it was allocated, freed) are related.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, keep, problem, related};
use crate::problem::{Place, Severity};

/// Lines of one report that are read, and stacks whose place is kept.
const MAX_LINES: usize = 400;
const MAX_STACKS: usize = 8;

pub(super) const FORMAT: Format = Format {
    name: "sanitizer",
    rank: Rank::Tool,
    gate: always,
    starts: &["==[0-9]+==(?:ERROR|WARNING): ", "WARNING: ThreadSanitizer: "],
    inside: &[Inside { words: &[": runtime error: "], text: "" }],
    new: |_| Box::new(Sanitizer::default()),
};

#[derive(Default)]
struct Sanitizer {
    report: Option<Report>,
}

struct Report {
    message: String,
    /// The first own frame of each stack, with the words above it.
    stacks: Vec<(Place, String)>,
    /// What the stack that follows is of.
    title: String,
    /// Its place is known.
    found: bool,
    detail: String,
    lines: usize,
}

expression!(undefined, r"^(\S.*?):(\d+):(\d+): runtime error: (.+)$");
expression!(head, r"^(?:==\d+==(?:ERROR|WARNING): |WARNING: )(\w+Sanitizer: .+)$");
expression!(frame, r"^\s+#\d+ (?:0x[0-9a-f]+ in )?\S.* (\S+?):(\d+)(?::(\d+))?(?: \(.*\))?$");

/// The kind of a report without the addresses of this one run.
fn kind(text: &str) -> &str {
    let end = [" on address ", " on unknown address ", " (pid="].iter().filter_map(|cut| text.find(cut)).min();
    &text[..end.unwrap_or(text.len())]
}

impl Sanitizer {
    fn tell(&mut self, scope: &mut Scope) {
        let Some(report) = self.report.take() else { return };
        let mut stacks = report.stacks.into_iter();
        let Some((place, _)) = stacks.next() else { return };
        let mut found = problem("sanitizer", Severity::Error, place, report.message);
        found.related = stacks.map(|(place, title)| related(place, title)).collect();
        found.detail = Some(report.detail);
        scope.problem(found);
    }
}

impl Report {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        self.lines += 1;
        keep(&mut self.detail, line);
        if let Some(found) = frame().captures(line) {
            if !self.found
                && self.stacks.len() < MAX_STACKS
                && let Some(file) = scope.own(&found[1])
            {
                let number = |at: usize| found.get(at).and_then(|number| number.as_str().parse::<u32>().ok());
                let place = scope.at(file, number(2).unwrap_or(0), number(3).map(Column::Bytes), None);
                self.stacks.push((place, self.title.clone()));
                self.found = true;
            }
        } else {
            // Above each stack stands what it is of.
            line.trim().trim_end_matches(':').clone_into(&mut self.title);
            self.found = false;
        }
    }
}

impl Matcher for Sanitizer {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if let Some(found) = head().captures(line) {
            self.tell(scope);
            self.report = Some(Report {
                message: kind(&found[1]).to_owned(),
                stacks: Vec::new(),
                title: String::new(),
                found: false,
                detail: line.to_owned(),
                lines: 0,
            });
            return scope.claim();
        }
        if let Some(report) = &mut self.report {
            if !line.starts_with("SUMMARY: ") && !line.starts_with("====") && report.lines < MAX_LINES {
                report.line(line, scope);
                return scope.claim();
            }
            return self.tell(scope);
        }
        if line.contains(": runtime error: ")
            && let Some(found) = undefined().captures(line)
            && let Some(file) = scope.own(&found[1])
        {
            let number = |at: usize| found[at].parse::<u32>().unwrap_or(0);
            let place = scope.at(file, number(2), Some(Column::Bytes(number(3))), None);
            scope.problem(problem("sanitizer", Severity::Error, place, &found[4]));
            scope.claim();
        }
    }

    fn wants_all(&self) -> bool {
        self.report.is_some()
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        self.tell(scope);
    }

    fn end(&mut self, scope: &mut Scope) {
        self.tell(scope);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        for (text, short) in [
            ("AddressSanitizer: heap-use-after-free on address 0x6 at pc 0x5", "AddressSanitizer: heap-use-after-free"),
            ("ThreadSanitizer: data race (pid=12)", "ThreadSanitizer: data race"),
            ("LeakSanitizer: detected memory leaks", "LeakSanitizer: detected memory leaks"),
        ] {
            assert_eq!(kind(text), short);
        }
    }
}
