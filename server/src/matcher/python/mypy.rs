//! mypy: `file:line: error: message  [code]`, with columns and ends, notes, and the wrapped messages and underlines of
//! `--pretty`. An error without a code is believed once the last line has counted it: any program could print one.

use std::path::PathBuf;

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, keep, problem, related};
use crate::problem::{Problem, Severity};

/// Lines of one message.
const MAX_LINES: u32 = 50;
/// Errors without a code that are kept until the last line tells whether mypy counted them.
const MAX_HELD: usize = 1_000;

pub(super) const FORMAT: Format = Format {
    name: "mypy",
    rank: Rank::Tool,
    gate: always,
    starts: &[],
    inside: &[Inside { words: &[".py:", ".pyi:"], text: r":[0-9]+(?::[0-9]+)*: (?:error|warning|note): " }],
    new: |_| Box::new(Mypy::default()),
};

#[derive(Default)]
pub(super) struct Mypy {
    current: Option<Message>,
    told: usize,
    held: Vec<Problem>,
    /// Errors are held: the line that counts them is looked for.
    waits: bool,
}

struct Message {
    file: PathBuf,
    line: u32,
    columns: Option<(u32, Option<u32>)>,
    severity: Severity,
    message: String,
    code: Option<String>,
    detail: String,
    notes: Vec<String>,
    /// The source was shown.
    source: bool,
    lines: u32,
}

expression!(
    head,
    r"^(\S.*?\.pyi?):(\d+)(?::(\d+))?(?::(\d+):(\d+))?: (error|warning|note): (.*?)(?:\s+\[([a-z][a-z0-9-]*)\])?\s*$"
);
expression!(code_end, r"^(.*?)\s*\[([a-z][a-z0-9-]*)\]$");
expression!(summary, r"^Found (\d+) errors? in ");

impl Mypy {
    fn close(&mut self, scope: &mut Scope) {
        let Some(current) = self.current.take() else { return };
        let (column, end) = current.columns.unzip();
        let place = scope.at(current.file, current.line, column.map(Column::Chars), end.flatten().map(Column::Chars));
        let mut found = problem("mypy", current.severity, place.clone(), current.message);
        found.code = current.code;
        found.detail = Some(current.detail);
        found.related = current.notes.into_iter().take(8).map(|note| related(place.clone(), note)).collect();
        if found.severity == Severity::Error {
            if found.code.is_none() {
                if self.held.len() < MAX_HELD {
                    self.held.push(found);
                }
                self.waits = true;
                return;
            }
            self.told += 1;
        }
        scope.problem(found);
    }

    /// The first line of a message.
    fn open(&mut self, line: &str, scope: &mut Scope) -> bool {
        let Some(found) = head().captures(line) else { return false };
        let number = |at: usize| found.get(at).and_then(|text| text.as_str().parse::<u32>().ok());
        let (at, text) = (number(2).unwrap_or(0), found[7].to_owned());
        let file = scope.own(&found[1]);
        if &found[6] == "note"
            && let (Some(current), Some(file)) = (&mut self.current, &file)
            && current.severity == Severity::Error
            && (&current.file, current.line) == (file, at)
        {
            keep(&mut current.detail, line);
            if !text.starts_with("See http") {
                current.notes.push(text);
            }
            return true;
        }
        self.close(scope);
        let Some(file) = file else { return true };
        self.current = Some(Message {
            file,
            line: at,
            columns: number(3).map(|column| (column, number(5).filter(|_| number(4) == Some(at)).map(|end| end + 1))),
            severity: match &found[6] {
                "error" => Severity::Error,
                "warning" => Severity::Warning,
                _ => Severity::Information,
            },
            message: text,
            code: found.get(8).map(|code| code.as_str().to_owned()),
            detail: line.to_owned(),
            notes: Vec::new(),
            source: false,
            lines: 0,
        });
        true
    }

    /// A line below a message of `--pretty`.
    fn below(&mut self, line: &str) -> bool {
        let Some(current) = &mut self.current else { return false };
        current.lines += 1;
        if current.lines > MAX_LINES || line.is_empty() {
            return false;
        }
        let Some(text) = line.strip_prefix("    ") else {
            // The message goes on where it did not fit.
            if current.source || current.code.is_some() || !current.notes.is_empty() {
                return false;
            }
            keep(&mut current.detail, line);
            current.message.push(' ');
            match code_end().captures(line) {
                Some(found) => {
                    current.message.push_str(&found[1]);
                    current.message.truncate(current.message.trim_end().len());
                    current.code = Some(found[2].to_owned());
                }
                None => current.message.push_str(line.trim()),
            }
            return true;
        };
        keep(&mut current.detail, line);
        let marks = text.trim();
        if current.source && marks.starts_with('^') && marks.bytes().all(|byte| matches!(byte, b'^' | b'~')) {
            let column = (text.len() - text.trim_start().len()) as u32 + 1;
            current.columns.get_or_insert((column, Some(column + marks.len() as u32)));
        } else if text.trim_start().starts_with("...") {
            // The line was cut on its left: its underline tells no column.
            current.columns.get_or_insert((1, None));
        }
        current.source = true;
        true
    }
}

impl Matcher for Mypy {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.current = None;
            return;
        }
        if line.contains(": ") && self.open(line, scope) || self.below(line) {
            return scope.claim();
        }
        self.close(scope);
        if self.waits
            && line.starts_with("Found ")
            && let Some(found) = summary().captures(line)
        {
            self.waits = false;
            let counted: usize = found[1].parse().unwrap_or(0);
            for held in std::mem::take(&mut self.held) {
                if counted > self.told {
                    self.told += 1;
                    scope.problem(held);
                }
            }
            self.told = 0;
        }
    }

    fn wants_all(&self) -> bool {
        self.current.is_some() || self.waits
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        self.close(scope);
    }

    fn end(&mut self, scope: &mut Scope) {
        self.close(scope);
    }
}
