//! OCaml, also behind dune: `File "a.ml", line 3, characters 4-9:` with the source and the message below, and uncaught
//! exceptions with a backtrace.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::oneline::{number, text};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, keep, problem, related};
use crate::problem::{Place, Severity};

/// Lines of one message.
const MAX_LINES: usize = 100;

pub(super) const FORMAT: Format = Format {
    name: "ocaml",
    rank: Rank::Tool,
    gate: always,
    starts: &[r#"File "[^"]*\.(?:mli?|mly|mll|eliomi?)", lines? [0-9]"#, "Fatal error: exception "],
    inside: &[],
    new: |_| Box::new(Ocaml::default()),
};

#[derive(Default)]
struct Ocaml {
    current: Option<Message>,
}

struct Message {
    /// The places, the deepest first.
    places: Vec<Place>,
    /// An uncaught exception: places follow.
    uncaught: bool,
    severity: Severity,
    code: Option<String>,
    text: String,
    detail: String,
    lines: usize,
}

expression!(head, r#"^File "(.+?)", lines? (\d+)(?:-(\d+))?(?:, characters (\d+)-(\d+))?:?$"#);
expression!(
    message,
    r"^(Error|Warning|Alert)(?: (\w+))?(?: \(warning (\d+) ?(?:\[([\w-]+)\])?\))?(?: \[([\w-]+)\])?: (.*)$"
);
expression!(
    called,
    r#"^(?:Raised|Re-raised|Called)\b.* in file "(.+?)"(?: \(inlined\))?, lines? (\d+)(?:-\d+)?, characters (\d+)-(\d+)"#
);

impl Ocaml {
    fn flush(&mut self, scope: &mut Scope) {
        let Some(mut current) = self.current.take() else { return };
        if current.places.is_empty() || current.text.is_empty() {
            return;
        }
        let place = current.places.remove(0);
        let mut told = problem("ocaml", current.severity, place, current.text);
        told.code = current.code;
        told.related = current.places.into_iter().take(8).map(|place| related(place, "called here")).collect();
        told.detail = Some(current.detail);
        scope.problem(told);
    }

    fn begin(&mut self, line: &str, scope: &mut Scope) {
        let (places, text, uncaught) = if let Some(found) = head().captures(line) {
            let (Some(file), Some(first)) = (scope.own(&found[1]), number(&found, 2)) else { return };
            let column = |group| number(&found, group).map(|characters| Column::Bytes(characters.saturating_add(1)));
            let last = number(&found, 3).filter(|&last| last != first);
            let mut place = scope.at(file.clone(), first, column(4), column(5).filter(|_| last.is_none()));
            if let Some(last) = last {
                // Characters are counted from the first line's start; the end is somewhere on the last one.
                place.end_line = Some(last);
                place.end_column = scope.at(file, last, column(5), None).column;
            }
            (vec![place], String::new(), false)
        } else if let Some(text) = line.strip_prefix("Fatal error: ") {
            (Vec::new(), text.to_owned(), true)
        } else {
            return;
        };
        let detail = line.to_owned();
        self.current =
            Some(Message { places, uncaught, severity: Severity::Error, code: None, text, detail, lines: 0 });
        scope.claim();
    }
}

impl Message {
    /// False for a line that is no part of it.
    fn line(&mut self, line: &str, scope: &mut Scope) -> bool {
        self.lines += 1;
        if self.lines > MAX_LINES {
            return false;
        }
        if self.uncaught {
            let Some(found) = called().captures(line) else { return false };
            if let (Some(file), Some(line)) = (scope.own(&found[1]), number(&found, 2)) {
                let column =
                    |group| number(&found, group).map(|characters| Column::Bytes(characters.saturating_add(1)));
                self.places.push(scope.at(file, line, column(3), column(4)));
            }
        } else if self.text.is_empty() {
            if let Some(found) = message().captures(line) {
                let named = [5, 4, 3].into_iter().find_map(|group| text(&found, group));
                let number = text(&found, 2).filter(|_| found.get(3).is_none());
                self.code = named.or(number).map(str::to_owned);
                self.severity = if &found[1] == "Error" { Severity::Error } else { Severity::Warning };
                self.text = found[6].to_owned();
            } else if line.is_empty() {
                return false;
            }
        } else if !line.starts_with("       ") {
            return false;
        } else if self.text.len() < 1000 {
            self.text.push(' ');
            self.text.push_str(line.trim());
        }
        keep(&mut self.detail, line);
        true
    }
}

impl Matcher for Ocaml {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.current = None;
            return;
        }
        if let Some(current) = &mut self.current {
            if !line.starts_with("File \"") && current.line(line, scope) {
                scope.claim();
                return;
            }
            self.flush(scope);
        }
        self.begin(line, scope);
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
