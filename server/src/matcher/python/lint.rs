//! Linters of Python that print a finding on a line: flake8 and pycodestyle, ruff (`concise`), pylint. Told apart by how
//! they write the rule; the file has to be Python's.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::number;
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, problem};
use crate::problem::Severity;

pub(super) const FORMAT: Format = Format {
    name: "python linters",
    rank: Rank::Tool,
    gate: always,
    starts: &[],
    inside: &[Inside {
        words: &[".py:", ".pyi:", ".ipynb:"],
        text: r":[0-9]+(?::[0-9]+)?: (?:(?:[A-Z]+[0-9]+|invalid-syntax)[: ]|\[[A-Z]+[0-9]+[\](])",
    }],
    new: |_| Box::new(Lint),
};

struct Lint;

expression!(
    finding,
    r"^(\S.*?\.(?:py|pyi|ipynb))(?::cell \d+)?:(\d+)(?::(\d+))?: (?:([A-Z]+\d+)(:?)|invalid-syntax:)(?: \[[*-]\])? (.+)$"
);
expression!(symbol, r"^(.*) \(([a-z][a-z0-9-]+)\)$");

// What flake8 and ruff call pylint's format: `a.py:7: [F401] text`.
expression!(bracketed, r"^(\S.*?\.(?:py|pyi|ipynb)):(\d+): \[([A-Z]+\d+)\] (.+)$");

// pylint's parseable format: `a.py:7: [W1514(unspecified-encoding), load] text`.
expression!(
    parseable,
    r"^(\S.*?\.(?:py|pyi|ipynb)):(\d+)(?::(\d+))?: \[([CRWEFI]\d{4})\(([a-z0-9-]+)\)(?:, [^\]]*)?\] (.+)$"
);

/// What a rule of flake8 or ruff means: those that GitHub's starter workflow stops a build for (`E9,F63,F7,F82`) are
/// errors, what is left is style.
pub(super) fn severity(code: &str) -> Severity {
    let stops = ["E9", "F63", "F7", "F82"].iter().any(|known| code.starts_with(known)) || code == "invalid-syntax";
    if stops { Severity::Error } else { Severity::Warning }
}

/// What the letter of a rule of pylint means.
pub(super) fn pylint_severity(code: &str) -> Severity {
    match code.as_bytes().first() {
        Some(b'E' | b'F') => Severity::Error,
        Some(b'W') => Severity::Warning,
        _ => Severity::Information,
    }
}

/// Whose rules have letters and numbers, by the command.
fn rules_of(scope: &Scope) -> &'static str {
    ["ruff", "pycodestyle"].into_iter().find(|tool| scope.command.mentions(tool)).unwrap_or("flake8")
}

/// Reads a line of pylint's parseable format.
fn parsed(line: &str, scope: &mut Scope) {
    let Some(found) = parseable().captures(line) else { return };
    let Some(file) = scope.own(&found[1]) else { return };
    let column = number(&found, 3).map(|column| Column::Bytes(column.saturating_add(1)));
    let place = scope.at(file, number(&found, 2).unwrap_or(0), column, None);
    let mut told = problem("pylint", pylint_severity(&found[4]), place, &found[6]);
    told.code = Some(found[5].to_owned());
    scope.problem(told);
    scope.claim();
}

impl Matcher for Lint {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            return;
        }
        if let Some(found) = bracketed().captures(line) {
            scope.claim();
            let Some(file) = scope.own(&found[1]) else { return };
            let place = scope.at(file, number(&found, 2).unwrap_or(0), None, None);
            let mut told = problem(rules_of(scope), severity(&found[3]), place, &found[4]);
            told.code = Some(found[3].to_owned());
            return scope.problem(told);
        }
        let Some(found) = finding().captures(line) else { return parsed(line, scope) };
        let code = found.get(4).map_or("invalid-syntax", |code| code.as_str());
        let pylint = found.get(5).is_some_and(|colon| !colon.as_str().is_empty());
        let ruff = scope.command.mentions("ruff");
        scope.claim();
        let Some(file) = scope.own(&found[1]) else { return };
        let column = number(&found, 3).map(|column| match code {
            _ if pylint => Column::Bytes(column.saturating_add(1)),
            // pyflakes tells the offset of Python's parser, which counts bytes.
            code if code.starts_with('F') && !ruff => Column::Bytes(column),
            _ => Column::Chars(column),
        });
        let place = scope.at(file, number(&found, 2).unwrap_or(0), column, None);
        if pylint {
            let (message, symbol) = match symbol().captures(&found[6]) {
                Some(parts) => (parts[1].to_owned(), parts[2].to_owned()),
                None => (found[6].to_owned(), code.to_owned()),
            };
            let mut told = problem("pylint", pylint_severity(code), place, message);
            told.code = Some(symbol);
            return scope.problem(told);
        }
        let tool = if code == "invalid-syntax" { "ruff" } else { rules_of(scope) };
        let mut told = problem(tool, severity(code), place, &found[6]);
        told.code = Some(code.to_owned());
        scope.problem(told);
    }
}
