//! What a run has shown so far: its problems, failed tests and counts, as the notification and the summary need them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

use crate::agent::notification;
use crate::diagnostics::causes::{self, Cause};
use crate::diagnostics::delta::{self, Delta, Mark, Outcome, Present};
use crate::diagnostics::groups;
use crate::problem::{Counts, CyclePhase, Finding, Place, Problem, Severity, TestResult, TestStatus, Watcher};
use crate::task::model::Progress;

/// Problems that are kept of one run; the rest is counted.
const KEPT: usize = 1_000;
/// Results of single tests that are kept of one run.
const KEPT_TESTS: usize = delta::KEPT_IDS;
/// Failures that are put into words; the rest is counted.
const TOLD: usize = 500;
/// The mark of a failure that was there before the agent's first change.
const BEFORE: &str = "failed before you began";
/// Characters of a failure's line without its mark.
const LINE: usize = 380;
/// Names that a cause of many failures is told with.
const EXAMPLES: usize = 4;

/// The findings of one run.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Each with the number of the program that printed it.
    found: Vec<(u16, Problem)>,
    /// Results by test, in the order of their ends; a test that ran again replaces its result.
    pub(super) tests: Vec<TestResult>,
    /// Where a test's result stands, and who told it.
    test_at: HashMap<String, (usize, u16)>,
    /// Who wrote what comes now.
    pub(super) lane: u16,
    /// What a watching program's cycle before this one found: a test that fails again keeps its details until new ones come.
    earlier: Vec<Problem>,
    /// Lanes and watchers whose cycle has ended: what comes begins the next.
    ended: Vec<(u16, Watcher)>,
    pub(super) counts: Option<Counts>,
    /// The runner's own summary line, the newest.
    pub(super) own_summary: Option<String>,
    /// What the matchers left out of the output, one sentence each.
    pub(super) left_out: Vec<String>,
    not_kept: usize,
    /// Of them, the errors and the warnings.
    errors_not_kept: usize,
    warnings_not_kept: usize,
}

/// What went wrong in a run, in words.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// One line each: what is new first.
    pub(super) lines: Vec<String>,
    /// The same by name alone.
    pub(super) names: Vec<String>,
    /// How many more there are.
    pub(super) more: usize,
}

/// One failure on its way into words.
struct Failure {
    place: String,
    /// The test, where it is one.
    test: Option<String>,
    message: String,
    /// What it may have in common with others.
    cause: Option<(Cause, usize)>,
    mark: Option<Mark>,
    /// How often it has failed lately, and of how many results.
    often: Option<(u32, u32)>,
}

impl Facts {
    /// Takes one finding. False for one too many, which is not kept.
    pub(super) fn add(&mut self, finding: &Finding) -> bool {
        match finding {
            Finding::Problem(problem) => {
                self.begin_if_ended(|watcher| watcher.covers(&problem.tool));
                let same = |known: &Problem| problem.test.is_some() && known.test == problem.test;
                let again = self.earlier.iter().position(|known| problem.provisional && same(known));
                let mut problem = problem.clone();
                if let Some(at) = again {
                    problem = Problem { provisional: true, ..self.earlier.swap_remove(at) };
                }
                let at = self
                    .found
                    .iter()
                    .position(|(_, known)| known.provisional && problem.test.is_some() && known.test == problem.test);
                match at {
                    Some(at) => self.found[at].1 = problem,
                    None if self.found.len() < KEPT => self.found.push((self.lane, problem)),
                    None => {
                        self.not_kept += 1;
                        self.errors_not_kept += usize::from(problem.severity == Severity::Error);
                        self.warnings_not_kept += usize::from(problem.severity == Severity::Warning);
                        return false;
                    }
                }
            }
            Finding::Test(test) => {
                self.begin_if_ended(Watcher::runs_tests);
                match self.test_at.get_mut(&test.id) {
                    Some((at, lane)) => {
                        *lane = self.lane;
                        self.tests[*at] = test.clone();
                    }
                    None if self.tests.len() < KEPT_TESTS => {
                        self.test_at.insert(test.id.clone(), (self.tests.len(), self.lane));
                        self.tests.push(test.clone());
                    }
                    None => return false,
                }
            }
            Finding::Lane(lane) => self.lane = *lane,
            Finding::Cycle(phase, watcher) => self.cycle(*phase, watcher),
            Finding::Counts(counts) => self.counts = Some(*counts),
            Finding::Summary(text) => self.own_summary = Some(text.clone()),
            Finding::LeftOut(text) => self.left_out.push(text.clone()),
            Finding::Total(_) | Finding::Progress(_) => {}
        }
        true
    }

