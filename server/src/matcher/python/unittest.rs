//! Python's unittest: the dots, `test_x (module.Class.test_x) ... ok` with `-v`, the failures, `Ran 3 tests in 0.1s` and the
//! line below it. Examples of doctest that a suite runs ([`doctest`](super::doctest)) stand below their test's failure.

use std::collections::HashSet;

use super::doctest::Failed;
use super::source::test_place;
use super::traceback::Traceback;
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::lines::Growing;
use crate::matcher::scope::{Runner, Scope, problem};
use crate::problem::{Counts, Place, Severity, TestResult, TestStatus};

const TOOL: &str = "unittest";
/// A test that is marked as an expected failure, and passes.
const UNEXPECTED: &str = "unexpected success";
/// Failed tests whose names are kept.
const MAX_FAILED: usize = 100_000;

pub(super) const FORMAT: Format = Format {
    name: "unittest",
    rank: Rank::Runner,
    gate: always,
    starts: &[r"(?:ERROR|FAIL|UNEXPECTED SUCCESS): (?:[\w.]+ \(|\S+\z)", r"={70}\z", "Ran [0-9]+ test"],
    inside: &[Inside {
        words: &[" ... "],
        text: r"\) \.\.\. (?:ok|FAIL|ERROR|skipped|expected failure|unexpected success)",
    }],
    new: |scope| Box::new(Unittest::new(scope)),
};

pub(super) struct Unittest {
    /// The command names unittest: dots can be believed.
    expected: bool,
    before: Counts,
    counts: Counts,
    dots: Growing,
    dots_here: Counts,
    dots_over: bool,
    block: Option<Block>,
    /// The line before was a rule: a test's head may follow.
    ruled: bool,
    /// Tests that failed.
    failed: HashSet<String>,
    /// Failures that are none of the tests that were run: of a class's set-up, and a test's second subtest.
    beyond: u32,
    /// `Ran N tests` was read.
    ran: Option<(u32, String)>,
}

struct Block {
    id: String,
    traceback: Traceback,
    reading: bool,
    /// The failed example of a doctest that is read.
    example: Option<Failed>,
    /// Examples of it were told: they are the failure.
    by_examples: bool,
}

expression!(header, r"^(?:ERROR|FAIL|UNEXPECTED SUCCESS): ([\w.]+) \(([\w.]+)\)");
// A file of examples.
expression!(file_header, r"^FAIL: (\S+\.\w+)$");
expression!(
    verbose,
    r"^\s*(\w+) \(([\w.]+)\)(?: \(.*\))? \.\.\. (ok|FAIL|ERROR|skipped|expected failure|unexpected success)"
);
expression!(ran, r"^Ran (\d+) tests? in ");
expression!(verdict, r"^(?:OK|FAILED)(?: \((.+)\))?$");

impl Unittest {
    pub(super) fn new(scope: &Scope) -> Self {
        let django = scope.command.mentions("manage.py") && scope.command.mentions("test");
        Self {
            expected: scope.command.mentions("unittest") || django,
            before: Counts::default(),
            counts: Counts::default(),
            dots: Growing::default(),
            dots_here: Counts::default(),
            dots_over: false,
            block: None,
            ruled: false,
            failed: HashSet::new(),
            beyond: 0,
            ran: None,
        }
    }

    fn tell_counts(&self, scope: &mut Scope) {
        scope.counts(Runner::UNITTEST, self.before + self.counts);
    }

    fn result(&mut self, id: &str, word: &str, scope: &mut Scope) {
        let status = match word {
            "ok" => TestStatus::Passed,
            "FAIL" | "ERROR" | UNEXPECTED => TestStatus::Failed,
            _ => TestStatus::Skipped,
        };
        self.counts.count(status);
        let place = (status == TestStatus::Failed).then(|| function(scope, id)).flatten();
        scope.test_result(TestResult {
            id: id.to_owned(),
            name: id.to_owned(),
            program: None,
            status,
            place: place.clone(),
            duration_ms: None,
            message: None,
        });
        self.tell_counts(scope);
        if let Some(place) = place {
            let text = if word == UNEXPECTED { UNEXPECTED.to_owned() } else { format!("test {id} failed") };
            let mut found = problem(TOOL, Severity::Error, place, text);
            found.test = Some(id.to_owned());
            found.provisional = true;
            scope.problem(found);
        }
    }

    fn close_block(&mut self, scope: &mut Scope) {
        let Some(mut block) = self.block.take() else { return };
        block.close_example(scope);
        if block.by_examples || block.traceback.message.is_empty() {
            return;
        }
        let others = block.traceback.places(scope, true);
        let Some((place, others)) = others.or_else(|| Some((function(scope, &block.id)?, Vec::new()))) else { return };
        let mut found = problem(TOOL, Severity::Error, place, block.traceback.message);
        found.detail = Some(block.traceback.detail);
        found.related = others;
        found.test = Some(block.id);
        scope.problem(found);
    }

    fn finish(&mut self, total: u32, ran: &str, verdict: &str, words: Option<&str>, scope: &mut Scope) {
        let mut counts = Counts::default();
        for word in words.unwrap_or_default().split(", ") {
            let Some((name, number)) = word.split_once('=') else { continue };
            let number = number.parse().unwrap_or(0);
            match name {
                "failures" | "errors" | "unexpected successes" => counts.failed += number,
                "skipped" | "expected failures" => counts.skipped += number,
                _ => {}
            }
        }
        let beyond = std::mem::take(&mut self.beyond);
        self.failed.clear();
        counts.passed = (total + beyond).saturating_sub(counts.failed + counts.skipped);
        self.counts = Counts::default();
        self.before += counts;
        self.tell_counts(scope);
        scope.summary(&format!("{ran}: {verdict}"));
    }
}

