//! Rust's test harness (`cargo test`): `running N tests`, `test a::b ... FAILED`, the failures' own output, `test result:`.
//! Several programs and doc-tests add up. A failed test is told at once at its function, and again with its panic.

use std::collections::HashMap;
use std::path::Path;

use super::failure::{Failure, of_panics};
use super::panic::{Panic, PanicReader};
use super::source::{Binary, TestFinder};
use super::units::{Units, program};
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::lines::Growing;
use crate::matcher::scope::{Runner, Scope, problem};
use crate::problem::{Counts, Place, Problem, Severity, TestResult, TestStatus};

const TOOL: &str = "cargo test";

pub(super) const FORMAT: Format = Format {
    name: "libtest",
    rank: Rank::Runner,
    gate: always,
    starts: &["running [0-9]+ test", "(?:Running|Doc-tests) "],
    inside: &[],
    new: |_| Box::new(Libtest::default()),
};

#[derive(Default)]
pub(super) struct Libtest {
    active: bool,
    binary: Binary,
    /// The same as its tests' ids have it, where that is known.
    unit: Option<String>,
    units: Units,
    finder: TestFinder,
    /// Of the programs that ended.
    before: Counts,
    /// Of the program that runs.
    counts: Counts,
    panics: PanicReader,
    /// Panics that were printed while the tests run (`--nocapture`), by thread.
    loose: HashMap<String, Vec<Panic>>,
    /// `test x ... ` whose result comes on a later line (`--nocapture`).
    pending: Option<String>,
    /// What `pending` printed as its error.
    pending_error: Option<String>,
    /// The failed test whose output is read, between `---- x stdout ----` and the next.
    block: Option<Failure>,
    dots: Growing,
    dots_here: Counts,
    dots_over: bool,
}

