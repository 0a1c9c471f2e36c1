//! Who of those that wait may start now, and whom the others wait for. Plain data in, decisions out: it knows no ledger and
//! no store.
//!
//! Invariants: never more than the slots, but for one that every window has in any case; never two of a class; nobody who
//! waits is overtaken for ever, since a rank does not change and everything that is queued later ranks lower in the end.

use std::collections::HashMap;

use crate::ids::TaskId;
use crate::task::model::{Timestamp, WaitKind};

/// What a point of priority is worth: so many milliseconds of waiting. A task of priority 5 is ahead of all that were
/// queued at most five minutes before it.
const POINT_MS: i64 = 60_000;
/// More than that many points make no difference: nobody waits more than some hours for those who count more.
const MOST_POINTS: i32 = 100;

/// What a task needs for itself while it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::session) struct Needs {
    pub(in crate::session) slot: bool,
    pub(in crate::session) classes: Vec<Class>,
}

/// Tasks of one class run one at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session) struct Class {
    pub(in crate::session) name: String,
    /// How a row says that it waits for it: `lock` for a class of the settings, which holds over all windows; `slot` for
    /// the same command once more.
    pub(in crate::session) wait: WaitKind,
}

/// A place in the queue; the smallest is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::session) struct Rank(i64, usize);

impl Rank {
    /// By priority, then by age; a priority wears off against age. `order` decides between equals.
    pub(in crate::session) fn new(priority: i32, queued_at: Timestamp, order: usize) -> Self {
        let points = i64::from(priority.clamp(-MOST_POINTS, MOST_POINTS));
        Self(i64::try_from(queued_at.0).unwrap_or(i64::MAX).saturating_sub(points * POINT_MS), order)
    }
}

/// One that waits.
#[derive(Clone, Copy, Debug)]
pub(in crate::session) struct Candidate<'a> {
    pub(in crate::session) task: &'a TaskId,
    pub(in crate::session) rank: Rank,
    pub(in crate::session) needs: &'a Needs,
    /// Whom its row names now: kept while that one runs.
    pub(in crate::session) named: Option<&'a str>,
}

/// One that runs.
#[derive(Clone, Copy, Debug)]
pub(in crate::session) struct Holder<'a> {
    pub(in crate::session) task: &'a TaskId,
    /// In another window.
    pub(in crate::session) elsewhere: bool,
    pub(in crate::session) slot: bool,
    pub(in crate::session) classes: &'a [Class],
}

/// What is to become of one that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum Verdict<'a> {
    Start,
    /// For this holder; there is none only where no slot exists at all.
    Wait {
        kind: WaitKind,
        holder: Option<&'a TaskId>,
    },
}

/// A verdict for each that waits (its place in `waiting`), in the order of their ranks.
pub(in crate::session) fn decide<'a>(
    waiting: &[Candidate<'a>],
    running: &[Holder<'a>],
    slots: usize,
) -> Vec<(usize, Verdict<'a>)> {
    let count = |elsewhere| running.iter().filter(|holder| holder.slot && holder.elsewhere == elsewhere).count();
    // Another window with a long queue fills a slot at the moment in which it is free: one slot is always this window's.
    let mut free = slots.saturating_sub(count(true)).max(1).saturating_sub(count(false));
    let mut in_slots: Vec<&TaskId> = running.iter().filter(|holder| holder.slot).map(|holder| holder.task).collect();
    let mut classes: HashMap<&str, &TaskId> = HashMap::new();
    for holder in running {
        hold(&mut classes, holder.classes, holder.task);
    }
    let mut order: Vec<(usize, &Candidate<'a>)> = waiting.iter().enumerate().collect();
    order.sort_by_key(|(_, candidate)| candidate.rank);
    let mut verdicts = Vec::with_capacity(order.len());
    let mut in_line = 0;
    for (at, candidate) in order {
        let taken =
            candidate.needs.classes.iter().find_map(|class| Some((class.wait, *classes.get(class.name.as_str())?)));
        let verdict = if let Some((kind, holder)) = taken {
            Verdict::Wait { kind, holder: Some(holder) }
        } else if candidate.needs.slot && free == 0 {
            let named = in_slots.iter().find(|holder| candidate.named == Some(holder.as_str()));
            // Each names another one, so that one end does not change the rows of all.
            let next = in_slots.get(in_line % in_slots.len().max(1));
            in_line += 1;
            Verdict::Wait { kind: WaitKind::Slot, holder: named.or(next).copied() }
        } else {
            if candidate.needs.slot {
                free -= 1;
                in_slots.push(candidate.task);
            }
            Verdict::Start
        };
        // Also where it waits: who ranks lower does not get in between.
        hold(&mut classes, &candidate.needs.classes, candidate.task);
        verdicts.push((at, verdict));
    }
    verdicts
}

fn hold<'a>(held: &mut HashMap<&'a str, &'a TaskId>, classes: &'a [Class], task: &'a TaskId) {
    for class in classes {
        held.entry(&class.name).or_insert(task);
    }
}

#[cfg(test)]
mod tests;
