//! A Go program's panic: its message, the goroutines with their frames. Knows not whether it is a test's.

use crate::matcher::scope::{Scope, keep, related};
use crate::problem::{Place, Related};

/// Lines of one panic.
const MAX_LINES: usize = 3_000;
/// Frames that are kept.
const MAX_FRAMES: usize = 400;

/// A panic while it is read.
#[derive(Default)]
pub(super) struct Trace {
    pub(super) message: String,
    /// Function, file and line; the innermost first.
    frames: Vec<(String, String, u32)>,
    function: String,
    /// Tests that ran when the time was over.
    pub(super) running: Vec<String>,
    pub(super) detail: String,
    goroutine: bool,
    lines: usize,
}

expression!(frame, r"^\s+(\S.*?\.go):(\d+)(?: \+0x[0-9a-f]+)?$");
expression!(running, r"^\t\t(\w\S*) \([\dhms.]+\)$");
expression!(test, r"\.((?:Test|Fuzz|Example)\w*)(?:\.func[\d.]+|\.gowrap\d+)*(?:\(| in goroutine|$)");

impl Trace {
    /// The panic that a line begins.
    pub(super) fn open(line: &str) -> Option<Self> {
        let message = line.strip_prefix("panic: ").or_else(|| line.strip_prefix("fatal error: "))?;
        let message = message.trim_end_matches(" [recovered]").trim_end_matches(" [recovered, repanicked]");
        let said = line.starts_with("fatal") || message.starts_with("test timed out");
        let message = if said { message.to_owned() } else { format!("panic: {message}") };
        Some(Self { message, detail: line.to_owned(), ..Self::default() })
    }

    /// False when the line is no part of it.
    pub(super) fn line(&mut self, line: &str) -> bool {
        self.lines += 1;
        if self.lines > MAX_LINES {
            return false;
        }
        if line.starts_with("goroutine ") && line.ends_with(':') {
            self.goroutine = true;
        } else if let Some(found) = running().captures(line).filter(|_| !self.goroutine) {
            if self.running.len() < MAX_FRAMES {
                self.running.push(found[1].to_owned());
            }
        } else if let Some(found) = frame().captures(line).filter(|_| self.goroutine) {
            if self.frames.len() < MAX_FRAMES {
                let number = found[2].parse().unwrap_or(0);
                self.frames.push((std::mem::take(&mut self.function), found[1].to_owned(), number));
            }
        } else if self.goroutine && (line.ends_with(')') || line.starts_with("created by ")) {
            self.function = line.to_owned();
        } else if !line.is_empty()
            && !line.starts_with(['\t', '['])
            && !line.starts_with("panic: ")
            && !line.starts_with("...")
            && line != "main.main()"
        {
            return false;
        }
        keep(&mut self.detail, line);
        true
    }

    /// True when it was one: a program may print the word.
    pub(super) fn is_whole(&self) -> bool {
        self.goroutine
    }

    /// The test in which it happened.
    pub(super) fn test(&self) -> Option<String> {
        let named = self.running.first().cloned();
        let mut frames = self.frames.iter().filter(|(function, ..)| !is_main(function));
        named.or_else(|| frames.find_map(|(function, ..)| Some(test().captures(function)?[1].to_owned())))
    }

    /// The place and the other own frames. In a test it is the innermost frame of a file of tests.
    pub(super) fn places(&self, scope: &mut Scope) -> Option<(Place, Vec<Related>)> {
        let mut own: Vec<(Place, &str)> = Vec::new();
        for (function, path, line) in self.frames.iter().filter(|(function, ..)| !is_main(function)) {
            if let Some(file) = scope.own(path) {
                own.push((scope.at(file, *line, None, None), function));
            }
        }
        let is_test = |(place, _): &(Place, &str)| place.file.to_string_lossy().ends_with("_test.go");
        let at = own.iter().position(is_test).unwrap_or(0);
        if own.is_empty() {
            return None;
        }
        let (place, _) = own.remove(at);
        let others = own.into_iter().filter(|(other, _)| *other != place).take(8);
        let others = others.map(|(other, function)| related(other, format!("in {}", name(function)))).collect();
        Some((place, others))
    }
}

/// `TestMain`, in which all tests of a package run.
fn is_main(function: &str) -> bool {
    function.contains(".TestMain(")
}

/// The innermost frame of a file of tests in the text of a panic that was caught and logged.
pub(super) fn logged<'l>(mut lines: impl Iterator<Item = &'l str>, scope: &mut Scope) -> Option<Place> {
    lines.find_map(|line| {
        let found = frame().captures(line).filter(|found| found[1].ends_with("_test.go"))?;
        let file = scope.own(&found[1])?;
        Some(scope.at(file, found[2].parse().ok()?, None, None))
    })
}

/// `cart.First` of `example.com/shop/cart.First(...)`.
fn name(function: &str) -> &str {
    let function = function.trim().strip_prefix("created by ").unwrap_or(function.trim());
    let path = function.split(['(', ' ']).next().unwrap_or(function);
    path.rsplit('/').next().unwrap_or(path)
}
