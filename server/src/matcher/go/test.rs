//! `go test`: plain, `-v` and `-json`; panics, races and time limits of tests and of programs. What a test logs stands
//! above its result with `-v` and below it without; it names files without folders, so that the folder is that of the test's
//! function, or of the package that the last line names.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::example::Example;
use super::log::Log;
use super::source::Tests;
use super::trace::{self, Trace};
use super::whose::Whose;
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::scope::{Runner, Scope, keep, problem, related};
use crate::problem::{Counts, Place, Severity, TestResult, TestStatus};

const TOOL: &str = "go test";
const RUNNER: Runner = Runner("go test");
/// Log entries of one package that are kept, and lines of one.
const MAX_LOGS: usize = 10_000;
const MAX_LINES: usize = 60;
/// Packages that run at one time.
const MAX_PACKAGES: usize = 1_000;

pub(super) const FORMAT: Format = Format {
    name: "go test",
    rank: Rank::Runner,
    gate: always,
    starts: &[
        "=== RUN ",
        "--- (?:FAIL|PASS|SKIP): ",
        "FAIL\t",
        r"ok  \t",
        "panic: ",
        "fatal error: ",
        "WARNING: DATA RACE",
        r#"\{"Time":""#,
    ],
    inside: &[],
    new: |scope| Box::new(GoTest::new(scope)),
};

#[derive(Default)]
pub(super) struct GoTest {
    /// `go run`: what looks like a test's result is what the program prints.
    program: bool,
    tests: Tests,
    counts: Counts,
    plain: Package,
    packages: HashMap<String, Package>,
}

/// What was read of a package so far.
#[derive(Default)]
struct Package {
    folder: Option<PathBuf>,
    whose: Whose,
    /// The test whose lines follow, with `-v`.
    current: Option<String>,
    running: BTreeSet<String>,
    /// Without `-v`: the failed test whose log follows, and its indentation.
    open: Option<(String, usize)>,
    logs: HashMap<String, Vec<Log>>,
    kept: usize,
    /// Tests with subtests: these are counted instead.
    parents: HashSet<String>,
    counted: HashMap<String, TestStatus>,
    /// Failures whose file is known once the package is.
    held: Vec<(String, Vec<Log>)>,
    trace: Option<Trace>,
    race: Option<Race>,
    /// The example whose result was told last, as a failed one, and its outputs.
    failed_example: Option<String>,
    example: Option<Example>,
}

/// A race while it is read: frames of each access.
#[derive(Default)]
struct Race {
    accesses: Vec<(String, Option<(Place, String)>)>,
    /// The frame of a file of tests below the first access.
    in_test: Option<Place>,
    function: String,
    detail: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    action: String,
    #[serde(default)]
    package: String,
    test: Option<String>,
    #[serde(default)]
    output: String,
    elapsed: Option<f64>,
}

expression!(result_line, r"^( *)--- (FAIL|PASS|SKIP): (\S+) \(([\d.]+)s\)$");
expression!(state_line, r"^=== (RUN|CONT|NAME|PAUSE) +(\S*)$");
expression!(log_line, r"^( +)(\S[^:]*\.go):(\d+): ?(.*)$");
expression!(race_frame, r"^\s+(\S.*?\.go):(\d+) \+0x[0-9a-f]+$");
expression!(race_test, r"\.(Test\w+)");

/// The package of `FAIL<TAB>package<TAB>0.02s` and of `ok  <TAB>package<TAB>0.02s`.
fn ended_package(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("FAIL\t").or_else(|| line.strip_prefix("ok  \t"))?;
    rest.split(char::is_whitespace).next().filter(|name| !name.is_empty())
}

impl Package {
    /// A log entry or its continuation; false when the line is neither.
    fn log(&mut self, line: &str) -> bool {
        let open = self.open.as_ref().map(|(test, _)| test.clone());
        let Some(test) = open.or_else(|| self.current.clone()) else { return false };
        let depth = self.open.as_ref().map_or(0, |(_, depth)| *depth);
        let indent = line.len() - line.trim_start_matches(' ').len();
        if let Some(log) = self.logs.get_mut(&test).and_then(|logs| logs.last_mut())
            && (indent >= log.indent + 4 || line.is_empty() && self.open.is_none())
        {
            if log.text.len() < MAX_LINES {
                log.text.push(line.to_owned());
            }
            return true;
        }
        let Some(found) = log_line().captures(line).filter(|_| indent >= 4 && indent >= depth) else { return false };
        if self.kept < MAX_LOGS {
            self.kept += 1;
            let log = Log {
                path: found[2].to_owned(),
                line: found[3].parse().unwrap_or(0),
                text: vec![found[4].to_owned()],
                indent,
            };
            self.logs.entry(test).or_default().push(log);
        }
        true
    }
}

