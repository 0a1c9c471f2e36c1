//! RuboCop: `file:line:column: C: Cop/Name: message` with the source and its marks below, the emacs
//! format without, and the simple one below `== path ==`.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::{number, text};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, keep, problem};
use crate::problem::{Problem, Severity};

/// Lines below an offense until its marks.
const MAX_LINES: usize = 6;

pub(super) const FORMAT: Format = Format {
    name: "rubocop",
    rank: Rank::Tool,
    gate: always,
    starts: &["== [^ ].* ==\\z", r"[CRWEFI]: +[0-9]+: +[0-9]+: "],
    inside: &[Inside {
        words: &[": C: ", ": R: ", ": W: ", ": E: ", ": F: ", ": I: "],
        text: r":[0-9]+:[0-9]+: [CRWEFI]: ",
    }],
    new: |_| Box::new(Rubocop::default()),
};

#[derive(Default)]
struct Rubocop {
    current: Option<(Problem, u32, usize)>,
    /// `== path ==` of the simple format.
    file: Option<String>,
}

expression!(head, r"^(\S[^:]*):(\d+):(\d+): ([CRWEFI]): (\[Correct(?:able|ed)\] )?(?:([A-Z]\w*(?:/\w+)+): )?(.*)$");

expression!(simple, r"^([CRWEFI]): *(\d+): *(\d+): (\[Correct(?:able|ed)\] )?(?:([A-Z]\w*(?:/\w+)+): )?(.*)$");

fn severity(letter: &str) -> Severity {
    match letter {
        "E" | "F" => Severity::Error,
        "W" => Severity::Warning,
        _ => Severity::Information,
    }
}

impl Rubocop {
    /// The simple format: rows below `== path ==`.
    fn simple(&mut self, line: &str, scope: &mut Scope) -> bool {
        if let Some(path) = line.strip_prefix("== ").and_then(|rest| rest.strip_suffix(" ==")) {
            self.file = Some(path.to_owned());
            return true;
        }
        let (Some(path), Some(found)) = (&self.file, simple().captures(line)) else { return false };
        let (Some(file), Some(at)) = (scope.own(path), number(&found, 2)) else { return true };
        if text(&found, 4) != Some("[Corrected] ") {
            let place = scope.at(file, at, number(&found, 3).map(Column::Chars), None);
            let mut told = problem("rubocop", severity(&found[1]), place, &found[6]);
            told.code = text(&found, 5).map(str::to_owned);
            scope.problem(told);
            scope.claim();
        }
        true
    }

    fn flush(&mut self, scope: &mut Scope) {
        if let Some((told, ..)) = self.current.take() {
            scope.problem(told);
        }
    }
}

impl Matcher for Rubocop {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if let Some(found) = head().captures(line) {
            self.flush(scope);
            if scope.inside.is_some() || text(&found, 5) == Some("[Corrected] ") {
                return;
            }
            let (Some(at), Some(column)) = (number(&found, 2), number(&found, 3)) else { return };
            let Some(file) = scope.own(&found[1]) else { return };
            let severity = severity(&found[4]);
            let place = scope.at(file, at, Some(Column::Chars(column)), None);
            let mut told = problem("rubocop", severity, place, &found[7]);
            told.code = text(&found, 6).map(str::to_owned);
            told.detail = Some(line.to_owned());
            self.current = Some((told, column, 0));
            scope.claim();
            return;
        }
        let Some((told, column, lines)) = &mut self.current else {
            if scope.inside.is_none() {
                self.simple(line, scope);
            }
            return;
        };
        *lines += 1;
        let marks = line.trim_start_matches([' ', '\t']);
        let is_marks = !marks.is_empty() && marks.bytes().all(|byte| byte == b'^');
        if is_marks && let Some(at) = told.place.line {
            let end = Column::Chars(column.saturating_add(marks.len() as u32));
            told.place = scope.at(told.place.file.clone(), at, Some(Column::Chars(*column)), Some(end));
        }
        let over = is_marks || line.is_empty() || *lines >= MAX_LINES;
        if !line.is_empty()
            && let Some(detail) = &mut told.detail
        {
            keep(detail, line);
        }
        if over {
            self.flush(scope);
        }
    }

    fn wants_all(&self) -> bool {
        self.current.is_some()
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }

    fn end(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }
}
