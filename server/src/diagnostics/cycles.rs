//! The cycles of a watching program within its run. A cycle's problems take the place of those of the cycle before: a file's
//! old ones go when a new one is found in it, the rest at the cycle's end. A test that fails again is told by its name first:
//! it keeps the details that it had until new ones come. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::stored::{Changed, Stored};
use crate::problem::{Problem, Watcher};

/// Watching programs that are told apart in one run.
const MOST: usize = 100;

type ByFile = BTreeMap<PathBuf, Vec<Stored>>;

/// Where one watching program is.
#[derive(Clone, Debug)]
pub(super) struct Cycle {
    pub(super) lane: u16,
    pub(super) watcher: Watcher,
    /// It looks now.
    pub(super) open: bool,
    /// Files in which this cycle has found something.
    named: BTreeSet<PathBuf>,
}

/// The cycles of this program; `None` for one too many. What a run finds before it says so is its first cycle's.
pub(super) fn of<'c>(cycles: &'c mut Vec<Cycle>, lane: u16, watcher: &Watcher) -> Option<&'c mut Cycle> {
    let known = cycles.iter().position(|it| it.lane == lane && it.watcher == *watcher);
    let at = match known {
        Some(at) => at,
        None if cycles.len() < MOST => {
            cycles.push(Cycle { lane, watcher: watcher.clone(), open: true, named: BTreeSet::new() });
            cycles.len() - 1
        }
        None => return None,
    };
    cycles.get_mut(at)
}

impl Cycle {
    fn is_its(&self, stored: &Stored) -> bool {
        stored.lane == self.lane && self.watcher.covers(&stored.problem.tool)
    }

    /// All that was found becomes old. `mine`: of the run.
    pub(super) fn begin(&mut self, files: &mut ByFile, mine: &impl Fn(&Stored) -> bool, changed: &mut Changed) {
        self.open = true;
        self.named.clear();
        for (file, stored) in files.iter_mut() {
            for stored in stored.iter_mut().filter(|it| !it.stale && mine(it) && self.is_its(it)) {
                stored.stale = true;
                changed.insert(file.clone());
            }
        }
    }

    /// What was not found again is gone. An end without a beginning is that of a cycle which found nothing.
    pub(super) fn end(&mut self, files: &mut ByFile, mine: &impl Fn(&Stored) -> bool, changed: &mut Changed) {
        if !self.open {
            self.begin(files, mine, changed);
        }
        self.open = false;
        self.remove(files, &|stored| mine(stored), changed);
    }

    /// Makes room for a problem. True when an old one stays in its place.
    pub(super) fn takes(
        &mut self,
        problem: &Problem,
        files: &mut ByFile,
        mine: &impl Fn(&Stored) -> bool,
        changed: &mut Changed,
    ) -> bool {
        if !self.open {
            self.begin(files, mine, changed);
        }
        let same = |stored: &Stored| problem.test.is_some() && stored.problem.test == problem.test;
        if problem.provisional {
            let old = files.values_mut().flatten().find(|it| it.stale && mine(it) && self.is_its(it) && same(it));
            return old.is_some_and(|stored| {
                (stored.stale, stored.problem.provisional) = (false, true);
                changed.insert(stored.problem.place.file.clone());
                true
            });
        }
        let file = &problem.place.file;
        let first = self.named.insert(file.clone());
        let here = |stored: &Stored| mine(stored) && (same(stored) || first && stored.problem.place.file == *file);
        self.remove(files, &here, changed);
        false
    }

    /// Removes what is old.
    fn remove(&self, files: &mut ByFile, which: &dyn Fn(&Stored) -> bool, changed: &mut Changed) {
        files.retain(|file, stored| {
            let before = stored.len();
            stored.retain(|stored| !(stored.stale && self.is_its(stored) && which(stored)));
            if stored.len() != before {
                changed.insert(file.clone());
            }
            !stored.is_empty()
        });
    }
}

#[cfg(test)]
mod tests;
