//! TAP, versions 12 to 14, of whatever writes it: node:test, tape, bats, Test::More without prove, node-tap, AVA, Vitest and
//! mocha by their TAP reporters. Tests inside of tests count, what only sums them up does not. node:test has the counts at
//! the end, and what it says of a failure is read by `node/tap`; what prove runs is counted by prove. Sources:
//! <https://testanything.org/tap-version-14-specification.html>, <https://nodejs.org/api/test.html#test-reporters>.

use super::failure_text;
use super::tap_diagnostic::Diagnostic;
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank};
use crate::matcher::node::tap as node;
use crate::matcher::node::totals::Totals;
use crate::matcher::scope::{Runner, Scope, problem};
use crate::problem::{Counts, Severity, TestResult, TestStatus};

const RUNNER: Runner = Runner("tap");
/// Lines without TAP between two with it.
const MAX_FOREIGN: usize = 10_000;
/// Tests inside of tests.
const MAX_DEPTH: usize = 32;
/// Bytes of a name.
const MAX_NAME: usize = 500;

pub(super) const FORMAT: Format = Format {
    name: "tap",
    rank: Rank::Structured,
    gate: |command| !command.runs("prove"),
    starts: &["TAP version 1[2-9]", r"1\.\.[0-9]+(?:[ \t]*#.*)?\s*\z", r"(?:not )?ok 1(?: |\z)"],
    inside: &[Inside { words: &[".t ..", ".t  .."], text: r"\A\S+\.t +\.\.+ *\z" }],
    new: |_| Box::new(Tap::default()),
};

#[derive(Default)]
struct Tap {
    stream: Option<Stream>,
    /// Of the documents that are over, by who wrote them.
    before: [Counts; 2],
    /// prove shows what it runs, and counts it.
    harnessed: bool,
}

/// One TAP document.
#[derive(Default)]
struct Stream {
    writer: Writer,
    /// The version line was there.
    headed: bool,
    /// It named the version that node:test writes.
    like_node: bool,
    sure: bool,
    /// What is open: the document itself, then tests that have tests.
    levels: Vec<Level>,
    counts: Counts,
    failure: Option<Failure>,
    /// tape's headline above the assertions of a test.
    heading: String,
    /// node:test's counts at the end.
    totals: Totals,
    foreign: usize,
}

/// Who wrote a document, as far as its forms differ.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Writer {
    #[default]
    Any,
    /// node:test: each test has its name in a line before it, indented like the test itself.
    Node,
}

impl Writer {
    fn runner(self) -> Runner {
        match self {
            Self::Any => RUNNER,
            Self::Node => Runner::NODE,
        }
    }
}

#[derive(Default)]
struct Level {
    name: String,
    plan: Option<u32>,
    seen: u32,
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

expression!(version, r"^TAP version 1[2-9]\s*$");
expression!(plan, r"^1\.\.(\d+)(?:\s*#.*)?\s*$");
expression!(point, r"^(not ok|ok)\b(?: +(\d+))?(?: +- +| +|$)(.*)$");
expression!(directive, r"(?i)^(.*?)\s*(?:^|\s)# *(skip|todo)\b.*$");
expression!(timed, r"\s*# time=\S+|\s*# \(?\d[\d.]* ?m?s\)?$");
expression!(bail, r"^Bail out!\s*(.*)$");
expression!(harness, r"^\S+\.t +\.\.+ *$");
/// What tape says at its end.
const SUMS: &[&str] = &["tests ", "pass ", "fail ", "ok", "skip ", "todo "];

impl Stream {
    fn level(&mut self, depth: usize) -> &mut Level {
        while self.levels.len() <= depth {
            self.levels.push(Level::default());
        }
        &mut self.levels[depth]
    }

