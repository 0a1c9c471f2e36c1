//! JUnit XML in a command's output: `pytest --junitxml=/dev/stdout`, `mocha --reporter xunit`, `gotestsum --junitfile`,
//! `node --test-reporter=junit` and whatever else writes `<testsuite>` and `<testcase>`. Read as it comes. Where the runner
//! counted its tests in words of its own, the report is a copy, and nothing is told twice.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::failure_text::{declared, message, place};
use super::xml::{Event, Reader, Tag};
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::node::rerun;
use crate::matcher::scope::{Runner, Scope, keep, problem};
use crate::problem::{Counts, Problem, Severity, TestResult, TestStatus};

/// Lines between two tags: what a test printed is in a report too.
const MAX_QUIET_LINES: usize = 100_000;
/// Tests that are held until it is known whether the report is a copy; the counts of more are right all the same.
const MAX_HELD: usize = 20_000;
/// Classes whose file was looked for.
const MAX_CLASSES: usize = 2_000;
/// Suites inside of suites.
const MAX_DEPTH: usize = 64;

pub(super) const FORMAT: Format = Format {
    name: "junit xml",
    rank: Rank::Structured,
    gate: always,
    starts: &[r"(?:<\?xml [^>]*\?>[ \t]*)?<testsuites?(?:[ >]|\z)"],
    inside: &[],
    new: |_| Box::new(JUnit::default()),
};

#[derive(Default)]
struct JUnit {
    report: Option<Report>,
    before: Counts,
}

/// One document.
#[derive(Default)]
struct Report {
    reader: Reader,
    read: Document,
    quiet: usize,
}

/// What was read of it.
#[derive(Default)]
struct Document {
    /// The open elements that are no part of a test.
    suites: Vec<Suite>,
    /// Open elements inside of the test.
    depth: usize,
    test: Option<Test>,
    tool: Tool,
    counts: Counts,
    /// What counted tests before the report came.
    told: Vec<(Runner, Counts)>,
    held: Vec<(TestResult, Option<Problem>)>,
    files: HashMap<String, Option<PathBuf>>,
    over: bool,
}

struct Suite {
    name: String,
    file: String,
}

/// A `<testcase>` while it is read.
struct Test {
    tag: Tag,
    file: String,
    failed: bool,
    skipped: bool,
    /// The message of its first failure, as an attribute, and its text.
    message: String,
    text: String,
    /// Its text is being read.
    reads: bool,
}

/// Who wrote the report, where it can be told: its tests have ids of their own form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tool {
    #[default]
    Unknown,
    Pytest,
    Jest,
    Vitest,
    Mocha,
    Nextest,
    Go,
    Node,
}

impl Tool {
    fn of_suite(name: &str) -> Self {
        match name {
            "pytest" => Self::Pytest,
            "jest tests" => Self::Jest,
            "vitest tests" => Self::Vitest,
            "Mocha Tests" => Self::Mocha,
            "nextest-run" => Self::Nextest,
            _ => Self::Unknown,
        }
    }

    /// What the tool is called elsewhere.
    fn name(self) -> &'static str {
        match self {
            Self::Unknown => "junit",
            Self::Pytest => "pytest",
            Self::Jest => "jest",
            Self::Vitest => "vitest",
            Self::Mocha => "mocha",
            Self::Nextest => "nextest",
            Self::Go => "go test",
            Self::Node => "node:test",
        }
    }

    /// The id of a test as the tool's own output has it.
    fn id(self, class: &str, name: &str, file: Option<&str>) -> String {
        match (self, file) {
            (Self::Pytest, Some(file)) => {
                // `tests.test_a.TestX`: what stands behind the module is a class.
                let module = file.trim_end_matches(".py").replace('/', ".");
                let classes = class.split_once(&module).map_or("", |(_, rest)| rest).replace('.', "::");
                format!("{file}{classes}::{name}")
            }
            (Self::Jest | Self::Nextest | Self::Go, _) => name.to_owned(),
            (Self::Vitest, _) => name.replace(" > ", " "),
            (Self::Mocha, _) => rerun(format!("{class} {name}").trim()),
            (Self::Node, _) if !class.is_empty() => format!("{class} {name}"),
            // A class that is a file tells nothing that a rerun needs.
            (_, Some(file)) if file.ends_with(class) => name.to_owned(),
            _ if class.is_empty() || name.starts_with(class) => name.to_owned(),
            _ => format!("{class}.{name}"),
        }
    }
}

