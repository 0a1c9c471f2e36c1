//! Style sheets' compilers: sass with its `╷` frame and the place below it, less with file, line and column in its one line.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, keep, problem, related};
use crate::problem::{Problem, Severity};

/// Lines of one error of sass that are read.
const MAX_LINES: usize = 60;

pub(super) const FORMAT: Format = Format {
    name: "sass and less",
    rank: Rank::Tool,
    gate: always,
    starts: &["Error: ", "(?:Deprecation )?Warning[: ]", "DEPRECATION WARNING", "WARNING: "],
    inside: &[Inside { words: &[", column "], text: r" in [^ ]+ on line [0-9]+, column [0-9]+:\z" }],
    new: |_| Box::new(Styles::default()),
};

#[derive(Default)]
pub(super) struct Styles {
    current: Option<Current>,
}

struct Current {
    severity: Severity,
    message: String,
    detail: String,
    framed: bool,
    length: Option<u32>,
    problem: Option<Problem>,
    taken: usize,
}

expression!(head, r"^(Error|(?i:deprecation warning)|(?i:warning))(?: \[([\w-]+)\])?: (.*)$");
expression!(place, r"^ {2,}(\S+) (\d+):(\d+) {2}(\S.*)$");
expression!(less, r"^(?:\w+Error|Error)?:? ?(.*) in (\S+) on line (\d+), column (\d+):$");

impl Current {
    /// A line below; false when it is none of this error's.
    fn below(&mut self, line: &str, scope: &mut Scope) -> bool {
        self.taken += 1;
        let text = line.trim();
        // With `--no-unicode` the frame is drawn in ASCII.
        if text == "╷" || text == "," {
            self.framed = true;
            return true;
        }
        if !self.framed {
            // `@warn` has no frame: its place follows at once.
            if self.severity == Severity::Warning
                && let Some(found) = place().captures(line)
                && let Some(file) = scope.own(&found[1])
            {
                let column = Some(Column::Utf16(found[3].parse().unwrap_or(0)));
                let place = scope.at(file, found[2].parse().unwrap_or(0), column, None);
                self.problem = Some(problem("sass", self.severity, place, self.message.clone()));
                return false;
            }
            // An error's frame follows soon; a warning says more first.
            return self.taken < if self.severity == Severity::Warning { 9 } else { 4 };
        }
        if self.taken > MAX_LINES {
            return false;
        }
        keep(&mut self.detail, line);
        if let Some(found) = place().captures(line) {
            let column = found[3].parse::<u32>().unwrap_or(0);
            let Some(file) = scope.own(&found[1]) else { return true };
            let at = found[2].parse().unwrap_or(0);
            match &mut self.problem {
                Some(problem) if problem.related.len() < 8 => {
                    problem.related.push(related(scope.at(file, at, Some(Column::Utf16(column)), None), &found[4]));
                }
                Some(_) => {}
                None => {
                    let end = self.length.map(|length| Column::Utf16(column.saturating_add(length)));
                    let place = scope.at(file, at, Some(Column::Utf16(column)), end);
                    self.problem = Some(problem("sass", self.severity, place, self.message.clone()));
                }
            }
            return true;
        }
        let marks = text.trim_start_matches(['│', '|']).trim();
        if self.length.is_none() && !marks.is_empty() && marks.bytes().all(|byte| byte == b'^') {
            self.length = Some(marks.len() as u32);
        }
        text.contains(['│', '|']) || text == "╵" || text == "'" || text.starts_with(['┌', '└'])
    }

    fn tell(self, scope: &mut Scope) {
        if let Some(found) = self.problem {
            scope.problem(Problem { detail: Some(self.detail), ..found });
        }
    }
}

impl Matcher for Styles {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.current = None;
            return;
        }
        if let Some(current) = &mut self.current {
            if current.below(line, scope) {
                return;
            }
            self.interrupted(scope);
        }
        if line.ends_with(':')
            && let Some(found) = less().captures(line)
        {
            let Some(file) = scope.own(&found[2]).filter(|file| file.extension().is_some_and(|it| it == "less")) else {
                return;
            };
            let column = Column::Utf16(found[4].parse().unwrap_or(0));
            let place = scope.at(file, found[3].parse().unwrap_or(0), Some(column), None);
            scope.problem(problem("less", Severity::Error, place, &found[1]));
        } else if let Some(found) = head().captures(line) {
            let severity = if &found[1] == "Error" { Severity::Error } else { Severity::Warning };
            self.current = Some(Current {
                severity,
                // Vite repeats the error with the compiler's name in front.
                message: found[3].trim_start_matches("[sass] ").to_owned(),
                detail: line.to_owned(),
                framed: false,
                length: None,
                problem: None,
                taken: 0,
            });
        }
    }

    fn wants_all(&self) -> bool {
        self.current.is_some()
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        if let Some(current) = self.current.take() {
            current.tell(scope);
        }
    }

    fn end(&mut self, scope: &mut Scope) {
        self.interrupted(scope);
    }
}
