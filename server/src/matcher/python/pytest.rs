//! pytest: the letters ([`pytest_letters`](super::pytest_letters)) and `-v` lines while it runs, the failures' sections ([`pytest_failure`](super::pytest_failure)), the
//! short summary and the last line. Any traceback style, `-q`, xdist, coloured or not.

use std::collections::HashSet;

use super::pytest_failure::{Section, Subject, open};
use super::pytest_letters::Letters;
use super::source::{enclosing_test, test_place};
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::scope::{Runner, Scope, problem, related};
use crate::problem::{Counts, Place, Problem, Severity, TestResult, TestStatus};

const TOOL: &str = "pytest";
/// Messages at lines of libraries that are kept.
const MAX_FOREIGN: usize = 1_000;

pub(super) const FORMAT: Format = Format {
    name: "pytest",
    rank: Rank::Runner,
    gate: always,
    starts: &["={3,} ", r"[.FEsxX]+ +\[ *[0-9]+%\]\z"],
    inside: &[],
    new: |scope| Box::new(Pytest::new(scope)),
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Progress,
    Failures,
    Summary,
    /// The counts of pytest-sugar, a line each.
    Results,
    Other,
}

pub(super) struct Pytest {
    /// The command names pytest: it may run without a head (`-q`).
    expected: bool,
    phase: Phase,
    before: Counts,
    counts: Counts,
    letters: Letters,
    section: Option<Section>,
    /// Failures of `--tb=line`, until the summary names their tests.
    lines: Vec<(Place, String)>,
    /// Failures whose test's file is not known yet, with what their title said.
    unnamed: Vec<(String, Problem)>,
    /// Failures without any place: the title's test, the message, the whole text.
    placeless: Vec<(String, String, String)>,
    /// What `--tb=line` says at lines of libraries.
    foreign: Vec<String>,
    /// Failed tests by node id, from `-v`.
    failed: Vec<String>,
    /// The folder that it names as its root.
    root: Option<String>,
    /// Files with a failure among their letters.
    failed_files: Vec<String>,
    told: HashSet<String>,
    /// A test of `-v -s` whose result comes on a later line.
    pending: Option<String>,
}

expression!(quiet, r"^[.FEsxX]+ +\[ *\d+%\]$");
expression!(banner, r"^={3,} (.+?) ={3,}$");
expression!(
    last,
    r"^(?:(?:\d+ (?:failed|passed|skipped|xfailed|xpassed|errors?|warnings?|deselected|rerun|subtests passed)(?:, )?)+|no tests ran) in [\d.]+s"
);
expression!(number, r"(\d+) (failed|passed|skipped|xfailed|xpassed|error)");
expression!(collected, r"(?:^|\.\.\. )collected (\d+) items?(?:.* / (\d+) selected)?");
expression!(workers, r"^\d+ workers? \[(\d+) items?\]");
expression!(verbose, r"^(\S+\.py::.+?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)(?: \(.*\))?(?:\s+\[[^\]]*\])?\s*$");
expression!(xdist, r"^\[gw\d+\] \[ *\d+%\] (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS) (\S+\.py::.*?)\s*$");
expression!(begun, r"^(\S+\.py::[^\s\[]+(?:\[.*\])?) ");
expression!(bare, r"^(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)(?: \(.*\))?(?:\s+\[[^\]]*\])?\s*$");
// pytest-sugar tells a failure at once, among its bars, and its counts below each other.
expression!(bar, r"^ \S+\.py [^ ]+ +\d+% ");
expression!(results, r"^Results \([\d.]+\w+\):$");
expression!(result, r"^ +(\d+) (failed|passed|skipped|xfailed|xpassed|error)(?:ed|s)?$");
expression!(one_line, r"^(\S.*?\.py):(\d+): (.+)$");

fn status(word: &str) -> TestStatus {
    match word {
        "PASSED" | "XPASS" => TestStatus::Passed,
        "FAILED" | "ERROR" => TestStatus::Failed,
        _ => TestStatus::Skipped,
    }
}

