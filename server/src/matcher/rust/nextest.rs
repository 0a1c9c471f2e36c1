//! cargo nextest: a line for each test with its result, the output of those that failed (indented since 0.9.100, between
//! `--- STDOUT:` and `--- STDERR:` before), `Summary`. What is printed below the result line is read as libtest's
//! ([`failure`](super::failure)). A try that is repeated is no failure yet.

use super::failure::Failure;
use super::source::{Binary, TestFinder};
use super::units::{Units, program};
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::scope::{Runner, Scope, problem};
use crate::problem::{Counts, Place, Problem, Severity, TestResult, TestStatus};

const TOOL: &str = "nextest";
const RUNNER: Runner = Runner("nextest");
/// Failures of tries that are kept until the list at the end says that they count.
const MAX_HELD: usize = 1_000;

pub(super) const FORMAT: Format = Format {
    name: "nextest",
    rank: Rank::Runner,
    gate: always,
    starts: &["Nextest run ID ", "Starting [0-9]+ tests? across "],
    inside: &[],
    new: |_| Box::new(Nextest::default()),
};

#[derive(Default)]
pub(super) struct Nextest {
    phase: Phase,
    before: Counts,
    counts: Counts,
    finder: TestFinder,
    units: Units,
    binary: String,
    block: Option<Block>,
    /// With `--no-capture`: what the test that runs has printed so far, alone as it runs.
    uncaptured: Option<Failure>,
    /// Of tries that nothing tells to be the last.
    held: Vec<Problem>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Idle,
    Running,
    /// Below `Summary`, where failed tests are listed again.
    Listing,
}

/// The failed test whose output may follow.
struct Block {
    id: String,
    failure: Failure,
    function: Option<Place>,
    /// What its result line tells without any output.
    reason: Option<String>,
    /// Whether its failure is one: a try that is repeated is not, of an old version's try nobody knows.
    counts: Option<bool>,
    indented: bool,
    below: bool,
}

expression!(starting, r"^\s*Starting (\d+) tests? across \d+ binar");
expression!(
    status_line,
    r"^ *(?:TRY (\d+) )?([A-Z][A-Z0-9+_/ -]*?) \[[ >]*([\d.]*)s? *\] +(?:\(([^)]*)\) +)?([\w-]\S*) +(\S.*?)\s*$"
);
expression!(stream, r"^  (?:TRY \d+ )?(stdout|stderr|output) ─+$");
expression!(old_stream, r"^--- (?:TRY \d+ )?(STDOUT|STDERR|OUTPUT): +\S+ .+? +---$");
expression!(summary, r"^\s*Summary \[[^\]]*\] +(?:\d+/)?\d+ tests? run: (.+)$");
expression!(number, r"(\d+) (passed|failed|timed out|exec failed|skipped)");

impl Nextest {
    fn tell_counts(&self, scope: &mut Scope) {
        scope.counts(RUNNER, self.before + self.counts);
    }

    fn start(&mut self, tests: u32, scope: &mut Scope) {
        self.stop(scope);
        self.phase = Phase::Running;
        self.held.clear();
        scope.inside = Some(RUNNER);
        scope.more(RUNNER, tests);
    }

    fn stop(&mut self, scope: &mut Scope) {
        self.close(scope);
        self.phase = Phase::Idle;
        let counts = std::mem::take(&mut self.counts);
        self.before += counts;
        if scope.inside == Some(RUNNER) {
            scope.inside = None;
        }
    }

