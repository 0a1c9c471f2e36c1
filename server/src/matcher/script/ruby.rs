//! Ruby programs that end with an exception, syntax errors and warnings of `ruby -w`.

use super::frames::pick;
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::number;
use crate::matcher::scope::{Scope, keep, problem};
use crate::problem::Severity;

/// Lines of one exception.
const MAX_LINES: usize = 200;

pub(super) const FORMAT: Format = Format {
    name: "ruby",
    rank: Rank::Tool,
    gate: always,
    starts: &["rake aborted!"],
    inside: &[Inside {
        words: &[".rb:"],
        text: r"\.rb:[0-9]+:in [`'].*\([A-Z][A-Za-z0-9_:]*\)\z|\.rb:[0-9]+: (?:syntax error|warning: )",
    }],
    new: |_| Box::new(Ruby::default()),
};

#[derive(Default)]
struct Ruby {
    current: Option<Exception>,
    /// `rake aborted!` was read: the exception is on the next line, its frames have no `from`.
    rake: bool,
    /// The exception read now is rake's.
    rake_stack: bool,
}

struct Exception {
    message: String,
    severity: Severity,
    frames: Vec<(String, u32)>,
    detail: String,
    lines: usize,
    in_stack: bool,
    /// What is read now is the exception that led to it.
    is_cause: bool,
    /// Its head names a method: Ruby then says who called it, and who does not only prints an exception that was handled.
    is_called: bool,
}

expression!(head, r"^(\S[^:]*\.rb):(\d+):in [`']([^']*)': (.*\([A-Z][\w:]*\))$");
// What was loaded, or is evaluated, has its own place in front of its syntax error.
expression!(loaded, r"^(\S[^:]*\.rb):(\d+): (syntax error.*?)(?: \(SyntaxError\))?$");
expression!(syntax, r"^(?:\S*ruby: )?(\S[^:]*\.rb):(\d+): ((?:syntax error|warning: ).*?)(?: \(SyntaxError\))?$");
expression!(from, r"^\s+(?:\d+: )?from (\S[^:]*):(\d+)");
expression!(aborted, r"^[A-Z][\w:]*(?:Error|Exception|::\w+): .");
expression!(bare, r"^(\S[^:]*):(\d+):in ");
expression!(label, r"^\s+\|\s+[~]*\^[~\^]*\s*(.*)$");

impl Exception {
    fn new(message: &str, severity: Severity, line: &str) -> Self {
        Self {
            message: message.to_owned(),
            severity,
            frames: Vec::new(),
            detail: line.to_owned(),
            lines: 0,
            in_stack: false,
            is_cause: false,
            is_called: false,
        }
    }
}

impl Ruby {
    fn flush(&mut self, scope: &mut Scope) {
        self.rake_stack = false;
        let Some(current) = self.current.take().filter(|it| !it.is_called || it.in_stack) else { return };
        if let Some((place, others)) = pick(scope, &current.frames, None) {
            let mut told = problem("ruby", current.severity, place, current.message);
            told.related = others;
            told.detail = Some(current.detail);
            scope.problem(told);
        }
    }
}

impl Matcher for Ruby {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.current = None;
            return;
        }
        if line == "rake aborted!" {
            self.flush(scope);
            self.rake = true;
            return;
        }
        if std::mem::take(&mut self.rake) {
            // A failed command is told by what it printed.
            if !line.starts_with("Command failed") && aborted().is_match(line) {
                self.current = Some(Exception::new(line, Severity::Error, line));
                self.rake_stack = true;
            }
            return;
        }
        let raised = head().captures(line);
        // The top level and a class's body stand in `<…>`.
        let is_called = raised.as_ref().is_some_and(|found| !found[3].contains('<'));
        let parts = |found: &regex::Captures<'_>, text: usize| {
            (found[1].to_owned(), number(found, 2).unwrap_or(0), found[text].to_owned())
        };
        let found = match &raised {
            Some(found) => Some(loaded().captures(&found[4]).map_or_else(|| parts(found, 4), |it| parts(&it, 3))),
            None => syntax().captures(line).map(|found| parts(&found, 3)),
        };
        if let (Some(_), Some(current)) = (&found, &mut self.current)
            && current.in_stack
            && !self.rake_stack
        {
            // Right behind a stack stands what led to it.
            (current.is_cause, current.lines) = (true, current.lines + 1);
            keep(&mut current.detail, line);
            return scope.claim();
        }
        if let Some((path, at, text)) = found {
            self.flush(scope);
            let warning = text.strip_prefix("warning: ");
            let severity = if warning.is_some() { Severity::Warning } else { Severity::Error };
            let told = Exception::new(warning.unwrap_or(&text), severity, line);
            self.current = Some(Exception { frames: vec![(path, at)], is_called, ..told });
            if warning.is_some() {
                self.flush(scope);
            }
            scope.claim();
            return;
        }
        let Some(current) = &mut self.current else { return };
        current.lines += 1;
        let frame = if self.rake_stack { bare().captures(line) } else { from().captures(line) };
        let is_text = line.is_empty() || line.starts_with([' ', '\t', '>']);
        if current.lines > MAX_LINES || frame.is_none() && (current.in_stack || !is_text) {
            self.flush(scope);
            return;
        }
        keep(&mut current.detail, line);
        if let Some(found) = frame {
            current.in_stack = true;
            if current.frames.len() < 100 && !current.is_cause {
                current.frames.push((found[1].to_owned(), number(&found, 2).unwrap_or(0)));
            }
        } else if current.message.starts_with("syntax errors found")
            && !current.message.contains(": ")
            && let Some(found) = label().captures(line)
        {
            current.message = format!("syntax error: {}", &found[1]);
        }
    }

    fn wants_all(&self) -> bool {
        self.current.is_some() || self.rake
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }

    fn end(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }
}