impl Document {
    fn event(&mut self, event: Event<'_>, scope: &mut Scope) {
        match event {
            Event::Text(text) => {
                if let Some(test) = self.test.as_mut().filter(|test| test.reads) {
                    keep(&mut test.text, &text);
                }
            }
            Event::Open(tag) if self.test.is_some() => {
                self.depth += 1;
                self.inside(tag);
            }
            Event::Open(tag) if tag.name == "testcase" => {
                let own = [tag.get("file"), tag.get("filepath")].into_iter().find(|file| !file.is_empty());
                let of_suite = self.suites.iter().rev().map(|suite| suite.file.as_str());
                let file = own.or_else(|| of_suite.into_iter().find(|file| !file.is_empty())).unwrap_or_default();
                self.test = Some(Test {
                    file: file.to_owned(),
                    failed: false,
                    // As GoogleTest and CTest say it.
                    skipped: ["notrun", "disabled", "skipped"].contains(&tag.get("status"))
                        || tag.get("result") == "skipped",
                    tag,
                    message: String::new(),
                    text: String::new(),
                    reads: false,
                });
            }
            Event::Open(tag) => {
                if self.tool == Tool::Unknown {
                    self.tool = Tool::of_suite(tag.get("name"));
                }
                if tag.get("name") == "go.version" {
                    self.tool = Tool::Go;
                }
                if self.suites.len() == MAX_DEPTH {
                    self.over = true;
                }
                self.suites.push(Suite { name: tag.get("name").to_owned(), file: tag.get("file").to_owned() });
            }
            Event::Close if self.depth > 0 => {
                self.depth -= 1;
                if let Some(test) = &mut self.test {
                    test.reads = false;
                }
            }
            Event::Close => match self.test.take() {
                Some(test) => self.end_test(test, scope),
                None => {
                    self.suites.pop();
                    self.over |= self.suites.is_empty();
                }
            },
        }
    }

    /// An element of a test.
    fn inside(&mut self, tag: Tag) {
        let Some(test) = &mut self.test else { return };
        match tag.name.as_str() {
            "failure" | "error" => {
                test.reads = !test.failed;
                if !test.failed {
                    test.message = tag.get("message").to_owned();
                }
                test.failed = true;
            }
            "skipped" => test.skipped = true,
            _ => {}
        }
    }

    fn end_test(&mut self, test: Test, scope: &mut Scope) {
        // Node's tests that are to be done are skipped, also where they fail.
        let status = match (test.failed, test.skipped) {
            (_, true) => TestStatus::Skipped,
            (true, _) => TestStatus::Failed,
            _ => TestStatus::Passed,
        };
        let count = match status {
            TestStatus::Passed => &mut self.counts.passed,
            TestStatus::Failed => &mut self.counts.failed,
            TestStatus::Skipped => &mut self.counts.skipped,
        };
        *count = count.saturating_add(1);
        let (class, name) = (test.tag.get("classname"), test.tag.get("name"));
        let suites: Vec<&str> =
            self.suites.iter().map(|suite| suite.name.as_str()).filter(|name| !name.is_empty()).collect();
        let outer = suites.join(" ");
        // All tests of Node's runner have this class, and suites for what they stand in.
        if self.tool == Tool::Unknown && class == "test" {
            self.tool = Tool::Node;
        }
        let class = if self.tool == Tool::Node { &outer } else { class };
        let failed = status == TestStatus::Failed;
        let file = if failed || self.tool == Tool::Pytest { self.file(&test.file, class, scope) } else { None };
        let relative = file.as_deref().map(|file| scope.relative(file));
        let id = self.tool.id(class, name, relative.as_deref());
        let found = if failed { self.problem(&test, &id, file.as_deref(), scope) } else { None };
        let result = TestResult {
            id,
            name: name.to_owned(),
            program: None,
            status,
            place: found.as_ref().map(|found| found.place.clone()),
            duration_ms: test.tag.get("time").parse::<f64>().ok().map(|seconds| (seconds * 1000.0) as u64),
            message: found.as_ref().map(|found| found.message.clone()),
        };
        if self.told.is_empty() {
            tell(result, found, scope);
        } else if self.held.len() < MAX_HELD {
            self.held.push((result, found));
        }
    }

    fn problem(&self, test: &Test, id: &str, file: Option<&Path>, scope: &mut Scope) -> Option<Problem> {
        // Most say the message again in the text; some, such as gotestsum, have nothing but `Failed` in it.
        let said = if test.message.trim().contains(' ') { message(&test.message) } else { None };
        let said = said.filter(|said| !said.ends_with("equal:")).or_else(|| message(&test.text));
        let said = said.unwrap_or_else(|| match test.message.trim() {
            "" => format!("test {id} failed"),
            words => words.to_owned(),
        });
        // An attribute's lines may have been put on one.
        let longer = message(&test.text).filter(|longer| longer.starts_with(&said));
        let whole = format!("{}\n{}", test.text, test.message);
        let line = test.tag.get("line").parse::<u32>().or_else(|_| test.tag.get("lineno").parse()).ok();
        let (place, related) = place(scope, &whole, file).or_else(|| {
            let file = file?;
            // pytest counts from 0.
            let line = line.map(|line| if self.tool == Tool::Pytest { line.saturating_add(1) } else { line });
            let place = match line {
                Some(line) if line > 0 => scope.at(file.to_owned(), line, None, None),
                _ => declared(scope, file, test.tag.get("name")),
            };
            Some((place, Vec::new()))
        })?;
        let mut found = problem(self.tool.name(), Severity::Error, place, longer.unwrap_or(said));
        found.detail =
            Some(if test.text.trim().is_empty() { test.message.clone() } else { test.text.trim().to_owned() });
        found.related = related;
        found.test = Some(id.to_owned());
        Some(found)
    }