    /// A line with a test's state; false when it is none.
    fn status(&mut self, line: &str, scope: &mut Scope) -> bool {
        let Some(found) = status_line().captures(line) else { return false };
        let Some(status) = status(&found[2]) else {
            self.close(scope);
            if &found[2] == "START" {
                self.uncaptured = Some(Failure::new(found[6].to_owned()));
            }
            return true;
        };
        self.close(scope);
        let (binary, test) = (&found[5], &found[6]);
        // `(───)` stands where a test is not over.
        let repeated = found.get(4).is_some_and(|place| !place.as_str().contains('/'));
        let counts =
            if repeated { Some(false) } else { (found.get(1).is_none() || found.get(4).is_some()).then_some(true) };
        let failed = status == TestStatus::Failed;
        if self.binary != binary {
            self.binary = binary.to_owned();
            self.finder.forget();
        }
        let function = if failed { self.finder.find(scope, &declared_in(scope, binary), test) } else { None };
        let id = self.units.id(scope, Some(binary), test);
        if self.phase == Phase::Running && counts == Some(true) {
            self.result(&id, test, status, function.clone(), found[3].parse().ok(), scope);
        }
        if self.phase == Phase::Listing && failed {
            let held = self.held.iter().rposition(|held| held.test.as_deref() == Some(&id));
            if let Some(at) = held {
                scope.problem(self.held.swap_remove(at));
            }
        }
        if failed {
            let reason = match &found[2] {
                "TIMEOUT" | "TMT" => Some("test timed out".to_owned()),
                "LEAK-FAIL" | "LKFAIL" => {
                    Some("leaked handles: something that it started did not end with it".to_owned())
                }
                word if signal(word).is_some() => signal(word).map(|name| format!("test aborted by {name}")),
                "ABORT" => Some("test aborted".to_owned()),
                "XFAIL" => Some("test could not be started".to_owned()),
                _ => None,
            };
            let printed = self.uncaptured.take().filter(|printed| printed.test == *test);
            let failure = printed.unwrap_or_else(|| Failure::new(test.to_owned()));
            self.block = Some(Block { id, failure, function, reason, counts, indented: false, below: false });
        }
        true
    }

    fn result(
        &mut self,
        id: &str,
        test: &str,
        status: TestStatus,
        place: Option<Place>,
        seconds: Option<f64>,
        scope: &mut Scope,
    ) {
        self.counts.count(status);
        scope.test_result(TestResult {
            id: id.to_owned(),
            name: test.to_owned(),
            program: program(id, test),
            status,
            place: place.clone(),
            duration_ms: seconds.map(|seconds| (seconds * 1000.0) as u64),
            message: None,
        });
        self.tell_counts(scope);
        if let (TestStatus::Failed, Some(place)) = (status, place) {
            // It may run again, with other details.
            scope.forget_test(id);
            let mut found = problem(TOOL, Severity::Error, place, format!("test {test} failed"));
            found.test = Some(id.to_owned());
            found.provisional = true;
            scope.problem(found);
        }
    }

    /// The failed test's output is over.
    fn close(&mut self, scope: &mut Scope) {
        let Some(block) = self.block.take() else { return };
        let function = block.function.clone();
        let told = block.failure.problem(TOOL, function, scope);
        let listed = self.phase == Phase::Listing && scope.is_detailed(&block.id);
        let found = told.or_else(|| {
            let found = problem(TOOL, Severity::Error, block.function?, block.reason?);
            Some(found).filter(|_| !listed)
        });
        let found = found.map(|found| Problem { test: Some(block.id), ..found });
        match (block.counts, found) {
            (Some(true), Some(found)) => scope.problem(found),
            (None, Some(found)) if self.held.len() < MAX_HELD => self.held.push(found),
            _ => {}
        }
    }

    fn summary(&mut self, line: &str, words: &str, scope: &mut Scope) {
        self.close(scope);
        self.counts = Counts::default();
        for part in words.split(", ") {
            let Some(found) = number().captures(part) else { continue };
            let many: u32 = found[1].parse().unwrap_or(0);
            if !part.starts_with(&found[1]) {
                continue;
            }
            match &found[2] {
                "passed" => self.counts.passed = many,
                "skipped" => self.counts.skipped = many,
                _ => self.counts.failed = self.counts.failed.saturating_add(many),
            }
        }
        self.tell_counts(scope);
        scope.summary(line);
        self.phase = Phase::Listing;
    }

    /// A line of the failed test's output; false when it is none.
    fn in_block(&mut self, line: &str) -> bool {
        let Some(block) = &mut self.block else { return false };
        if let Some(found) = stream().captures(line).or_else(|| old_stream().captures(line)) {
            block.indented = line.starts_with(' ');
            block.below = true;
            if found[1].eq_ignore_ascii_case("stderr") {
                // What it printed before was its own text.
                block.failure.error = None;
            }
            return true;
        }
        if !block.below {
            return line.is_empty();
        }
        match line.strip_prefix("    ") {
            Some(text) if block.indented => block.failure.line(text),
            _ if line.is_empty() || !block.indented => block.failure.line(line),
            _ => return false,
        }
        true
    }
}

