//! What has changed between a run and the ones before it of the same command: new, still failing, fixed. Pure: the past
//! comes in, the difference goes out. It knows neither sessions nor stores.
//!
//! A test is compared with its own last result, however long ago that was: a run that was stopped before it came to a
//! test says nothing about it. A compiler says only what is wrong, so that a problem is gone when a whole run does not
//! name it any more. What an unchanged workspace turns from red to green was not fixed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ids::TaskId;
use crate::problem::Problem;
use crate::task::model::Timestamp;

/// Results of one test that are kept, the newest last.
pub const KEPT_RESULTS: usize = 10;
/// Tests and problems of one command that are kept; those that were seen longest ago go first.
pub const KEPT_IDS: usize = 20_000;
/// Runs of one command of which the circumstances are kept.
pub const KEPT_RUNS: usize = 10;

/// How a test, or a place that a compiler named, stood in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed,
}

impl Outcome {
    /// The letter in [`Recent::results`].
    pub fn letter(self) -> char {
        match self {
            Self::Passed => 'P',
            Self::Failed => 'F',
        }
    }
}

/// The circumstances of an earlier run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRun {
    /// Counts the runs of the command, from 1.
    pub serial: u64,
    pub task: TaskId,
    pub run: u32,
    /// What it ran on, where that is known.
    pub fingerprint: Option<String>,
    pub at: Timestamp,
    /// An agent started it.
    pub by_agent: bool,
    /// It came to its end by itself.
    pub whole: bool,
    /// Tests that ended in it, those that were not named too.
    #[serde(default)]
    pub total: u32,
    /// Somebody edited something while it ran.
    #[serde(default)]
    pub edited: bool,
    /// What it left: differs from `fingerprint` where the run itself has written something.
    #[serde(default)]
    pub after: Option<String>,
}

/// What is known of one test or problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    /// The run of its newest result.
    pub serial: u64,
    /// Its last results, a letter each, the newest last; at most [`KEPT_RESULTS`].
    pub results: String,
}

/// What is known of a command's earlier runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// Oldest first, at most [`KEPT_RUNS`].
    pub runs: Vec<PastRun>,
    pub recent: HashMap<String, Recent>,
}

/// What one run adds to the past.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    pub run: PastRun,
    pub results: Vec<(String, Outcome)>,
    /// Ids that tests go by from this run on, behind those that they had.
    pub renamed: Vec<(String, String)>,
}

/// The run that is compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Present {
    /// Single tests that passed or failed, in the order of their ends.
    pub tests: Vec<(String, Outcome)>,
    /// Tests whose ids say their program: the id without it, and the id.
    pub of_programs: Vec<(String, String)>,
    /// What a compiler named, by [`problem_id`].
    pub problems: Vec<String>,
    /// Tests that passed and were only counted: many runners print names of failures alone.
    pub unnamed: u32,
    /// All tests that ended.
    pub total: u32,
    pub fingerprint: Option<String>,
    /// It came to its end by itself: it was not stopped, and had the time that it needed.
    pub whole: bool,
}

/// How a failure compares with the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    New,
    /// It passed on the very same files.
    NewUnchanged,
    StillFailing,
}

impl Mark {
    /// The words behind a failure.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::NewUnchanged => "new, but nothing was changed: flaky?",
            Self::StillFailing => "still failing",
        }
    }
}

/// The difference to the past.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delta {
    marks: HashMap<String, Mark>,
    /// How often what fails now and passed before has failed, of how many results.
    often: HashMap<String, (u32, u32)>,
    /// Green now, red before, on other files.
    pub fixed: Vec<String>,
    /// Green now, red before, and nothing was changed.
    pub flaky: Vec<String>,
    /// Green now, red before; what was changed is not known.
    pub now_passes: Vec<String>,
    /// Problems that were not named again by a compiler that stopped at new ones.
    pub not_reported: usize,
    /// The newest earlier run.
    since: Option<(TaskId, u32)>,
}

/// Names a problem over runs: file, code and message, but for the numbers in it. `root` is left out.
pub fn problem_id(problem: &Problem, root: &Path) -> String {
    let file = problem.place.file.strip_prefix(root).unwrap_or(&problem.place.file).display();
    let mut message = String::new();
    for char in problem.message.chars().take(300) {
        if !char.is_ascii_digit() {
            message.push(char);
        } else if !message.ends_with('#') {
            message.push('#');
        }
    }
    format!("!{file}\n{}\n{message}", problem.code.as_deref().unwrap_or(""))
}