impl GoTest {
    fn new(scope: &Scope) -> Self {
        let words = scope.command.words();
        Self { program: words.windows(2).any(|pair| pair == ["go", "run"]), ..Self::default() }
    }

    fn count(&mut self, package: &mut Package, test: &str, status: TestStatus, scope: &mut Scope) {
        let add = |counts: &mut Counts, status: TestStatus, by: i32| {
            let number = match status {
                TestStatus::Passed => &mut counts.passed,
                TestStatus::Failed => &mut counts.failed,
                TestStatus::Skipped => &mut counts.skipped,
            };
            *number = number.saturating_add_signed(by);
        };
        for (at, _) in test.match_indices('/') {
            let parent = &test[..at];
            package.parents.insert(parent.to_owned());
            if let Some(status) = package.counted.remove(parent) {
                add(&mut self.counts, status, -1);
            }
        }
        if !package.parents.contains(test) && package.counted.insert(test.to_owned(), status).is_none() {
            add(&mut self.counts, status, 1);
        }
        scope.counts(RUNNER, self.counts);
    }

    /// A test is over.
    fn result(
        &mut self,
        package: &mut Package,
        test: &str,
        word: &str,
        seconds: Option<f64>,
        told_above: bool,
        scope: &mut Scope,
    ) {
        self.close_example(package, scope);
        let status = match word {
            "FAIL" | "fail" => TestStatus::Failed,
            "PASS" | "pass" => TestStatus::Passed,
            _ => TestStatus::Skipped,
        };
        package.running.remove(test);
        self.count(package, test, status, scope);
        let failed = status == TestStatus::Failed;
        let place = if failed { self.tests.function(scope, test, package.folder.as_deref()) } else { None };
        let result = TestResult {
            id: test.to_owned(),
            name: test.to_owned(),
            program: None,
            status,
            place: place.clone(),
            duration_ms: seconds.map(|seconds| (seconds * 1000.0) as u64),
            message: None,
        };
        package.whose.result(result, package.folder.as_deref(), &mut self.tests, scope);
        let logs = package.logs.remove(test).unwrap_or_default();
        if !failed {
            return;
        }
        if !logs.is_empty() {
            self.tell(package, test, logs, scope);
        } else if told_above && !package.whose.is_detailed(test, package.folder.as_deref(), &mut self.tests, scope) {
            self.tell_failed(package, test, scope);
        }
    }

    /// A failed test of which nothing else is known, yet.
    fn tell_failed(&mut self, package: &mut Package, test: &str, scope: &mut Scope) {
        if !package.parents.contains(test)
            && let Some(place) = self.tests.function(scope, test, package.folder.as_deref())
        {
            let mut found = problem(TOOL, Severity::Error, place, format!("test {test} failed"));
            found.test = Some(test.to_owned());
            found.provisional = true;
            package.whose.problem(found, package.folder.as_deref(), &mut self.tests, scope);
        }
    }