    fn cycle(&mut self, phase: CyclePhase, watcher: &Watcher) {
        let ended = self.ended.iter().position(|(lane, it)| *lane == self.lane && it == watcher);
        if phase != CyclePhase::Ends {
            ended.map(|at| self.ended.swap_remove(at));
            return self.begin_cycle(watcher);
        }
        if ended.is_some() {
            // Nothing came since the end before: nothing is wrong any more.
            self.begin_cycle(watcher);
        } else if self.ended.len() < KEPT {
            self.ended.push((self.lane, watcher.clone()));
        }
        self.earlier.retain(|known| !watcher.covers(&known.tool));
    }

    /// A program that tells only the ends of its cycles begins one with the first thing that it finds.
    fn begin_if_ended(&mut self, is_its: impl Fn(&Watcher) -> bool) {
        let at = self.ended.iter().position(|(lane, watcher)| *lane == self.lane && is_its(watcher));
        if let Some((_, watcher)) = at.map(|at| self.ended.swap_remove(at)) {
            self.begin_cycle(&watcher);
        }
    }

    /// What a watching program finds from here on takes the place of what it has found.
    fn begin_cycle(&mut self, watcher: &Watcher) {
        let lane = self.lane;
        let (gone, kept) = std::mem::take(&mut self.found)
            .into_iter()
            .partition::<Vec<_>, _>(|(of, known)| *of == lane && watcher.covers(&known.tool));
        self.found = kept;
        self.earlier = gone.into_iter().map(|(_, known)| known).collect();
        if watcher.runs_tests() {
            let told_here: HashSet<usize> =
                self.test_at.values().filter(|(_, of)| *of == lane).map(|(at, _)| *at).collect();
            let mut lanes = std::mem::take(&mut self.test_at);
            let tests = std::mem::take(&mut self.tests).into_iter().enumerate();
            for (_, test) in tests.filter(|(at, _)| !told_here.contains(at)) {
                let lane = lanes.remove(&test.id).map_or(0, |(_, lane)| lane);
                self.test_at.insert(test.id.clone(), (self.tests.len(), lane));
                self.tests.push(test);
            }
            self.own_summary = None;
        }
    }