impl Block {
    fn close_example(&mut self, scope: &mut Scope) {
        if let Some(example) = self.example.take() {
            example.tell(scope);
            self.by_examples = true;
        }
    }

    fn line(&mut self, line: &str, scope: &mut Scope) {
        if self.example.as_mut().is_some_and(|example| example.line(line)) {
            return;
        }
        self.close_example(scope);
        if self.reading {
            self.reading = self.traceback.line(line);
        } else if self.traceback.message.starts_with("AssertionError: Failed doctest test for ") {
            // Its place is indented, the examples' are not.
            self.example = Failed::open(line).filter(|_| line.starts_with("File"));
        } else if line.starts_with("Traceback (most recent call last)") && self.traceback.message.is_empty() {
            self.reading = true;
        }
    }
}

/// `module.Class.test_x` from the two ways in which versions print it.
fn id(name: &str, path: &str) -> String {
    if path.starts_with("unittest.loader.") {
        // A module that could not be imported.
        return name.to_owned();
    }
    if is_fixture(name) {
        // The class or the module is what can be run again.
        return path.to_owned();
    }
    if path.rsplit('.').next() == Some(name) { path.to_owned() } else { format!("{path}.{name}") }
}

/// True for what is set up once: it is no test of those that were run.
fn is_fixture(name: &str) -> bool {
    matches!(name, "setUpClass" | "tearDownClass" | "setUpModule" | "tearDownModule")
}

/// The test's function: the longest part of the id that is a file, and the rest inside of it.
fn function(scope: &mut Scope, id: &str) -> Option<Place> {
    let parts: Vec<&str> = id.split('.').collect();
    (1..parts.len()).rev().find_map(|split| {
        let file = scope.own(&format!("{}.py", parts[..split].join("/")))?;
        test_place(scope, file, &parts[split..].join("::"))
    })
}

impl Matcher for Unittest {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        self.dots.reset();
        let dots = std::mem::take(&mut self.dots_here);
        let only_dots = line.bytes().all(|byte| b".FEsxu".contains(&byte));
        if std::mem::take(&mut self.dots_over) && !only_dots && dots != Counts::default() {
            self.counts.passed -= dots.passed;
            self.counts.failed -= dots.failed;
            self.counts.skipped -= dots.skipped;
            self.tell_counts(scope);
        }
        if scope.inside.is_some_and(|runner| runner != Runner::UNITTEST) {
            return;
        }
        if let Some((total, text)) = self.ran.take() {
            if let Some(found) = verdict().captures(line) {
                scope.inside = None;
                self.finish(total, &text, line, found.get(1).map(|words| words.as_str()), scope);
            } else if line.is_empty() {
                self.ran = Some((total, text));
            }
            return;
        }
        let ruled = std::mem::replace(&mut self.ruled, line.len() == 70 && line.bytes().all(|byte| byte == b'='));
        let headed = || {
            let file = || file_header().captures(line).map(|found| (found[1].to_owned(), false));
            let test = header().captures(line).map(|found| (id(&found[1], &found[2]), is_fixture(&found[1])));
            test.or_else(file)
        };
        if ruled && let Some((id, is_fixture)) = headed() {
            self.close_block(scope);
            scope.inside = Some(Runner::UNITTEST);
            if is_fixture || self.failed.len() < MAX_FAILED && !self.failed.insert(id.clone()) {
                self.beyond += 1;
            }
            let mut traceback = Traceback::default();
            if line.starts_with("UNEXPECTED") {
                UNEXPECTED.clone_into(&mut traceback.message);
            }
            self.block = Some(Block { id, traceback, reading: false, example: None, by_examples: false });
        } else if let Some(found) = ran().captures(line) {
            self.close_block(scope);
            self.ran = Some((found[1].parse().unwrap_or(0), line.to_owned()));
        } else if line.len() > 20 && line.bytes().all(|byte| byte == b'=') {
            self.close_block(scope);
        } else if let Some(block) = &mut self.block {
            block.line(line, scope);
        } else if let Some(found) = verbose().captures(line) {
            let id = id(&found[1], &found[2]);
            self.result(&id, &found[3], scope);
        }
    }

    fn growing(&mut self, raw: &[u8], scope: &mut Scope) {
        if self.dots_over {
            return;
        }
        let (mut counts, mut here, mut over) = (self.counts, self.dots_here, self.dots_over);
        let mut steps = Vec::new();
        self.dots.advance(raw, |byte| {
            if over {
                return;
            }
            for counts in [&mut counts, &mut here] {
                match byte {
                    b'.' => counts.passed += 1,
                    b'F' | b'E' | b'u' => counts.failed += 1,
                    b's' | b'x' => counts.skipped += 1,
                    _ => over = true,
                }
            }
            if !over {
                steps.push(counts);
            }
        });
        (self.dots_here, self.dots_over) = (here, over);
        for step in steps {
            self.counts = step;
            self.tell_counts(scope);
        }
    }

    fn reads_letters(&self) -> bool {
        self.expected && self.block.is_none() && self.ran.is_none()
    }

    fn wants_all(&self) -> bool {
        self.expected || self.block.is_some() || self.ran.is_some()
    }

    fn end(&mut self, scope: &mut Scope) {
        self.close_block(scope);
    }
}