    /// What a failed test logged, as problems; held where its file is not known.
    fn tell(&mut self, package: &mut Package, test: &str, logs: Vec<Log>, scope: &mut Scope) {
        let folders = self.tests.folders(scope, test, package.folder.as_deref());
        let mut files: HashMap<&str, PathBuf> = HashMap::new();
        for log in &logs {
            let mut own = folders.iter().map(|folder| folder.join(&log.path)).filter(|path| scope.files.is_file(path));
            let only = own.next().filter(|_| own.next().is_none());
            let absolute = Path::new(&log.path).components().count() > 1;
            if let Some(file) = only.or_else(|| if absolute { scope.own(&log.path) } else { None }) {
                files.insert(&log.path, file);
            } else if folders.len() > 1 && package.held.len() < MAX_LOGS {
                drop(files);
                return package.held.push((test.to_owned(), logs));
            }
        }
        let before = package.whose.is_detailed(test, package.folder.as_deref(), &mut self.tests, scope);
        let mut told = false;
        for log in &logs {
            let Some(file) = files.get(log.path.as_str()) else { continue };
            if only_logs(scope, file, log.line) {
                continue;
            }
            let said = Some(log.message()).filter(|said| !said.is_empty());
            let message = said.unwrap_or_else(|| format!("test {test} failed"));
            let mut found = problem(TOOL, Severity::Error, scope.at(file.clone(), log.line, None, None), message);
            found.test = Some(test.to_owned());
            let mut detail = String::new();
            log.text.iter().for_each(|line| keep(&mut detail, line));
            found.detail = Some(detail);
            package.whose.problem(found, package.folder.as_deref(), &mut self.tests, scope);
            told = true;
        }
        if !told
            && !before
            && !package.parents.contains(test)
            && let Some(place) = trace::logged(logs.iter().flat_map(|log| log.text.iter().map(String::as_str)), scope)
                .or_else(|| self.tests.function(scope, test, package.folder.as_deref()))
        {
            let message = logs.last().map(Log::message).filter(|text| !text.is_empty());
            let message = message.unwrap_or_else(|| format!("test {test} failed"));
            let mut found = problem(TOOL, Severity::Error, place, message);
            found.test = Some(test.to_owned());
            package.whose.problem(found, package.folder.as_deref(), &mut self.tests, scope);
        }
    }

    fn close_example(&mut self, package: &mut Package, scope: &mut Scope) {
        let Some(example) = package.example.take() else { return };
        let Some(message) = example.message() else { return };
        let Some(place) = self.tests.function(scope, &example.test, package.folder.as_deref()) else { return };
        let mut found = problem(TOOL, Severity::Error, place, message);
        found.detail = Some(example.detail);
        found.test = Some(example.test);
        package.whose.problem(found, package.folder.as_deref(), &mut self.tests, scope);
    }

    fn close_open(&mut self, package: &mut Package, scope: &mut Scope) {
        let Some((test, _)) = package.open.take() else { return };
        match package.logs.remove(&test) {
            Some(logs) => self.tell(package, &test, logs, scope),
            None => self.tell_failed(package, &test, scope),
        }
    }

    fn close_trace(&mut self, package: &mut Package, in_test: bool, scope: &mut Scope) {
        let Some(trace) = package.trace.take().filter(Trace::is_whole) else { return };
        let test = trace.test().filter(|_| in_test || !package.counted.is_empty() || !package.running.is_empty());
        let test = test.map(|test| {
            // Its frames name the function, not the subtest.
            let below = |running: &&String| running.split('/').next() == Some(test.as_str());
            let running = package.running.iter().rfind(below).cloned();
            let failed = || {
                let is_failed = |(name, status): &(&String, &TestStatus)| {
                    **status == TestStatus::Failed && name.contains('/') && below(name)
                };
                let mut failed = package.counted.iter().filter(is_failed);
                failed.next().filter(|_| failed.next().is_none()).map(|(name, _)| name.clone())
            };
            running.or_else(failed).unwrap_or(test)
        });
        for test in trace.running.iter().chain(&test) {
            self.count(package, test, TestStatus::Failed, scope);
            package.running.remove(test);
        }
        let function = test.as_ref().and_then(|test| self.tests.function(scope, test, package.folder.as_deref()));
        let (place, others) = match (trace.places(scope), function) {
            (Some(places), _) => places,
            (None, Some(function)) => (function, Vec::new()),
            (None, None) => return,
        };
        let tool = if test.is_some() { TOOL } else { "go" };
        let mut found = problem(tool, Severity::Error, place, trace.message);
        found.detail = Some(trace.detail);
        found.related = others;
        found.test = test;
        package.whose.problem(found, package.folder.as_deref(), &mut self.tests, scope);
    }

    /// The package is over.
    fn end_package(&mut self, package: &mut Package, name: Option<&str>, failed: bool, scope: &mut Scope) {
        self.close_example(package, scope);
        self.close_open(package, scope);
        package.folder = name.and_then(|name| self.tests.folder(scope, name)).or(package.folder.take());
        if let Some(name) = name {
            package.whose.is(name);
        }
        package.whose.tell_waiting(package.folder.as_deref(), &mut self.tests, scope);
        self.close_trace(package, true, scope);
        for (test, logs) in std::mem::take(&mut package.held) {
            self.tell(package, &test, logs, scope);
        }
        if failed {
            // The program died in them.
            for test in std::mem::take(&mut package.running) {
                if !package.parents.contains(&test) {
                    self.count(package, &test, TestStatus::Failed, scope);
                }
            }
        }
        *package = Package::default();
    }

