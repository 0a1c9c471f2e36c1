//! ShellCheck: its usual snippets with `^-- SC2086 (info): …` below the source, and `-f gcc`.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::{OneLine, Printed, number, text};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, problem};
use crate::problem::Severity;

pub(super) const FORMAT: Format = Format {
    name: "shellcheck",
    rank: Rank::Tool,
    gate: always,
    starts: &["In [^ ]+ line [0-9]+:"],
    inside: &[Inside { words: &["SC1", "SC2", "SC3"], text: r"\^-.* SC[0-9]{4}\b" }],
    new: |_| Box::new(Shellcheck::default()),
};

pub(super) const GCC: Format = Format {
    name: "shellcheck gcc",
    rank: Rank::Tool,
    gate: always,
    starts: &[],
    inside: &[Inside { words: &["[SC1", "[SC2", "[SC3"], text: r": (?:error|warning|note): .* \[SC[0-9]{4}\]" }],
    new: |_| Box::new(OneLine { tool: "shellcheck", read }),
};

#[derive(Default)]
struct Shellcheck {
    /// File and line of the source that was shown.
    at: Option<(String, u32)>,
}

expression!(head, r"^In (\S+) line (\d+):$");
expression!(marks, r"^( *)(\^(?:-*\^|--)?) (SC\d{4})(?: \((\w+)\))?: (.*)$");
expression!(gcc, r"^(\S[^:]*):(\d+):(\d+): (error|warning|note): (.*) \[(SC\d{4})\]$");

fn severity(word: &str) -> Severity {
    match word {
        "error" => Severity::Error,
        "info" | "note" => Severity::Information,
        "style" => Severity::Hint,
        _ => Severity::Warning,
    }
}

fn read(line: &str) -> Option<Printed<'_>> {
    let found = gcc().captures(line)?;
    Some(Printed {
        path: text(&found, 1)?,
        line: number(&found, 2),
        column: number(&found, 3).map(Column::Chars),
        severity: severity(&found[4]),
        code: text(&found, 6),
        message: text(&found, 5)?,
    })
}

impl Matcher for Shellcheck {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            return;
        }
        if let Some(found) = head().captures(line) {
            self.at = number(&found, 2).map(|line| (found[1].to_owned(), line));
            scope.claim();
        } else if let Some(found) = marks().captures(line)
            && let Some((path, number)) = &self.at
            && let Some(file) = scope.own(path)
        {
            let start = found[1].len() as u32 + 1;
            let marks = &found[2];
            let end = (marks.len() > 1 && marks.ends_with('^')).then(|| Column::Display(start + marks.len() as u32));
            let place = scope.at(file, *number, Some(Column::Display(start)), end);
            let mut told = problem("shellcheck", severity(text(&found, 4).unwrap_or("warning")), place, &found[5]);
            told.code = Some(found[3].to_owned());
            scope.problem(told);
            scope.claim();
        }
    }
}
