//! Lua: `lua: main.lua:4: text` with its traceback, and luacheck's warnings, plain or below `Checking FILE`.

use super::frames::pick;
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::{number, text};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, keep, problem};
use crate::problem::Severity;

/// Lines of one traceback.
const MAX_LINES: usize = 100;

pub(super) const FORMAT: Format = Format {
    name: "lua",
    rank: Rank::Tool,
    gate: always,
    starts: &[r"lua(?:jit|c)?[0-9.]*: "],
    inside: &[],
    new: |_| Box::new(Lua::default()),
};

pub(super) const LUACHECK: Format = Format {
    name: "luacheck",
    rank: Rank::Tool,
    gate: always,
    starts: &["Checking .*[0-9] (?:warning|error)"],
    inside: &[Inside { words: &[".lua:"], text: r"\.lua:[0-9]+:[0-9]+(?:-[0-9]+)?: " }],
    new: |scope| Box::new(Luacheck { expected: scope.command.mentions("luacheck"), severity: None }),
};

#[derive(Default)]
struct Lua {
    current: Option<Failure>,
}

struct Failure {
    message: String,
    frames: Vec<(String, u32)>,
    detail: String,
    lines: usize,
}

expression!(head, r"^lua(?:jit|c)?[\d.]*: (\S[^:]*):(\d+): (.*)$");
// `error` with a level, or with what is no text, has no place: its frames tell it.
expression!(bare, r"^lua(?:jit)?[\d.]*: (.*)$");
expression!(frame, r"^\t(\S[^:]*):(\d+): in ");
expression!(warning, r"^ *(\S[^:]*\.lua):(\d+):(\d+)(?:-(\d+))?: (?:\(([EW]\d{3})\) )?(.*)$");

impl Lua {
    fn flush(&mut self, scope: &mut Scope) {
        let Some(current) = self.current.take() else { return };
        if let Some((place, others)) = pick(scope, &current.frames, None) {
            let mut told = problem("lua", Severity::Error, place, current.message);
            told.related = others;
            told.detail = Some(current.detail);
            scope.problem(told);
        }
    }
}

impl Matcher for Lua {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.current = None;
            return;
        }
        if let Some(current) = &mut self.current {
            current.lines += 1;
            if (line.starts_with('\t') || line == "stack traceback:") && current.lines < MAX_LINES {
                keep(&mut current.detail, line);
                if let Some(found) = frame().captures(line) {
                    current.frames.push((found[1].to_owned(), number(&found, 2).unwrap_or(0)));
                }
                return;
            }
            self.flush(scope);
        }
        if let Some(found) = bare().captures(line).filter(|_| !head().is_match(line)) {
            let (message, frames) = (found[1].to_owned(), Vec::new());
            self.current = Some(Failure { message, frames, detail: line.to_owned(), lines: 0 });
        } else if let Some(found) = head().captures(line) {
            self.current = Some(Failure {
                message: found[3].to_owned(),
                frames: vec![(found[1].to_owned(), number(&found, 2).unwrap_or(0))],
                detail: line.to_owned(),
                lines: 0,
            });
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

struct Luacheck {
    /// The command names luacheck.
    expected: bool,
    /// Of the file whose head was read: a file that does not parse has that error alone.
    severity: Option<Severity>,
}

impl Matcher for Luacheck {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            return;
        }
        if line.starts_with("Checking ") {
            let error = line.contains(" error") && !line.contains(" warning");
            self.severity = Some(if error { Severity::Error } else { Severity::Warning });
            return;
        }
        let Some(found) = warning().captures(line) else { return };
        let code = text(&found, 5);
        let severity = match code.map(|code| code.as_bytes()[0]) {
            Some(b'E') => Severity::Error,
            Some(_) => Severity::Warning,
            None => match self.severity {
                Some(severity) if line.starts_with("    ") => severity,
                _ if self.expected => Severity::Warning,
                _ => return,
            },
        };
        let (Some(file), Some(line)) = (scope.own(&found[1]), number(&found, 2)) else { return };
        let end = number(&found, 4).map(|end| Column::Chars(end.saturating_add(1)));
        let place = scope.at(file, line, number(&found, 3).map(Column::Chars), end);
        let mut told = problem("luacheck", severity, place, &found[6]);
        told.code = code.map(str::to_owned);
        scope.problem(told);
        scope.claim();
    }
}