    fn race(&mut self, package: &mut Package, line: &str, scope: &mut Scope) -> bool {
        let Some(race) = &mut package.race else { return false };
        if line.starts_with("=====") || race.detail.len() > 8_000 {
            let Some(race) = package.race.take() else { return true };
            let test = race_test().captures(&race.detail).map(|found| found[1].to_owned());
            let mut accesses = race.accesses.into_iter();
            let Some((what, Some((place, _)))) = accesses.next() else { return true };
            let other = accesses.next();
            let spot = |at: &Place| {
                let name = at.file.file_name().unwrap_or_default().to_string_lossy();
                format!("{name}:{}", at.line.unwrap_or(0))
            };
            // In a test it is shown where the test's own file leads to it.
            let in_test = race.in_test.filter(|at| test.is_some() && at.file != place.file);
            let mut message = match in_test {
                Some(_) => format!("data race: {what} at {}", spot(&place)),
                None => format!("data race: {what}"),
            };
            if let Some((other, Some((at, _)))) = &other {
                message.push_str(&format!(", {other} at {}", spot(at)));
            }
            let mut found = problem(TOOL, Severity::Error, in_test.clone().unwrap_or_else(|| place.clone()), message);
            if in_test.is_some() {
                found.related.push(related(place, what));
            }
            if let Some((other, Some((at, _)))) = other {
                found.related.push(related(at, other));
            }
            found.detail = Some(race.detail);
            found.test = test;
            package.whose.problem(found, package.folder.as_deref(), &mut self.tests, scope);
            return true;
        }
        keep(&mut race.detail, line);
        if let Some(found) = race_frame().captures(line) {
            let function = std::mem::take(&mut race.function);
            if race.accesses.len() == 1
                && race.in_test.is_none()
                && found[1].ends_with("_test.go")
                && let Some(file) = scope.own(&found[1])
            {
                race.in_test = Some(scope.at(file, found[2].parse().unwrap_or(0), None, None));
            }
            if let Some((_, place @ None)) = race.accesses.last_mut()
                && let Some(file) = scope.own(&found[1])
            {
                *place = Some((scope.at(file, found[2].parse().unwrap_or(0), None, None), function));
            }
        } else if line.contains(" at 0x") && race.accesses.len() < 2 {
            let what = line.split(" at 0x").next().unwrap_or_default().to_ascii_lowercase();
            race.accesses.push((what, None));
        } else if line.starts_with("Goroutine ") {
            race.accesses.push((String::new(), None));
        } else {
            race.function = line.trim().to_owned();
        }
        true
    }

    fn text(&mut self, package: &mut Package, line: &str, json: bool, scope: &mut Scope) {
        if let Some(trace) = &mut package.trace {
            if trace.line(line) {
                return scope.claim();
            }
            if !json && !line.starts_with("FAIL") {
                self.close_trace(package, false, scope);
            }
        }
        if self.race(package, line, scope) {
            return scope.claim();
        }
        if let Some(example) = &mut package.example {
            if example.line(line) {
                return scope.claim();
            }
            self.close_example(package, scope);
        }
        let failed_example = package.failed_example.take();
        if line == "got:" {
            let current = if json { package.current.clone() } else { failed_example };
            if let Some(test) = current.filter(|test| test.starts_with("Example")) {
                package.open = None;
                package.example = Some(Example::new(test));
                return scope.claim();
            }
        }
        if line.starts_with("WARNING: DATA RACE") {
            package.race = Some(Race::default());
            return scope.claim();
        }
        if let Some(trace) = Trace::open(line) {
            self.close_open(package, scope);
            package.trace = Some(trace);
            return;
        }
        if json {
            if package.log(line) {
                scope.claim();
            }
            return;
        }
        if let Some(found) = result_line().captures(line).filter(|_| !self.program) {
            for (at, _) in found[3].match_indices('/') {
                package.parents.insert(found[3][..at].to_owned());
            }
            self.close_open(package, scope);
            let (depth, test) = (found[1].len(), found[3].to_owned());
            let verbose = package.running.contains(&test);
            self.result(package, &test, &found[2], found[4].parse().ok(), verbose, scope);
            package.current = None;
            package.failed_example = (&found[2] == "FAIL" && test.starts_with("Example")).then(|| test.clone());
            // What it logs may follow.
            package.open = (!verbose && &found[2] == "FAIL").then_some((test, depth + 4));
            scope.inside = if package.running.is_empty() { None } else { Some(RUNNER) };
            return scope.claim();
        }
        if let Some(found) = state_line().captures(line) {
            self.close_open(package, scope);
            let test = found[2].to_owned();
            if &found[1] == "RUN" && package.running.len() < MAX_LOGS {
                for (at, _) in test.match_indices('/') {
                    package.parents.insert(test[..at].to_owned());
                }
                // With `-count` it runs again, and counts again.
                package.counted.remove(&test);
                package.running.insert(test.clone());
            }
            package.current = (&found[1] != "PAUSE" && !test.is_empty()).then_some(test);
            scope.inside = Some(RUNNER);
            return scope.claim();
        }
        if let Some(name) = ended_package(line) {
            self.end_package(package, Some(name), line.starts_with("FAIL"), scope);
            scope.inside = None;
            return scope.claim();
        }
        if package.log(line) {
            return scope.claim();
        }
        self.close_open(package, scope);
    }

