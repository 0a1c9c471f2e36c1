//! yamllint: rows below a file's name, and the parsable format.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::{number, text};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, problem};
use crate::problem::Severity;

pub(super) const FORMAT: Format = Format {
    name: "yamllint",
    rank: Rank::Tool,
    gate: always,
    starts: &[r"[0-9]+:[0-9]+ +(?:error|warning) "],
    inside: &[
        Inside { words: &[".yaml", ".yml"], text: r"\A[^:]+\.ya?ml\z" },
        Inside { words: &[": [error] ", ": [warning] "], text: "" },
    ],
    new: |scope| Box::new(Yamllint { expected: scope.command.mentions("yamllint"), file: None }),
};

struct Yamllint {
    /// The command names yamllint: its rows need no rule behind them, its files no ending.
    expected: bool,
    /// The file whose rows follow.
    file: Option<String>,
}

expression!(row, r"^  (\d+):(\d+) +(error|warning) +(.*?)(?: +\(([\w-]+)\))?$");
expression!(parsable, r"^(\S[^:]*):(\d+):(\d+): \[(error|warning)\] (.*?)(?: \(([\w-]+)\))?$");

impl Matcher for Yamllint {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            return;
        }
        let (path, found, group) = if let Some(found) = parsable().captures(line) {
            (found[1].to_owned(), found, 2)
        } else if let (Some(found), Some(file)) = (row().captures(line), &self.file) {
            (file.clone(), found, 1)
        } else {
            if !line.contains(": ") {
                self.file = Some(line.to_owned());
            }
            return;
        };
        let is_known = (path.ends_with(".yaml") || path.ends_with(".yml")) && found.get(group + 4).is_some();
        if !self.expected && !is_known {
            return;
        }
        let (Some(file), Some(line)) = (scope.own(&path), number(&found, group)) else { return };
        let severity = if &found[group + 2] == "error" { Severity::Error } else { Severity::Warning };
        let place = scope.at(file, line, number(&found, group + 1).map(Column::Chars), None);
        let mut told = problem("yamllint", severity, place, &found[group + 3]);
        told.code = text(&found, group + 4).map(str::to_owned);
        scope.problem(told);
        scope.claim();
    }
}