fn is_problem(id: &str) -> bool {
    id.starts_with('!')
}

impl Past {
    fn last(&self, id: &str) -> Option<(Outcome, u64)> {
        let recent = self.recent.get(id)?;
        let outcome = if recent.results.ends_with('F') { Outcome::Failed } else { Outcome::Passed };
        Some((outcome, recent.serial))
    }

    /// Nothing of the command is known.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The number of the next run.
    pub fn next_serial(&self) -> u64 {
        self.runs.last().map_or(1, |run| run.serial + 1)
    }

    /// True when no agent has run the command on that day (UTC).
    pub fn first_of_day(&self, now: Timestamp) -> bool {
        !self.runs.iter().any(|run| run.by_agent && run.at.date() == now.date())
    }

    /// Adds a run, as the store does.
    pub fn record(&mut self, results: &Results) {
        self.runs.push(results.run.clone());
        let surplus = self.runs.len().saturating_sub(KEPT_RUNS);
        self.runs.drain(..surplus);
        for (id, outcome) in &results.results {
            let recent = self.recent.entry(id.clone()).or_insert(Recent { serial: 0, results: String::new() });
            recent.serial = results.run.serial;
            recent.results.push(outcome.letter());
            if recent.results.len() > KEPT_RESULTS {
                recent.results.remove(0);
            }
        }
    }

    /// What was known of a test by its name alone, before another program had a test of that name, is that of the one which
    /// says whose it is (`api tests::adds`), where the run has no other of that name. Gives the old and the new ids.
    pub fn adopt(&mut self, present: &Present) -> Vec<(String, String)> {
        let ids: BTreeSet<&str> = present.tests.iter().map(|(id, _)| id.as_str()).collect();
        let mut by_name: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, id) in &present.of_programs {
            by_name.entry(name).or_default().insert(id);
        }
        let mut renamed = Vec::new();
        for (name, ids_of) in by_name.into_iter().filter(|(name, _)| !ids.contains(name)) {
            // Of several nobody knows whose it was.
            let Some(recent) = self.recent.remove(name) else { continue };
            let mut ids_of = ids_of.into_iter();
            if let (Some(id), None) = (ids_of.next(), ids_of.next())
                && !self.recent.contains_key(id)
            {
                self.recent.insert(id.to_owned(), recent);
                renamed.push((name.to_owned(), id.to_owned()));
            }
        }
        renamed
    }

    /// What has changed, and the results that the run adds.
    pub fn compare(&self, present: &Present) -> (Delta, Vec<(String, Outcome)>) {
        let mut delta = Delta { since: self.runs.last().map(|run| (run.task.clone(), run.run)), ..Delta::default() };
        let mut results = Vec::new();
        let mut named: BTreeSet<&str> = BTreeSet::new();
        for (id, outcome) in &present.tests {
            named.insert(id);
            match outcome {
                Outcome::Passed => self.passed(id, present, &mut delta),
                Outcome::Failed => self.failed(id, present, &mut delta),
            }
            results.push((id.clone(), *outcome));
        }
        for id in present.problems.iter().filter(|id| named.insert(id.as_str())) {
            self.failed(id, present, &mut delta);
            results.push((id.clone(), Outcome::Failed));
        }
        if present.whole {
            // A compiler that finds new errors may not have come to the old ones.
            let stopped_early = present.problems.iter().any(|id| delta.mark(id).is_some_and(Mark::is_new));
            let red: BTreeMap<&String, &Recent> = self
                .recent
                .iter()
                .filter(|(id, recent)| recent.results.ends_with('F') && !named.contains(id.as_str()))
                .collect();
            let tests = red.keys().filter(|id| !is_problem(id)).count();
            for (id, recent) in red {
                if !is_problem(id) {
                    // It is among those that passed without a name, if as many tests ran as when it was named.
                    if tests as u64 <= u64::from(present.unnamed) && self.total(recent.serial) <= present.total {
                        self.passed(id, present, &mut delta);
                        results.push((id.clone(), Outcome::Passed));
                    }
                } else if stopped_early {
                    delta.not_reported += 1;
                } else {
                    self.passed(id, present, &mut delta);
                    results.push((id.clone(), Outcome::Passed));
                }
            }
        }
        (delta, results)
    }

    /// How many tests a run had; more than there can be where that is not known.
    fn total(&self, serial: u64) -> u32 {
        self.runs.iter().find(|run| run.serial == serial).map_or(u32::MAX, |run| run.total)
    }

    /// Whether the present run is on the same files as that one, as far as that can be known. What that run itself wrote, a
    /// cache or a log, is no change of anybody's, and cannot be told from one that was made meanwhile.
    fn unchanged(&self, serial: u64, present: &Present) -> Option<bool> {
        let base = self.runs.iter().find(|run| run.serial == serial)?;
        let now = present.fingerprint.as_deref()?;
        if base.fingerprint.as_deref()? == now {
            return Some(true);
        }
        if base.edited {
            return Some(false);
        }
        (base.after.as_deref()? != now).then_some(false)
    }

    fn failed(&self, id: &str, present: &Present, delta: &mut Delta) {
        let mark = match self.last(id) {
            Some((Outcome::Failed, _)) => Mark::StillFailing,
            Some((Outcome::Passed, serial)) if self.unchanged(serial, present) == Some(true) => Mark::NewUnchanged,
            Some((Outcome::Passed, _)) => Mark::New,
            // It passed without a name, or was not there.
            None if self
                .runs
                .last()
                .is_some_and(|run| run.whole && self.unchanged(run.serial, present) == Some(true)) =>
            {
                Mark::NewUnchanged
            }
            // Where no run came to its end, this may just be the first one that got so far.
            None if self.runs.iter().any(|run| run.whole) => Mark::New,
            None => return,
        };
        delta.marks.insert(id.to_owned(), mark);
        let Some(recent) = self.recent.get(id) else { return };
        let last = recent.results.bytes().rev().take(KEPT_RESULTS - 1);
        let failed = last.clone().filter(|result| *result == b'F').count() as u32 + 1;
        let of = last.count() as u32 + 1;
        if (2..of).contains(&failed) {
            delta.often.insert(id.to_owned(), (failed, of));
        }
    }

    fn passed(&self, id: &str, present: &Present, delta: &mut Delta) {
        let Some((Outcome::Failed, serial)) = self.last(id) else { return };
        let list = match self.unchanged(serial, present) {
            Some(true) => &mut delta.flaky,
            Some(false) => &mut delta.fixed,
            None => &mut delta.now_passes,
        };
        list.push(id.to_owned());
    }
}

