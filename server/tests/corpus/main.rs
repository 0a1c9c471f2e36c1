//! The matchers over captured output of the real tools, against truth written by hand: every case whole and cut at random
//! bytes. A known miss is stated in its case: it fails here when it is cured unsaid, as a hit does when it is lost.
//! `cargo xtask score` prints the table, `cargo xtask fuzz` hammers the matchers.

mod case;
mod hostile;
mod live;
mod many;
mod random;
mod score;

use std::collections::BTreeMap;

use case::{Case, cases};
use random::Random;
use score::{Score, judge};

/// Each of so many tests takes its share of the cases: one alone would take longer than all the others.
const SHARES: usize = 4;

/// A check of all cases, as tests of a share each.
macro_rules! in_quarters {
    ($check:ident) => {
        mod $check {
            #[test]
            fn first_quarter() {
                super::$check(0);
            }

            #[test]
            fn second_quarter() {
                super::$check(1);
            }

            #[test]
            fn third_quarter() {
                super::$check(2);
            }

            #[test]
            fn last_quarter() {
                super::$check(3);
            }
        }
    };
}

in_quarters!(finds_what_is_there_and_nothing_else);
in_quarters!(any_cut_gives_the_same);

fn share_of_cases(share: usize) -> impl Iterator<Item = Case> {
    cases().into_iter().skip(share).step_by(SHARES)
}

fn finds_what_is_there_and_nothing_else(share: usize) {
    let mut report = String::new();
    for case in share_of_cases(share) {
        let verdict = judge(&case, &case.run([]));
        if !verdict.differences.is_empty() {
            report += &format!("{}\n", case.name);
            verdict.differences.iter().for_each(|difference| report += &format!("  {difference}\n"));
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

fn any_cut_gives_the_same(share: usize) {
    let seed = random::seed();
    for case in share_of_cases(share) {
        let whole = case.run([]);
        for longest in [3, 200] {
            let mut random = Random::new(seed ^ longest);
            let pieces = std::iter::repeat_with(|| 1 + random.below(longest) as usize);
            let found = case.run(pieces);
            let first = found.iter().zip(&whole).find(|(cut, whole)| cut != whole);
            let told = format!("{} differs in pieces up to {longest}, seed {seed}", case.name);
            assert!(found == whole, "{told}: {} of {} findings, first {first:#?}", found.len(), whole.len());
        }
    }
}

/// Not a test: what `cargo xtask score` prints.
#[test]
#[ignore = "prints the table of `cargo xtask score`"]
fn score() {
    let mut tools: BTreeMap<String, Score> = BTreeMap::new();
    let mut all = Score::default();
    for case in cases() {
        let verdict = judge(&case, &case.run([]));
        *tools.entry(case.truth.tool.clone()).or_default() += verdict.score;
        all += verdict.score;
    }
    println!("{:<24} cases  wanted  recall  precis.  right  counts", "tool");
    for (tool, score) in &tools {
        println!("{tool:<24} {score}");
    }
    println!("{:<24} {all}", "all");
}