/// `3 failed`.
fn add(counts: &mut Counts, number: &str, word: &str) {
    let number: u32 = number.parse().unwrap_or(0);
    match word {
        "passed" | "xpassed" => counts.passed += number,
        "failed" | "error" => counts.failed += number,
        _ => counts.skipped += number,
    }
}

impl Pytest {
    pub(super) fn new(scope: &Scope) -> Self {
        let expected = scope.command.mentions("pytest") || scope.command.mentions("py.test");
        Self {
            root: None,
            expected,
            phase: if expected { Phase::Progress } else { Phase::Idle },
            before: Counts::default(),
            counts: Counts::default(),
            letters: Letters::default(),
            section: None,
            lines: Vec::new(),
            unnamed: Vec::new(),
            placeless: Vec::new(),
            foreign: Vec::new(),
            failed: Vec::new(),
            failed_files: Vec::new(),
            told: HashSet::new(),
            pending: None,
        }
    }

    fn tell_counts(&self, scope: &mut Scope) {
        scope.counts(Runner::PYTEST, self.before + self.counts);
    }

    /// A line with `=` on both sides; true when it was one of pytest's.
    fn banner(&mut self, title: &str, scope: &mut Scope) -> bool {
        match title {
            "test session starts" => {
                self.close(scope);
                self.phase = Phase::Progress;
                scope.inside = Some(Runner::PYTEST);
            }
            "FAILURES" | "ERRORS" => {
                self.close(scope);
                self.phase = Phase::Failures;
                scope.inside = Some(Runner::PYTEST);
            }
            "short test summary info" => {
                self.close(scope);
                self.phase = Phase::Summary;
            }
            _ if last().is_match(title) => self.last(title, scope),
            _ if self.phase == Phase::Idle => return false,
            _ => {
                self.close(scope);
                self.phase = Phase::Other;
            }
        }
        true
    }

    /// What no summary named.
    fn tell_rest(&mut self, scope: &mut Scope) {
        self.close(scope);
        for (_, found) in std::mem::take(&mut self.unnamed) {
            Self::tell(None, found, scope);
        }
        for (place, message) in std::mem::take(&mut self.lines) {
            let test = place.line.and_then(|line| enclosing_test(&scope.files.read(&place.file)?, line));
            let id = test.map(|test| format!("{}::{test}", scope.relative(&place.file)));
            Self::tell(id, problem(TOOL, Severity::Error, place, message), scope);
        }
    }

    /// `1 failed, 3 passed in 0.12s`.
    fn last(&mut self, line: &str, scope: &mut Scope) {
        self.tell_rest(scope);
        let mut counts = Counts::default();
        number().captures_iter(line).for_each(|found| add(&mut counts, &found[1], &found[2]));
        self.counts = Counts::default();
        self.before += counts;
        self.tell_counts(scope);
        scope.summary(line);
        self.phase = if self.expected { Phase::Progress } else { Phase::Idle };
        if scope.inside == Some(Runner::PYTEST) {
            scope.inside = None;
        }
        self.placeless.clear();
        self.foreign.clear();
        self.failed.clear();
        self.failed_files.clear();
        self.told.clear();
    }

    fn tell(id: Option<String>, mut found: Problem, scope: &mut Scope) {
        found.test = id;
        scope.problem(found);
    }

    fn result(&mut self, id: &str, word: &str, scope: &mut Scope) {
        let status = status(word);
        self.counts.count(status);
        let place = (status == TestStatus::Failed).then(|| function(scope, id)).flatten();
        self.tell_result(id, status, place.clone(), None, scope);
        self.tell_counts(scope);
        if status == TestStatus::Failed {
            self.failed.push(id.to_owned());
            if let Some(place) = place {
                let mut found = problem(TOOL, Severity::Error, place, format!("{id} failed"));
                found.provisional = true;
                Self::tell(Some(id.to_owned()), found, scope);
            }
        }
    }

