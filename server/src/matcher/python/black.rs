//! Formatters of Python that name files alone: `black --check` and `isort --check`.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, problem};
use crate::problem::Severity;

pub(super) const FORMAT: Format = Format {
    name: "black",
    rank: Rank::Tool,
    gate: always,
    starts: &["would reformat ", "error: cannot format ", "ERROR: .*Imports are incorrectly sorted"],
    inside: &[],
    new: |_| Box::new(Black),
};

struct Black;

expression!(unreadable, r"^error: cannot format (.+?): (Cannot .*?: (\d+):(\d+): .*|.+)$");
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
            let number = |at: usize| found.get(at).and_then(|text| text.as_str().parse::<u32>().ok());
            let place = match number(3) {
                Some(line) => scope.at(file, line, number(4).map(|column| Column::Chars(column + 1)), None),
                None => scope.whole(file),
            };
            scope.problem(problem("black", Severity::Error, place, &found[2]));
        } else if let Some(found) = unsorted().captures(line)
            && let Some(file) = scope.own(&found[1])
        {
            let place = scope.whole(file);
            scope.problem(problem("isort", Severity::Warning, place, &found[2]));
        }
    }
}