impl Mark {
    /// Red now, and not before.
    pub fn is_new(self) -> bool {
        self != Self::StillFailing
    }
}

impl Delta {
    /// What a failure is, where the past says.
    pub fn mark(&self, id: &str) -> Option<Mark> {
        self.marks.get(id).copied()
    }

    /// How often a test has failed, and of how many results, this one included; `None` where it was always so or always not.
    pub fn often(&self, id: &str) -> Option<(u32, u32)> {
        self.often.get(id).copied()
    }

    /// `2 new, 1 still failing, 1 fixed since run 1`, for a run of `task`; `None` where there is nothing to say.
    pub fn words(&self, task: &TaskId) -> Option<String> {
        let (since, run) = self.since.as_ref()?;
        let count = |wanted: fn(Mark) -> bool| self.marks.values().filter(|mark| wanted(**mark)).count();
        let unchanged = count(|mark| mark == Mark::NewUnchanged);
        let parts = [
            (count(Mark::is_new) - unchanged, "new"),
            (unchanged, "new without a change (flaky?)"),
            (count(|mark| mark == Mark::StillFailing), "still failing"),
            (self.fixed.len(), "fixed"),
            (self.flaky.len(), "passed without a change (flaky?)"),
            (self.not_reported, "not reported any more"),
        ];
        let mut parts: Vec<String> =
            parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, words)| format!("{n} {words}")).collect();
        match self.now_passes.len() {
            0 => {}
            1 => parts.push("1 now passes".to_owned()),
            n => parts.push(format!("{n} now pass")),
        }
        if parts.is_empty() {
            return None;
        }
        let since = match (since == task, run) {
            (true, run) => format!("run {run}"),
            (false, 1) => since.to_string(),
            (false, run) => format!("{since} run {run}"),
        };
        Some(format!("{} since {since}", parts.join(", ")))
    }
}

#[cfg(test)]
mod tests;