    fn tell_result(
        &mut self,
        id: &str,
        status: TestStatus,
        place: Option<Place>,
        text: Option<String>,
        scope: &mut Scope,
    ) {
        if self.told.len() < 100_000 && !self.told.insert(id.to_owned()) && status != TestStatus::Failed {
            return;
        }
        let name = id.rsplit_once("::").map_or(id, |(_, name)| name).to_owned();
        scope.test_result(TestResult {
            id: id.to_owned(),
            name,
            program: None,
            status,
            place,
            duration_ms: None,
            message: text,
        });
    }

    /// The section is over.
    fn close(&mut self, scope: &mut Scope) {
        let Some(section) = self.section.take() else { return };
        let Some((place, others)) = section.places(scope) else {
            // No frame of the person's own: the summary names the test, and its function is the place.
            let message = section.message();
            if let (Subject::Test(domain) | Subject::Fixture(domain), false) = (section.subject, message.is_empty()) {
                self.placeless.push((domain, message, section.detail));
            }
            return;
        };
        let mut found = problem(TOOL, Severity::Error, place, section.message());
        found.detail = Some(section.detail.clone());
        found.related = others;
        let id = match &section.subject {
            Subject::Conftest => return Self::tell(None, found, scope),
            Subject::File(file) => file.clone(),
            Subject::Test(domain) | Subject::Fixture(domain) => match self.id(&section, domain, scope) {
                Some(id) => id,
                None => return self.unnamed.push((domain.clone(), found)),
            },
        };
        self.tell_failed(id, found, scope);
    }

    fn tell_failed(&mut self, id: String, found: Problem, scope: &mut Scope) {
        if !self.told.contains(&id) {
            let (place, message) = (Some(found.place.clone()), Some(found.message.clone()));
            self.tell_result(&id, TestStatus::Failed, place, message, scope);
        }
        Self::tell(Some(id), found, scope);
    }

    /// The node id of a section's test, where a file is known that declares it; its title has no file.
    fn id(&self, section: &Section, domain: &str, scope: &mut Scope) -> Option<String> {
        let first = section.first_file(self.root.as_deref(), scope);
        let named = |id: &&String| id.split_once("::").is_some_and(|(_, rest)| rest == domain);
        let in_first = |id: &&String| first.as_deref().is_some_and(|file| id.starts_with(file));
        let known = self.failed.iter().filter(named);
        if let Some(id) = known.clone().find(in_first).or_else(|| known.clone().next()) {
            return Some(id.clone());
        }
        let mut files: Vec<&String> = self.failed_files.iter().filter(|file| Some(*file) != first.as_ref()).collect();
        files.splice(0..0, first.as_ref());
        let file = files.into_iter().find(|file| {
            let path = scope.own(file);
            path.is_some_and(|path| test_place(scope, path, domain).is_some())
        });
        file.map(|file| format!("{file}::{domain}"))
    }

    /// `FAILED tests/test_a.py::test_b - assert 1 == 2`.
    fn summary_line(&mut self, id: &str, text: &str, scope: &mut Scope) {
        let named = |(domain, _): &(String, Problem)| id.split_once("::").is_some_and(|(_, rest)| rest == domain);
        if let Some(at) = self.unnamed.iter().position(named) {
            let (_, found) = self.unnamed.remove(at);
            return self.tell_failed(id.to_owned(), found, scope);
        }
        if scope.is_detailed(id) {
            return;
        }
        let function = function(scope, id).or_else(|| Some(scope.own(id)?).map(|file| scope.whole(file)));
        let start = text.trim_end_matches("...");
        let domain = id.split_once("::").map_or("", |(_, domain)| domain);
        let domain = domain.split('[').next().unwrap_or(domain);
        // The summary cuts a message: where one line's test is known, it has to be this one.
        let line = self.lines.iter().position(|(place, message)| {
            let text = scope.files.read(&place.file).unwrap_or_default();
            let around = place.line.and_then(|line| enclosing_test(&text, line));
            !start.is_empty() && message.starts_with(start) && around.is_none_or(|around| around == domain)
        });
        let printed = line.map(|at| self.lines.remove(at));
        let in_test = match (&printed, &function) {
            (Some((place, _)), Some(function)) => place.file == function.file,
            _ => false,
        };
        let mut found = match (printed, function) {
            (Some((place, message)), None) => problem(TOOL, Severity::Error, place, message),
            (Some((place, message)), Some(_)) if in_test => problem(TOOL, Severity::Error, place, message),
            (Some((place, message)), Some(function)) => {
                let mut found = problem(TOOL, Severity::Error, function, message.clone());
                found.related.push(related(place, message));
                found
            }
            (None, Some(function)) => {
                let whole = self.foreign.iter().position(|message| text.ends_with("...") && message.starts_with(start));
                let text = whole.map_or_else(|| text.to_owned(), |at| self.foreign.remove(at));
                problem(TOOL, Severity::Error, function, text)
            }
            (None, None) => return,
        };
        let here =
            |(domain, ..): &(String, String, String)| id.split_once("::").is_some_and(|(_, rest)| rest == domain);
        if let Some(at) = self.placeless.iter().position(here) {
            let (_, message, detail) = self.placeless.remove(at);
            (found.message, found.detail) = (message, Some(detail));
        }
        if found.message.is_empty() {
            found.message = format!("{id} failed");
        }
        self.tell_failed(id.to_owned(), found, scope);
    }

