//! One TAP document: its tests inside of tests, and the failure whose lines are read. Knows nothing of where a document
//! begins and ends, which is `tap`'s.

use super::failure_text;
use super::tap_diagnostic::Diagnostic;
use crate::matcher::node::tap as node;
use crate::matcher::node::totals::Totals;
use crate::matcher::scope::{Runner, Scope, problem};
use crate::problem::{Counts, Severity, TestResult, TestStatus};

pub(super) const RUNNER: Runner = Runner("tap");
/// Tests inside of tests.
pub(super) const MAX_DEPTH: usize = 32;
/// Bytes of a name.
pub(super) const MAX_NAME: usize = 500;

/// One TAP document.
#[derive(Default)]
pub(super) struct Stream {
    pub(super) writer: Writer,
    /// The version line was there.
    pub(super) headed: bool,
    /// It named the version that node:test writes.
    pub(super) like_node: bool,
    pub(super) sure: bool,
    /// What is open: the document itself, then tests that have tests.
    pub(super) levels: Vec<Level>,
    pub(super) counts: Counts,
    failure: Option<Failure>,
    /// tape's headline above the assertions of a test.
    pub(super) heading: String,
    /// node:test's counts at the end.
    pub(super) totals: Totals,
    pub(super) foreign: usize,
}

/// Who wrote a document, as far as its forms differ.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Writer {
    #[default]
    Any,
    /// node:test: each test has its name in a line before it, indented like the test itself.
    Node,
}

impl Writer {
    pub(super) fn runner(self) -> Runner {
        match self {
            Self::Any => RUNNER,
            Self::Node => Runner::NODE,
        }
    }
}

#[derive(Default)]
pub(super) struct Level {
    pub(super) name: String,
    pub(super) plan: Option<u32>,
    pub(super) seen: u32,
    failed: u32,
}

/// A `not ok` whose diagnostics are read.
struct Failure {
    id: String,
    name: String,
    indent: usize,
    /// It has tests inside.
    has_tests: bool,
    /// Of those some failed: it says nothing new.
    parent: bool,
    diagnostic: Diagnostic,
}

expression!(point, r"^(not ok|ok)\b(?: +(\d+))?(?: +- +| +|$)(.*)$");
expression!(directive, r"(?i)^(.*?)\s*(?:^|\s)# *(skip|todo)\b.*$");
expression!(timed, r"\s*# time=\S+|\s*# \(?\d[\d.]* ?m?s\)?$");

impl Stream {
    /// One that begins; `headed` where a line told the version.
    pub(super) fn new(headed: bool) -> Self {
        Self { headed, ..Self::default() }
    }

    pub(super) fn level(&mut self, depth: usize) -> &mut Level {
        while self.levels.len() <= depth {
            self.levels.push(Level::default());
        }
        &mut self.levels[depth]
    }

    /// A test point; true when it is one.
    pub(super) fn point(&mut self, text: &str, indent: usize, scope: &mut Scope) -> bool {
        let Some(found) = point().captures(text) else { return false };
        let depth = (indent / 4).min(MAX_DEPTH);
        let begun = self.levels.first().is_some_and(|level| level.seen > 0);
        // Only a first test with its number is one where no version was told.
        if !self.sure && !self.headed && !begun && found.get(2).is_none_or(|number| number.as_str() != "1") {
            return false;
        }
        self.tell_failure(scope);
        let (rest, opens) = match self.writer {
            Writer::Any => named(&found[3]),
            Writer::Node => (found[3].to_owned(), false),
        };
        let (name, skipped) = match directive().captures(&rest) {
            Some(parts) => (parts.get(1).map_or("", |name| name.as_str()).to_owned(), true),
            None => (rest, false),
        };
        let mut name = unescaped(name.trim().trim_start_matches("- "));
        name.truncate(name.floor_char_boundary(MAX_NAME));
        let inner = self.levels.get(depth + 1).filter(|inner| inner.seen > 0);
        let (has_tests, inner_failed) = (inner.is_some() || opens, inner.map_or(0, |inner| inner.failed));
        self.levels.truncate(depth + 1);
        let is_file = |name: &str| match self.writer {
            Writer::Any => name.contains('.') && !name.contains(' '),
            Writer::Node => name.starts_with('/'),
        };
        let outer = self.levels.iter().enumerate().skip(1).map(|(at, level)| (at, level.name.as_str()));
        // Some runners have their files as the outermost tests.
        let outer: Vec<&str> = outer.filter(|(at, name)| *at > 1 || !is_file(name)).map(|(_, name)| name).collect();
        let heading = if outer.is_empty() { self.heading.as_str() } else { "" };
        let number = found.get(2).map_or("", |number| number.as_str());
        let last = if name.is_empty() { number } else { &name };
        let names = outer.into_iter().chain([heading, last]).filter(|name| !name.is_empty());
        let id = names.collect::<Vec<_>>().join(" ");
        let status = match (&found[1], skipped) {
            (_, true) => TestStatus::Skipped,
            ("ok", _) => TestStatus::Passed,
            _ => TestStatus::Failed,
        };
        let failed = status == TestStatus::Failed;
        let level = self.level(depth);
        level.seen = level.seen.saturating_add(1);
        level.failed += u32::from(failed);
        if opens {
            self.level(depth + 1).name.clone_from(&name);
        }
        if !has_tests {
            self.counts.count(status);
            if !failed {
                let result =
                    TestResult { id, name, program: None, status, place: None, duration_ms: None, message: None };
                scope.test_result(result);
                return true;
            }
        }
        if failed && !opens {
            let parent = inner_failed > 0;
            self.failure = Some(Failure { id, name, indent, has_tests, parent, diagnostic: Diagnostic::default() });
        }
        true
    }