    /// A test's file: what the report names, else what its class may be: a path, or a dotted name of a module or class.
    fn file(&mut self, named: &str, class: &str, scope: &mut Scope) -> Option<PathBuf> {
        if let Some(file) = (!named.is_empty()).then(|| scope.own(named)).flatten() {
            return Some(file);
        }
        if let Some(known) = self.files.get(class) {
            return known.clone();
        }
        if self.files.len() >= MAX_CLASSES || class.is_empty() || class.contains(' ') {
            return None;
        }
        let file = scope.own(class).or_else(|| {
            let path = class.split('$').next()?.replace('.', "/");
            let outer: Vec<&str> = path.char_indices().filter(|(_, c)| *c == '/').map(|(at, _)| &path[..at]).collect();
            let mut names = [path.as_str()].into_iter().chain(outer.into_iter().rev()).take(3);
            let kinds: &[&str] =
                if self.tool == Tool::Pytest { &["py"] } else { &["java", "kt", "scala", "groovy", "py"] };
            names.find_map(|name| kinds.iter().find_map(|kind| scope.own(&format!("{name}.{kind}"))))
        });
        self.files.insert(class.to_owned(), file.clone());
        file
    }

    /// Somebody said the same in words: as many tests, or the same tool.
    fn is_copy(&self) -> bool {
        let same = |told: &Counts| (told.total(), told.failed) == (self.counts.total(), self.counts.failed);
        self.told.iter().any(|(runner, told)| runner.0 == self.tool.name() || same(told))
    }
}

fn tell(result: TestResult, found: Option<Problem>, scope: &mut Scope) {
    scope.test_result(result);
    if let Some(found) = found {
        scope.problem(found);
    }
}

impl JUnit {
    fn start(scope: &Scope) -> Report {
        let told = scope.counted().filter(|(runner, _)| *runner != RUNNER).collect();
        Report { read: Document { told, ..Document::default() }, ..Report::default() }
    }

    /// The counts of a report that nobody else told.
    fn count(&self, counts: Counts, scope: &mut Scope) -> Counts {
        let sum = Counts {
            passed: self.before.passed.saturating_add(counts.passed),
            failed: self.before.failed.saturating_add(counts.failed),
            skipped: self.before.skipped.saturating_add(counts.skipped),
        };
        scope.counts(RUNNER, sum);
        sum
    }

    fn finish(&mut self, scope: &mut Scope) {
        let Some(mut report) = self.report.take() else { return };
        if report.read.is_copy() {
            return;
        }
        for (result, found) in std::mem::take(&mut report.read.held) {
            tell(result, found, scope);
        }
        self.before = self.count(report.read.counts, scope);
    }
}

const RUNNER: Runner = Runner("junit");

impl Matcher for JUnit {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        scope.claim();
        let report = self.report.get_or_insert_with(|| Self::start(scope));
        report.quiet += 1;
        let Report { reader, read, quiet } = report;
        let mut tags = false;
        let whole = reader.line(line, &mut |event| {
            tags |= !matches!(event, Event::Text(_));
            if !read.over {
                read.event(event, scope);
            }
        });
        if tags {
            *quiet = 0;
        }
        if read.told.is_empty() && read.counts != Counts::default() {
            let counts = read.counts;
            self.count(counts, scope);
        }
        let done = self.report.as_ref().is_none_or(|report| report.read.over || report.quiet > MAX_QUIET_LINES);
        if done || whole.is_err() {
            self.finish(scope);
        }
    }

    fn wants_all(&self) -> bool {
        self.report.is_some()
    }

    fn reads_documents(&self) -> bool {
        true
    }

    fn end(&mut self, scope: &mut Scope) {
        self.finish(scope);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        for (tool, class, name, file, id) in [
            (Tool::Pytest, "tests.test_a", "test_b[1]", Some("tests/test_a.py"), "tests/test_a.py::test_b[1]"),
            (
                Tool::Pytest,
                "api.tests.test_a.TestX",
                "test_b",
                Some("tests/test_a.py"),
                "tests/test_a.py::TestX::test_b",
            ),
            (Tool::Pytest, "tests.test_a", "test_b", None, "tests.test_a.test_b"),
            (Tool::Mocha, "Cart total", "adds", None, "Cart total adds"),
            (Tool::Vitest, "src/a.test.ts", "cart > adds", None, "cart adds"),
            (Tool::Go, "example.com/shop", "TestA/b", None, "TestA/b"),
            (Tool::Node, "cart", "adds", None, "cart adds"),
            (Tool::Unknown, "cart.bats", "adds", Some("t/cart.bats"), "adds"),
            (Tool::Unknown, "com.acme.CartTest", "adds", None, "com.acme.CartTest.adds"),
            (Tool::Unknown, "", "adds", None, "adds"),
        ] {
            assert_eq!(tool.id(class, name, file), id);
        }
    }
}
