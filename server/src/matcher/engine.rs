//! Which lines are looked at, and by whom. A line that no format could care about costs one pass of a search for the
//! few words that do matter (`matters`); the others are cleaned and shown to every matcher. Same findings for any cut
//! of the bytes: matchers see whole lines, or each byte of the growing line in order.

use std::sync::{Arc, LazyLock};

use regex::bytes::{Regex, RegexBuilder};

use super::lines::{Partial, clean, cut};
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
    partial: Partial,
    /// A matcher reads every line now.
    wants_all: bool,
}

/// Starts of lines that some format knows, after colours and spaces.
fn starts() -> &'static Regex {
    static STARTS: LazyLock<Regex> = LazyLock::new(|| {
        let starts = [
            "error",
            "warning",
            "thread '",
            "running [0-9]",
            "test [^ ]",
            "---- ",
            "failures:",
            "(?:Compiling|Checking|Building|Running|Doc-tests|Documenting|Blocking|Downloading) ",
            "={3,}|_{3,} ",
            "(?:FAILED|ERROR|FAIL|OK)\\b",
            "(?:collect(?:ed|ing) |rootdir: |Traceback|File \"|Ran [0-9])",
            "[.FEsxX]+(?: +\\[ *[0-9]+%\\])?\\r*\\z",
            "[^ ]+\\.py [.FEsxX]",
            "(?:TAP version|# Subtest|# /|ok [0-9]|not ok [0-9])",
            "(?:\u{2714}|\u{2716}|\u{25b6}|\u{2139}|\u{fe63}|test at )",
            "In file included",
            "(?:file://)?/[^ ]*:[0-9]+\\r*\\z",
            "node:[^ ]*:[0-9]+\\r*\\z",
        ];
        expression(&format!("\\A(?:{COLOUR}|[ \\t])*(?:{})", starts.join("|")))
    });
    &STARTS
}

/// What makes a line worth reading wherever it stands, for those who put a file's name first.
fn inside() -> &'static Regex {
    static INSIDE: LazyLock<Regex> = LazyLock::new(|| {
        let inside = [
            &format!("[0-9]:(?:{COLOUR})* (?:{COLOUR})*(?:fatal )?(?:error|warning|note|Error|Warning)"),
            "undefined reference to|multiple definition of",
            ": \\*\\*\\* ",
            "ing directory [`']",
            "required from here",
            "panicked at ",
        ];
        expression(&inside.join("|"))
    });
    &INSIDE
}

/// A word of each of [`inside`]'s alternatives: literals alone, which are found many bytes at a time.
fn words() -> &'static Regex {
    static WORDS: LazyLock<Regex> = LazyLock::new(|| {
        expression(
            "error|warning|note|Error|Warning|undefined ref|multiple def|: \\*\\*\\* |ing directory |panicked at |required from",
        )
    });
    &WORDS
}

const COLOUR: &str = "\x1b\\[[0-9;:?]*[A-Za-z]|\x1b\\([A-Z]";

fn expression(text: &str) -> Regex {
    RegexBuilder::new(text).unicode(false).build().expect("the expression is valid")
}

/// True when some format may care about this line, as it is shown.
fn matters(shown: &[u8]) -> bool {
    starts().is_match(shown) || inside().is_match(shown)
}