    /// The problems, in the order in which they were found.
    pub(super) fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.found.iter().map(|(_, problem)| problem)
    }

    /// Everything that was found was kept.
    pub(super) fn is_complete(&self) -> bool {
        self.not_kept == 0
    }

    /// Whether anything that was found is an error.
    pub(super) fn has_errors(&self) -> bool {
        self.not_kept > 0 || self.problems().any(|problem| problem.severity == Severity::Error)
    }

    /// The ids of the tests that failed; of one with subtests the subtests' alone.
    pub(super) fn failed_tests(&self) -> impl Iterator<Item = &str> {
        let failed = self.tests.iter().filter(|test| test.status == TestStatus::Failed).map(|test| test.id.as_str());
        let parents = parents(failed.clone());
        failed.filter(move |id| !parents.contains(id))
    }

    /// What the run is compared by. A test that only a problem speaks of has failed.
    pub(super) fn present(&self, root: &Path) -> Present {
        let outcome = |status| match status {
            TestStatus::Passed => Some(Outcome::Passed),
            TestStatus::Failed => Some(Outcome::Failed),
            TestStatus::Skipped => None,
        };
        let parents = parents(self.tests.iter().map(|test| test.id.as_str()));
        let single = self.tests.iter().filter(|test| !parents.contains(test.id.as_str()));
        let mut tests: Vec<(String, Outcome)> =
            single.filter_map(|test| Some((test.id.clone(), outcome(test.status)?))).collect();
        let mut problems = Vec::new();
        let mut seen = HashMap::new();
        for problem in self.problems().filter(|problem| problem.severity == Severity::Error) {
            match &problem.test {
                Some(test) if self.test_at.contains_key(test) => {}
                Some(test) => {
                    if seen.insert(test.clone(), 1).is_none() {
                        tests.push((test.clone(), Outcome::Failed));
                    }
                }
                None => problems.push(numbered(delta::problem_id(problem, root), &mut seen)),
            }
        }
        let passed = tests.iter().filter(|(_, outcome)| *outcome == Outcome::Passed).count() as u32;
        let counts = self.counts.unwrap_or_default();
        let unnamed = counts.passed.saturating_sub(passed);
        let alone = |test: &TestResult| {
            let name = test.id.strip_prefix(test.program.as_deref()?)?.strip_prefix(' ')?;
            Some((name.to_owned(), test.id.clone()))
        };
        let of_programs = self.tests.iter().filter_map(alone).collect();
        Present { tests, of_programs, problems, unnamed, total: counts.total(), ..Present::default() }
    }

    /// The failures, what is new first; paths relative to `root`. Many of one cause are told once.
    /// `before_agent`: they were there before the agent had changed anything.
    pub(super) fn failures(&self, root: &Path, delta: Option<&Delta>, before_agent: bool) -> Failures {
        let mut failures = self.each_failure(root, delta);
        // The order of the output, but what is new before what is old.
        failures.sort_by_key(|failure| failure.mark == Some(Mark::StillFailing));
        let groups = causes::groups(failures.iter().map(|failure| failure.cause.clone()));
        let grouped: HashSet<usize> = groups.iter().flat_map(|group| group.members.iter().copied()).collect();
        let mut told = Failures { more: self.not_kept, ..Failures::default() };
        for group in groups {
            let members: Vec<&Failure> = group.members.iter().map(|at| &failures[*at]).collect();
            let are_tests = members.iter().all(|member| member.test.is_some());
            let what = if are_tests { "tests failed for one reason" } else { "problems have one reason" };
            let mut names: Vec<String> = members.iter().take(EXAMPLES).map(|member| member.name()).collect();
            if are_tests {
                names[0].insert_str(0, &members[0].place);
            }
            let outside = if group.cause.environment { " (probably not the code)" } else { "" };
            let rest = members.len() - names.len();
            let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            let cause = notification::cut(&group.cause.text, 200);
            let head = format!("{} {what}: {cause}{outside}", members.len());
            let names = notification::cut(&names.join(", "), 220);
            let marks = if before_agent { format!(" ({BEFORE})") } else { marks(&members) };
            told.lines.push(format!("{head}: {names}{rest}{marks}"));
            told.names.push(format!("{} {what}: {cause}", members.len()));
        }
        for failure in failures.iter().enumerate().filter(|(at, _)| !grouped.contains(at)).map(|(_, failure)| failure) {
            if told.lines.len() == TOLD {
                told.more += 1;
                continue;
            }
            told.lines.push(failure.line(before_agent));
            told.names.push(failure.name());
        }
        told
    }

    fn each_failure(&self, root: &Path, delta: Option<&Delta>) -> Vec<Failure> {
        let mark = |id: &str| delta.and_then(|delta| delta.mark(id));
        let often = |id: &str| delta.and_then(|delta| delta.often(id));
        let mut seen = HashMap::new();
        let mut failures = Vec::new();
        let mut with_problem = HashSet::new();
        for problem in self.problems().filter(|problem| problem.severity == Severity::Error) {
            let mark = match &problem.test {
                Some(test) => mark(test),
                None => mark(&numbered(delta::problem_id(problem, root), &mut seen)),
            };
            with_problem.extend(problem.test.as_deref());
            failures.push(Failure {
                place: format!("{} ", place(&problem.place, root)),
                test: problem.test.clone(),
                message: problem.message.clone(),
                cause: groups::cause(problem),
                mark,
                often: problem.test.as_deref().and_then(often),
            });
        }
        let single: HashSet<&str> = self.failed_tests().collect();
        for test in self.tests.iter().filter(|test| single.contains(test.id.as_str())) {
            if !with_problem.contains(test.id.as_str()) {
                failures.push(Failure {
                    place: test.place.as_ref().map(|at| format!("{} ", place(at, root))).unwrap_or_default(),
                    test: Some(test.id.clone()),
                    cause: test.message.as_deref().and_then(|message| causes::key(message, None)),
                    message: test.message.clone().unwrap_or_else(|| "failed".into()),
                    mark: mark(&test.id),
                    often: often(&test.id),
                });
            }
        }
        failures
    }

    /// Those of some tests that the run was for and that it did not run, as far as its results tell: a runner may count tests
    /// that pass without their names, or say nothing of them at all.
    pub(super) fn not_run<'t>(&self, tests: &'t [String], total: Option<u32>) -> BTreeSet<&'t str> {
        let by_problem: HashSet<&str> = self.problems().filter_map(|it| it.test.as_deref()).collect();
        let has_result = |test: &&str| self.test_at.contains_key(*test) || by_problem.contains(test);
        let unseen: BTreeSet<&str> = tests.iter().map(String::as_str).filter(|test| !has_result(test)).collect();
        let counts = self.counts.unwrap_or_default();
        let named = self.tests.iter().filter(|test| test.status == TestStatus::Passed).count();
        let unnamed = (counts.passed as usize).saturating_sub(named);
        let says = if counts.total() > 0 { unseen.len() > unnamed } else { total == Some(0) };
        if says { unseen } else { BTreeSet::new() }
    }

    /// One line for people and models; `None` when nothing was recognised.
    pub(super) fn summary(&self) -> Option<String> {
        if let Some(counts) = self.counts.filter(|counts| counts.total() > 0) {
            let mut text = format!("{} passed, {} failed", counts.passed, counts.failed);
            if counts.skipped > 0 {
                text.push_str(&format!(", {} skipped", counts.skipped));
            }
            return Some(text);
        }
        let count = |severity| self.problems().filter(|problem| problem.severity == severity).count();
        let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        let (errors, warnings) =
            (count(Severity::Error) + self.errors_not_kept, count(Severity::Warning) + self.warnings_not_kept);
        match (errors, warnings) {
            (0, 0) => self.own_summary.as_deref().map(|own| notification::cut(own, 200)),
            (0, warnings) => Some(plural(warnings, "warning")),
            (errors, 0) => Some(plural(errors, "error")),
            (errors, warnings) => Some(format!("{}, {}", plural(errors, "error"), plural(warnings, "warning"))),
        }
    }
}

