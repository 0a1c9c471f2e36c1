//! javac, also behind ant, gradle and sbt: `Cart.java:8: error: text`, the source, a caret, and for symbols what was looked
//! for; scalac, whose form it is.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::{number, text};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, keep, problem};
use crate::problem::{Problem, Severity};

/// Lines of one message.
const MAX_LINES: usize = 20;

pub(super) const FORMAT: Format = Format {
    name: "javac",
    rank: Rank::Tool,
    gate: always,
    starts: &[],
    inside: &[Inside {
        words: &[".java:", ".scala:"],
        text: r"\.(?:java|scala):[0-9]+: (?:error|warning): |\.java:\[[0-9]+,[0-9]+\] ",
    }],
    new: |_| Box::new(Javac::default()),
};

#[derive(Default)]
struct Javac {
    current: Option<Message>,
}

struct Message {
    problem: Problem,
    lines: usize,
    /// javac's own form; maven's has no source and caret.
    has_source: bool,
}

expression!(
    head,
    r"^(?:\[javac\] )?(?::[\w:.-]*[\w-])?(/[^:]*\.(?:java|scala)|[^\s:/][^:]*\.(?:java|scala)):(\d+): (error|warning): (?:\[([\w-]+)\] )?(.*)$"
);
expression!(maven, r"^\[(ERROR|WARNING)\] (\S[^:]*\.java):\[(\d+),(\d+)\] (?:\[([\w-]+)\] )?(?:error: )?(.*)$");
expression!(more, r"^(?:\[ERROR\] )?\s+(symbol|required|found|location|reason) *: +(.*)$");

impl Javac {
    fn flush(&mut self, scope: &mut Scope) {
        // javac shows the line of the source: who does not only says the same words.
        if let Some(current) = self.current.take().filter(|message| !message.has_source || message.lines > 0) {
            scope.problem(current.problem);
        }
    }

    fn begin(&mut self, line: &str, scope: &mut Scope) -> bool {
        let (path, at, column, word, code, message, has_source) = if let Some(found) = head().captures(line) {
            (
                found[1].to_owned(),
                number(&found, 2),
                None,
                found[3].to_owned(),
                text(&found, 4),
                found[5].to_owned(),
                true,
            )
        } else if let Some(found) = maven().captures(line) {
            let column = number(&found, 4);
            let word = found[1].to_ascii_lowercase();
            (found[2].to_owned(), number(&found, 3), column, word, text(&found, 5), found[6].to_owned(), false)
        } else {
            return false;
        };
        self.flush(scope);
        let (Some(file), Some(at)) = (scope.own(&path), at) else { return true };
        let severity = if word == "error" { Severity::Error } else { Severity::Warning };
        let place = scope.at(file, at, column.map(Column::Chars), None);
        let scala = path.ends_with(".scala");
        let mut told = problem(if scala { "scalac" } else { "javac" }, severity, place, message.trim_end_matches(';'));
        told.code = code.map(str::to_owned);
        told.detail = Some(line.to_owned());
        self.current = Some(Message { problem: told, lines: 0, has_source: has_source && !scala });
        true
    }
}

impl Message {
    /// False for a line that is no part of it.
    fn line(&mut self, line: &str, scope: &Scope) -> bool {
        self.lines += 1;
        if self.lines > MAX_LINES {
            return false;
        }
        if self.has_source && self.lines == 1 {
            keep(self.problem.detail.get_or_insert_default(), line);
            return true;
        }
        let marks = line.trim_matches([' ', '\t']);
        let place = &mut self.problem.place;
        if marks == "^" && place.column.is_none() {
            if let Some(at) = place.line {
                // javac copies the tabs of the source in front of the caret.
                let column = line.find('^').map(|at| Column::Chars(at as u32 + 1));
                *place = scope.at(place.file.clone(), at, column, None);
            }
        } else if let Some(found) = more().captures(line) {
            let message = &mut self.problem.message;
            match &found[1] {
                "symbol" => *message = format!("{message}: {}", collapsed(&found[2])),
                word @ ("required" | "found") => {
                    let joint = if message.contains("required:") { ", " } else { ": " };
                    *message = format!("{message}{joint}{word}: {}", &found[2]);
                }
                _ => {}
            }
        } else if !line.starts_with("  ") {
            return false;
        }
        keep(self.problem.detail.get_or_insert_default(), line);
        true
    }
}

/// `variable summ` of `variable   summ`.
fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Matcher for Javac {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.current = None;
            return;
        }
        if (line.contains(".java:") || line.contains(".scala:")) && self.begin(line, scope) {
            scope.claim();
            return;
        }
        let Some(current) = &mut self.current else { return };
        if current.line(line, scope) { scope.claim() } else { self.flush(scope) }
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