expression!(test_line, r"^test (.+?) \.\.\. (.*)$");
expression!(result_line, r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored");
expression!(block_line, r"^---- (.+) std(?:out|err) ----$");
expression!(running_line, r"^\s*Running (?:unittests )?(\S+\.rs) \(.*?([\w-]+?)-[0-9a-f]{16}(?:\.exe)?\)$");

impl Libtest {
    fn find(&mut self, scope: &mut Scope, test: &str) -> Option<Place> {
        self.finder.find(scope, &self.binary, test)
    }

    /// A program's tests follow.
    fn begin(&mut self, binary: Binary, scope: &Scope) {
        self.unit = self.units.begin(scope, &binary);
        let package = self.unit.as_deref().and_then(|unit| unit.split("::").next()).map(str::to_owned);
        self.binary = Binary { package, ..binary };
    }

    /// What a test is known by.
    fn id(&mut self, scope: &Scope, test: &str) -> String {
        self.units.id(scope, self.unit.as_deref(), test)
    }

    fn tell_counts(&self, scope: &mut Scope) {
        scope.counts(Runner::LIBTEST, self.before + self.counts);
    }

    /// The result of one test.
    fn result(&mut self, test: &str, status: TestStatus, scope: &mut Scope) {
        self.counts.count(status);
        let panics = self.loose.remove(test).unwrap_or_default();
        let place = (status == TestStatus::Failed).then(|| self.find(scope, test)).flatten();
        let id = self.id(scope, test);
        scope.test_result(TestResult {
            id: id.clone(),
            name: test.to_owned(),
            program: program(&id, test),
            status,
            place: place.clone(),
            duration_ms: None,
            message: panics.last().map(|panic| panic.message.clone()),
        });
        self.tell_counts(scope);
        if status == TestStatus::Failed {
            scope.forget_test(&id);
            if !panics.is_empty() {
                self.tell_panics(test, &panics, scope);
            } else if let Some(place) = place {
                let error = self.pending_error.take();
                let provisional = error.is_none();
                let message = error.unwrap_or_else(|| format!("test {test} failed"));
                let found = problem(TOOL, Severity::Error, place, message);
                scope.problem(Problem { provisional, test: Some(id), ..found });
            }
        }
    }

    fn tell_panics(&mut self, test: &str, panics: &[Panic], scope: &mut Scope) {
        let function = self.find(scope, test);
        if let Some(found) = of_panics(TOOL, test, panics, None, function, scope) {
            let test = Some(self.id(scope, test));
            scope.problem(Problem { test, ..found });
        }
    }

    /// The output of a failed test is over.
    fn close_block(&mut self, scope: &mut Scope) {
        self.panics.finish();
        scope.test = None;
        let Some(block) = self.block.take() else { return };
        let function = self.find(scope, &block.test);
        // With `--nocapture` the panic was printed before; a doc-test that cannot be compiled was told by its compiler.
        let id = self.id(scope, &block.test);
        let known = block.has_no_panic() && scope.is_detailed(&id);
        if let Some(found) = block.problem(TOOL, function, scope).filter(|_| !known) {
            scope.problem(Problem { test: Some(id), ..found });
        }
    }

    /// A line while tests run.
    fn in_run(&mut self, line: &str, scope: &mut Scope) {
        if let Some(found) = test_line().captures(line) {
            self.flush_panic();
            let name = base_name(&found[1]).to_owned();
            match status(&found[2]) {
                Some(status) => {
                    self.pending = None;
                    self.pending_error = None;
                    self.result(&name, status, scope);
                }
                None => {
                    self.pending = Some(name);
                    self.pending_error = found[2].starts_with("Error: ").then(|| found[2].to_owned());
                }
            }
            return;
        }
        if let Some(name) = line.strip_suffix(" --- FAILED") {
            self.result(base_name(name), TestStatus::Failed, scope);
            return;
        }
        if let Some(status) = status(line).filter(|_| self.pending.is_some()) {
            self.flush_panic();
            if let Some(name) = self.pending.take() {
                self.result(&name, status, scope);
            }
            return;
        }
        if line.starts_with("Error: ") && self.pending.is_some() {
            self.pending_error = Some(line.to_owned());
        }
        if let Some(panic) = self.panics.line(line) {
            self.keep_loose(panic);
        }
    }

    fn flush_panic(&mut self) {
        if let Some(panic) = self.panics.finish() {
            self.keep_loose(panic);
        }
    }

    fn keep_loose(&mut self, panic: Panic) {
        let test = match (&self.pending, panic.thread.as_str()) {
            (Some(pending), "main" | "<unnamed>") => pending.clone(),
            _ => panic.thread.clone(),
        };
        if self.loose.len() < 1_000 {
            self.loose.entry(test).or_default().push(panic);
        }
    }

    fn start(&mut self, line: &str, scope: &mut Scope) {
        let Some(tests) = line.strip_prefix("running ").and_then(|rest| rest.split(' ').next()?.parse().ok()) else {
            return;
        };
        self.stop(scope);
        self.active = true;
        self.loose.clear();
        self.finder.forget();
        scope.inside = Some(Runner::LIBTEST);
        scope.more(Runner::LIBTEST, tests);
    }

    fn stop(&mut self, scope: &mut Scope) {
        self.close_block(scope);
        self.active = false;
        self.pending = None;
        // A program that died never said its counts: what was seen of it stays.
        let counts = std::mem::take(&mut self.counts);
        self.before += counts;
        if scope.inside == Some(Runner::LIBTEST) {
            scope.inside = None;
        }
    }
}

/// The name without the harness's remarks on the kind of test.
fn base_name(name: &str) -> &str {
    let remarks = [" - should panic", " - compile fail", " - compile"];
    remarks.iter().find_map(|remark| name.strip_suffix(remark)).unwrap_or(name)
}

fn status(text: &str) -> Option<TestStatus> {
    let word = text.split([' ', ',']).next().unwrap_or_default();
    let rest = text[word.len()..].trim_start();
    match word {
        "ok" if rest.is_empty() || rest.starts_with('<') => Some(TestStatus::Passed),
        "FAILED" if rest.is_empty() || rest.starts_with('<') => Some(TestStatus::Failed),
        "ignored" if rest.is_empty() || text.starts_with("ignored,") => Some(TestStatus::Skipped),
        "bench:" => Some(TestStatus::Passed),
        _ => None,
    }
}

/// True for the line of a terse run (`-q`): `..i 88/100`.
fn is_dots(line: &str) -> bool {
    let (dots, rest) = line.split_once(' ').unwrap_or((line, "1/1"));
    !dots.is_empty()
        && dots.bytes().all(|byte| matches!(byte, b'.' | b'i' | b'F'))
        && rest.split_once('/').is_some_and(|(a, b)| a.trim().parse::<u32>().is_ok() && b.parse::<u32>().is_ok())
}

impl Matcher for Libtest {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        self.dots.reset();
        self.dots_over = false;
        let dots = std::mem::take(&mut self.dots_here);
        if self.active && self.block.is_none() && dots != Counts::default() && !is_dots(line) {
            // It only looked like results.
            self.counts.passed -= dots.passed;
            self.counts.skipped -= dots.skipped;
            self.tell_counts(scope);
        }
        if let Some(found) = running_line().captures(line).filter(|_| line.contains("Running ")) {
            let (name, source) = (found[2].replace('-', "_"), found[1].to_owned());
            return self.begin(Binary { name: Some(name), source: Some(source), package: None }, scope);
        }
        if let Some(name) = line.trim_start().strip_prefix("Doc-tests ") {
            return self.begin(Binary { name: Some(name.to_owned()), source: None, package: None }, scope);
        }
        if !self.active || line.starts_with("running ") && self.block.is_none() {
            if line.starts_with("running ") && line.trim_end_matches('s').ends_with(" test") {
                self.start(line, scope);
            }
            return;
        }
        if let Some(found) = result_line().captures(line) {
            let number = |at: usize| found[at].parse().unwrap_or(0);
            self.counts = Counts { passed: number(1), failed: number(2), skipped: number(3) };
            self.stop(scope);
            self.tell_counts(scope);
            scope.summary(line);
            return;
        }
        if let Some(found) = block_line().captures(line) {
            self.flush_panic();
            self.close_block(scope);
            let test = base_name(&found[1]).to_owned();
            scope.test = Some(self.id(scope, &test));
            self.block = Some(Failure::new(test));
            return;
        }
        if line.starts_with("error: test failed, to rerun") || line.starts_with("error: doctest failed, to rerun") {
            self.flush_panic();
            self.stop(scope);
            return;
        }
        if line == "failures:" {
            self.flush_panic();
            self.close_block(scope);
            return;
        }
        if let Some(block) = &mut self.block {
            block.line(line);
        } else if let Some(test) = line.strip_prefix("    ").filter(|test| self.loose.contains_key(*test)) {
            // Its own line was torn by other output; the list of the failures names it.
            let panics = self.loose.remove(test).unwrap_or_default();
            let test = test.to_owned();
            self.tell_panics(&test, &panics, scope);
        } else {
            self.in_run(line, scope);
        }
    }

    fn growing(&mut self, raw: &[u8], scope: &mut Scope) {
        if self.dots_over {
            return;
        }
        let (mut counts, mut here, mut over) = (self.counts, self.dots_here, self.dots_over);
        let mut steps = Vec::new();
        self.dots.advance(raw, |byte| match byte {
            _ if over => {}
            b'.' => {
                counts.passed += 1;
                here.passed += 1;
                steps.push(counts);
            }
            b'i' => {
                counts.skipped += 1;
                here.skipped += 1;
                steps.push(counts);
            }
            _ => over = true,
        });
        (self.dots_here, self.dots_over) = (here, over);
        for step in steps {
            self.counts = step;
            self.tell_counts(scope);
        }
    }

    fn reads_letters(&self) -> bool {
        self.active && self.block.is_none() && self.pending.is_none()
    }

    fn wants_all(&self) -> bool {
        self.active
    }

    fn end(&mut self, scope: &mut Scope) {
        if self.active {
            self.flush_panic();
            self.stop(scope);
        }
    }
}

/// The package folder of `Compiling shop v0.1.0 (/w/shop)`.
pub(super) fn package_folder(line: &str) -> Option<&Path> {
    let (_, folder) = line.strip_suffix(')')?.rsplit_once(" (")?;
    let folder = Path::new(folder);
    folder.is_absolute().then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        for (text, expected) in [
            ("ok", Some(TestStatus::Passed)),
            ("ok <0.001s>", Some(TestStatus::Passed)),
            ("FAILED", Some(TestStatus::Failed)),
            ("ignored, slow", Some(TestStatus::Skipped)),
            ("okay then", None),
            ("trying to log in", None),
        ] {
            assert_eq!(status(text), expected, "{text}");
        }
        assert!(is_dots(".i. 3/14") && is_dots("..") && !is_dots("...and so on"));
    }
}