/// Where a program of nextest's name has its root: `shop`, `shop::http`, `shop::bin/tool`.
fn declared_in(scope: &Scope, id: &str) -> Binary {
    let (package, target) = id.split_once("::").unwrap_or((id, ""));
    let own = |source: &str| {
        scope.files.with_extension("rs").iter().any(|path| path.ends_with(format!("{package}/{source}")))
    };
    let source = match target.split_once('/') {
        Some(("bin", name)) => {
            let source = format!("src/bin/{name}.rs");
            if own(&source) { source } else { "src/main.rs".to_owned() }
        }
        Some(("bench", name)) => format!("benches/{name}.rs"),
        Some(("example", name)) => format!("examples/{name}.rs"),
        _ if target.is_empty() => "src/lib.rs".to_owned(),
        _ => format!("tests/{target}.rs"),
    };
    Binary { name: Some(package.replace('-', "_")), source: Some(source), package: None }
}

/// The signal that ended a test; of a repeated try it is printed without `SIG`.
fn signal(word: &str) -> Option<String> {
    match word {
        "HUP" | "INT" | "QUIT" | "ILL" | "TRAP" | "ABRT" | "BUS" | "FPE" | "KILL" | "SEGV" | "PIPE" | "ALRM"
        | "TERM" => Some(format!("SIG{word}")),
        _ => word.starts_with("SIG").then(|| word.to_owned()),
    }
}

fn status(word: &str) -> Option<TestStatus> {
    match word {
        "PASS" | "LEAK" | "TIMEOUT-PASS" | "TMPASS" => Some(TestStatus::Passed),
        "FAIL" | "TIMEOUT" | "TMT" | "ABORT" | "XFAIL" | "LEAK-FAIL" | "LKFAIL" | "FAIL + LEAK" | "FL+LK" => {
            Some(TestStatus::Failed)
        }
        _ if word.starts_with("FLAKY") || word.starts_with("FLKY") => Some(TestStatus::Passed),
        _ if signal(word).is_some() => Some(TestStatus::Failed),
        _ => None,
    }
}

impl Matcher for Nextest {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if let Some(found) = starting().captures(line) {
            self.start(found[1].parse().unwrap_or(0), scope);
            return scope.claim();
        }
        if self.phase == Phase::Idle {
            return;
        }
        if line.contains(" [") {
            if let Some(found) = summary().captures(line) {
                self.summary(line, &found[1], scope);
                return scope.claim();
            }
            if self.status(line, scope) {
                return scope.claim();
            }
        }
        if self.in_block(line) {
            return scope.claim();
        }
        if self.phase == Phase::Running {
            if line.starts_with("────") {
                self.close(scope);
            }
            if line == "error: test run failed" {
                return self.stop(scope);
            }
            if let Some(printed) = &mut self.uncaptured {
                printed.line(line);
            }
            scope.claim();
        } else if !line.is_empty() && !line.starts_with("────") && !line.starts_with("warning: ") {
            self.stop(scope);
        }
    }

    fn wants_all(&self) -> bool {
        self.phase != Phase::Idle
    }

    fn end(&mut self, scope: &mut Scope) {
        if self.phase != Phase::Idle {
            self.stop(scope);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_lines() {
        for (line, parts) in [
            ("        PASS [   0.014s] ( 2/10) a-b tests::adds", Some(("PASS", "a-b", "tests::adds"))),
            ("        FAIL [   0.014s] a::http x", Some(("FAIL", "a::http", "x"))),
            ("  TRY 1 FAIL [   0.014s] (───) a x", Some(("FAIL", "a", "x"))),
            ("        SLOW [>  1.000s] (─────) a::bin/b hangs", Some(("SLOW", "a::bin/b", "hangs"))),
            ("   FLAKY 2/3 [   0.014s] a x", Some(("FLAKY 2/3", "a", "x"))),
            ("     SIGABRT [   0.009s] ( 1/10) a x", Some(("SIGABRT", "a", "x"))),
            ("     Summary [   0.009s] 1 test run: 1 passed", None),
        ] {
            let found = status_line().captures(line);
            let found = found.as_ref().map(|found| (&found[2], &found[5], &found[6]));
            assert_eq!(found, parts, "{line}");
        }
    }
}
