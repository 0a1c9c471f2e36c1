//! Formatters of Python that name files alone: `black --check` and `isort --check`.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::oneline::number;
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, problem};
use crate::problem::Severity;

pub(super) const FORMAT: Format = Format {
    name: "black",
    // Before rustc, which takes every `error: ` for the head of a diagnostic.
    rank: Rank::Runner,
    gate: always,
    starts: &["would reformat ", "error: cannot (?:format|parse)", "ERROR: .*Imports are incorrectly sorted"],
    inside: &[],
    new: |_| Box::new(Black),
};

struct Black;

expression!(unreadable, r"^error: cannot format (.+?): (Cannot .*?: (\d+):(\d+): .*|.+)$");
// Newer versions underline the place below.
expression!(unparsed, r"^error: cannot parse: (.+?):(\d+):(\d+)$");
expression!(unsorted, r"^ERROR: (.+?) (Imports are incorrectly sorted.*)$");

impl Matcher for Black {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            return;
        }
        if let Some(path) = line.strip_prefix("would reformat ") {
            if let Some(file) = scope.own(path) {
                let place = scope.whole(file);
                scope.problem(problem(
                    "black",
                    Severity::Warning,
                    place,
                    "not formatted: black would reformat the file",
                ));
            }
        } else if let Some(found) = unreadable().captures(line) {
            scope.claim();
            let Some(file) = scope.own(&found[1]) else { return };
            let place = match number(&found, 3) {
                Some(line) => {
                    scope.at(file, line, number(&found, 4).map(|it| Column::Chars(it.saturating_add(1))), None)
                }
                None => scope.whole(file),
            };
            scope.problem(problem("black", Severity::Error, place, &found[2]));
        } else if let Some(found) = unparsed().captures(line) {
            scope.claim();
            let Some(file) = scope.own(&found[1]) else { return };
            let column = number(&found, 3).map(Column::Chars);
            let place = scope.at(file, number(&found, 2).unwrap_or(0), column, None);
            scope.problem(problem("black", Severity::Error, place, "cannot parse the file"));
        } else if let Some(found) = unsorted().captures(line)
            && let Some(file) = scope.own(&found[1])
        {
            let place = scope.whole(file);
            scope.problem(problem("isort", Severity::Warning, place, &found[2]));
        }
    }
}