/// A cheap look at a line's start: false for most lines of a log.
fn may_start(line: &[u8]) -> bool {
    static FIRST: LazyLock<[bool; 256]> = LazyLock::new(|| {
        let mut first = [false; 256];
        for byte in b" \t\x1b\r.=_-#/CBRDEFOTIXcefnorstwx".iter().chain(&[0xe2, 0xef]) {
            first[usize::from(*byte)] = true;
        }
        first
    });
    match line {
        [] => false,
        [first, ..] if FIRST[usize::from(*first)] => starts().is_match(line) || memchr::memchr(b'\r', line).is_some(),
        // A file's name may begin with anything.
        _ => memchr::memchr(b'\r', line).is_some() || memchr::memmem::find(line, b".py ").is_some(),
    }
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
        let wants_all = matchers.iter().any(|matcher| matcher.wants_all());
        Self { scope, matchers, partial: Partial::default(), wants_all }
    }

    /// Takes the next bytes of the output, cut anywhere, and appends what they show.
    pub fn push(&mut self, bytes: &[u8], findings: &mut Vec<Finding>) {
        if self.matchers.is_empty() {
            return;
        }
        let mut rest = bytes;
        if !self.partial.is_empty() {
            let end = memchr::memchr(b'\n', rest);
            self.partial.extend(&rest[..end.unwrap_or(rest.len())]);
            match end {
                Some(end) => {
                    self.end_partial();
                    rest = &rest[end + 1..];
                }
                None => rest = &[],
            }
        }
        let whole = memchr::memrchr(b'\n', rest).map_or(0, |end| end + 1);
        self.scan(&rest[..whole]);
        self.partial.extend(&rest[whole..]);
        if self.wants_all && !self.partial.is_empty() {
            grow(&mut self.matchers, self.partial.head(), &mut self.scope);
        }
        findings.append(&mut self.scope.out);
    }

    /// The output is over: appends what only its end shows.
    pub fn finish(&mut self, findings: &mut Vec<Finding>) {
        if !self.partial.is_empty() {
            self.end_partial();
        }
        for matcher in &mut self.matchers {
            matcher.end(&mut self.scope);
        }
        findings.append(&mut self.scope.out);
    }

    fn end_partial(&mut self) {
        let mut partial = std::mem::take(&mut self.partial);
        self.consider(partial.head(), partial.shown());
        partial.clear();
        self.partial = partial;
    }

    /// Whole lines, each with its end.
    fn scan(&mut self, lines: &[u8]) {
        let mut at = 0;
        let mut word = None;
        while at < lines.len() {
            let end = memchr::memchr(b'\n', &lines[at..]).map_or(lines.len(), |end| at + end);
            let line = &lines[at..end];
            let next_word = match word {
                Some(found) if found >= at => found,
                _ => words().find_at(lines, at).map_or(lines.len(), |found| found.start()),
            };
            word = Some(next_word);
            if self.wants_all || next_word < end || may_start(line) {
                let (head, shown) = cut(line);
                self.consider(head, shown);
            }
            at = end + 1;
        }
    }

    /// One whole line without its end: its first bytes, and what is shown of it.
    fn consider(&mut self, head: &[u8], shown: &[u8]) {
        if !self.wants_all && !matters(shown) {
            return;
        }
        grow(&mut self.matchers, head, &mut self.scope);
        let line = clean(shown);
        for matcher in &mut self.matchers {
            matcher.line(&line, &mut self.scope);
        }
        self.wants_all = self.matchers.iter().any(|matcher| matcher.wants_all());
    }
}

/// Shows a growing line to the runner that reads letters now: to one only, so that how often it is shown makes no
/// difference to the order of what is found.
fn grow(matchers: &mut [Box<dyn Matcher>], head: &[u8], scope: &mut Scope) {
    if let Some(matcher) = matchers.iter_mut().find(|matcher| matcher.reads_letters()) {
        matcher.growing(head, scope);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_between_threads() {
        fn sends<T: Send>() {}
        sends::<Engine>();
    }

    #[test]
    fn what_matters() {
        for (line, matters) in [
            ("error[E0308]: mismatched types", true),
            ("\x1b[1m\x1b[91merror\x1b[0m: x", true),
            ("a.c:3:5: error: x", true),
            ("a.c:3:5:\x1b[m\x1b[K \x1b[01;31m\x1b[Kerror: x", true),
            ("10%\r20%\rtest result: ok.", true),
            ("2026-11-21 10:12:13 GET /error 200", false),
            ("the quick brown fox", false),
        ] {
            let (_, shown) = cut(line.as_bytes());
            assert_eq!(super::matters(shown), matters, "{line:?}");
            assert!(
                !matters || may_start(line.as_bytes()) || words().is_match(line.as_bytes()),
                "{line:?} is passed over"
            );
        }
    }
}
