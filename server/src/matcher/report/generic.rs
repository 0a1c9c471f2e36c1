//! `file(line,column): error message`, `file:line:column - error: message` and their kin, of tools that nobody knows, where
//! nobody else claimed the line. Precision goes before recall: the severity must be there in words, the file in the workspace, and the line
//! in the file.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::number;
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, problem};
use crate::problem::Severity;

pub(super) const FORMAT: Format = Format {
    name: "generic",
    rank: Rank::Generic,
    gate: always,
    starts: &[],
    inside: &[Inside {
        words: &[" - error", "): error", "] error:", ": ERROR: ", ": WARNING: ", ": fatal: "],
        text: r"[:(][0-9]+(?:[:,][0-9]+)?\)?:? (?:- )?\[?(?:error|warning|ERROR|WARNING|fatal)\b",
    }],
    new: |_| Box::new(Generic),
};

struct Generic;

expression!(
    head,
    r"^(\S[^:()]*\.\w+)(?::(\d+)(?::(\d+))?|\((\d+)(?:,(\d+))?\)):? (?:- )?(?:\[?(error|warning|ERROR|WARNING|fatal)\]?):? +(\S.*)$"
);

impl Matcher for Generic {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        let Some(found) = head().captures(line).filter(|_| scope.inside.is_none()) else { return };
        let Some(file) = scope.own(&found[1]) else { return };
        let at = number(&found, 2).or_else(|| number(&found, 4)).unwrap_or(0);
        if at == 0 || at as usize > scope.line_count(&file) + 1 {
            return;
        }
        let column = number(&found, 3).or_else(|| number(&found, 5)).map(Column::Chars);
        let severity = if found[6].eq_ignore_ascii_case("warning") { Severity::Warning } else { Severity::Error };
        let place = scope.at(file, at, column, None);
        scope.problem(problem("output", severity, place, &found[7]));
    }
}
