//! PHP_CodeSniffer: a table below `FILE: path`, whose messages go on in the next rows, and the emacs format.

use std::path::PathBuf;

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::{number, text};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, problem};
use crate::problem::{Problem, Severity};

/// Rows that one message may go on for.
const MAX_ROWS: usize = 20;

pub(super) const FORMAT: Format = Format {
    name: "phpcs",
    rank: Rank::Tool,
    gate: always,
    starts: &["FILE: "],
    inside: &[Inside {
        words: &[": error - ", ": warning - "],
        text: r"\.(?:php|inc|phtml|js|css):[0-9]+:[0-9]+: (?:error|warning) - ",
    }],
    new: |_| Box::new(Phpcs::default()),
};

#[derive(Default)]
struct Phpcs {
    file: Option<PathBuf>,
    /// Lines of dashes behind the file's name: the third one ends its table.
    rules: u32,
    current: Option<(Problem, usize)>,
}

expression!(row, r"^ *(\d+) \| (ERROR|WARNING) +\| (?:\[[x ]\] )?(.*?)\s*$");
expression!(more, r"^ *\| +\| +(\S.*?)\s*$");
expression!(coded, r"^(.*?)\s*\(([A-Z]\w*(?:\.\w+)+)\)$");
expression!(emacs, r"^(\S[^:]*):(\d+):(\d+): (error|warning) - (.*)$");

impl Phpcs {
    fn flush(&mut self, scope: &mut Scope) {
        let Some((mut told, _)) = self.current.take() else { return };
        if let Some(found) = coded().captures(&told.message) {
            let (message, code) = (found[1].to_owned(), found[2].to_owned());
            (told.message, told.code) = (message, Some(code));
        }
        scope.problem(told);
    }

    fn emacs(&mut self, line: &str, scope: &mut Scope) {
        let Some(found) = emacs().captures(line) else { return };
        let (Some(file), Some(at)) = (scope.own(&found[1]), number(&found, 2)) else { return };
        let severity = if &found[4] == "error" { Severity::Error } else { Severity::Warning };
        let place = scope.at(file, at, number(&found, 3).map(Column::Chars), None);
        self.current = Some((problem("phpcs", severity, place, text(&found, 5).unwrap_or_default()), 0));
        self.flush(scope);
        scope.claim();
    }
}

impl Matcher for Phpcs {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            return;
        }
        if let Some(path) = line.strip_prefix("FILE: ") {
            self.flush(scope);
            (self.file, self.rules) = (scope.own(path.trim()), 0);
        } else if let Some(found) = row().captures(line)
            && let Some(file) = &self.file
        {
            let severity = if &found[2] == "ERROR" { Severity::Error } else { Severity::Warning };
            let place = scope.at(file.clone(), number(&found, 1).unwrap_or(0), None, None);
            let told = problem("phpcs", severity, place, &found[3]);
            self.flush(scope);
            self.current = Some((told, 0));
            scope.claim();
        } else if let Some(found) = more().captures(line)
            && let Some((told, rows)) = &mut self.current
            && *rows < MAX_ROWS
        {
            *rows += 1;
            told.message.push(' ');
            told.message.push_str(&found[1]);
        } else if line.starts_with("---") {
            self.flush(scope);
            self.rules += 1;
            if self.rules == 3 {
                self.file = None;
            }
        } else {
            self.flush(scope);
            self.emacs(line, scope);
            if line.is_empty() || self.rules == 0 {
                self.file = None;
            }
        }
    }

    fn wants_all(&self) -> bool {
        self.file.is_some()
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        self.flush(scope);
        self.file = None;
    }

    fn end(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }
}
