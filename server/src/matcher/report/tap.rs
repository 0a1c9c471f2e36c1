//! TAP, versions 12 to 14, of whatever writes it: tape, bats, Test::More without prove, node-tap, AVA, Vitest and mocha by
//! their TAP reporters. Tests inside of tests count, what only sums them up does not. What `node --test` writes has a reader
//! of its own (`node/tap`), and what prove runs is counted by prove. Source:
//! <https://testanything.org/tap-version-14-specification.html>.

use super::failure_text;
use super::tap_diagnostic::Diagnostic;
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank};
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
    before: Counts,
    /// prove shows what it runs, and counts it.
    harnessed: bool,
}

/// One TAP document.
#[derive(Default)]
struct Stream {
    /// The version line was there.
    headed: bool,
    sure: bool,
    /// What is open: the document itself, then tests that have tests.
    levels: Vec<Level>,
    counts: Counts,
    failure: Option<Failure>,
    /// tape's headline above the assertions of a test.
    heading: String,
    foreign: usize,
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
    /// Others failed inside of it: it says nothing new.
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
        let rest = timed().replace(&found[3], "");
        let rest = rest.trim_end();
        // Vitest and node-tap write a test first and what is inside of it behind that.
        let opens = rest.strip_suffix(" {").or_else(|| (rest == "{").then_some(""));
        let rest = timed().replace(opens.unwrap_or(rest), "").into_owned();
        let (name, skipped) = match directive().captures(&rest) {
            Some(parts) => (parts.get(1).map_or("", |name| name.as_str()).to_owned(), true),
            None => (rest, false),
        };
        let mut name = name.trim().trim_start_matches("- ").replace("\\#", "#");
        name.truncate(name.floor_char_boundary(MAX_NAME));
        let inner = self.levels.get(depth + 1).filter(|inner| inner.seen > 0);
        let (is_parent, inner_failed) = (inner.is_some() || opens.is_some(), inner.map_or(0, |inner| inner.failed));
        self.levels.truncate(depth + 1);
        let is_file = |name: &str| name.contains('.') && !name.contains(' ');
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
        if opens.is_some() {
            self.level(depth + 1).name.clone_from(&name);
        }
        if !is_parent {
            self.counts.count(status);
            if !failed {
                let result =
                    TestResult { id, name, program: None, status, place: None, duration_ms: None, message: None };
                scope.test_result(result);
                return true;
            }
        }
        if failed && opens.is_none() {
            let parent = inner_failed > 0;
            self.failure = Some(Failure { id, name, indent, parent, diagnostic: Diagnostic::default() });
        }
        true
    }

    /// The start of a block in a block: another error of the same test, as Vitest writes them; false when it is none.
    fn again(&mut self, scope: &mut Scope) -> bool {
        let Some(failure) = self.failure.as_ref().filter(|failure| failure.diagnostic.in_block()) else { return false };
        let (id, name, indent, parent) = (failure.id.clone(), failure.name.clone(), failure.indent, failure.parent);
        self.tell_failure(scope);
        self.failure = Some(Failure { id, name, indent, parent, diagnostic: Diagnostic::default() });
        false
    }

    /// A line below a failed test; true when it belongs to it.
    fn diagnostic(&mut self, line: &str, indent: usize) -> bool {
        let Some(failure) = &mut self.failure else { return false };
        let text = line.trim_start();
        if let Some(comment) = text.strip_prefix('#').filter(|_| !failure.diagnostic.in_block()) {
            return !failure.diagnostic.is_over()
                && !text.starts_with("# Subtest")
                && failure.diagnostic.comment(comment);
        }
        (indent > failure.indent || failure.diagnostic.in_block()) && failure.diagnostic.line(line)
    }

    fn tell_failure(&mut self, scope: &mut Scope) {
        let Some(failure) = self.failure.take() else { return };
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

    /// As many tests ran as were planned.
    fn is_complete(&self) -> bool {
        self.levels.first().is_some_and(|level| level.plan.is_some_and(|plan| level.seen >= plan))
    }
}

impl Tap {
    fn start(&mut self, headed: bool) -> &mut Stream {
        self.stream.insert(Stream { headed, ..Stream::default() })
    }

    fn count(&self, counts: Counts, scope: &mut Scope) -> Counts {
        let sum = Counts {
            passed: self.before.passed.saturating_add(counts.passed),
            failed: self.before.failed.saturating_add(counts.failed),
            skipped: self.before.skipped.saturating_add(counts.skipped),
        };
        scope.counts(RUNNER, sum);
        sum
    }

    /// The document is over; `why` is what a person should know of its end.
    fn finish(&mut self, why: Option<String>, scope: &mut Scope) {
        let Some(mut stream) = self.stream.take() else { return };
        if scope.inside == Some(RUNNER) {
            scope.inside = None;
        }
        if !stream.sure {
            return;
        }
        stream.tell_failure(scope);
        self.before = self.count(stream.counts, scope);
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
                    scope.inside = Some(RUNNER);
                }
                let counts = stream.counts;
                self.count(counts, scope);
            }
        } else if let Some(name) = text.strip_prefix("# Subtest") {
            // The tests may be indented like their headline or deeper.
            stream.tell_failure(scope);
            let inner = if indent == 0 { 1 } else { depth };
            stream.levels.truncate(inner);
            stream.level(inner).name = name.trim_start_matches(':').trim().chars().take(MAX_NAME).collect();
        } else if let Some(found) = bail().captures(text) {
            let reason = found[1].trim().to_owned();
            stream.sure |= stream.headed;
            let why = if reason.is_empty() { "bailed out".to_owned() } else { format!("bailed out: {reason}") };
            self.finish(Some(why), scope);
        } else if let Some(comment) = text.strip_prefix("# ") {
            if indent == 0 && stream.headed && !SUMS.iter().any(|sum| comment.starts_with(sum)) {
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
            // Not claimed: it may be what Node's own runner begins with.
            self.start(true);
            return;
        }
        let text = line.trim_start();
        if self.stream.as_ref().is_some_and(|stream| {
            let undecided = stream.headed && !stream.sure;
            undecided && (text.starts_with("# Subtest: ") || text.trim_end() == "1..0") && line == text
        }) && scope.inside == Some(Runner::NODE)
        {
            self.stream = None;
            return;
        }
        let again = plan().is_match(line) || line.starts_with("ok 1 ") || line.starts_with("not ok 1 ");
        if again && self.stream.as_ref().is_some_and(Stream::is_complete) {
            self.finish(None, scope);
        }
        if self.stream.is_none() {
            if !again || scope.inside == Some(Runner::NODE) {
                return;
            }
            self.start(false);
        }
        let is_tap = self.read(line, scope);
        let Some(stream) = &mut self.stream else { return scope.claim() };
        if is_tap {
            stream.foreign = 0;
            if stream.sure {
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