    /// A test point; true when it is one.
    fn point(&mut self, text: &str, indent: usize, scope: &mut Scope) -> bool {
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

    /// The start of a block in a block: another error of the same test, as Vitest writes them; false when it is none.
    fn again(&mut self, scope: &mut Scope) -> bool {
        let again = self.failure.as_ref().filter(|failure| failure.diagnostic.in_block()).map(Failure::again);
        if again.is_some() {
            self.tell_failure(scope);
            self.failure = again;
        }
        false
    }

    /// A line below a failed test; true when it belongs to it.
    fn diagnostic(&mut self, line: &str, indent: usize) -> bool {
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

    fn tell_failure(&mut self, scope: &mut Scope) {
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
    fn is_of_node(&mut self, scope: &mut Scope) {
        (self.writer, self.sure) = (Writer::Node, true);
        self.heading.clear();
        scope.inside = Some(Runner::NODE);
    }

    /// As many tests ran as were planned.
    fn is_complete(&self) -> bool {
        self.levels.first().is_some_and(|level| level.plan.is_some_and(|plan| level.seen >= plan))
    }
}

impl Tap {
    fn start(&mut self, headed: bool) -> &mut Stream {
        self.stream.insert(Stream { headed, ..Stream::default() })
    }

    fn count(&self, writer: Writer, counts: Counts, scope: &mut Scope) -> Counts {
        let sum = self.before[writer as usize] + counts;
        scope.counts(writer.runner(), sum);
        sum
    }

    /// The document is over; `why` is what a person should know of its end.
    fn finish(&mut self, why: Option<String>, scope: &mut Scope) {
        let Some(mut stream) = self.stream.take() else { return };
        if scope.inside == Some(stream.writer.runner()) {
            scope.inside = None;
        }
        if !stream.sure {
            return;
        }
        stream.tell_failure(scope);
        self.before[stream.writer as usize] = self.count(stream.writer, stream.counts, scope);
        let level = stream.levels.first();
        let short =
            level.and_then(|level| level.plan.filter(|plan| *plan != level.seen).map(|plan| (plan, level.seen)));
        let short = short.map(|(plan, seen)| format!("{plan} tests were planned, {seen} ran"));
        if let Some(why) = why.or(short) {
            scope.summary(&why);
        }
    }

    /// A line of an open document; true when it is TAP.
    fn read(&mut self, line: &str, scope: &mut Scope) -> bool {
        let Some(stream) = &mut self.stream else { return false };
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if text.trim_end() == "---" && stream.again(scope) || stream.diagnostic(line, indent) {
            // With node:test nothing follows its block, and the next file's crash is not its own.
            if stream.writer == Writer::Node && stream.failure.as_ref().is_some_and(|it| it.diagnostic.is_over()) {
                stream.tell_failure(scope);
            }
            return true;
        }
        let depth = (indent / 4).min(MAX_DEPTH);
        if let Some(found) = plan().captures(text) {
            let tests = found[1].parse().unwrap_or(u32::MAX);
            stream.levels.truncate(depth + 1);
            let level = stream.level(depth);
            let first = level.plan.replace(tests).is_none() && level.seen == 0;
            // A plan at the end makes sure of what ran.
            stream.sure |= !first;
            if depth == 0 && first && stream.headed {
                scope.more(RUNNER, tests);
            }
        } else if stream.point(text, indent, scope) {
            let (planned, seen) = stream.levels.first().map_or((false, 0), |level| (level.plan.is_some(), level.seen));
            stream.sure |= stream.headed || planned || seen > 1 || stream.levels.len() > 1;
            if stream.sure {
                if stream.headed {
                    scope.inside = Some(stream.writer.runner());
                }
                let (writer, counts) = (stream.writer, stream.counts);
                self.count(writer, counts, scope);
            }
        } else if let Some(name) = text.strip_prefix("# Subtest") {
            // The tests may be indented like their headline or deeper.
            stream.tell_failure(scope);
            let outdented = indent == 0 || stream.writer == Writer::Node;
            let inner = if outdented { (depth + 1).min(MAX_DEPTH) } else { depth };
            stream.levels.truncate(inner);
            let name = unescaped(name.trim_start_matches(':').trim());
            stream.level(inner).name = name.chars().take(MAX_NAME).collect();
        } else if let Some(found) = bail().captures(text) {
            let reason = found[1].trim().to_owned();
            stream.sure |= stream.headed;
            let why = if reason.is_empty() { "bailed out".to_owned() } else { format!("bailed out: {reason}") };
            self.finish(Some(why), scope);
        } else if let Some(comment) = text.strip_prefix("# ") {
            if stream.writer == Writer::Node {
                if indent == 0
                    && let Some((counts, words)) = stream.totals.take(comment)
                {
                    stream.tell_failure(scope);
                    stream.counts = counts;
                    self.finish(Some(words), scope);
                }
            } else if indent == 0 && stream.headed && !SUMS.iter().any(|sum| comment.starts_with(sum)) {
                stream.tell_failure(scope);
                stream.heading = comment.trim().chars().take(MAX_NAME).collect();
            }
        } else if text.trim_end() == "}" {
            // What stood in it is none of the next test's.
            stream.tell_failure(scope);
            stream.levels.truncate(depth + 1);
        } else {
            return matches!(text.trim_end(), "---" | "...") || text.starts_with("pragma ") || version().is_match(text);
        }
        true
    }
}

impl Matcher for Tap {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        self.harnessed |= harness().is_match(line);
        if self.harnessed || scope.inside.is_some_and(|runner| runner != RUNNER && runner != Runner::NODE) {
            self.stream = None;
            return;
        }
        if version().is_match(line) {
            self.finish(None, scope);
            self.start(true).like_node = line.trim_end() == "TAP version 13";
            return;
        }
        let text = line.trim_start();
        if let Some(stream) = self.stream.as_mut().filter(|stream| stream.like_node && !stream.sure)
            && (text.starts_with("# Subtest: ") || text.trim_end() == "1..0")
            && line == text
        {
            stream.is_of_node(scope);
        }
        let again = plan().is_match(line) || line.starts_with("ok 1 ") || line.starts_with("not ok 1 ");
        if again && self.stream.as_ref().is_some_and(Stream::is_complete) {
            self.finish(None, scope);
        }
        if self.stream.is_none() {
            if !again {
                return;
            }
            self.start(false);
        }
        let is_tap = self.read(line, scope);
        let Some(stream) = &mut self.stream else { return scope.claim() };
        if is_tap {
            stream.foreign = 0;
            // What node:test writes as comments is the tests' own output: a crash may be in it.
            if stream.sure && stream.writer == Writer::Any {
                scope.claim();
            }
            return;
        }
        stream.foreign += 1;
        let over = if stream.sure {
            stream.foreign > MAX_FOREIGN || stream.is_complete() && !text.is_empty() && line == text
        } else {
            stream.foreign > 100 || !stream.headed && !text.is_empty()
        };
        if over {
            self.finish(None, scope);
        }
    }

    fn wants_all(&self) -> bool {
        self.stream.is_some()
    }

    fn end(&mut self, scope: &mut Scope) {
        self.finish(None, scope);
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
fn unescaped(name: &str) -> String {
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
    use std::sync::Arc;

    use super::*;
    use crate::matcher::Origin;
    use crate::matcher::tree::Tree;
    use crate::problem::Finding;

    /// Ids of what failed, counts, and who counted.
    fn read(output: &str) -> (Vec<String>, Counts, &'static str) {
        let origin = Origin { command: "./check".into(), cwd: "/w".into(), root: "/w".into() };
        let mut scope = Scope::new(&origin, Arc::new(Tree(&[])));
        let mut tap = Tap::default();
        output.lines().for_each(|line| tap.line(line, &mut scope));
        tap.end(&mut scope);
        let failed = |finding: &Finding| match finding {
            Finding::Test(test) if test.status == TestStatus::Failed => Some(test.id.clone()),
            _ => None,
        };
        let failed = scope.out.iter().filter_map(failed).collect();
        let (runner, counts) = scope.counted().next().expect("tests were counted");
        (failed, counts, runner.0)
    }

    #[test]
    fn tests_of_tests_are_told_by_all_names() {
        for (output, failed, counts, runner) in [
            // The specification's example.
            (
                "TAP version 14\n1..2\n\n# Subtest: foo.tap\n    1..2\n    ok 1\n    not ok 2 - this failed\n\
                 not ok 1 - foo.tap\n\n# Subtest: bar\n    ok 1 - object should be a Bar\n    1..1\nok 2 - bar\n",
                &["this failed"][..],
                (2, 1),
                "tap",
            ),
            // node:test; names with what has a meaning in TAP.
            (
                "TAP version 13\n# a warning\n# Subtest: cart \\\\ \\# 1\n    # Subtest: sums\n        # Subtest: of two {\n        \
                 not ok 1 - of two {\n          ---\n          error: |-\n            ...\n            not ok 9 - x\n          \
                 ...\n        1..1\n    not ok 1 - sums\n      ---\n      failureType: 'subtestsFailed'\n      ...\n    \
                 # Subtest: adds # 5ms\n    ok 2 - adds \\# 5ms\n      ---\n      duration_ms: 1\n      ...\n    1..2\n\
                 not ok 1 - cart \\\\ \\# 1\n  ---\n  failureType: 'subtestsFailed'\n  ...\n1..1\n",
                &["cart \\ # 1 sums of two {"],
                (1, 1),
                "node:test",
            ),
        ] {
            let (passed, failing) = counts;
            let counts = Counts { passed, failed: failing, skipped: 0 };
            assert_eq!(read(output), (failed.iter().map(ToString::to_string).collect(), counts, runner));
        }
    }

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
