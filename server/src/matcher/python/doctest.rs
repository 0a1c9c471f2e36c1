//! `python -m doctest`: a row of stars, `File "x.py", line 3, in x.f`, the example, and what was expected and got, or the
//! exception that it raised. Only failures are printed.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::scope::{Scope, keep, problem};
use crate::problem::{Place, Severity};

/// Lines of one failure that are read.
const MAX_LINES: usize = 300;
/// Lines of one side that stand in the message.
const MAX_SHOWN: usize = 3;

pub(super) const FORMAT: Format = Format {
    name: "doctest",
    rank: Rank::Runner,
    gate: always,
    starts: &[r"\*{70}\z"],
    inside: &[],
    new: |_| Box::new(Doctest::default()),
};

#[derive(Default)]
struct Doctest {
    /// The line before was the row of stars: a failure's head may follow.
    ruled: bool,
    failure: Option<Failure>,
}

struct Failure {
    place: Place,
    /// The module, class or function whose text has the example.
    name: String,
    part: Part,
    expected: Vec<String>,
    got: Vec<String>,
    exception: String,
    detail: String,
    lines: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Example,
    Expected,
    Got,
    Exception,
}

expression!(head, r#"^File "(.+)", line (\d+), in (\S+)$"#);

impl Failure {
    /// A line below the head; false when it is none of the failure's.
    fn line(&mut self, line: &str) -> bool {
        self.lines += 1;
        let part = match line {
            "Failed example:" => Some(Part::Example),
            "Expected:" | "Expected nothing" => Some(Part::Expected),
            "Got:" | "Got nothing" => Some(Part::Got),
            "Exception raised:" => Some(Part::Exception),
            _ if self.lines > MAX_LINES => return false,
            _ => None,
        };
        keep(&mut self.detail, line);
        if let Some(part) = part {
            self.part = part;
            return true;
        }
        let Some(text) = line.strip_prefix("    ") else { return line.is_empty() };
        match self.part {
            Part::Example => {}
            Part::Expected => self.expected.push(text.trim().to_owned()),
            Part::Got => self.got.push(text.trim().to_owned()),
            // The last line that stands at the margin of the traceback.
            Part::Exception if !text.starts_with(' ') => text.clone_into(&mut self.exception),
            Part::Exception => {}
        }
        true
    }

    fn message(&self) -> String {
        if self.part == Part::Exception {
            return self.exception.clone();
        }
        let side = |name: &str, lines: &[String]| match lines {
            [] => format!("{name} nothing"),
            lines => format!("{name}: {}", lines[..lines.len().min(MAX_SHOWN)].join(" ")),
        };
        format!("{}, {}", side("Expected", &self.expected), side("Got", &self.got))
    }
}

impl Doctest {
    fn close(&mut self, scope: &mut Scope) {
        let Some(failure) = self.failure.take().filter(|failure| failure.part != Part::Example) else { return };
        let mut found = problem("doctest", Severity::Error, failure.place.clone(), failure.message());
        found.test = Some(failure.name);
        found.detail = Some(failure.detail);
        scope.problem(found);
    }
}

impl Matcher for Doctest {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            (self.failure, self.ruled) = (None, false);
            return;
        }
        let is_rule = line.len() == 70 && line.bytes().all(|byte| byte == b'*');
        if std::mem::replace(&mut self.ruled, is_rule)
            && let Some(found) = head().captures(line)
            && let Some(file) = scope.own(&found[1])
        {
            let place = scope.at(file, found[2].parse().unwrap_or(0), None, None);
            let (name, detail) = (found[3].to_owned(), String::new());
            let (expected, got, exception) = (Vec::new(), Vec::new(), String::new());
            self.failure =
                Some(Failure { place, name, part: Part::Example, expected, got, exception, detail, lines: 0 });
            return scope.claim();
        }
        if is_rule || self.failure.as_mut().is_some_and(|failure| !failure.line(line)) {
            self.close(scope);
        } else if self.failure.is_some() {
            scope.claim();
        }
    }

    fn wants_all(&self) -> bool {
        self.ruled || self.failure.is_some()
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        self.close(scope);
    }

    fn end(&mut self, scope: &mut Scope) {
        self.close(scope);
    }
}
