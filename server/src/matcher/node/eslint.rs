//! ESLint's formatters: stylish (a file's path, below it `  4:13  error  message  rule`), compact, unix; `next lint`, and
//! stylelint and jshint, which print the same forms. JSON is read by `report`.

use std::path::PathBuf;

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, problem};
use crate::problem::{Problem, Severity};

/// Bytes of a message that goes on over several lines.
const MAX_MESSAGE: usize = 1_000;

pub(super) const FORMAT: Format = Format {
    name: "eslint",
    // Its tables are drawn by other linters too, which know better what their columns are.
    rank: Rank::Shared,
    gate: always,
    starts: &[r"/[^:]*\.[A-Za-z]+\z", r"\./[^: ]*\.[A-Za-z]+\z", r"[0-9]+:[0-9]+ +(?:[eE]rror|[wW]arning|✖|⚠|×)"],
    inside: &[
        Inside { words: &[": line "], text: ": line [0-9]+, col [0-9]+, " },
        Inside {
            words: &["[Error", "[Warning", "[error]", "[warning]"],
            text: r":[0-9]+:[0-9]+: .*\[(?:[eE]rror|[wW]arning)(?:/[^\]]+)?\]\z",
        },
        Inside { words: &["css", "less", "sass"], text: r"\A[^ :]+\.(?:css|scss|less|sass)\z" },
    ],
    new: |_| Box::new(Eslint::default()),
};

#[derive(Default)]
pub(super) struct Eslint {
    /// The file whose rows follow.
    file: Option<PathBuf>,
    /// The last row while its message may go on: at its column, where a narrow terminal wrapped it, or, without a column, in
    /// lines of its own until the rule.
    row: Option<(Problem, Option<usize>)>,
}

expression!(row, r"^ *(\d+):(\d+) +([eE]rror|[wW]arning|✖|⚠|×):? +(.*?)(?: {2,}([@a-zA-Z][\w@/.-]*))?\s*$");
expression!(compact, r"^(\S.*?): line (\d+), col (\d+), (?:([eE]rror|[wW]arning) - )?(.*?)(?: \(([^()\s]+)\))?$");
expression!(unix, r"^(\S.*?):(\d+):(\d+): (.*?)(?: \(([a-z][\w/-]*)\))? \[([eE]rror|[wW]arning)(?:/([^\]]+))?\]$");

// The end of a message of several lines: its rule.
expression!(ruled, r"^(.*?)(?: {2,}([@a-zA-Z][\w@/.-]*)| \(([@a-z][\w@/.-]*)\))$");

/// What jshint cannot read, where it does not print its codes.
pub(super) fn stops(message: &str) -> bool {
    message.starts_with("Unrecoverable syntax error")
        || message.starts_with("Expected ") && message.contains(" to match ")
}

fn severity(word: &str) -> Severity {
    if matches!(word, "warning" | "Warning" | "⚠") { Severity::Warning } else { Severity::Error }
}

/// Who prints about such a file.
fn tool(file: &std::path::Path, scope: &Scope) -> &'static str {
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension {
        "css" | "scss" | "less" | "sass" => "stylelint",
        _ if scope.command.mentions("jshint") => "jshint",
        _ => "eslint",
    }
}

struct Said<'l> {
    line: &'l str,
    column: &'l str,
    severity: Severity,
    message: &'l str,
    code: Option<&'l str>,
}

fn tell(file: PathBuf, said: Said<'_>, scope: &mut Scope) {
    let found = read(file, said, scope);
    scope.problem(found);
}

fn read(file: PathBuf, said: Said<'_>, scope: &Scope) -> Problem {
    let column = said.column.parse().ok().filter(|&column| column > 0).map(Column::Utf16);
    let tool = tool(&file, scope);
    let place = scope.at(file, said.line.parse().unwrap_or(0), column, None);
    let mut found = problem(tool, said.severity, place, said.message.trim());
    found.code = said.code.map(str::to_owned);
    found
}

impl Eslint {
    fn flush(&mut self, scope: &mut Scope) {
        if let Some((found, _)) = self.row.take() {
            scope.problem(found);
        }
    }

    /// True for a line that goes on with the message of the row above.
    fn wraps(&mut self, line: &str) -> bool {
        let Some((found, column)) = &mut self.row else { return false };
        let mut text = line.trim_start_matches(' ');
        let elsewhere = column.is_some_and(|column| line.len() - text.len() != column);
        if text.is_empty() || elsewhere || found.message.len() > MAX_MESSAGE {
            return false;
        }
        if column.is_none() {
            if row().is_match(line) || compact().is_match(line) || text.starts_with(['/', '✖']) {
                return false;
            }
            if let Some(parts) = ruled().captures(text) {
                text = parts.get(1).map_or("", |part| part.as_str());
                found.code = parts.get(2).or(parts.get(3)).map(|rule| rule.as_str().to_owned());
                *column = Some(usize::MAX);
            }
        }
        found.message.push(' ');
        found.message.push_str(text.trim_end());
        true
    }
}

impl Matcher for Eslint {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.row = None;
            return;
        }
        if self.wraps(line) {
            return scope.claim();
        }
        self.flush(scope);
        if let Some(found) = row().captures(line) {
            if let Some(file) = self.file.clone() {
                scope.claim();
                let code = found.get(5).map(|code| code.as_str());
                let said = Said {
                    line: &found[1],
                    column: &found[2],
                    severity: severity(&found[3]),
                    message: &found[4],
                    code,
                };
                let start = found.get(4).map_or(0, |message| message.start());
                let column = line[..start].chars().count();
                let told = read(file, said, scope);
                // Only stylelint draws its table as wide as the terminal.
                match told.tool.as_str() {
                    "stylelint" => self.row = Some((told, Some(column))),
                    "eslint" if told.code.is_none() => self.row = Some((told, None)),
                    _ => scope.problem(told),
                }
            }
        } else if line.contains(": line ")
            && let Some(found) = compact().captures(line)
        {
            let jshint = scope.command.mentions("jshint");
            let word = found.get(4).map(|word| word.as_str());
            let code = found.get(6).map(|code| code.as_str());
            if let Some(file) = scope.own(&found[1])
                && (word.is_some() || jshint)
            {
                scope.claim();
                // jshint's codes begin with their kind: E, W or I.
                let is_error = code.map_or_else(|| stops(&found[5]), |code| code.starts_with('E'));
                let kind = if is_error { "error" } else { "warning" };
                let said = Said {
                    line: &found[2],
                    column: &found[3],
                    severity: severity(word.unwrap_or(kind)),
                    message: &found[5],
                    code,
                };
                let told = read(file, said, scope);
                match told.code {
                    None if !jshint => self.row = Some((told, None)),
                    _ => scope.problem(told),
                }
            }
        } else if line.ends_with(']')
            && let Some(found) = unix().captures(line)
        {
            if let Some(file) = scope.own(&found[1]) {
                scope.claim();
                let code = found.get(7).or(found.get(5)).map(|code| code.as_str());
                let said = Said {
                    line: &found[2],
                    column: &found[3],
                    severity: severity(&found[6]),
                    message: &found[4],
                    code,
                };
                tell(file, said, scope);
            }
        } else {
            self.file = if line.starts_with(' ') { None } else { scope.own(line.trim_end()) };
        }
    }

    fn wants_all(&self) -> bool {
        self.row.is_some()
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }

    fn end(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }
}
