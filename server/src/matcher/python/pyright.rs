//! pyright and basedpyright: `file:line:column - error: message`, lines below it that explain, the rule behind the last.

use std::path::PathBuf;

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, keep, problem};
use crate::problem::Severity;

/// Lines of one message.
const MAX_LINES: u32 = 60;

pub(super) const FORMAT: Format = Format {
    name: "pyright",
    rank: Rank::Tool,
    gate: always,
    starts: &[],
    inside: &[Inside {
        words: &[" - error: ", " - warning: ", " - information: "],
        text: r"\.pyi?:[0-9]+:[0-9]+ - (?:error|warning|information): ",
    }],
    new: |_| Box::new(Pyright::default()),
};

#[derive(Default)]
pub(super) struct Pyright {
    current: Option<Message>,
}

struct Message {
    file: Option<PathBuf>,
    line: u32,
    column: u32,
    severity: Severity,
    message: String,
    code: Option<String>,
    detail: String,
    lines: u32,
}

expression!(head, r"^\s*(\S.*?\.pyi?):(\d+):(\d+) - (error|warning|information): (.*)$");
expression!(ruled, r"^(.*?)\s*\((report\w+)\)$");

pub(super) fn severity(word: &str) -> Severity {
    match word {
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        _ => Severity::Information,
    }
}

impl Pyright {
    fn close(&mut self, scope: &mut Scope) {
        let Some(current) = self.current.take() else { return };
        let Some(file) = current.file else { return };
        let place = scope.at(file, current.line, Some(Column::Utf16(current.column)), None);
        let mut found = problem("pyright", current.severity, place, current.message);
        found.code = current.code;
        found.detail = Some(current.detail);
        scope.problem(found);
    }
}

impl Matcher for Pyright {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.current = None;
            return;
        }
        if let Some(found) = head().captures(line) {
            self.close(scope);
            let number = |at: usize| found[at].parse().unwrap_or(0);
            let (message, code) = match ruled().captures(&found[5]) {
                Some(parts) => (parts[1].to_owned(), Some(parts[2].to_owned())),
                None => (found[5].to_owned(), None),
            };
            self.current = Some(Message {
                file: scope.own(&found[1]),
                line: number(2),
                column: number(3),
                severity: severity(&found[4]),
                detail: message.clone(),
                message,
                code,
                lines: 0,
            });
            return scope.claim();
        }
        let Some(current) = &mut self.current else { return };
        current.lines += 1;
        if current.code.is_some() || current.lines > MAX_LINES || !line.starts_with("  ") {
            return self.close(scope);
        }
        let text = match ruled().captures(line) {
            Some(parts) => {
                current.code = Some(parts[2].to_owned());
                parts[1].to_owned()
            }
            None => line.to_owned(),
        };
        keep(&mut current.detail, text.trim_end());
        scope.claim();
    }

    fn wants_all(&self) -> bool {
        self.current.is_some()
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        self.close(scope);
    }

    fn end(&mut self, scope: &mut Scope) {
        self.close(scope);
    }
}
