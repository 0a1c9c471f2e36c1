//! Which lines are looked at, and by whom. A line that no format could care about costs one pass of a search for the
//! few words that do matter ([`trigger`]); the others are cleaned and shown to every matcher. Same findings for any cut
//! of the bytes: matchers see whole lines, or each byte of the growing line in order.

use std::sync::{Arc, LazyLock};

use regex::bytes::{Regex, RegexBuilder};

use super::lines::{MAX_LINE, clean};
use super::scope::Scope;
use super::{
    Files, Matcher, Origin, gcc, libtest, node_spec, node_stack, node_tap, pytest, python_traceback, rust_panic, rustc,
    unittest,
};
use crate::problem::Finding;

/// All matching for one run's output.
pub struct Engine {
    scope: Scope,
    matchers: Vec<Box<dyn Matcher>>,
    /// The unfinished last line, at most [`MAX_LINE`] bytes of it.
    partial: Vec<u8>,
}

/// Starts of lines and, for compilers that put the file first, the words in the middle that make a line worth reading.
fn trigger() -> &'static Regex {
    static TRIGGER: LazyLock<Regex> = LazyLock::new(|| {
        let starts = [
            "error",
            "warning",
            "thread '",
            "running [0-9]",
            "test [^ \n]",
            "test result: ",
            "---- ",
            "failures:",
            "(?:Compiling|Checking|Building|Running|Doc-tests|Documenting|Blocking|Downloading|Finished) ",
            "={3,}|_{3,} |!{3,} ",
            "collect(?:ed|ing) ",
            "(?:FAILED|ERROR|FAIL|OK)\\b",
            "(?:Traceback|File \"|Ran [0-9]|rootdir: )",
            "(?:TAP version|# Subtest|ok [0-9]|not ok [0-9])",
            "(?:\u{2714}|\u{2716}|\u{25b6}|\u{2139}|\u{fe63}|test at )",
            "(?:In file included|Node\\.js v[0-9])",
            "/[^ \n]*:[0-9]+\r?$",
            "node:internal[^ \n]*:[0-9]+\r?$",
        ];
        let inside = [
            ": (?:\x1b\\[[0-9;]*[mK])*(?:fatal )?(?:error|warning|note|Error)",
            "undefined reference to",
            ": \\*\\*\\* ",
            "ing directory [`']",
            "panicked at ",
            "^[.FEsxXi]+(?: +\\[ *[0-9]+%\\])?\r?$",
            "\\.py [.FEsxX]",
        ];
        let colours = "(?:\x1b\\[[0-9;:?]*[A-Za-z]|[ \t])*";
        RegexBuilder::new(&format!("(?:^|\r){colours}(?:{})|{}", starts.join("|"), inside.join("|")))
            .multi_line(true)
            .unicode(false)
            .build()
            .expect("the trigger is a valid expression")
    });
    &TRIGGER
}

impl Engine {
    /// An engine for the output of one run.
    pub fn new(origin: Origin, files: Arc<dyn Files>) -> Self {
        let scope = Scope::new(&origin, files);
        let matchers: Vec<Box<dyn Matcher>> = if scope.command.only_lists() {
            Vec::new()
        } else {
            vec![
                Box::new(libtest::Libtest::default()),
                Box::new(rust_panic::Panics::default()),
                Box::new(rustc::Rustc::default()),
                Box::new(pytest::Pytest::new(&scope)),
                Box::new(unittest::Unittest::new(&scope)),
                Box::new(python_traceback::Uncaught::default()),
                Box::new(node_tap::Tap::default()),
                Box::new(node_spec::Spec::default()),
                Box::new(node_stack::Crashes::default()),
                Box::new(gcc::Gcc::default()),
            ]
        };
        Self { scope, matchers, partial: Vec::new() }
    }

    /// Takes the next bytes of the output, cut anywhere, and appends what they show.
    pub fn push(&mut self, bytes: &[u8], findings: &mut Vec<Finding>) {
        if self.matchers.is_empty() {
            return;
        }
        let mut rest = bytes;
        if !self.partial.is_empty() {
            let end = memchr::memchr(b'\n', rest);
            self.extend_partial(&rest[..end.unwrap_or(rest.len())]);
            let Some(end) = end else {
                self.grow();
                findings.append(&mut self.scope.out);
                return;
            };
            rest = &rest[end + 1..];
            let line = std::mem::take(&mut self.partial);
            self.consider(&line);
            self.partial = line;
            self.partial.clear();
        }
        let whole = memchr::memrchr(b'\n', rest).map_or(0, |end| end + 1);
        self.scan(&rest[..whole]);
        self.extend_partial(&rest[whole..]);
        self.grow();
        findings.append(&mut self.scope.out);
    }

    /// The output is over: appends what only its end shows.
    pub fn finish(&mut self, findings: &mut Vec<Finding>) {
        if !self.partial.is_empty() {
            let line = std::mem::take(&mut self.partial);
            self.consider(&line);
        }
        for matcher in &mut self.matchers {
            matcher.end(&mut self.scope);
        }
        findings.append(&mut self.scope.out);
    }

    fn extend_partial(&mut self, bytes: &[u8]) {
        let room = MAX_LINE.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Whole lines, each with its end.
    fn scan(&mut self, lines: &[u8]) {
        let mut at = 0;
        while at < lines.len() {
            if !self.wants_all() {
                let Some(found) = trigger().find_at(lines, at) else { return };
                at = memchr::memrchr(b'\n', &lines[at..found.start()]).map_or(at, |end| at + end + 1);
            }
            let end = memchr::memchr(b'\n', &lines[at..]).map_or(lines.len(), |end| at + end);
            self.consider(&lines[at..end]);
            at = end + 1;
        }
    }

    fn wants_all(&self) -> bool {
        self.matchers.iter().any(|matcher| matcher.wants_all())
    }

    /// One whole line without its end.
    fn consider(&mut self, raw: &[u8]) {
        let raw = &raw[..raw.len().min(MAX_LINE)];
        if !self.wants_all() && !trigger().is_match(raw) {
            return;
        }
        for matcher in &mut self.matchers {
            matcher.growing(raw, &mut self.scope);
        }
        let line = clean(raw);
        for matcher in &mut self.matchers {
            matcher.line(&line, &mut self.scope);
        }
    }

    fn grow(&mut self) {
        if !self.partial.is_empty() && self.wants_all() {
            for matcher in &mut self.matchers {
                matcher.growing(&self.partial, &mut self.scope);
            }
        }
    }
}