    /// The start of a block, which in a block is another error of the same test, as Vitest writes them.
    pub(super) fn again(&mut self, scope: &mut Scope) {
        let again = self.failure.as_ref().filter(|failure| failure.diagnostic.in_block()).map(Failure::again);
        if again.is_some() {
            self.tell_failure(scope);
            self.failure = again;
        }
    }

    /// A line below a failed test; true when it belongs to it.
    pub(super) fn diagnostic(&mut self, line: &str, indent: usize) -> bool {
        let Some(failure) = &mut self.failure else { return false };
        let text = line.trim_start();
        if let Some(comment) = text.strip_prefix('#').filter(|_| !failure.diagnostic.in_block()) {
            return self.writer == Writer::Any
                && !failure.diagnostic.is_over()
                && !text.starts_with("# Subtest")
                && failure.diagnostic.comment(comment);
        }
        (indent > failure.indent || failure.diagnostic.in_block()) && failure.diagnostic.line(line)
    }

    pub(super) fn tell_failure(&mut self, scope: &mut Scope) {
        let Some(failure) = self.failure.take() else { return };
        if self.writer == Writer::Node {
            return tell_node(failure, scope);
        }
        let Failure { id, name, parent, diagnostic, .. } = failure;
        let said = diagnostic.message(&name);
        let place = diagnostic.place(scope).or_else(|| failure_text::place(scope, diagnostic.text(), None));
        if !parent {
            let at = place.as_ref().map(|(place, _)| place.clone());
            scope.test_result(TestResult {
                id: id.clone(),
                name,
                program: None,
                status: TestStatus::Failed,
                place: at,
                duration_ms: None,
                message: Some(said.clone()),
            });
            if let Some((place, related)) = place {
                let mut found = problem("tap", Severity::Error, place, said);
                found.detail = Some(diagnostic.text().to_owned());
                found.related = related;
                found.test = Some(id);
                scope.problem(found);
            }
        }
    }

    /// The first test's name came, indented as only node:test has it.
    pub(super) fn is_of_node(&mut self, scope: &mut Scope) {
        (self.writer, self.sure) = (Writer::Node, true);
        self.heading.clear();
        scope.inside = Some(Runner::NODE);
    }

    /// The block about a failure has ended.
    pub(super) fn has_told(&self) -> bool {
        self.failure.as_ref().is_some_and(|failure| failure.diagnostic.is_over())
    }

    /// As many tests ran as were planned.
    pub(super) fn is_complete(&self) -> bool {
        self.levels.first().is_some_and(|level| level.plan.is_some_and(|plan| level.seen >= plan))
    }
}

impl Failure {
    /// Another error of the same test.
    fn again(&self) -> Self {
        let Self { indent, has_tests, parent, .. } = *self;
        Self {
            id: self.id.clone(),
            name: self.name.clone(),
            indent,
            has_tests,
            parent,
            diagnostic: Diagnostic::default(),
        }
    }
}

/// Tells a failure of node:test.
fn tell_node(failure: Failure, scope: &mut Scope) {
    let Failure { id, name, has_tests, diagnostic, .. } = failure;
    let node::Failed { message, at, duration_ms, place } = node::failed(&name, |key| diagnostic.field(key), scope);
    if !has_tests {
        let (status, message) = (TestStatus::Failed, Some(message.clone()));
        let result = TestResult { id: id.clone(), name, program: None, status, place: at, duration_ms, message };
        scope.test_result(result);
    }
    if let Some((place, related)) = place {
        let mut found = problem(Runner::NODE.0, Severity::Error, place, message);
        found.detail = Some(diagnostic.text().to_owned());
        found.related = related;
        found.test = Some(id);
        scope.problem(found);
    }
}

/// A name without the time behind it, and whether tests of it follow: Vitest and node-tap write a test first, and what is
/// inside of it behind that.
fn named(text: &str) -> (String, bool) {
    let rest = timed().replace(text, "");
    let rest = rest.trim_end();
    let opens = rest.strip_suffix(" {").or_else(|| (rest == "{").then_some(""));
    (timed().replace(opens.unwrap_or(rest), "").into_owned(), opens.is_some())
}

/// A name as it was before it was written: `\#` and `\\` stand for what has a meaning in TAP.
pub(super) fn unescaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut chars = name.chars().peekable();
    while let Some(char) = chars.next() {
        let escaped = (char == '\\').then(|| chars.next_if(|next| matches!(next, '#' | '\\'))).flatten();
        text.push(escaped.unwrap_or(char));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points() {
        for (line, parts) in [
            ("ok 1 - adds", Some(("ok", Some("1"), "adds"))),
            ("not ok 2 adds # TODO later", Some(("not ok", Some("2"), "adds # TODO later"))),
            ("ok", Some(("ok", None, ""))),
            ("ok - adds", Some(("ok", None, "adds"))),
            ("okay 1", None),
        ] {
            let found = point().captures(line);
            let found = found.as_ref();
            let found = found.map(|it| (it.get(1), it.get(2), it.get(3)));
            let text = |it: Option<regex::Match<'static>>| it.map(|it| it.as_str());
            let found = found.map(|(word, number, rest)| (text(word), text(number), text(rest)));
            assert_eq!(found, parts.map(|(word, number, rest)| (Some(word), number, Some(rest))), "{line}");
        }
        for (text, name) in
            [("adds # TODO later", Some("adds")), ("# SKIP", Some("")), ("a #skip b", Some("a")), ("a # b", None)]
        {
            let found = directive().captures(text);
            assert_eq!(found.as_ref().map(|found| &found[1]), name, "{text}");
        }
    }
}
