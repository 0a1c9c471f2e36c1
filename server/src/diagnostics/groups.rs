//! Failures of one cause as one diagnostic, at the deepest frame of the workspace that they share: two hundred tests that
//! cannot reach a database. What is in a group stands nowhere else. Pure.
//!
//! Runs of one task are grouped together, so that a rerun does not break the group of the run before while it goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::causes::{self, Cause};
use super::stored::{Changed, Stored};
use crate::ids::TaskId;
use crate::problem::{Place, Problem, Related, Severity};

/// Tests that a group names to whoever reruns them.
pub const NAMED: usize = 200;
/// Places that a group's diagnostic leads to.
const RELATED: usize = 20;
/// Failures that its text names.
const TOLD: usize = 50;

/// One diagnostic for many failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub task: TaskId,
    /// The newest run that has it.
    pub run: u32,
    pub cause: Cause,
    /// What is shown of it.
    pub problem: Problem,
    /// The tests that failed, at most [`NAMED`].
    pub tests: Vec<String>,
    /// The port that nobody answered at, where that is the cause.
    pub port: Option<u16>,
    /// Of the folder where its command runs.
    pub cwd: PathBuf,
}

/// What a failure may have in common with others, and how many make a group. Compilers say the same of many places that have
/// nothing to do with each other.
pub fn cause(problem: &Problem) -> Option<(Cause, usize)> {
    if problem.severity != Severity::Error || problem.provisional {
        return None;
    }
    let text = problem.detail.as_deref();
    match problem.test {
        Some(_) => causes::key(&problem.message, text),
        None => causes::known_key(&problem.message, text),
    }
}

/// Finds the groups anew: marks what is in one, and gives the files whose diagnostics change by it.
pub(super) fn regroup(
    files: &mut BTreeMap<PathBuf, Vec<Stored>>,
    groups: &mut Vec<Group>,
    cwd: impl Fn(&TaskId) -> PathBuf,
) -> Changed {
    let mut members: BTreeMap<(TaskId, Cause), Vec<&mut Stored>> = BTreeMap::new();
    let mut changed = Changed::new();
    for stored in files.values_mut().flatten() {
        match &stored.cause {
            Some((cause, _)) => members.entry((stored.task.clone(), cause.clone())).or_default().push(stored),
            None if std::mem::take(&mut stored.grouped) => {
                changed.insert(stored.problem.place.file.clone());
            }
            None => {}
        }
    }
    let mut found = Vec::new();
    for ((task, cause), mut members) in members {
        let fewest = members.first().and_then(|it| it.cause.as_ref()).map_or(usize::MAX, |(_, fewest)| *fewest);
        // What is left of a group while its command runs again stays one.
        let of_old = members.iter().any(|it| it.stale && it.grouped);
        let is_group = members.len() >= fewest || of_old;
        for stored in &mut members {
            if stored.grouped != is_group {
                stored.grouped = is_group;
                changed.insert(stored.problem.place.file.clone());
            }
        }
        if is_group {
            let members: Vec<&Stored> = members.iter().map(|it| &**it).collect();
            found.push(group(cwd(&task), task, cause, &members));
        }
    }
    let differing = |some: &[Group], others: &[Group]| -> Vec<PathBuf> {
        some.iter().filter(|it| !others.contains(it)).map(|it| it.problem.place.file.clone()).collect()
    };
    changed.extend(differing(&found, groups));
    changed.extend(differing(groups, &found));
    *groups = found;
    changed
}

fn group(cwd: PathBuf, task: TaskId, cause: Cause, members: &[&Stored]) -> Group {
    let mut named: BTreeSet<&str> = BTreeSet::new();
    let mut once: Vec<&Stored> = Vec::new();
    for stored in members {
        // A test that failed in the run before too is one.
        if stored.problem.test.as_deref().is_none_or(|test| named.insert(test)) {
            once.push(stored);
        }
    }
    let what = match (once.len(), once.iter().all(|it| it.problem.test.is_some())) {
        (1, true) => "test failed:".to_owned(),
        (_, true) => "tests failed for one reason:".to_owned(),
        (_, false) => "problems have one reason:".to_owned(),
    };
    let mut detail = String::new();
    for stored in once.iter().take(TOLD) {
        let Problem { test, message, place, .. } = &stored.problem;
        let name = test.clone().unwrap_or_else(|| place.file.display().to_string());
        detail.push_str(&format!("{name}: {message}\n"));
    }
    if once.len() > TOLD {
        detail.push_str(&format!("and {} more", once.len() - TOLD));
    }
    let place = shared(&once).unwrap_or_else(|| once[0].problem.place.clone());
    let related = places(&once, &place);
    let problem = Problem {
        place,
        severity: Severity::Error,
        message: format!("{} {what} {}", once.len(), cause.text),
        detail: Some(detail.trim_end().to_owned()),
        code: None,
        tool: once[0].problem.tool.clone(),
        test: None,
        related,
        provisional: false,
        applies: Default::default(),
    };
    Group {
        run: members.iter().map(|it| it.run).max().unwrap_or(1),
        tests: named.into_iter().take(NAMED).map(str::to_owned).collect(),
        port: causes::refused_port(&cause),
        task,
        cause,
        problem,
        cwd,
    }
}

/// Where the failures stand that are elsewhere than their group, each place once.
fn places(members: &[&Stored], group: &Place) -> Vec<Related> {
    let mut places: Vec<(&Problem, usize)> = Vec::new();
    for problem in members.iter().map(|it| &it.problem).filter(|it| it.place != *group) {
        match places.iter().position(|(known, _)| known.place == problem.place) {
            Some(at) => places[at].1 += 1,
            None if places.len() < RELATED => places.push((problem, 1)),
            None => {}
        }
    }
    let related = |(problem, times): (&Problem, usize)| {
        let more = if times > 1 { format!(" and {} more", times - 1) } else { String::new() };
        let name = problem.test.as_ref().unwrap_or(&problem.message);
        Related { place: problem.place.clone(), message: format!("{name}{more}") }
    };
    places.into_iter().map(related).collect()
}

/// The deepest frame that is in all of their stacks. Own frames that are not the failure's place are deeper than it or called
/// it; the first is the deepest.
fn shared(members: &[&Stored]) -> Option<Place> {
    let frames = |stored: &Stored| -> Vec<Place> {
        let related = stored.problem.related.iter().map(|related| related.place.clone());
        related.chain([stored.problem.place.clone()]).collect()
    };
    let at = |place: &Place| (place.file.clone(), place.line);
    let mut of_all: BTreeSet<(PathBuf, Option<u32>)> = frames(members[0]).iter().map(at).collect();
    for stored in &members[1..] {
        let its: BTreeSet<_> = frames(stored).iter().map(at).collect();
        of_all.retain(|place| its.contains(place));
    }
    frames(members[0]).into_iter().find(|place| of_all.contains(&at(place)))
}

#[cfg(test)]
mod tests;
