//! Says each problem once, and no more than a bound of them: what is told already, and what is too much. Knows no format and
//! no lane; who has cycles has a fresh one for each.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::problem::Problem;

/// Problems that are told on; more are counted.
pub(super) const MAX_PROBLEMS: usize = 10_000;
/// Facts that are remembered: what is left out behind that may be counted twice.
const MAX_FACTS: usize = 100_000;

/// What was told, and how much was not.
#[derive(Debug, Default)]
pub(super) struct Once {
    /// Hashes.
    facts: HashSet<u64>,
    told: usize,
    left_out: u64,
}

impl Once {
    /// True for a problem that should be told. `replaces` says that it takes the place of one that was: it is none more.
    pub(super) fn admits(&mut self, problem: &Problem, replaces: bool) -> bool {
        let place = &problem.place;
        let key = (&place.file, place.line, place.column, &problem.message, &problem.test, problem.provisional);
        if !self.first(&key) {
            return false;
        }
        if self.told < MAX_PROBLEMS || replaces {
            self.told += usize::from(!replaces);
            return true;
        }
        // Of a failed test come its name and then its details: one failure.
        let counted = problem.test.as_ref().is_some_and(|test| {
            let name = hash(&("left out", test));
            if problem.provisional {
                self.remember(name);
            }
            !problem.provisional && self.facts.remove(&name)
        });
        self.left_out += u64::from(!counted);
        false
    }

    /// Problems that were one too many.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// What comes replaces what was told: it may be said again, and there is room for it.
    pub(super) fn begin(&mut self) {
        self.facts.clear();
        self.told = 0;
    }

    fn first(&mut self, key: &impl Hash) -> bool {
        let key = hash(key);
        if self.facts.len() < MAX_FACTS { self.facts.insert(key) } else { !self.facts.contains(&key) }
    }

    fn remember(&mut self, fact: u64) {
        if self.facts.len() < MAX_FACTS {
            self.facts.insert(fact);
        }
    }
}

fn hash(key: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Place, Severity};

    fn problem(test: &str, message: String, provisional: bool) -> Problem {
        let place = Place { file: "/w/a.rs".into(), line: Some(1), column: None, end_line: None, end_column: None };
        Problem {
            place,
            severity: Severity::Error,
            message,
            detail: None,
            code: None,
            tool: "cargo test".into(),
            test: Some(test.to_owned()),
            related: Vec::new(),
            provisional,
            applies: Default::default(),
        }
    }

    #[test]
    fn a_failed_test_is_one_problem() {
        let mut once = Once::default();
        let name = |test: usize| problem(&test.to_string(), "failed".into(), true);
        let details = |test: usize| problem(&test.to_string(), format!("boom {test}"), false);
        assert_eq!((0..MAX_PROBLEMS + 3).filter(|test| once.admits(&name(*test), false)).count(), MAX_PROBLEMS);
        assert_eq!(once.left_out(), 3);
        // Those whose names were told have their details told.
        assert_eq!(
            (0..MAX_PROBLEMS + 3).filter(|test| once.admits(&details(*test), *test < MAX_PROBLEMS)).count(),
            MAX_PROBLEMS
        );
        assert_eq!(once.left_out(), 3);
        // A second error of a test is one more; what was said is not.
        assert!(!once.admits(&problem("1", "another".into(), false), false));
        assert!(!once.admits(&details(1), false));
        assert_eq!(once.left_out(), 4);
    }

    #[test]
    fn a_cycle_has_room_for_its_own() {
        let mut once = Once::default();
        let found = |number: usize| problem("a", format!("no {number}"), false);
        for cycle in 1..=3 {
            assert_eq!(
                (0..MAX_PROBLEMS + 1).filter(|number| once.admits(&found(*number), false)).count(),
                MAX_PROBLEMS
            );
            assert_eq!(once.left_out(), cycle);
            once.begin();
        }
    }
}
