//! cppcheck: `a.c:5:13: style: text [unreadVariable]`. Its errors and warnings have gcc's form and are read as cppcheck's
//! where the command names it.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::number;
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, problem};
use crate::problem::Severity;

pub(super) const FORMAT: Format = Format {
    name: "cppcheck",
    rank: Rank::Tool,
    gate: always,
    starts: &[],
    inside: &[Inside {
        words: &[": style: ", ": performance: ", ": portability: ", ": information: ", ": error: ", ": warning: "],
        text: r":[0-9]+: (?:style|performance|portability|information|error|warning): .*\[[a-z][A-Za-z0-9_]*\]\z",
    }],
    new: |_| Box::new(Cppcheck),
};

struct Cppcheck;

expression!(
    head,
    r"^(\S[^:]*):(\d+)(?::(\d+))?: (style|performance|portability|information|error|warning): (.*) \[([a-z]\w*)\]$"
);

impl Matcher for Cppcheck {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        let Some(found) = head().captures(line).filter(|_| scope.inside.is_none()) else { return };
        let severity = match &found[4] {
            "error" => Severity::Error,
            "warning" => Severity::Warning,
            _ => Severity::Information,
        };
        if severity != Severity::Information && !scope.command.mentions("cppcheck") {
            return;
        }
        let (Some(file), Some(line)) = (scope.own(&found[1]), number(&found, 2)) else { return };
        let column = number(&found, 3).filter(|&column| column > 0).map(Column::Chars);
        let place = scope.at(file, line, column, None);
        let mut told = problem("cppcheck", severity, place, &found[5]);
        told.code = Some(found[6].to_owned());
        scope.problem(told);
        scope.claim();
    }
}