    fn progress_line(&mut self, line: &str, scope: &mut Scope) {
        // Most lines here are what the tests print: the words are looked for before any expression runs.
        if line.contains(".py::") {
            if let Some(found) = verbose().captures(line) {
                self.pending = None;
                return self.result(&found[1], &found[2], scope);
            }
            if let Some(found) = xdist().captures(line) {
                return self.result(&found[2], &found[1], scope);
            }
            if let Some(found) = begun().captures(line) {
                self.pending = Some(found[1].to_owned());
            }
        } else if self.pending.is_some()
            && let Some(found) = bare().captures(line)
        {
            if let Some(id) = self.pending.take() {
                self.result(&id, &found[1], scope);
            }
        } else if line.contains("collected ") {
            if let Some(found) = collected().captures(line) {
                let tests = found.get(2).or(found.get(1)).map_or("", |tests| tests.as_str());
                scope.more(Runner::PYTEST, tests.parse().unwrap_or(0));
            }
        } else if line.contains(" worker")
            && let Some(found) = workers().captures(line)
        {
            scope.more(Runner::PYTEST, found[1].parse().unwrap_or(0));
        }
    }

    /// The letters of the line that ends here.
    fn end_letters(&mut self, scope: &mut Scope) {
        let letters = std::mem::take(&mut self.letters);
        let (told, file) = (letters.counts(), letters.file());
        let counts = letters.end();
        if counts.failed > 0 {
            self.failed_files.extend(file);
        }
        if counts != told {
            self.count_letters(told, counts, scope);
        }
    }

    /// The letters of this line are `now`; `before` of them were counted.
    fn count_letters(&mut self, before: Counts, now: Counts, scope: &mut Scope) {
        self.counts.passed = self.counts.passed + now.passed - before.passed;
        self.counts.failed = self.counts.failed + now.failed - before.failed;
        self.counts.skipped = self.counts.skipped + now.skipped - before.skipped;
        self.tell_counts(scope);
    }
}

/// Node id and message of `FAILED tests/test_a.py::test_b[x - y] - assert 1 == 2`.
fn summary(line: &str) -> Option<(&str, &str)> {
    let subtest = || {
        let rest = line.strip_prefix("SUBFAILED")?;
        // Its parameters stand before the id of the test that it belongs to.
        let mut from = rest.match_indices(' ').map(|(at, _)| &rest[at + 1..]);
        from.find(|rest| rest.split([' ', '[']).next().is_some_and(|id| id.contains(".py::")))
    };
    let rest = line.strip_prefix("FAILED ").or_else(|| line.strip_prefix("ERROR ")).or_else(subtest)?;
    let is_id = |id: &str| !id.contains('[') || id.ends_with(']');
    let split = rest.match_indices(" - ").map(|(at, _)| at).find(|&at| is_id(&rest[..at]));
    let (id, message) = split.map_or((rest, ""), |at| (&rest[..at], rest[at + 3..].trim()));
    id.split("::").next().is_some_and(|file| file.contains('.')).then_some((id.trim(), message))
}