    fn event(&mut self, event: Event, scope: &mut Scope) {
        if self.packages.len() >= MAX_PACKAGES && !self.packages.contains_key(&event.package) {
            return;
        }
        let mut package = self.packages.remove(&event.package).unwrap_or_default();
        if package.folder.is_none() {
            package.folder = self.tests.folder(scope, &event.package);
            package.whose.is(&event.package);
        }
        match (event.action.as_str(), &event.test) {
            ("run", Some(test)) if package.running.len() < MAX_LOGS => {
                for (at, _) in test.match_indices('/') {
                    package.parents.insert(test[..at].to_owned());
                }
                package.counted.remove(test);
                package.running.insert(test.clone());
            }
            ("output", test) => {
                let line = event.output.trim_end_matches('\n');
                let frame = line.trim_start();
                if !frame.starts_with("--- ") && !frame.starts_with("=== ") {
                    package.current.clone_from(test);
                    self.text(&mut package, line, true, scope);
                }
            }
            (word @ ("pass" | "fail" | "skip"), Some(test)) => {
                self.result(&mut package, test, word, event.elapsed, true, scope);
            }
            (word @ ("pass" | "fail" | "skip"), None) => {
                self.end_package(&mut package, Some(&event.package), word == "fail", scope);
                return;
            }
            _ => {}
        }
        self.packages.insert(event.package, package);
    }
}

/// True where the source only logs, or skips.
fn only_logs(scope: &Scope, file: &Path, line: u32) -> bool {
    let text = scope.files.read(file).unwrap_or_default();
    let source = text.lines().nth((line as usize).saturating_sub(1)).unwrap_or_default();
    [".Log(", ".Logf(", ".Skip(", ".Skipf("].iter().any(|call| source.contains(call))
}

impl Matcher for GoTest {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some_and(|runner| runner != RUNNER) {
            return;
        }
        if line.starts_with("{\"Time\"") {
            if let Ok(event) = serde_json::from_str::<Event>(line) {
                scope.claim();
                self.event(event, scope);
            }
            return;
        }
        let mut package = std::mem::take(&mut self.plain);
        self.text(&mut package, line, false, scope);
        self.plain = package;
    }

    fn wants_all(&self) -> bool {
        let plain = &self.plain;
        plain.open.is_some()
            || plain.trace.is_some()
            || plain.race.is_some()
            || plain.example.is_some()
            || !plain.running.is_empty()
            || plain.failed_example.is_some()
    }

    fn end(&mut self, scope: &mut Scope) {
        let mut package = std::mem::take(&mut self.plain);
        self.close_open(&mut package, scope);
        self.close_trace(&mut package, false, scope);
        for (test, logs) in std::mem::take(&mut package.held) {
            self.tell(&mut package, &test, logs, scope);
        }
        package.whose.tell_waiting(None, &mut self.tests, scope);
        let mut names: Vec<String> = self.packages.keys().cloned().collect();
        names.sort();
        for name in names {
            if let Some(mut package) = self.packages.remove(&name) {
                self.end_package(&mut package, Some(&name), false, scope);
            }
        }
    }
}