impl Failure {
    fn name(&self) -> String {
        self.test.clone().unwrap_or_else(|| self.place.trim_end().to_owned())
    }

    /// `src/auth.rs:41:9 auth::login_expires: assertion … (new; failed 3 of 10)`.
    fn line(&self, before_agent: bool) -> String {
        let test = self.test.as_ref().map(|test| format!("{test}: ")).unwrap_or_default();
        let line = notification::cut(&format!("{}{test}{}", self.place, self.message), LINE);
        let mark = self.mark.map(Mark::as_str).filter(|_| !before_agent).or(before_agent.then_some(BEFORE));
        let often = self.often.map(|(failed, of)| format!("failed {failed} of {of}"));
        let words: Vec<String> = mark.map(str::to_owned).into_iter().chain(often).collect();
        if words.is_empty() { line } else { format!("{line} ({})", words.join("; ")) }
    }
}

/// Go's tests that are there for their subtests (`TestTable` of `TestTable/empty`): they are not counted, and what they say is
/// what the subtests say.
fn parents<'t>(ids: impl Iterator<Item = &'t str>) -> HashSet<&'t str> {
    let above = ids.flat_map(|id| id.match_indices('/').map(move |(at, _)| &id[..at]));
    above.filter(|id| id.rsplit(' ').next().is_some_and(|name| name.starts_with("Test"))).collect()
}

/// ` (150 new, 50 still failing)`, where that is known.
fn marks(members: &[&Failure]) -> String {
    let count = |wanted: &dyn Fn(Mark) -> bool| members.iter().filter(|one| one.mark.is_some_and(wanted)).count();
    let parts = [(count(&Mark::is_new), "new"), (count(&|mark: Mark| !mark.is_new()), "still failing")];
    let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, words)| format!("{n} {words}")).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// The second of two problems that read the same is one of its own.
fn numbered(id: String, seen: &mut HashMap<String, u32>) -> String {
    let times = seen.entry(id.clone()).or_insert(0);
    *times += 1;
    if *times == 1 { id } else { format!("{id}\n{times}") }
}

fn place(place: &Place, root: &Path) -> String {
    let file = place.file.strip_prefix(root).unwrap_or(&place.file).display();
    match (place.line, place.column) {
        (Some(line), Some(column)) => format!("{file}:{line}:{column}"),
        (Some(line), None) => format!("{file}:{line}"),
        _ => file.to_string(),
    }
}

/// The words of a progress: `12/50 · 1 failed`, or what the tool says that it does.
pub(super) fn progress_text(progress: &Progress, total: Option<u32>) -> Option<String> {
    let done = progress.counts.total();
    if done == 0 && total.is_none_or(|total| total == 0) {
        return progress.message.clone();
    }
    let mut text = match total {
        // nextest counts those that it was told to leave out among the skipped, and not among those that run.
        Some(total) if total > 0 && done > total => format!("{}/{total}", done - progress.counts.skipped),
        Some(total) if total > 0 => format!("{done}/{total}"),
        _ => format!("{done} done"),
    };
    if progress.counts.failed > 0 {
        text.push_str(&format!(" · {} failed", progress.counts.failed));
    }
    Some(text)
}