/// The function of a node id.
fn function(scope: &mut Scope, id: &str) -> Option<Place> {
    let (file, domain) = id.split_once("::")?;
    let file = scope.own(file)?;
    test_place(scope, file, domain)
}

impl Matcher for Pytest {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if self.phase == Phase::Idle && quiet().is_match(line) {
            // `-q` behind a command that does not name pytest has no head.
            self.phase = Phase::Progress;
            self.growing(line.as_bytes(), scope);
        }
        self.end_letters(scope);
        if line.starts_with("===")
            && let Some(found) = banner().captures(line)
            && self.banner(&found[1], scope)
        {
            return;
        }
        if self.phase != Phase::Idle && line.contains(" in ") {
            // Counts of many kinds leave no room for more than one `=` on a side.
            let text = line.trim_matches('=').trim();
            if last().is_match(text) {
                return self.last(text, scope);
            }
        }
        if self.phase == Phase::Progress && line.starts_with("ImportError while loading conftest ") {
            self.section = Some(Section::new(Subject::Conftest));
            self.phase = Phase::Failures;
            return;
        }
        match self.phase {
            Phase::Progress => match open(line).filter(|_| line.starts_with('―')) {
                Some(section) => (self.section, self.phase) = (Some(section), Phase::Failures),
                None => self.progress_line(line, scope),
            },
            Phase::Failures => {
                if let Some(section) = open(line) {
                    self.close(scope);
                    self.section = Some(section);
                } else if line.starts_with(' ') && bar().is_match(line) {
                    self.close(scope);
                    self.phase = Phase::Progress;
                } else if let Some(section) = &mut self.section {
                    section.line(line);
                } else if let Some(found) = one_line().captures(line) {
                    if let Some(file) = scope.own(&found[1]) {
                        let place = scope.at(file, found[2].parse().unwrap_or(0), None, None);
                        self.lines.push((place, found[3].to_owned()));
                    } else if self.foreign.len() < MAX_FOREIGN {
                        self.foreign.push(found[3].to_owned());
                    }
                }
            }
            Phase::Summary => {
                if let Some((id, message)) = summary(line) {
                    self.summary_line(id, message, scope);
                }
            }
            Phase::Results => {
                if let Some(found) = result().captures(line) {
                    add(&mut self.counts, &found[1], &found[2]);
                    self.tell_counts(scope);
                }
            }
            Phase::Idle | Phase::Other => {}
        }
        if line.starts_with("Results (") && self.expected && results().is_match(line) {
            self.tell_rest(scope);
            (self.counts, self.phase) = (Counts::default(), Phase::Results);
        }
        if let Some(folder) = line.strip_prefix("rootdir: ").filter(|_| self.phase == Phase::Progress) {
            let folder = folder.split(',').next().unwrap_or_default();
            scope.rooted(std::path::Path::new(folder.trim()));
            self.root = Some(folder.trim().to_owned());
        }
    }

    fn growing(&mut self, raw: &[u8], scope: &mut Scope) {
        let (mut before, mut steps) = (self.letters.counts(), Vec::new());
        self.letters.take(raw, |counts| steps.push(counts));
        for now in steps {
            self.count_letters(before, now, scope);
            before = now;
        }
    }

    fn reads_letters(&self) -> bool {
        self.phase == Phase::Progress
    }

    fn wants_all(&self) -> bool {
        self.phase != Phase::Idle
    }

    fn end(&mut self, scope: &mut Scope) {
        self.tell_rest(scope);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries() {
        for (line, parts) in [
            ("FAILED a/t.py::b - assert 1", Some(("a/t.py::b", "assert 1"))),
            ("FAILED t.py::b[x - y] - assert [1] - 2", Some(("t.py::b[x - y]", "assert [1] - 2"))),
            ("SUBFAILED[of two] (at='a b') t.py::A::b - assert 1", Some(("t.py::A::b", "assert 1"))),
            ("ERROR t.py", Some(("t.py", ""))),
            ("FAILED to start", None),
        ] {
            assert_eq!(summary(line), parts, "{line}");
        }
    }
}
