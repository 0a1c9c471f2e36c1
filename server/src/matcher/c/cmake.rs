//! CMake's configure step: `CMake Error at CMakeLists.txt:4 (find_package):`, its text, and the call stack. What a module of
//! CMake complains about is shown at the line of the project that called it.

use std::path::PathBuf;

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::oneline::{number, text};
use crate::matcher::scope::{Scope, keep, problem, related};
use crate::problem::{Place, Severity};

/// Lines of one message.
const MAX_LINES: usize = 200;

pub(super) const FORMAT: Format = Format {
    name: "cmake",
    rank: Rank::Tool,
    gate: always,
    starts: &[r"CMake (?:Deprecation |Developer )?(?:Error|Warning)"],
    inside: &[],
    new: |_| Box::new(Cmake::default()),
};

#[derive(Default)]
struct Cmake {
    current: Option<Message>,
}

struct Message {
    severity: Severity,
    /// Its own place and those of the call stack, the innermost first; a line of 0 is the file alone.
    frames: Vec<(String, u32)>,
    /// The first paragraph.
    message: String,
    paragraph_over: bool,
    in_stack: bool,
    empty: usize,
    lines: usize,
    detail: String,
}

expression!(
    head,
    r"^CMake (?:Deprecation |Developer )?(Error|Warning)(?: \(dev\))? (?:at (.+?):(\d+)(?: \([\w:]+\))?|in (.+?)):$"
);
expression!(frame, r"^  (\S.*?):(\d+)(?::EVAL:\d+)? \([\w:]+\)$");

impl Cmake {
    fn flush(&mut self, scope: &mut Scope) {
        let Some(current) = self.current.take() else { return };
        let mut places: Vec<Place> = Vec::new();
        for (path, line) in &current.frames {
            let file: Option<PathBuf> = scope.own(path);
            if let Some(file) = file {
                places.push(if *line == 0 { scope.whole(file) } else { scope.at(file, *line, None, None) });
            }
        }
        if places.is_empty() || current.message.is_empty() {
            return;
        }
        let place = places.remove(0);
        let mut told = problem("cmake", current.severity, place, current.message);
        told.related = places.into_iter().take(8).map(|place| related(place, "called here")).collect();
        told.detail = Some(current.detail);
        scope.problem(told);
    }
}

impl Matcher for Cmake {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.current = None;
            return;
        }
        if let Some(current) = &mut self.current {
            current.lines += 1;
            let is_stack = line.starts_with("Call Stack (most recent call first)");
            let belongs = line.is_empty() || line.starts_with("  ") || is_stack;
            current.empty = if line.is_empty() { current.empty + 1 } else { 0 };
            if belongs && current.empty < 2 && current.lines < MAX_LINES {
                keep(&mut current.detail, line);
                if is_stack {
                    current.in_stack = true;
                } else if current.in_stack {
                    if let Some(found) = frame().captures(line).filter(|_| current.frames.len() < 50) {
                        current.frames.push((found[1].to_owned(), number(&found, 2).unwrap_or(0)));
                    }
                } else if line.is_empty() {
                    // What it announces is the next paragraph.
                    current.paragraph_over |= !current.message.is_empty() && !current.message.ends_with(':');
                } else if !current.paragraph_over && current.message.len() < 1000 {
                    if !current.message.is_empty() {
                        current.message.push(' ');
                    }
                    current.message.push_str(line.trim());
                }
                scope.claim();
                return;
            }
            self.flush(scope);
        }
        let Some(found) = head().captures(line) else { return };
        let path = text(&found, 2).or_else(|| text(&found, 4)).unwrap_or_default();
        self.current = Some(Message {
            severity: if &found[1] == "Error" { Severity::Error } else { Severity::Warning },
            frames: vec![(path.to_owned(), number(&found, 3).unwrap_or(0))],
            message: String::new(),
            paragraph_over: false,
            in_stack: false,
            empty: 0,
            lines: 0,
            detail: line.to_owned(),
        });
        scope.claim();
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
